"""What is released, built once and put on a machine: packages, units, and the way back."""

from __future__ import annotations

import os
import re
import shutil
import site
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from pyros_mqtt.agent.life import FAREWELL, THREADS_END
from pyros_mqtt.dispatch import PATIENCE
from pyros_mqtt.supervisor.supervisor import DEADLINE
from pyros_mqtt.version import __version__
from tests.need import need

pytestmark = pytest.mark.timeout(300)  # pip takes most of a minute on a machine that has much to do

REPOSITORY = Path(__file__).parents[2]
SYSTEMD = REPOSITORY / "deploy" / "systemd"
INSTALL = SYSTEMD / "install"
UNITS = sorted(one.name for one in SYSTEMD.glob("*.service"))

BESIDES = ("deploy/systemd/install", "mosquitto/mosquitto.conf", "tests/need.py", "constraints.txt")
"""Some of what a packager finds in the sdist, and nobody in the wheel."""


def build(source: Path, folder: Path, *kinds: str) -> Path:
    """Build there, without a network and without a look at the installed package."""
    words = [word for kind in kinds for word in ("-t", kind)]
    subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "hatchling", "build", *words, "-d", str(folder)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of this source."""
    return build(REPOSITORY, tmp_path_factory.mktemp("released"), "wheel", "sdist")


@pytest.fixture(scope="module")
def wheel(released: Path) -> Path:
    return released / f"pyros_mqtt-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the install script has put everything."""
    root = tmp_path_factory.mktemp("machine")
    done = install(root, "--wheel", str(wheel), "--extras", "")
    assert "Next: /etc/pyros/pyros.toml" in done
    return root


def install(root: Path, *words: str) -> str:
    """Run the install script into a folder; without an index, so from what is given alone."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [INSTALL, "--root", root, *words],
        env=os.environ | {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_in(root: Path) -> dict[str, tuple[int, int, float]]:
    """Every file below a folder: mode, size and time of its last change."""
    found = {}
    for path in root.rglob("*"):
        if not path.is_dir() and path.suffix != ".pyc":
            stat = path.lstat()
            found[str(path.relative_to(root))] = (stat.st_mode, stat.st_size, stat.st_mtime)
    return found


# -- the packages ------------------------------------------------------------------------------


def test_the_wheel_holds_both_packages_with_their_files_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names} == {
        "pyros_agents",
        "pyros_mqtt",
        f"pyros_mqtt-{__version__}.dist-info",
    }
    assert {
        "pyros_mqtt/mosquitto.conf",
        "pyros_mqtt/py.typed",
        "pyros_agents/py.typed",
        "pyros_mqtt/dashboard/page/index.html",
        "pyros_mqtt/dashboard/page/vendor/lit-html/lit-html.js",
        f"pyros_mqtt-{__version__}.dist-info/licenses/LICENSE",
    } <= names
    assert not [name for name in names if name.endswith((".so", ".pyc"))]


def test_the_sdist_builds_the_same_wheel(released: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(released / f"pyros_mqtt-{__version__}.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    source = tmp_path / f"pyros_mqtt-{__version__}"
    assert [one for one in BESIDES if not (source / one).exists()] == []
    again = build(source, tmp_path / "again", "wheel") / wheel.name
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_it_runs_out_of_an_empty_environment(installed: Path) -> None:
    """Its dependencies are lent; no source is on the path."""
    program = installed / "opt" / "pyros" / "bin"
    lent = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(site.getsitepackages())}

    def said(*words: str) -> str:
        done = subprocess.run(  # noqa: S603 - what has just been installed
            words, env=lent, cwd=installed, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert said(str(program / "pyros"), "--version") == f"pyros {__version__}\n"
    places = (
        "import pyros_mqtt, pyros_agents.barebones as b; print(pyros_mqtt.__file__, b.__file__)"
    )
    for place in said(str(program / "python"), "-c", places).split():
        assert place.startswith(str(installed))


# -- the units and the install script --------------------------------------------------------------


def test_a_second_run_changes_nothing(installed: Path, wheel: Path) -> None:
    before = files_in(installed)
    said = install(installed, "--wheel", str(wheel), "--extras", "")
    assert said == "Everything is in place already.\n"
    assert files_in(installed) == before


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path: Path) -> None:
    said = install(tmp_path, "--dry-run")
    assert f"-m venv {tmp_path}/opt/pyros" in said
    assert f"{tmp_path}/etc/systemd/system/pyros-agent@.service" in said
    assert list(tmp_path.iterdir()) == []


def test_undone_it_leaves_nothing_but_what_is_the_users(tmp_path: Path) -> None:
    install(tmp_path, "--no-program")
    (tmp_path / "opt/pyros").mkdir(parents=True)
    (tmp_path / "opt/pyros/.installed").touch()
    install(tmp_path, "--undo")
    assert list(tmp_path.iterdir()) == []

    install(tmp_path, "--no-program")
    settings, journal = tmp_path / "etc/pyros/pyros.toml", tmp_path / "var/lib/pyros/journal"
    settings.touch()
    journal.mkdir(parents=True)
    (journal / "dome.sqlite").touch()
    install(tmp_path, "--undo")
    assert set(files_in(tmp_path)) == {"etc/pyros/pyros.toml", "var/lib/pyros/journal/dome.sqlite"}
    install(tmp_path, "--undo", "--purge")
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_another_way_has_brought_is_not_removed(tmp_path: Path) -> None:
    theirs = tmp_path / "opt/pyros/bin/pyros"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    install(tmp_path, "--no-program")
    install(tmp_path, "--undo", "--purge")
    assert theirs.exists()


def test_a_configuration_of_the_users_own_is_kept(tmp_path: Path) -> None:
    install(tmp_path, "--no-program")
    theirs = tmp_path / "etc/pyros-broker/mosquitto.conf"
    theirs.write_text("listener 8883\n")
    install(tmp_path, "--no-program")
    install(tmp_path, "--undo")
    assert theirs.read_text() == "listener 8883\n"


def test_a_broker_gets_doors_in_the_folder_that_its_unit_reads(tmp_path: Path) -> None:
    install(tmp_path, "--no-program")
    install(tmp_path, "--no-program", "--doors")
    ours = (tmp_path / "etc/pyros-broker/mosquitto.conf").read_text()
    assert ours == (REPOSITORY / "mosquitto" / "observatory.conf").read_text()
    named = re.findall(r"^(?:\w+file|acl_file|password_file) (.*)/\S+$", ours, re.MULTILINE)
    assert set(named) == {"/etc/pyros-broker"}
    unit = (tmp_path / "etc/systemd/system/pyros-broker.service").read_text()
    assert "-c /etc/pyros-broker/mosquitto.conf" in unit
    install(tmp_path, "--no-program")
    assert (tmp_path / "etc/pyros-broker/mosquitto.conf").read_text() == ours
    install(tmp_path, "--undo")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the units, the programs that they start, and Debian's targets."""
    need("systemd-analyze")
    root = tmp_path_factory.mktemp("units")
    install(root, "--no-program")
    for program in ("opt/pyros/bin/pyros", "usr/sbin/mosquitto", "bin/kill"):
        (root / program).parent.mkdir(parents=True, exist_ok=True)
        (root / program).touch(0o755)
    targets = root / "usr/lib/systemd/system"
    targets.mkdir(parents=True)
    for target in Path("/lib/systemd/system").glob("*.target"):
        shutil.copy(target, targets, follow_symlinks=False)
    return root


def analyse(root: Path, *words: str) -> tuple[int, str]:
    """What systemd-analyze says, which needs no running systemd."""
    done = subprocess.run(  # noqa: S603 - Debian's
        ["systemd-analyze", *words, f"--root={root}"],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def instance(unit: str) -> str:
    return unit.replace("@.", "@dome.")


def test_systemd_understands_every_unit(machine: Path) -> None:
    assert analyse(machine, "verify", *map(instance, UNITS)) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_rates_a_units_sandbox_ok(machine: Path, unit: str) -> None:
    words = ("security", "--offline=true", "--threshold=50", "--no-pager", instance(unit))
    code, said = analyse(machine, *words)
    assert code == 0, said
    assert said.splitlines()[-1].split()[-2] in {"OK", "SAFE", "PERFECT"}


def test_the_units_give_their_programs_the_time_that_they_ask_for() -> None:
    def seconds(unit: str, key: str) -> float:
        found = re.search(rf"^{key}=(\d+)$", (SYSTEMD / unit).read_text(), re.MULTILINE)
        assert found is not None
        return float(found[1])

    assert seconds("pyros-up.service", "TimeoutStopSec") > DEADLINE
    assert seconds("pyros-agent@.service", "TimeoutStopSec") > PATIENCE + THREADS_END + 2 * FAREWELL
