"""Settings for trying it out; nothing here is meant for the open network."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("OBSERVATORY_SECRET", "only for trying it out")
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "pyros_mqtt.contrib.django",
    "alert_manager",
]

# The keys are those of pyros.toml. None leaves a key to PYROS_* of the environment and the files.
PYROS = {
    "brokers": os.environ.get("PYROS_BROKERS", "mqtt://localhost:1883"),
    "root": None,
}

ROOT_URLCONF = "observatory.urls"
WSGI_APPLICATION = "observatory.wsgi.application"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("OBSERVATORY_DB", BASE_DIR / "db.sqlite3"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"

# An agent logs as pyros.NAME, the library as pyros_mqtt.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "pyros": {"handlers": ["console"], "level": "INFO"},
        "pyros_mqtt": {"handlers": ["console"], "level": "WARNING"},
        "pyros_mqtt.contrib": {"level": "INFO"},
    },
}
