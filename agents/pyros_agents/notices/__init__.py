"""Alerts from the sky: what a notice says, and what this observatory does about it.

`read_notice` turns bytes of any dialect into a `Notice`; `decide` turns it into a `Decision` with
its reason in words; a `Casebook` remembers the events between notices. All of it is pure, fast
and free of astropy.
"""

from pyros_agents.notices.casebook import Case, Casebook
from pyros_agents.notices.decision import Course, Decision, Limits, decide
from pyros_agents.notices.notice import Kind, Notice, Position, Role, Stage, UnreadableNotice
from pyros_agents.notices.reading import read_notice

__all__ = [
    "Case",
    "Casebook",
    "Course",
    "Decision",
    "Kind",
    "Limits",
    "Notice",
    "Position",
    "Role",
    "Stage",
    "UnreadableNotice",
    "decide",
    "read_notice",
]
