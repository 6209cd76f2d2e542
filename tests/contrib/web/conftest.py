"""The example project, for tests that start it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyros_mqtt.settings import BrokerUrl, Settings
from tests.contrib.web.web_process import EXAMPLE, Observer, Project
from tests.need import need


@pytest.fixture
def project(mosquitto_url: BrokerUrl, topic_root: str, tmp_path: Path) -> Iterator[Project]:
    """A copy of the example; whatever was started in it ends with the test."""
    need("django")
    made = Project(tmp_path, mosquitto_url, topic_root)
    try:
        yield made
    finally:
        made.kill_all()


@pytest.fixture
def observer(project: Project) -> Iterator[Observer]:
    """Somebody who has watched the project's agent from the beginning."""
    with Observer(project.settings).watching() as watching:
        yield watching


@pytest.fixture(scope="session")
def _django(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Set Django up in this process, with the example's application, once."""
    need("django")
    import django
    from django.conf import settings

    if str(EXAMPLE) not in sys.path:
        sys.path.append(str(EXAMPLE))
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["testserver"],
        INSTALLED_APPS=["pyros_mqtt.contrib.django", "alert_manager"],
        ROOT_URLCONF="observatory.urls",
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": tmp_path_factory.mktemp("django") / "db.sqlite3",
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        LOGGING_CONFIG=None,  # or the log of later tests would go where pytest does not look
    )
    django.setup()


@pytest.fixture
def pyros(_django: None, mosquitto_url: BrokerUrl, topic_root: str) -> Iterator[dict[str, Any]]:
    """`PYROS` of the Django settings of this process: a broker, and a root of its own."""
    from django.test import override_settings

    from pyros_mqtt.contrib.django import watching

    told = {"brokers": str(mosquitto_url), "root": topic_root}
    with override_settings(PYROS=told):
        yield told
    watching.close()
    Settings.adopt("", {})
