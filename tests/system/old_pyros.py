"""PyROS's own socket habits, as its page on the technical components shows them.

Only the names of the classes are ours. Nothing here knows the library: this is the other side.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable


class OldSender:
    """Sends a message to an agent: connect, send, close."""

    def __init__(self, dest_ip: str, dest_receive_port: int, buffer_size: int = 1024) -> None:
        self.dest_ip = dest_ip
        self.dest_receive_port = dest_receive_port
        self.buffer_size = buffer_size

    def send_to(self, message: str) -> None:
        client_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        client_socket.connect((self.dest_ip, self.dest_receive_port))
        client_socket.send(bytes(message, "UTF-8"))
        client_socket.close()

    def ask(self, message: str) -> str:
        """Send, and read one answer, as those do that expect one."""
        client_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        client_socket.connect((self.dest_ip, self.dest_receive_port))
        client_socket.send(bytes(message, "UTF-8"))
        data = client_socket.recv(self.buffer_size).decode()
        client_socket.close()
        return data


class OldAgent:
    """Listens, and calls the function of each message: one connection, one read, one message."""

    def __init__(self, ip: str, receive_port: int, buffer_size: int = 1024) -> None:
        self.ip = ip
        self.receive_port = receive_port
        self.buffer_size = buffer_size
        self.actions_by_message: dict[str, Callable[[], None]] = {}
        self.received: queue.Queue[str] = queue.Queue()
        self.answer = ""
        self.thread = threading.Thread(target=self.receive, daemon=True)

    def start(self) -> None:
        self.server_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.server_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server_socket.bind((self.ip, self.receive_port))
        self.server_socket.listen(12)
        self.thread.start()

    def receive(self) -> None:
        while True:
            try:
                conn, _addr = self.server_socket.accept()
            except OSError:
                return
            data = conn.recv(self.buffer_size).decode()
            self.analyze_message(data)
            if self.answer and data:
                conn.send(bytes(self.answer, "UTF-8"))
            conn.close()

    def analyze_message(self, message: str) -> None:
        if not message:  # somebody has only looked whether the port answers
            return
        self.received.put(message)
        action = self.actions_by_message.get(message)
        if action is not None:
            action()

    def shutdown(self) -> None:
        self.server_socket.shutdown(socket.SHUT_RDWR)
        self.server_socket.close()
        self.thread.join(5.0)
