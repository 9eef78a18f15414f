"""What nobody has measured yet and somebody has to say: hours of new steps, chances of new choices, new people."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from mkmine.errors import DataError
from mkmine.files import read_yaml

__all__ = ["Elicited", "Estimate", "Guess", "read_elicited"]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Number = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]

_HOURS = "give [low, likely, high] in hours, such as [1, 2, 5], or one number"
_SHARES = "give [low, likely, high] as probabilities, such as [0.1, 0.2, 0.4], or one number"
_PEOPLE = "give how many people are new (from 1), the name of a role of today, or the names of those who do the work"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Guess(_Part):
    """What somebody says of a number: at least `low`, most likely `likely`, at most `high`.

    May be written as `[low, likely, high]`, or as one number that is certain. `shape` is the distribution that it is
    taken for.
    """

    low: Number
    likely: Number
    high: Number
    shape: Literal["pert", "triangular"] = "pert"

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = [value, value, value]
        if isinstance(value, list | tuple):
            if len(value) != 3:
                raise ValueError(f"a range is [low, likely, high], found {len(value)} numbers")
            if any(isinstance(one, bool) for one in value):
                raise ValueError("a range is [low, likely, high], three numbers")
            return dict(zip(("low", "likely", "high"), value, strict=True))
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Guess:
        if not self.low <= self.likely <= self.high:
            raise ValueError(f"low={self.low:g}, likely={self.likely:g}, high={self.high:g} are not in rising order")
        return self


class Estimate(_Part):
    """What is said of a step that no log has: the mean hours of work, and of outside delay before it.

    May be written as the range of the hours of work alone. `role` says who does it, if lane and card do not.
    """

    duration: Guess
    delay: Guess | None = None
    role: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and not {"low", "likely", "high"} & set(value):
            return value
        return value if isinstance(value, Estimate) else {"duration": value}


class Elicited(_Part):
    """What is said of a TO-BE beside its model and the log.

    activities
        By step (or event, by name or id): its hours, as a range `[low, likely, high]` of the mean.
    choices
        By gateway (name or id): by way (the text on the arrow, or what follows; "end"), the range of its probability.
        For an inclusive gateway each way by itself.
    people
        By role that nobody has yet: how many people are new in it (with the hours of the office), which role of today
        does its work, or the names of those who do.
    """

    activities: dict[Name, Estimate] = Field(default_factory=dict)
    choices: dict[Name, dict[Name, Guess]] = Field(default_factory=dict)
    people: dict[
        Name, Annotated[int, Field(ge=1, le=10_000, strict=True)] | Name | Annotated[list[Name], Field(min_length=1)]
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _probable(self) -> Elicited:
        for gateway, ways in self.choices.items():
            for way, guess in ways.items():
                if guess.high > 1:
                    raise ValueError(f"choices: {gateway}: {way}: a probability is at most 1, found {guess.high:g}")
        return self

    def __or__(self, other: Elicited) -> Elicited:
        """Return both; where they speak of the same thing, the second one is right."""
        return Elicited(
            activities=self.activities | other.activities,
            choices=self.choices | other.choices,
            people=self.people | other.people,
        )

    @classmethod
    def read(cls, given: Elicited | Mapping[str, Any] | str | Path | None) -> Elicited:
        """Return what is given as itself, as plain values, or as a YAML file.

        Plain values may leave out `activities:` where they speak of steps only: `{"SEO check": [0.5, 1, 3]}`.

        Raises `DataError` with the place if a range is not in rising order, or there is a field that nothing has.
        """
        if given is None:
            return cls()
        if isinstance(given, Elicited):
            return given
        if isinstance(given, str | Path):
            return read_elicited(given)
        return _checked(given, "elicited")


def read_elicited(path: str | Path) -> Elicited:
    """Read what somebody says of a TO-BE from a YAML file.

    Raises `DataError` with the place if the file is missing, is not YAML, or breaks a rule of `Elicited`.
    """
    return _checked(read_yaml(path, what="elicited values"), str(path))


def _checked(values: Any, where: str) -> Elicited:
    if not isinstance(values, Mapping):
        raise DataError(f'{where}: give ranges by step, such as {{"SEO check": [0.5, 1, 3]}}')
    fields = set(Elicited.model_fields)
    named = dict(values) if set(map(str, values)) & fields else {"activities": dict(values)}
    try:
        return Elicited.model_validate(named)
    except ValidationError as error:
        first = error.errors()[0]
        loc, message = _mistake(first["loc"], first["type"], str(first["msg"]), first["input"])
        place = "".join(f"{part}: " for part in loc)
        raise DataError(f"{where}: {place}{message}") from None


def _mistake(loc: tuple[int | str, ...], kind: str, message: str, found: Any) -> tuple[tuple[int | str, ...], str]:
    """Return the place of a mistake and what to give there, for somebody who does not know how values are checked."""
    if kind == "value_error":
        return loc, message.removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return loc, "there is no such field; it has activities, choices and people"
    if loc[:1] == ("people",) and len(loc) > 1:
        # Which of the three forms was meant, nobody knows.
        loc, told = loc[:2], _PEOPLE
    elif "[key]" in loc:
        loc, told = tuple(part for part in loc[:-2]), "a name is a text that is not empty"
    elif loc[-1] == "role":
        told = "give the name of a role"
    elif loc[0] == "choices" and len(loc) > 2:
        told = _SHARES
    elif loc[0] == "activities" and len(loc) > 1:
        told = _HOURS
    else:
        told = "give values by name" if len(loc) == 1 else "give ranges by way"
    return loc, f"{told}, found {reprlib.repr(found)}"
