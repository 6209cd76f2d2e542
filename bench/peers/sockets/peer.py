"""Raw sockets as PyROS had them: a TCP connection for each message, here with an answer on it."""

from __future__ import annotations

import socket
import threading

from bench import lane
from bench.job import Job, Told, number_of
from bench.tally import Tally

MOST = 1 << 20


def serve(job: Job) -> Told:
    """Accept, read, answer, close; one after the other."""
    tally = Tally(job)
    listener = socket.create_server((job.place["host"], 0), backlog=128)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                text = _all_of(connection)
                tally.take(number_of(text))
                connection.sendall(text)

    threading.Thread(target=accept, daemon=True).start()
    lane.ready(port=listener.getsockname()[1])
    lane.wait_for_end()
    return tally.told()


def ask(job: Job) -> Told:
    """A connection, a message, its answer."""
    address = (job.place["host"], job.place["port"])

    def once(text: str) -> str:
        with socket.create_connection(address) as connection:
            connection.sendall(text.encode())
            connection.shutdown(socket.SHUT_WR)
            return _all_of(connection).decode()

    return lane.laps(job, once)


def _all_of(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(MOST):
        parts.append(part)
    return b"".join(parts)


if __name__ == "__main__":
    lane.main({"serve": serve, "ask": ask})
