"""What the statuses of a tracker mean: the mapping that people keep, and the guess where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mkmine.calendars import Calendar, zone
from mkmine.errors import DataError, UnknownNameError
from mkmine.files import read_yaml, write_text

__all__ = ["Kind", "StatusMapping", "StatusRule", "guess_rule"]

Kind = Literal["work", "queue", "outside", "done", "cancelled"]

_WORDS: tuple[tuple[Kind, str], ...] = (
    (
        "cancelled",
        r"отмен|отклон|снят|не актуальн|неактуальн|дубл|cancel|reject|declin|won'?t|duplicate|invalid|abandon",
    ),
    (
        "outside",
        r"у клиент|у заказчик|у подрядчик|у юрист|агентств|внешн|от клиента|ответа? клиент|ответа? заказчик"
        r"|customer|client|vendor|extern|agency|third.?part|supplier",
    ),
    (
        "queue",
        r"^к |жд[её]т|ожида|очеред|готов\w* к|ready|wait|pending|queue|backlog|б[еэ]клог|to.?do|сделать"
        r"|нов(ая|ый|ое)\b|^new\b|^open(ed)?$|открыт|назначен|assigned|re.?open|переоткрыт|иде[яи]|inbox|входящ|selected|block|on.?hold|приостан"
        r"|пауз|отложен|triage|согласовано$|approved$|feedback|suggestion",
    ),
    (
        "done",
        r"^готов\w*$|закры|заверш|выполнен|опубликовано?|реш[её]н[ао]?\b|сделано|архив|^done|closed?$|resolved|completed?$|published|released"
        r"|finish|shipped|deployed|archiv",
    ),
    ("work", r"в работе|в процессе|выполня|in.progress|in development|doing|active|ongoing|working"),
)

# So alike are two names of which one is misspelt.
_ALIKE = 0.8
_UNSAID = "nothing in the name says otherwise"
# A stay in one of these is where somebody decides, if issues leave it for different statuses.
_DECISION = re.compile(
    r"жд[её]т|ожида|согласов|утвержд|провер|ревью|wait|pending|approv|review|feedback|decision|accept", re.IGNORECASE
)


class StatusRule(BaseModel):
    """What one status means.

    Attributes
    ----------
    kind
        `"work"`: someone works on it; `"queue"`: it waits for the work that follows; `"outside"`: it is with somebody
        outside the department; `"done"` and `"cancelled"` end the case.
    activity
        The activity the status belongs to; the status's own name if left out. A queue without one waits for whatever
        follows. A done status with one adds that activity as an instant (e.g. the publication).
    role
        Who works in this status, where the person's own role is not known.
    aliases
        Earlier or other names of the same status.
    why
        How the meaning was found, if it was guessed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    activity: str | None = None
    role: str | None = None
    aliases: tuple[str, ...] = ()
    why: str | None = None


class StatusMapping(BaseModel):
    """What the statuses of a tracker mean, and what else is known of the department; saved as YAML.

    Attributes
    ----------
    name
        Name of the process, which the log is then called.
    statuses
        Rule of each status, by its current name.
    people
        Role of each person. It wins over the role of a status: who did it counts, not who should have.
    time_zone
        IANA zone of the people, and of times written without an offset.
    calendar
        Office calendar as `Calendar.to_dict` writes it.
    exported_at
        When the export was made; by default the last instant in it.
    complete_since
        Since when every issue is in the export; those closed before it may be absent. By default the first instant.
    misclick_seconds
        A stay shorter than this, entered and left by the same person, is a slip or a way through, and is collapsed.
    bulk_issues
        From this many issues moved by one person within one minute on, the moves are flagged as bulk.
    columns
        Names of the columns of a table that are not recognised, e.g. `{"issue": "Номер", "at": "Когда"}`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None
    statuses: dict[str, StatusRule] = Field(default_factory=dict)
    people: dict[str, str] = Field(default_factory=dict)
    time_zone: str | None = None
    calendar: dict[str, Any] | None = None
    exported_at: datetime | None = None
    complete_since: datetime | None = None
    misclick_seconds: float = Field(default=60.0, ge=0)
    bulk_issues: int = Field(default=5, ge=2)
    columns: dict[str, str] = Field(default_factory=dict)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            zone(value)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> StatusMapping:
        owners: dict[str, str] = {}
        for status, rule in self.statuses.items():
            for alias in rule.aliases:
                other = alias if alias in self.statuses else owners.get(alias)
                if other is not None:
                    raise ValueError(f'"{alias}" is an alias of "{status}" and belongs to "{other}" as well; keep one')
                owners[alias] = status
        known = {rule.activity or status for status, rule in self.statuses.items() if rule.kind != "queue"}
        for status, rule in self.statuses.items():
            if rule.kind == "queue" and rule.activity is not None and rule.activity not in known:
                raise ValueError(
                    f'"{status}" waits for the activity "{rule.activity}", which no other status has; leave it out, '
                    f"or name one of: {', '.join(sorted(known)) or 'none'}"
                )
        if self.calendar is not None:
            Calendar.from_dict(self.calendar)
        return self

    @classmethod
    def load(cls, path: str | Path) -> StatusMapping:
        """Read a mapping from YAML. Raises `DataError` if it is not one, with the place of each mistake."""
        values = read_yaml(path, what="mapping of statuses")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise DataError(f'"{path}" is not a mapping of statuses: {_mistakes(error)}') from None

    def save(self, path: str | Path) -> Path:
        """Write the mapping as YAML, atomically, and return the path."""
        values = self.model_dump(mode="json", exclude_defaults=True)
        return write_text(path, yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=120))

    def office(self) -> Calendar | None:
        """Return the office calendar, if it is known."""
        if self.calendar is None:
            return None
        return Calendar.from_dict(self.calendar, time_zone=self.time_zone or "UTC")

    def canonical(self) -> dict[str, str]:
        """Return the current name of every status and alias."""
        return {name: status for status, rule in self.statuses.items() for name in (status, *rule.aliases)}

    def extended(self, rules: Mapping[str, StatusRule]) -> StatusMapping:
        """Return the mapping with further statuses."""
        return self.model_copy(update={"statuses": {**self.statuses, **rules}})

    def check_spelling(self, statuses: Iterable[str]) -> None:
        """Raise `UnknownNameError` if a status of the mapping looks like a misspelt one of those that there are.

        A mapping may know statuses that an export lacks. Misspelt is one that is not there under any of its names,
        while a status that the mapping lacks is called nearly the same.
        """
        known, there = self.canonical(), set(statuses)
        used = {known[one] for one in there if one in known}
        left = {one.casefold().strip(): one for one in sorted(there) if one not in known}
        for name, status in known.items():
            if status not in used and (near := get_close_matches(name.casefold().strip(), left, n=1, cutoff=_ALIKE)):
                raise UnknownNameError(
                    f'the mapping knows the status "{name}", which is not in the export; did you mean '
                    f'"{left[near[0]]}"? (If both are right, map both.)'
                )

    def activity(self, status: str) -> str:
        """Return the activity that a status belongs to."""
        return self.statuses[status].activity or status

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return self.model_dump(mode="json")

    def __repr__(self) -> str:
        zones = f", times of {self.time_zone}" if self.time_zone else ""
        lines = [f"StatusMapping {self.name or ''}".rstrip() + f": {len(self.statuses)} statuses{zones}"]
        for name, rule in self.statuses.items():
            of = f" of {rule.activity}" if rule.activity and rule.activity != name else ""
            who = f", by {rule.role}" if rule.role else ""
            also = f" (also {', '.join(rule.aliases)})" if rule.aliases else ""
            lines.append(f"  {name}{also}: {rule.kind}{of}{who}")
        return "\n".join([*lines, *([f"  roles of {len(self.people)} people"] if self.people else [])])

    __str__ = __repr__


def _mistakes(error: ValidationError) -> str:
    found = []
    for one in error.errors()[:5]:
        place = " → ".join(map(str, one["loc"])) or "the whole"
        found.append(f"{place}: {one['msg'].removeprefix('Value error, ')} (value: {str(one.get('input'))[:60]})")
    return "; ".join(found)


def guess_rule(status: str, *, category: str | None, final: bool) -> StatusRule:
    """Guess what a status means and say why.

    The tracker's own category comes first, except that "in progress" says nothing of a status whose name says that it
    waits, nor "done" of one that says cancelled; then the words of the name; then whether issues end in it for good.
    """
    word, kind = next(
        ((found[0], kind) for kind, pattern in _WORDS if (found := re.search(pattern, status.strip().lower()))),
        (None, None),
    )
    said = f'the name says "{word.strip()}"' if word else ""
    if category == "new":
        return StatusRule(kind="queue", why='category "new"')
    if category == "done":
        if kind == "cancelled":
            return StatusRule(kind="cancelled", why=f'category "done", and {said}')
        return StatusRule(kind="done", why='category "done"')
    if category == "indeterminate":
        if kind in ("queue", "outside"):
            return StatusRule(kind=kind, why=f'category "indeterminate", but {said}')
        return StatusRule(kind="work", why='category "indeterminate"')
    if kind is not None:
        return StatusRule(kind=kind, why=said)
    if final:
        return StatusRule(kind="done", why="issues end in it and never leave it")
    return StatusRule(kind="work", why=_UNSAID)


def guess_missing(
    mapping: StatusMapping,
    statuses: Iterable[str],
    *,
    categories: Mapping[str, str],
    moves: Mapping[tuple[str | None, str], int],
    final: Sequence[str],
) -> tuple[StatusMapping, dict[str, StatusRule]]:
    """Return the mapping completed by guesses for the statuses that it lacks, and the guesses.

    `moves` counts the moves from status to status (from None: the status at creation). `final` names the statuses in
    which issues end for good; they count as an end only if no other status does.
    """
    known = mapping.canonical()
    missing = [status for status in dict.fromkeys(statuses) if status not in known]
    guesses = {one: guess_rule(one, category=categories.get(one), final=False) for one in missing}
    rules = {**mapping.statuses, **guesses}
    if not any(rule.kind == "done" for rule in rules.values()):
        for one in final:
            if one in guesses and guesses[one].why == _UNSAID:
                guesses[one] = guess_rule(one, category=categories.get(one), final=True)
    for one, rule in guesses.items():
        if rule.kind == "queue" and categories.get(one) != "new" and _DECISION.search(one) and _decides(one, moves):
            guesses[one] = StatusRule(
                kind="work", why=f"{rule.why}, but issues go back and on from it: the decision is taken in it"
            )
    rules = {**mapping.statuses, **guesses}
    for one, rule in guesses.items():
        if rule.kind == "done" and _follows_queue(one, moves, rules):
            guesses[one] = StatusRule(
                kind="done",
                activity=one,
                why=f"{rule.why}; issues come to it from a queue, so closing is an act of its own",
            )
    return mapping.extended(guesses), guesses


def _decides(status: str, moves: Mapping[tuple[str | None, str], int]) -> bool:
    """Return whether issues come to a status and leave it both back to where they came from and on to others."""
    exits = {new: n for (old, new), n in moves.items() if old == status}
    sources = {old for old, new in moves if new == status}
    least = 0.1 * sum(exits.values())
    back = sum(n for new, n in exits.items() if new in sources)
    return bool(exits) and back >= least and sum(exits.values()) - back >= least and _entered(status, moves)


def _follows_queue(status: str, moves: Mapping[tuple[str | None, str], int], rules: Mapping[str, StatusRule]) -> bool:
    entries = {old: n for (old, new), n in moves.items() if new == status and old is not None}
    queued = sum(
        n for old, n in entries.items() if old in rules and rules[old].kind == "queue" and _entered(old, moves)
    )
    return queued > 0.5 * sum(entries.values())


def _entered(status: str, moves: Mapping[tuple[str | None, str], int]) -> bool:
    """Return whether issues come to a status from others, and are not just created in it."""
    entries = sum(n for (_, new), n in moves.items() if new == status)
    return moves.get((None, status), 0) < 0.5 * entries
