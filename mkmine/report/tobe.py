"""The process as it is against the process as it was meant: deviations, limits, roles, rounds, rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mkmine.language import unit_of
from mkmine.report.blocks import Block, Figure, Heading, KeyFigure, KeyFigures, Note, Text, View
from mkmine.report.findings import Cell, Findings, finite, tabulate
from mkmine.report.rules import rule_sentence
from mkmine.report.target_map import draw_target

__all__ = ["comparison"]


def comparison(findings: Findings) -> list[Block]:
    """Return the chapter that compares AS-IS with TO-BE; empty where no target was given."""
    gap, t = findings.conformance, findings.t
    if gap is None:
        return []
    blocks: list[Block] = [Heading(text=t("AS-IS against TO-BE"), anchor="to-be"), *_card(findings), _figures(findings)]
    if gap.unknown_cases:
        text = t.plural(
            "{n} case was not compared within the time allowed; it is in no figure of this chapter.",
            "{n} cases were not compared within the time allowed; they are in no figure of this chapter.",
            gap.unknown_cases,
        )
        blocks.append(Note(kind="warning", text=text))
    blocks += _drawn(findings)
    blocks += [Note(kind="info", text=_sentence(findings.told(note))) for note in gap.notes]
    blocks += [*_unmatched(findings), *_deviations(findings), *_limits(findings), *_roles(findings)]
    blocks += [*_rounds(findings), *_rules(findings)]
    return blocks


def _drawn(findings: Findings) -> list[Block]:
    gap, target, t = findings.conformance, findings.target, findings.t
    if gap is None or target is None:
        return []
    card = target.card
    roles = {} if card is None else {name: duty.responsible or "" for name, duty in card.roles.items()}
    picture = draw_target(target.model, absent=gap.only_in_target, roles=roles, language=t.language)
    title = t("The process as it was meant: TO-BE")
    return [Figure(title=title, views=(View(label="", picture=picture),), foot=findings.source(gap.provenance))]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _card(findings: Findings) -> list[Block]:
    t = findings.t
    card = getattr(findings.target, "card", None)
    if card is None:
        return []
    rows = (
        (t("Process"), card.process),
        (t("Purpose"), card.purpose),
        (t("Owner"), card.owner),
        (t("Customer"), card.customer),
        (t("Input"), card.input),
        (t("Output"), card.output),
    )
    return [Text(paragraphs=tuple(f"{label}: {value}" for label, value in rows if value))]


def _figures(findings: Findings) -> KeyFigures:
    t, gap = findings.t, findings.conformance
    assert gap is not None
    compared = gap.cases - gap.unknown_cases
    items = (
        KeyFigure(label=t("Fitness to TO-BE"), value=t.number(gap.fitness, digits=2), note=t("1 is a perfect match")),
        KeyFigure(
            label=t("Cases without deviations"),
            value=t.percent(gap.fitting_cases / compared if compared else None),
            note=t("{fitting} of {cases}", fitting=t.number(gap.fitting_cases), cases=t.number(compared)),
        ),
        KeyFigure(label=t("Kinds of deviations"), value=t.number(len(gap.deviations))),
    )
    return KeyFigures(items=items, foot=findings.source(gap.provenance))


def _unmatched(findings: Findings) -> list[Block]:
    gap, t = findings.conformance, findings.t
    assert gap is not None
    texts = []
    if gap.only_in_log:
        names = ", ".join(findings.quoted(name) for name in gap.only_in_log)
        texts.append(t("Found only in the log, not in TO-BE: {names}.", names=names))
    if gap.only_in_target:
        names = ", ".join(findings.quoted(name) for name in gap.only_in_target)
        texts.append(t("Found only in TO-BE, never in the log: {names}.", names=names))
    return [Note(kind="warning", text=text) for text in texts]


def _deviations(findings: Findings) -> list[Block]:
    gap, t = findings.conformance, findings.t
    assert gap is not None
    if gap.deviations.empty:
        return [Text(paragraphs=(t("No deviations were found."),))]
    columns: list[Cell] = [
        (t("Activity"), "activity", "text"),
        (t("Deviation"), lambda row: _kind(findings, row), "text"),
        (t("After"), lambda row: row["after"] or t("start of the case"), "text"),
        (t("Cases"), "cases", "count"),
        (t("Share"), "share_of_cases", "percent"),
        (t("Cycle time against other cases"), lambda row: _difference(findings, row), "number"),
    ]
    return [
        tabulate(
            findings,
            gap.deviations.sort_values("cases", ascending=False, kind="stable"),
            name="deviations",
            title=t("Deviations from TO-BE"),
            columns=columns,
            foot=findings.source(gap.provenance),
            limit=12,
            note=t(
                "The last column compares completed cases with the deviation to those without it, with a 95% interval. "
                "It is an association, not proof of a cause."
            ),
        )
    ]


def _kind(findings: Findings, row: Mapping[str, Any]) -> str:
    t, gap = findings.t, findings.conformance
    if gap is not None and row["kind"] == "skipped" and row["activity"] in gap.only_in_target:
        return t("skipped (never in the log)")
    kinds = {"skipped": t("skipped"), "extra": t("extra"), "repeated": t("repeated")}
    return str(kinds.get(row["kind"], row["kind"]))


def _difference(findings: Findings, row: Mapping[str, Any]) -> str:
    t = findings.t
    value, low, high = (row[f"cycle_difference{part}_h"] for part in ("", "_low", "_high"))
    if not finite(value):
        return t.number(None)
    unit = unit_of([value], t, day=findings.day)
    change = unit.write(value, t, signed=True)
    if not (finite(low) and finite(high)):
        return change
    if low <= 0 <= high:
        return t("{difference}, within noise", difference=change)
    unit = unit_of([value, low, high], t, day=findings.day)
    value, low, high = (unit.bare(one, t, signed=True) for one in (value, low, high))
    return f"{value} ({low} … {high})\u00a0{unit.name}"


def _limits(findings: Findings) -> list[Block]:
    gap, t = findings.conformance, findings.t
    assert gap is not None
    if gap.limits.empty:
        return []
    since = {
        "enabled": t("when it could begin"),
        "previous": t("previous completion"),
        "case": t("start of the case"),
    }
    columns: list[Cell] = [
        (t("Activity"), lambda row: _limited(findings, row), "text"),
        (t("Limit"), "limit_h", "hours"),
        (t("Checked"), "checked", "count"),
        (t("Exceeded"), "exceeded", "count"),
        (t("Share"), "share", "percent"),
        (t("85% up to"), "p85_h", "hours"),
        (t("Open and over"), "open_exceeded", "count"),
        (t("Counted from"), lambda row: since.get(row["measured"], row["measured"]), "text"),
    ]
    heading = Heading(text=t("Time limits"), anchor="limits", level=2)
    foot = findings.source(gap.provenance)
    title = t("Time limits of the process card, working time")
    return [heading, tabulate(findings, gap.limits, name="limits", title=title, columns=columns, foot=foot)]


def _limited(findings: Findings, row: Mapping[str, Any]) -> str:
    name = row["activity"] or findings.t("the whole case")
    return findings.t("{activity}, round {n}", activity=name, n=row["round"]) if row["round"] else name


def _roles(findings: Findings) -> list[Block]:
    gap, t = findings.conformance, findings.t
    assert gap is not None
    if gap.roles.empty:
        return []
    columns: list[Cell] = [
        (t("Activity"), "activity", "text"),
        (t("By TO-BE"), "expected", "text"),
        (t("In fact"), "actual", "text"),
        (t("Executions"), "instances", "count"),
        (t("Share"), "share", "percent"),
    ]
    heading = Heading(text=t("Roles"), anchor="roles", level=2)
    foot = findings.source(gap.provenance)
    title = t("Work done by another role than TO-BE names")
    return [heading, tabulate(findings, gap.roles, name="roles", title=title, columns=columns, foot=foot)]


def _rounds(findings: Findings) -> list[Block]:
    gap, t = findings.conformance, findings.t
    assert gap is not None
    if gap.rounds.empty:
        return []
    columns: list[Cell] = [
        (t("Activity"), "activity", "text"),
        (t("Rounds allowed"), "allowed", "count"),
        (t("Cases with more"), "cases_over", "count"),
        (t("Most rounds"), "max", "count"),
    ]
    heading = Heading(text=t("Rounds"), anchor="rounds", level=2)
    foot = findings.source(gap.provenance)
    title = t("Rounds beyond what TO-BE allows")
    return [heading, tabulate(findings, gap.rounds, name="rounds", title=title, columns=columns, foot=foot)]


def _rules(findings: Findings) -> list[Block]:
    gap, t = findings.conformance, findings.t
    card = getattr(findings.target, "card", None)
    if gap is None or card is None or gap.rules.empty:
        return []
    columns: list[Cell] = [
        (t("Rule"), "rule", "text"),
        (t("Cases checked"), "cases_checked", "count"),
        (t("Cases that break it"), "cases_violated", "count"),
        (t("Share"), "share", "percent"),
        (t("Not decided yet"), "pending", "count"),
        (t("For example"), "examples", "text"),
    ]
    said = [rule_sentence(rule, t) for rule in card.rules]
    shown = gap.rules.assign(rule=said, examples=[", ".join(one) for one in gap.rules["examples"]])
    heading = Heading(text=t("Rules"), anchor="rules", level=2)
    foot = findings.source(gap.provenance)
    return [
        heading,
        tabulate(findings, shown, name="rules", title=t("Rules of the process card"), columns=columns, foot=foot),
    ]
