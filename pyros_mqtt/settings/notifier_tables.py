"""The notifiers of `[alarms]`: how people are told. Times are seconds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from pyros_mqtt.messages import Severity

ALARM_FILES = {"password_file", "token_file"}
"""Paths inside `[alarms]`; in a pyros.toml they are relative to its folder."""

Scalar = bool | int | float | str


def listed(value: Any) -> Any:
    """Take one for a list of one."""
    return (value,) if isinstance(value, Scalar) else value


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("must be a number, without quotes")  # noqa: TRY004 - pydantic's way
    return value


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]


class Table(BaseModel):
    """A table of settings: frozen, and without keys of its own making."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Notifier(Table):
    """What all kinds of notifiers have: from which severity on they tell people."""

    least: Severity = Severity.WARNING
    timeout: Annotated[Number, Field(gt=0, le=120)] = 10.0


class Email(Notifier):
    """`[alarms.email.NAME]`: by an SMTP server. `password_file` holds the password."""

    to: Annotated[tuple[str, ...], BeforeValidator(listed), Field(min_length=1)]
    sender: str = Field(default="pyros@localhost", alias="from")
    server: str = "localhost"
    port: int = Field(default=25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "none"
    username: str | None = None
    password_file: Path | None = None

    @field_validator("to", "sender")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for one in listed(value):
            if not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", one):
                raise ValueError(f"{one!r} is no address such as 'night@observatory.example'")
        return value

    @model_validator(mode="after")
    def _password_has_its_user(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file belong together: give both or none")
        is_here = self.server in {"localhost", "::1"} or self.server.startswith("127.")
        if self.username and self.security == "none" and not is_here:
            raise ValueError("a password is sent in the clear: set security to 'starttls' or 'tls'")
        return self


class Webhook(Notifier):
    """`[alarms.webhook.NAME]`: a POST of the alarm as JSON; `token_file` holds a bearer token."""

    url: str
    token_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a URL such as 'https://chat.example/hook'")
        return value


class Command(Notifier):
    """`[alarms.command.NAME]`: a program with its arguments; the alarm is JSON on its stdin."""

    command: Annotated[tuple[str, ...], BeforeValidator(listed), Field(min_length=1)]


class OtherNotifier(Notifier):
    """`[alarms.notifier.NAME]`: a class of your own, made with its options."""

    class_path: Annotated[str, Field(alias="class", pattern=r"^[\w.]+:\w+$")]
    options: dict[str, Any] = Field(default_factory=dict)
