"""Who does what in a process: the roles of a target and their letters in the responsibility matrix."""

from __future__ import annotations

from typing import Final

from mkmine.performance.waiting import is_planned
from mkmine.targets import Duty, Target

__all__ = ["RACI", "Duties"]

RACI: Final = ("R", "A", "C", "I")


class Duties:
    """The duties of a target by step and role; a lane counts where the card is silent, and a plan is nobody."""

    def __init__(self, target: Target) -> None:
        self.target = target
        card = target.card
        self._of: dict[str, Duty] = dict(card.roles) if card else {}
        named: list[str] = []
        for activity in target.activities:
            duty = self._of.get(activity, Duty())
            responsible = target.roles.get(activity)
            named += [role for role in (responsible, duty.accountable, *duty.consulted, *duty.informed) if role]
        # Those who do the work come first.
        doing = [target.roles[name] for name in target.activities if name in target.roles]
        lanes = [node.lane for node in target.model.nodes if node.lane]
        self.roles = tuple(role for role in dict.fromkeys([*doing, *named, *lanes]) if not is_planned(role))

    def letters(self, activity: str, role: str) -> str:
        """Return the letters of a role at a step, as in "A, R"; empty where it has none."""
        duty = self._of.get(activity, Duty())
        has = {
            "R": self.target.roles.get(activity) == role,
            "A": duty.accountable == role,
            "C": role in duty.consulted,
            "I": role in duty.informed,
        }
        return ", ".join(letter for letter in RACI if has[letter])

    def steps(self, role: str, letter: str) -> tuple[str, ...]:
        """Return the steps at which a role has a letter."""
        return tuple(name for name in self.target.activities if letter in self.letters(name, role).split(", "))

    def holders(self, activity: str, letter: str) -> tuple[str, ...]:
        """Return the roles that have a letter at a step."""
        return tuple(role for role in self.roles if letter in self.letters(activity, role).split(", "))

    def documents(self, activity: str) -> tuple[str, ...]:
        """Return the names of the documents of a step."""
        card = self.target.card
        return tuple(one.name for one in card.documents.get(activity, ())) if card else ()
