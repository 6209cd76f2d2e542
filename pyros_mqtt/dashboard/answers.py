"""Requests and answers as JSON."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pyros_mqtt import wire


def answered(value: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(as_text(wire.compact(value)), status, media_type="application/json")


def as_text(text: str) -> str:
    """Give JSON to a browser: what would turn or hide a text of the bus is seen as an escape."""
    return wire.unveiled(text.encode(errors="replace").decode(), visible=True)


async def body_of(request: Request) -> dict[str, Any]:
    """Read a JSON object; another page's form cannot send this content type unasked.

    Raises:
        HTTPException: it is none.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise HTTPException(415, "application/json only")
    try:
        body = wire.strict((await request.body()).decode())
    except ValueError as error:
        raise HTTPException(400, f"not JSON: {error}") from None
    if not isinstance(body, dict):
        raise HTTPException(400, "a JSON object, please")
    return body


async def in_words(_: Request, error: Exception) -> Response:
    """Say what is wrong, as JSON."""
    if isinstance(error, HTTPException):
        return answered({"error": error.detail}, error.status_code)
    return answered({"error": "an error in the dashboard; its log tells more"}, 500)
