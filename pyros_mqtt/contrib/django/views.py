"""A page that shows how every agent is: read-only, without a model, without JavaScript."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from pyros_mqtt.contrib.django import rows, watching
from pyros_mqtt.errors import SettingsError

log = logging.getLogger(__name__)

REFRESH = 5
"""Seconds after which a browser asks again."""


@never_cache
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show the fleet; 503 while the broker cannot be reached. Decorate it to restrict who sees."""
    try:
        fleet = watching.fleet()
    except SettingsError:
        log.exception("the status page cannot be shown")
        trouble, members = "PyROS is not configured rightly; `manage.py check` says more.", []
    else:
        trouble = "" if fleet.is_up else "The broker cannot be reached; everything is unknown."
        members = [rows.row(one) for one in fleet.members()]
    shown = {"headers": rows.HEADERS, "rows": members, "trouble": trouble, "refresh": REFRESH}
    return render(request, "pyros/status.html", shown, status=503 if trouble else 200)
