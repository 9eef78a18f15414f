"""Rules of a process card as sentences."""

from __future__ import annotations

from mkmine.language import Translator
from mkmine.targets.rules import Rule

__all__ = ["rule_sentence"]


def rule_sentence(rule: Rule, t: Translator) -> str:
    """Say a rule in plain words."""
    a, b = (f"«{name}»" if t.language == "ru" else f"“{name}”" for name in (*rule.activities, "")[:2])
    match rule.template:
        case "existence":
            text = t("{a} is done at least {n} times", a=a, n=rule.times) if rule.times else t("{a} is done", a=a)
        case "at_most":
            text = t("{a} is done at most {n} times", a=a, n=rule.times)
        case "absence":
            text = t("{a} is never done", a=a)
        case "init":
            text = t("every case begins with {a}", a=a)
        case "last":
            text = t("every case ends with {a}", a=a)
        case "responded_existence":
            text = t("where {a} is done, {b} is done too", a=a, b=b)
        case "coexistence":
            text = t("{a} and {b} are done both or neither", a=a, b=b)
        case "response":
            text = t("after {a}, {b} is done", a=a, b=b)
        case "precedence":
            text = t("{b} is done only after {a}", a=a, b=b)
        case "succession":
            text = t("after {a}, {b} is done, and never without {a} before", a=a, b=b)
        case "alternate_response":
            text = t("after {a}, {b} is done before {a} is done again", a=a, b=b)
        case "alternate_precedence":
            text = t("before every {b}, {a} is done anew", a=a, b=b)
        case "chain_response":
            text = t("{b} is the very next after {a}", a=a, b=b)
        case "chain_precedence":
            text = t("{a} is the very last before {b}", a=a, b=b)
        case "not_coexistence":
            text = t("{a} and {b} are never done in one case", a=a, b=b)
        case "not_succession":
            text = t("after {a}, {b} is never done", a=a, b=b)
        case "not_chain_succession":
            text = t("{b} is never the very next after {a}", a=a, b=b)
        case "choice":
            text = t("{a} or {b} is done", a=a, b=b)
        case "exclusive_choice":
            text = t("either {a} or {b} is done, not both", a=a, b=b)
        case "four_eyes":
            text = t("nobody does both {a} and {b} of a case", a=a, b=b)
        case "same_person":
            text = t("the same person does {a} and {b} of a case", a=a, b=b)
        case "not_later_than":
            hours = t.number(rule.within_h)
            text = t("{a} is done not later than {hours} h after the beginning of the case", a=a, hours=hours)
    if rule.within_h is not None and rule.template != "not_later_than":
        text = t("{rule}, within {hours} h", rule=text, hours=t.number(rule.within_h))
    return text[:1].upper() + text[1:] if text[:1] not in "«“" else text
