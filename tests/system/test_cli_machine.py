"""What `pyros` says of this machine: help, settings, doctor, broker."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from pyros_mqtt.settings import BrokerUrl
from pyros_mqtt.version import __version__
from tests.need import need
from tests.system.greeting import is_welcome
from tests.system.pyros_command import PYROS, TIMEOUT, Pyros

COMMANDS = (
    "run", "up", "send", "status", "watch", "tail", "describe", "config show", "config check",
    "broker", "doctor", "demo", "deploy plan", "upgrade", "bench",
)  # fmt: skip


@pytest.fixture
def bare(tmp_path: Path) -> Pyros:
    """The command without any configuration."""
    return Pyros(tmp_path, PYROS_BROKERS="", PYROS_STATE_DIR=str(tmp_path / "state"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_with_an_example(bare: Pyros, command: str) -> None:
    done = bare(*command.split(), "--help")
    assert done.code == 0
    assert done.is_plain()
    assert f"  pyros {command}" in done.out.partition("Example")[2]


def test_the_root_lists_every_command(bare: Pyros) -> None:
    listed = bare("--help").out
    for command in COMMANDS:
        assert f"\n  {command.split()[0]} " in listed


def test_the_version_is_told(bare: Pyros) -> None:
    assert bare("--version").out == f"pyros {__version__}\n"


def test_a_misspelt_command_suggests_the_nearest(bare: Pyros) -> None:
    done = bare("stauts")
    assert done.code == 2
    assert "status" in done.err


def test_an_error_shows_where_it_happened_only_when_asked(bare: Pyros) -> None:
    words = ("status", "--broker", "mqtt://127.0.0.1:1")
    assert "Traceback" in bare(*words, PYROS_DEBUG="1").err
    assert "Traceback" not in bare(*words).err


def test_the_demo_without_its_observatory_says_what_to_install(bare: Pyros) -> None:
    (bare.folder / "pyros_agents").mkdir()
    (bare.folder / "pyros_agents" / "__init__.py").touch()
    done = bare("demo", "--headless")
    assert done.code == 2
    assert "pip install 'pyros-mqtt[observatory]'" in done.err
    assert done.is_plain()


# -- settings --------------------------------------------------------------------------------


def test_config_show_says_where_each_value_comes_from(bare: Pyros) -> None:
    (bare.folder / "pyros.toml").write_text('root = "esp/t60"\n[observatory]\nimages = "/data"\n')
    done = bare("config", "show", PYROS_PASSWORD="swordfish", PYROS_BEAT="2")
    assert done.code == 0
    assert done.is_plain()
    rows = {line.split()[0]: line for line in done.out.splitlines()}
    assert rows["root"].endswith(str(bare.folder / "pyros.toml"))
    assert rows["beat"].split(maxsplit=2)[1:] == ["2.0", "environment variable PYROS_BEAT"]
    assert rows["keepalive"].endswith("default")
    assert "/data" in rows["observatory.images"]
    assert "swordfish" not in done.out


def test_the_options_of_the_command_line_are_the_strongest(bare: Pyros) -> None:
    shown = bare("config", "show", "--root", "mine", PYROS_ROOT="theirs").out
    assert next(line for line in shown.splitlines() if line.startswith("root")).split() == [
        "root",
        "mine",
        "argument",
    ]


def test_config_check_lists_every_problem(bare: Pyros) -> None:
    (bare.folder / "pyros.toml").write_text('rot = "x"\nbeat = -1\n')
    done = bare("config", "check")
    assert done.code == 1
    assert "did you mean 'root'?" in done.err
    assert "beat" in done.err
    assert done.is_plain()


def test_config_check_looks_at_classes_and_options(bare: Pyros) -> None:
    (bare.folder / "pyros.toml").write_text(
        '[agents.dome]\nclass = "pyros_agents.dome:Dom"\n'
        '[agents.barebones]\nclass = "pyros_agents.barebones:Barebones"\n'
        "[agents.barebones.options]\nsped = 1\n"
        '[agents.far]\nclass = "nowhere:Nobody"\nhost = "another-machine"\n'
    )
    done = bare("config", "check")
    assert done.code == 1
    first, second = done.err.splitlines()
    assert "agents.dome" in first
    assert "did you mean 'Dome'?" in first
    assert "agents.barebones: unknown option 'sped'" in second


def test_a_sound_configuration_passes_the_check(bare: Pyros) -> None:
    (bare.folder / "pyros.toml").write_text('root = "esp"\n')
    done = bare("config", "check")
    assert done.code == 0
    assert str(bare.folder / "pyros.toml") in done.out


def test_every_command_tells_of_a_broken_file(bare: Pyros) -> None:
    (bare.folder / "pyros.toml").write_text("root = \n")
    for command in (["status"], ["up"], ["send", "dome", "open"], ["run", "a:B"], ["broker"]):
        done = bare(*command)
        assert done.code == 2, command
        assert "is not valid TOML" in done.err
        assert done.is_plain()


# -- broker ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
def test_broker_runs_until_ctrl_c(bare: Pyros, kind: str) -> None:
    need(kind)
    with bare.running("broker", "--kind", kind, "--port", "0") as broker:
        url = BrokerUrl.parse(broker.until("PYROS_BROKERS=").partition("=")[2])
        assert is_welcome(url.port)
        assert bare("status", "--broker", str(url)).code == 0
        assert broker.end(signal.SIGINT) == 0
        assert not is_welcome(url.port)


def test_broker_does_not_start_beside_a_configured_one(pyros: Pyros) -> None:
    done = pyros("broker")
    assert done.code == 0
    assert f"A broker is configured: {pyros.variables['PYROS_BROKERS']}" in done.out


def test_a_taken_port_is_told(bare: Pyros, mosquitto_url: BrokerUrl) -> None:
    done = bare("broker", "--port", str(mosquitto_url.port))
    assert done.code == 1
    assert "is taken by mosquitto" in done.err
    assert done.is_plain()


# -- doctor ----------------------------------------------------------------------------------


def test_the_doctor_examines_machine_and_bus(pyros: Pyros, barebones: str) -> None:
    done = pyros("doctor")
    assert done.code == 0, done.out
    assert done.is_plain()
    for finding in (
        "ok    Python 3",
        "MQTT 5, answers in",
        "can be written",
        f"{barebones}: ready",
    ):
        assert finding in done.out
    assert f"ok    this clock agrees with that of {barebones}" in done.out


def test_the_doctor_does_not_make_the_state_folder(pyros: Pyros, tmp_path: Path) -> None:
    folder = tmp_path / "none" / "state"
    done = pyros("doctor", PYROS_STATE_DIR=str(folder))
    assert f"the state folder {folder} can be made" in done.out
    assert not folder.parent.exists()


def test_the_doctor_names_the_protocol_of_an_older_broker(
    pyros: Pyros, embedded_url: BrokerUrl
) -> None:
    assert "MQTT 3.1.1, answers in" in pyros("doctor", "--broker", str(embedded_url)).out


def test_the_doctor_says_how_to_mend_what_is_bad(pyros: Pyros, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    away, folder = "mqtt://127.0.0.1:1", str(tmp_path / "file")
    done = pyros("doctor", PYROS_BROKERS=away, PYROS_STATE_DIR=folder)
    assert done.code == 1
    assert "bad   broker mqtt://127.0.0.1:1: [Errno 111] Connection refused" in done.out
    assert "mend: start it: `pyros broker`" in done.out
    assert "set PYROS_STATE_DIR" in done.out
    assert done.is_plain()


def test_a_broker_in_reserve_may_be_away(pyros: Pyros) -> None:
    both = f"{pyros.variables['PYROS_BROKERS']},mqtt://127.0.0.1:1"
    done = pyros("doctor", PYROS_BROKERS=both)
    assert done.code == 0
    assert "warn  broker mqtt://127.0.0.1:1" in done.out


def test_the_doctor_misses_who_is_configured_and_does_not_run(pyros: Pyros) -> None:
    table = '[agents.dome]\nclass = "pyros_agents.dome:Dome"\n'
    (pyros.folder / "pyros.toml").write_text(table)
    assert "warn  dome is configured here and does not run" in pyros("doctor").out


def test_the_doctor_reads_a_broken_configuration(pyros: Pyros) -> None:
    (pyros.folder / "pyros.toml").write_text("beat = -1\n")
    done = pyros("doctor")
    assert done.code == 1
    assert "bad   " in done.out
    assert "beat" in done.out


def test_the_plan_is_printed_with_the_commands_and_what_nobody_runs(bare: Pyros) -> None:
    (bare.folder / "observatory.toml").write_text(
        '[machines.t60-control]\nservices = ["broker"]\n[machines.t60-dome]\n'
        '[agents.dome]\nclass = "pyros_agents.dome:Dome"\nhost = "t60-dome"\n'
        '[agents.camera]\nclass = "pyros_agents.camera:Camera"\n'
    )
    done = bare("deploy", "plan", "observatory.toml")
    assert done.code == 1
    assert "there:    systemctl enable --now pyros-broker.service" in done.out
    assert "there:    systemctl enable --now pyros-agent@dome.service" in done.out
    assert "camera runs nowhere: it names no host, and there are 2 machines" in done.err
    told = json.loads(bare("deploy", "plan", "observatory.toml", "--json").out)
    assert told["machines"]["t60-dome"]["agents"] == ["dome"]
    assert told["unplaced"][0]["agent"] == "camera"


def test_an_agent_that_the_file_does_not_name_cannot_be_run_by_its_name(bare: Pyros) -> None:
    done = bare("run", "domme", PYROS_BROKERS="mqtt://127.0.0.1:1")
    assert done.code == 2
    assert "neither MODULE:CLASS nor an agent of pyros.toml" in done.err


def test_streams_that_the_shell_has_closed_are_nobodys_trouble(bare: Pyros) -> None:
    words = [*PYROS, "deploy", "plan", "nowhere.toml"]
    done = subprocess.run(  # noqa: S603 - our own command
        ["sh", "-c", '"$@" <&- >&-', "sh", *words],  # noqa: S607 - the system's
        cwd=bare.folder, capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert (done.returncode, "nowhere.toml" in done.stderr) == (2, True)
