"""Settings: which place wins, what is refused and how, and that secrets stay secret."""

import os
from pathlib import Path

import pytest

from pyros_mqtt.errors import SettingsError
from pyros_mqtt.settings import Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and an environment and a home that say nothing."""
    for name in list(os.environ):
        if name.upper().startswith(("PYROS_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def brokers(settings: Settings) -> list[str]:
    return [str(one) for one in settings.brokers]


def place(settings: Settings, key: str) -> str:
    return next(one.place for one in settings.sources() if one.key == key)


def only_problem(**arguments: object) -> str:
    (problem,) = Settings.check(**arguments)
    return problem


# -- which place wins -----------------------------------------------------------------------


def test_without_anything_the_defaults_hold_and_no_broker_is_configured(folder: Path) -> None:
    settings = Settings()
    assert settings.brokers == ()
    assert (settings.root, settings.keepalive, settings.beat) == ("pyros", 10, 5)
    assert (settings.max_payload, settings.max_waiting) == (262144, 1000)
    assert settings.state_dir == folder / "home/.local/state/pyros"
    assert settings.files == ()


def test_each_place_wins_over_the_weaker_ones(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ini, toml, dotenv = folder / "pyros_agent_config.ini", folder / "pyros.toml", folder / ".env"
    ini.write_text("[broker]\nhost = ini\n")
    assert brokers(Settings()) == ["mqtt://ini:1883"]
    assert place(Settings(), "brokers") == str(ini)
    toml.write_text('brokers = "mqtt://toml"\n')
    assert brokers(Settings()) == ["mqtt://toml:1883"]
    assert place(Settings(), "brokers") == str(toml)
    dotenv.write_text("PYROS_BROKERS=mqtt://dotenv\n")
    assert brokers(Settings()) == ["mqtt://dotenv:1883"]
    assert place(Settings(), "brokers") == f"{dotenv}: PYROS_BROKERS"
    monkeypatch.setenv("PYROS_BROKERS", "mqtt://env")
    assert brokers(Settings()) == ["mqtt://env:1883"]
    assert place(Settings(), "brokers") == "environment variable PYROS_BROKERS"
    assert brokers(Settings(brokers="mqtt://argument")) == ["mqtt://argument:1883"]
    assert place(Settings(brokers="mqtt://argument"), "brokers") == "argument"
    assert place(Settings(), "root") == "default"
    assert settings_files(Settings()) == {".env", "pyros.toml", "pyros_agent_config.ini"}


def settings_files(settings: Settings) -> set[str]:
    return {file.name for file in settings.files}


def test_an_argument_that_is_none_and_an_empty_variable_say_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYROS_ROOT", "esp/t60")
    monkeypatch.setenv("PYROS_BROKERS", "")
    assert Settings(root=None).root == "esp/t60"
    assert Settings().brokers == ()


def test_brokers_are_a_list_in_order(folder: Path) -> None:
    (folder / "pyros.toml").write_text('brokers = ["mqtt://one", "mqtts://two"]\n')
    assert brokers(Settings()) == ["mqtt://one:1883", "mqtts://two:8883"]
    assert brokers(Settings(brokers="mqtt://one, ws://two,")) == [
        "mqtt://one:1883",
        "ws://two:80/mqtt",
    ]


def test_tables_of_stronger_places_are_laid_over_the_weaker_ones(folder: Path) -> None:
    (folder / "pyros.toml").write_text('[observatory]\nname = "T60"\n[observatory.site]\nlat = 1\n')
    settings = Settings(observatory={"site": {"lat": 2}})
    assert settings.observatory == {"name": "T60", "site": {"lat": 2}}
    assert place(settings, "observatory.site.lat") == "argument"
    assert place(settings, "observatory.name").endswith("pyros.toml")


def test_the_settings_file_may_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "other.toml").write_text('root = "other"\n')
    (folder / "pyros.toml").write_text('root = "here"\n')
    monkeypatch.setenv("PYROS_CONFIG", "other.toml")
    assert Settings().root == "other"


def test_the_users_own_folder_is_searched_after_the_current_one(folder: Path) -> None:
    own = folder / "home/.config/pyros"
    own.mkdir(parents=True)
    (own / "pyros.toml").write_text('root = "own"\n')
    assert Settings().root == "own"
    (folder / "pyros.toml").write_text('root = "here"\n')
    assert Settings().root == "here"


def test_a_relative_file_is_relative_to_the_pyros_toml_that_names_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    etc = folder / "etc"
    etc.mkdir()
    (etc / "ca.pem").write_text("certificate")
    (etc / "access.toml").write_text("")
    (etc / "pyros.toml").write_text(
        'ca_file = "ca.pem"\nstate_dir = "state"\naccess_file = "access.toml"\n'
    )
    monkeypatch.setenv("PYROS_CONFIG", str(etc / "pyros.toml"))
    assert Settings().access_file == etc / "access.toml"
    assert Settings().ca_file == etc / "ca.pem"
    assert Settings().state_dir == etc / "state"


# -- the state folder -----------------------------------------------------------------------


def test_the_state_folder_keeps_to_xdg(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "xdg"))
    assert Settings().state_dir == folder / "xdg/pyros"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert Settings().state_dir == folder / "home/.local/state/pyros"


@pytest.mark.parametrize("home", [None, ""])
def test_the_state_folder_is_absolute_without_a_home(
    home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    assert Settings().state_dir.is_absolute()


# -- agents of this machine -----------------------------------------------------------------


def test_the_agents_of_this_machine_are_read(folder: Path) -> None:
    (folder / "pyros.toml").write_text(
        '[agents.dome]\nclass = "pyros_agents.dome:Dome"\nhost = "t60"\n'
        '[agents.dome.options]\ndriver = "simulator"\n'
        '[agents.camera]\nclass = "pyros_agents.camera:Camera"\nenabled = false\n'
    )
    dome, camera = Settings().agents["dome"], Settings().agents["camera"]
    assert (dome.class_path, dome.host, dome.enabled) == ("pyros_agents.dome:Dome", "t60", True)
    assert dome.options == {"driver": "simulator"}
    assert not camera.enabled
    assert place(Settings(), "agents.dome.class") == str(folder / "pyros.toml")


def test_agents_of_the_old_file_are_kept_for_the_gateway(folder: Path) -> None:
    (folder / "pyros_agent_config.ini").write_bytes(b"; d\xe9j\xe0\n[dome]\nreceive_port = 10003\n")
    assert Settings().legacy_agents["dome"].receive_port == 10003
    assert Settings().brokers == ()


# -- what is refused, and how ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('keepalive = "x"', "keepalive = 'x': must be a whole number"),
        ("keepalive = 1", "keepalive = '1': must be at least 5"),
        ('brokers = "http://b"', "the scheme 'http' is not one of mqtt, mqtts, ws, wss"),
        ("brokers = 5", "brokers = '5': must be URLs such as"),
        ('root = "a/+"', "topic root '+' is not a valid name"),
        ('broker = "mqtt://b"', "broker: unknown key; did you mean 'brokers'?"),
        ("zzzzz = 1", "zzzzz: unknown key; known are access_file, access_folder, agents, alarms"),
        ("[agents.dome]", "agents.dome.class: is missing"),
        ('[agents.dome]\nclas = "a:B"\nclass = "a:B"', "agents.dome.clas: unknown key; did you"),
        ('[agents.dome]\nclass = "a.B"', "agents.dome.class = 'a.B': must be 'module:Class'"),
        ('[agents.Dome]\nclass = "a:B"', "agent 'Dome' is not a valid name"),
        ('ca_file = "none.pem"', "none.pem': there is no such file"),
        ('log_level = "loud"', "log_level = 'loud': must be 'debug', 'info'"),
        ("root = ", "is not valid TOML"),
        ("_env_file = 'x'", "_env_file: unknown key"),
    ],
)
def test_a_bad_file_is_told_with_file_key_value_and_what_is_right(
    folder: Path, text: str, told: str
) -> None:
    (folder / "pyros.toml").write_text(text)
    problem = only_problem()
    assert problem.startswith(f"{folder / 'pyros.toml'}: ")
    assert told in problem


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a" + ".a" * 5000 + " = 1"])
def test_a_file_that_is_nested_without_end_is_told(folder: Path, text: str) -> None:
    (folder / "pyros.toml").write_text(text)
    assert only_problem() == f"{folder}/pyros.toml: is not valid TOML: it is nested too deeply"


def test_a_table_is_not_taken_for_brokers(folder: Path) -> None:
    (folder / "pyros.toml").write_text("brokers = {host = 'a', port = 1}")
    assert "must be URLs such as 'mqtt://localhost:1883'" in only_problem()


def test_a_bad_variable_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYROS_BEAT", "often")
    assert only_problem().startswith("environment variable PYROS_BEAT: beat = 'often': must be a")


def test_a_misspelt_variable_is_told_and_a_strange_one_is_somebody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYROS_SHARED", "somewhere")
    assert Settings.check() == []
    monkeypatch.setenv("PYROS_BROKER", "mqtt://b")
    assert only_problem().endswith("PYROS_BROKER: is not a setting; did you mean PYROS_BROKERS?")


def test_all_problems_are_told_at_once_a_line_each(folder: Path) -> None:
    (folder / "pyros.toml").write_text("beat = 0\nrot = 'x'\n")
    (folder / "pyros_agent_config.ini").write_text("[a]\nreceive_port = 0\n")
    with pytest.raises(SettingsError) as caught:
        Settings(keepalive=0)
    assert len(Settings.check(keepalive=0)) == 4
    assert len(str(caught.value).splitlines()) == 4
    assert "pydantic" not in str(caught.value)


def test_a_named_settings_file_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYROS_CONFIG", "/nowhere/pyros.toml")
    assert only_problem() == "/nowhere/pyros.toml: cannot be read: No such file or directory"


def test_a_key_without_its_certificate_is_told(folder: Path) -> None:
    (folder / "key.pem").write_text("key")
    assert "key_file needs cert_file" in only_problem(key_file="key.pem")


# -- secrets --------------------------------------------------------------------------------


def everything_printed(settings: Settings) -> str:
    return f"{settings} {settings!r} {settings.sources()} {settings.brokers}"


def test_a_password_may_come_from_a_file_and_is_not_printed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "secret").write_text("hunter2\n")
    monkeypatch.setenv("PYROS_PASSWORD_FILE", "secret")
    settings = Settings()
    assert settings.password is not None
    assert settings.password.get_secret_value() == "hunter2"
    assert "hunter2" not in everything_printed(settings)
    assert place(settings, "password") == "secret"


def test_secrets_in_urls_and_tables_are_not_printed() -> None:
    settings = Settings(
        brokers="mqtt://ops:hunter2@b",
        password="hunter2",
        observatory={"gcn": {"client_secret": "hunter2", "name": "shown"}},
    )
    assert "hunter2" not in everything_printed(settings)
    assert "shown" in everything_printed(settings)


def test_secrets_are_not_printed_in_errors() -> None:
    problems = Settings.check(
        brokers="mqtt://ops:hunter2@b:99999", password=["hunter2"], passwort="hunter2"
    )
    assert len(problems) == 3
    assert "hunter2" not in "\n".join(problems)


def test_a_password_given_in_two_ways_is_refused_in_one_place_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "secret").write_text("from the file")
    (folder / "pyros.toml").write_text('password_file = "secret"\n')
    monkeypatch.setenv("PYROS_PASSWORD", "stronger")
    settings = Settings()
    assert settings.password is not None
    assert settings.password.get_secret_value() == "stronger"
    monkeypatch.setenv("PYROS_PASSWORD_FILE", "secret")
    assert "keep one of them" in only_problem()


def test_an_empty_password_file_is_refused(folder: Path) -> None:
    (folder / "secret").write_text("\n")
    assert only_problem(password_file="secret").endswith("'secret': is empty")


# -- what is wrong elsewhere does not stand in the way --------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[alarms.rules.wind]\nabov = 5", "alarms.rules.wind.about: is missing"),
        ("[alarms.rules.wind]\nabove = 5o", "is not valid TOML"),
        ("[alarms.rules.wind\nabove = 5", "is not valid TOML"),
        ("[home_assistent]\nchannels = []", "home_assistent: unknown key"),
        ("[gateway]\nttl = 'x'", "gateway.ttl = 'x': must be a number"),
        ("dashboard_port = 'x'", "dashboard_port = 'x': must be a whole number"),
        ("alarms.beat = 'x'", "alarms.beat"),
        ("observer = 'vera'", "observer: unknown key; did you mean 'observatory'?"),
        ("dashbord_port = 1", "dashbord_port: unknown key"),
        ("sleep = 1", "sleep: unknown key"),
    ],
)
def test_the_way_to_the_agents_is_found_though_other_settings_are_wrong(
    folder: Path, text: str, told: str
) -> None:
    (folder / "pyros.toml").write_text(f'brokers = ["mqtt://b"]\nroot = "t60"\n{text}\n')
    settings = Settings.reaching()
    assert (brokers(settings), settings.root) == (["mqtt://b:1883"], "t60")
    assert told in settings.left_out[0]
    assert Settings.check()


@pytest.mark.parametrize("text", ["brokrs = 'mqtt://b'", "root = 'a/+'", "brokers = ", "rot = 1"])
def test_what_may_concern_the_way_to_the_agents_is_refused(folder: Path, text: str) -> None:
    (folder / "pyros.toml").write_text(f"{text}\n[alarms]\nx = 1")
    with pytest.raises(SettingsError):
        Settings.reaching()


def test_a_slip_for_what_an_argument_says_is_in_nobodys_way(folder: Path) -> None:
    (folder / "pyros.toml").write_text("rooot = 't60'\n")
    assert Settings.reaching(root="t60").left_out
    with pytest.raises(SettingsError, match="did you mean 'root'"):
        Settings.reaching()


def test_an_old_file_is_in_nobodys_way_where_the_brokers_stand_elsewhere(folder: Path) -> None:
    (folder / "pyros_agent_config.ini").write_text("[a]\nreceive_port = 0\n")
    assert Settings.reaching(brokers="mqtt://b").left_out
    with pytest.raises(SettingsError):
        Settings.reaching()


def test_misspelt_variables_of_others_are_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYROS_DASHBORD_PORT", "1")
    assert Settings.reaching().left_out
    monkeypatch.setenv("PYROS_BROKER", "mqtt://b")
    with pytest.raises(SettingsError):
        Settings.reaching()


def test_settings_without_a_mistake_are_read_whole(folder: Path) -> None:
    (folder / "pyros.toml").write_text("dashboard_port = 1\n")
    settings = Settings.reaching()
    assert (settings.dashboard_port, settings.left_out) == (1, ())
