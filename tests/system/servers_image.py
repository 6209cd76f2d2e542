"""Debian's mosquitto and PostgreSQL in one image, in place of the two that compose.yaml pulls."""

from __future__ import annotations

import docker

from tests.need import find_postgres
from tests.system import debian_image
from tests.system.image_of_pyros import need_packages

IMAGE = "pyros-servers:tests"

_USERS = "root:x:0:0::/:\nmosquitto:x:1883:1883::/:\npostgres:x:999:999::/:\n"

# What the well-known image does with the same variables, in the few lines that compose.yaml needs.
_ENTRYPOINT = """#!/bin/sh
set -eu
case $1 in
/usr/sbin/mosquitto) exec "$@" ;;
esac
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" \
        --no-sync --no-locale -E UTF8 $POSTGRES_INITDB_ARGS
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "create database $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
fi
exec postgres -D "$PGDATA" -c listen_addresses='*'
"""


def build(client: docker.DockerClient) -> None:
    """Make the image; nothing is fetched."""
    programs = find_postgres()
    version = programs.parent.name if programs else "15"
    packages = ("mosquitto", f"postgresql-{version}", f"postgresql-client-{version}")
    need_packages(*packages)
    content = debian_image.Content(
        packages,
        {"entrypoint": _ENTRYPOINT, "etc/passwd": _USERS, "etc/group": _USERS.replace("::/:", ":")},
        {"var/lib/postgresql/data": 999},
        (
            f"ENV PATH=/usr/lib/postgresql/{version}/bin:/usr/sbin:/usr/bin:/bin",
            "ENV PGDATA=/var/lib/postgresql/data",
            'ENTRYPOINT ["sh", "/entrypoint"]',
            'CMD ["postgres"]',
        ),
    )
    debian_image.build(client, IMAGE, content)
