"""Gives the library what the Django project says: its settings, and its way with databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from django.conf import settings
from django.core.signals import setting_changed
from django.db import close_old_connections

from pyros_mqtt.agent import hosting
from pyros_mqtt.settings import Settings

KEY = "PYROS"
"""The Django setting; its keys are those of pyros.toml, in small letters or in capitals."""


def join() -> None:
    """Let agents, senders and fleets of this process take after the project. Once is enough.

    Connections to the database that are too old or broken are closed before and after each action
    and chore, as Django does around each request.
    """
    adopt_settings()
    hosting.between_work(close_old_connections)
    setting_changed.connect(_on_change, dispatch_uid=__name__)


def adopt_settings() -> None:
    """Take `PYROS`; where it is no table, the checks say so."""
    Settings.adopt(KEY, told())


def told() -> Mapping[str, Any]:
    """Give `PYROS`, its keys in small letters; empty where it is no table."""
    given = getattr(settings, KEY, None)
    return {str(key).lower(): value for key, value in given.items()} if is_table(given) else {}


def is_table(given: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether `PYROS` is of the right kind."""
    return isinstance(given, Mapping)


def _on_change(*, setting: str, **_: Any) -> None:
    """Follow `override_settings` of a test."""
    if setting == KEY:
        adopt_settings()
