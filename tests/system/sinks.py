"""Where notices arrive in tests: a small SMTP server and a small HTTP server on the loopback."""

from __future__ import annotations

import json
import socketserver
import threading
from base64 import b64decode
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class _Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client that delivers needs."""

    server: MailSink

    def handle(self) -> None:
        self._say("220 sink")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                self._say("354 go on")
                self._read_message()
                self._say("250 taken")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            elif word == b"EHLO":
                self._say("250-sink\r\n250 AUTH PLAIN")
            elif word == b"AUTH":
                self.server.logins.append(b64decode(line.split()[2]))
                self._say("235 welcome")
            elif word == b"RCPT" and (answer := self.server.answer(line)):
                self._say(answer)
            else:
                self._say("250 ok")

    def _read_message(self) -> None:
        data = b""
        while (line := self.rfile.readline()) != b".\r\n":
            data += line[1:] if line.startswith(b"..") else line
        self.server.received.append(message_from_bytes(data, policy=default))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class MailSink(socketserver.ThreadingTCPServer):
    """Takes mail and keeps it in `received`; `refuses` has an answer for a part of an address."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.received: list[EmailMessage] = []
        self.logins: list[bytes] = []
        self.refuses: dict[str, str] = {}
        self.port = int(self.server_address[1])
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, recipient: bytes) -> str:
        """Give what is said to who is refused; "": the recipient is welcome."""
        return next((say for who, say in self.refuses.items() if who.encode() in recipient), "")

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        sink: WebSink = self.server  # type: ignore[assignment]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sink.received.append((dict(self.headers), json.loads(body)))
        self.send_response(sink.answer)
        if sink.answer == 302:
            self.send_header("Location", f"http://127.0.0.1:{sink.port}/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class WebSink(ThreadingHTTPServer):
    """Takes POSTs of JSON and keeps headers and body in `received`; says `answer` to each."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.received: list[tuple[dict[str, str], Any]] = []
        self.answer = 204
        self.port = int(self.server_address[1])
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
