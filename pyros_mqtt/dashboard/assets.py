"""The page's own files, read once: they are few, and a first view asks for all of them."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

PAGE = Path(__file__).parent / "page"

TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Assets:
    """Everything under `page/`.

    Attributes:
        build: names these files, so that a browser sees that the server has newer ones.
    """

    def __init__(self, folder: Path = PAGE) -> None:
        self._files = {
            str(file.relative_to(folder)): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }
        whole = b"".join(name.encode() + content for name, content in self._files.items())
        self.build = hashlib.sha256(whole).hexdigest()[:16]

    def answer(self, request: Request, name: str) -> Response:
        """Give one file; a browser that has it already is told so."""
        content = self._files.get(name)
        if content is None:
            return Response(status_code=404)
        headers = {"Cache-Control": "no-cache", "ETag": f'"{self.build}"'}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        kind = TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "text/plain"
        return Response(content, media_type=kind, headers=headers)
