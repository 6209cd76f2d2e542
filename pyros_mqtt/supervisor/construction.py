"""`MODULE:CLASS` and its options -> an agent, with errors that a person can act on."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import PurePath
from types import ModuleType
from typing import Any

from pyros_mqtt.agent import Agent
from pyros_mqtt.errors import AgentError, PyrosError, words_of
from pyros_mqtt.settings import Settings

RESERVED = frozenset({"name", "bus", "settings", "journal"})
"""What an agent's constructor gets by other ways than as an option."""


def build(
    class_path: str,
    settings: Settings,
    *,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    shared: Mapping[str, Any] | None = None,
) -> Agent:
    """Make an agent, ready to run.

    Args:
        class_path: `module:Class`.
        settings: `[agents.NAME.options]` and `[observatory]` are taken from it.
        name: the agent's; by default the one that its class has.
        options: stronger than those of the settings.
        shared: like `[observatory]`, and stronger.

    Raises:
        AgentError: module or class are missing, an option is unknown or missing, or the
            constructor refuses them; the text says what to change.
    """
    kind = load(class_path)
    known = parameters(kind)
    chosen = gather(known, settings, name or _usual_name(kind, known), options, shared)
    wrong = what_is_wrong(known, chosen)
    if wrong:
        raise AgentError(f"{class_path}: {'; '.join(wrong)}")
    if "settings" in known:
        chosen["settings"] = settings
    if name is not None and "name" in known:
        chosen["name"] = name
    agent = _make(kind, class_path, chosen)
    if name is not None and agent.name != name:
        raise AgentError(
            f"{class_path} takes no name and calls itself {agent.name!r}; configure it as that"
        )
    return agent


def problems(class_path: str, settings: Settings, name: str) -> list[str]:
    """List what is wrong with a configured agent, as far as that shows without making it."""
    try:
        known = parameters(load(class_path))
    except AgentError as error:
        return [str(error)]
    return what_is_wrong(known, gather(known, settings, name, None, None))


def load(class_path: str) -> type[Agent]:
    """Import a class of agents.

    Raises:
        AgentError: there is none; the text names what is missing, and what is near.
    """
    module_name, _, class_name = class_path.partition(":")
    _refuse_a_file(class_path, module_name, class_name or "CLASS")
    if not module_name or not class_name:
        raise AgentError(
            f"{class_path!r} is not of the form MODULE:CLASS, such as pyros_agents.dome:Dome"
        )
    module = _import(module_name)
    kind = getattr(module, class_name, None)
    if kind is None:
        agents = [n for n, one in vars(module).items() if _is_agent(one) and one is not Agent]
        hint = _nearest(class_name, agents)
        raise AgentError(f"the module {module_name} has no class {class_name!r}{hint}")
    if not _is_agent(kind):
        raise AgentError(f"{class_path} is not a subclass of pyros_mqtt.Agent")
    found: type[Agent] = kind
    return found


def _refuse_a_file(class_path: str, module_name: str, class_name: str) -> None:
    if "/" not in module_name and not module_name.endswith(".py"):
        return
    path = PurePath(module_name.removesuffix(".py"))
    if path.is_absolute() or ".." in path.parts:
        folder, module = f"change to the folder {path.parent} and ", path.name
    else:
        folder, module = "", ".".join(path.parts)
    raise AgentError(
        f"{class_path!r} names a file: {folder}write {module}:{class_name}, without ./ and .py"
    )


def parameters(kind: type[Agent]) -> dict[str, inspect.Parameter]:
    """Gather what a constructor takes by name, and those to which it hands `**options` on."""
    found: dict[str, inspect.Parameter] = {}
    for family in kind.__mro__:
        if "__init__" not in vars(family):
            continue
        own = [*inspect.signature(vars(family)["__init__"]).parameters.values()][1:]
        for one in own:
            if one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}:
                found.setdefault(one.name, one)
        if not any(one.kind is one.VAR_KEYWORD for one in own):
            break
    return found


def gather(
    known: Mapping[str, inspect.Parameter],
    settings: Settings,
    name: str,
    options: Mapping[str, Any] | None,
    shared: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Lay the options over each other: shared ones where they are wanted, then the agent's own."""
    table = settings.agents.get(name)
    for_all = {**settings.observatory, **(shared or {})}
    wanted = {key: value for key, value in for_all.items() if key in known and key not in RESERVED}
    return {**wanted, **(table.options if table else {}), **(options or {})}


def what_is_wrong(known: Mapping[str, inspect.Parameter], chosen: Mapping[str, Any]) -> list[str]:
    """List the options that are unknown or missing."""
    takes = [key for key in known if key not in RESERVED]
    wrong = []
    for key in chosen:
        if key in RESERVED:
            wrong.append(f"{key!r} cannot be given as an option")
        elif key not in known:
            wrong.append(f"unknown option {key!r}{_nearest(key, takes)}")
    return wrong + [
        f"the option {key!r} is missing: give it in the agent's options, or as -o"
        for key in takes
        if known[key].default is inspect.Parameter.empty and key not in chosen
    ]


def _make(kind: type[Agent], class_path: str, chosen: Mapping[str, Any]) -> Agent:
    try:
        return kind(**chosen)
    except PyrosError as error:
        raise AgentError(f"{class_path} could not be made: {error}") from error
    except Exception as error:
        what = f"{type(error).__name__}: {words_of(error)}"
        raise AgentError(f"{class_path} could not be made: {what}") from error


def _usual_name(kind: type[Agent], known: Mapping[str, inspect.Parameter]) -> str:
    """The name that the class takes by itself, as far as its constructor tells."""
    default = known["name"].default if "name" in known else None
    return default if isinstance(default, str) else kind.__name__.lower()


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            raise AgentError(f"there is no module {name!r}{_near_modules(name)}") from error
        hint = "for the observatory's agents: pip install 'pyros-mqtt[observatory]'"
        raise AgentError(f"{name} needs {missing!r}, which is not installed; {hint}") from error
    except Exception as error:
        what = f"{type(error).__name__}: {words_of(error)}"
        raise AgentError(f"the module {name} cannot be imported: {what}") from error


def _near_modules(name: str) -> str:
    """Suggest what stands beside a module that is not there."""
    parent, _, last = name.rpartition(".")
    try:
        beside = importlib.import_module(parent).__path__ if parent else None
    except Exception:  # noqa: BLE001 - it only serves a hint
        return ""
    names = [one.name for one in pkgutil.iter_modules(beside)]
    near = get_close_matches(last, names, 1)
    return f"; did you mean {'.'.join(filter(None, [parent, near[0]]))!r}?" if near else ""


def _is_agent(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Agent)


def _nearest(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(word, names, 1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(names)}" if names else ""
