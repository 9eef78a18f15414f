"""Rules over the activities of a case, as a process card states them: what must come before what, who may do both.

The templates are those of Declare (M. Pesic and W. M. P. van der Aalst 2006, "A declarative approach for flexible
business processes management"), with two for people and a time limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from mkmine.errors import nearest

__all__ = ["TEMPLATES", "Rule", "Template"]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Hours = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Template = Literal[
    "existence",
    "at_most",
    "absence",
    "init",
    "last",
    "responded_existence",
    "coexistence",
    "response",
    "precedence",
    "succession",
    "alternate_response",
    "alternate_precedence",
    "chain_response",
    "chain_precedence",
    "not_coexistence",
    "not_succession",
    "not_chain_succession",
    "choice",
    "exclusive_choice",
    "four_eyes",
    "same_person",
    "not_later_than",
]
_ONE = frozenset({"existence", "at_most", "absence", "init", "last", "not_later_than"})
_COUNTED = frozenset({"existence", "at_most"})
_TIMED = frozenset({"response", "succession", "alternate_response", "chain_response", "not_later_than"})
_WORDS: Mapping[str, str] = {
    "existence": "{a} is done{times}",
    "at_most": "{a} is done at most {n} times",
    "absence": "{a} is never done",
    "init": "every case begins with {a}",
    "last": "every case ends with {a}",
    "responded_existence": "where {a} is done, {b} is done too",
    "coexistence": "{a} and {b} are done both or neither",
    "response": "after {a}, {b} is done{within}",
    "precedence": "{b} is done only after {a}",
    "succession": "after {a}, {b} is done{within}, and never without {a} before",
    "alternate_response": "after {a}, {b} is done{within} before {a} is done again",
    "alternate_precedence": "before every {b}, {a} is done anew",
    "chain_response": "{b} is the very next after {a}{within}",
    "chain_precedence": "{a} is the very last before {b}",
    "not_coexistence": "{a} and {b} are never done in one case",
    "not_succession": "after {a}, {b} is never done",
    "not_chain_succession": "{b} is never the very next after {a}",
    "choice": "{a} or {b} is done",
    "exclusive_choice": "either {a} or {b} is done, not both",
    "four_eyes": "nobody does both {a} and {b} of a case",
    "same_person": "the same person does {a} and {b} of a case",
    "not_later_than": "{a} is done{within} of the beginning of the case",
}
TEMPLATES: tuple[str, ...] = get_args(Template)


class Rule(BaseModel):
    """One rule. In a card: `{precedence: [Brief, Draft]}`, `{response: [Brief, Draft], within_h: 16}`,
    `{at_most: [Approval], times: 3}`, `{not_later_than: [Publication], within_h: 80}`.

    `within_h` is working time from the end of the first to the start of the second, for `not_later_than` from the
    beginning of the case to the first end; `times` counts executions.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    template: Template
    activities: tuple[Name, ...]
    within_h: Hours | None = None
    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    reason: str = ""

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_template(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or "template" in value:
            return value
        rest = dict(value)
        named = [key for key in rest if key in TEMPLATES]
        if len(named) != 1:
            unknown = [str(key) for key in rest if key not in (*TEMPLATES, *cls.model_fields)]
            hint = f"; {nearest(unknown[0], TEMPLATES)}" if unknown and not named else ""
            raise ValueError(f"a rule names one template, as in `precedence: [Brief, Draft]`, found {len(named)}{hint}")
        activities = rest.pop(named[0])
        return rest | {"template": named[0], "activities": [activities] if isinstance(activities, str) else activities}

    @model_validator(mode="after")
    def _complete(self) -> Rule:
        needed = 1 if self.template in _ONE else 2
        if len(self.activities) != needed:
            raise ValueError(f'"{self.template}" is about {needed} activities, found {len(self.activities)}')
        if needed == 2 and self.activities[0] == self.activities[1]:
            raise ValueError(f'"{self.template}" is about two different activities, found "{self.activities[0]}" twice')
        if self.within_h is not None and self.template not in _TIMED:
            raise ValueError(f'"{self.template}" has no `within_h`; these have: {", ".join(sorted(_TIMED))}')
        if self.template == "not_later_than" and self.within_h is None:
            raise ValueError('"not_later_than" needs `within_h`, hours of working time from the beginning of the case')
        if (self.times is not None) != (self.template == "at_most") and self.template != "existence":
            told = (
                "needs `times`" if self.times is None else f"has no `times`; these have: {', '.join(sorted(_COUNTED))}"
            )
            raise ValueError(f'"{self.template}" {told}')
        return self

    def __str__(self) -> str:
        first, second = (*self.activities, "")[:2]
        return _WORDS[self.template].format(
            a=first,
            b=second,
            n=self.times,
            times=f" at least {self.times} times" if (self.times or 1) > 1 else "",
            within=f" within {self.within_h:g} h" if self.within_h else "",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as a card writes it."""
        rest = self.model_dump(mode="json", exclude_none=True, exclude={"template", "activities"})
        return {self.template: list(self.activities)} | {key: value for key, value in rest.items() if value}
