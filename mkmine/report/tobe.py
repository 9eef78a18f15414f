"""The process as it is against the process as it was meant: deviations, limits, roles, rounds, rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mkmine.conformance.changeover import Changeover, changeover
from mkmine.eventlog import EventLog
from mkmine.language import Translator
from mkmine.performance import kpis
from mkmine.report.blocks import Block, Figure, Heading, KeyFigure, KeyFigures, Note, Table, Text, View
from mkmine.report.changeover_map import draw_changeover, status_rule, status_words, step_remarks
from mkmine.report.departures import departures
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
    blocks += [*_unmatched(findings), *departures(findings), *_limits(findings), *_roles(findings)]
    blocks += [*_rounds(findings), *_rules(findings), *_criteria(findings)]
    return blocks


def _drawn(findings: Findings) -> list[Block]:
    gap, target, t = findings.conformance, findings.target, findings.t
    if gap is None or target is None:
        return []
    found = changeover(findings.log, target, conformance=gap, simulated=_simulated(findings))
    foot = findings.source(found.provenance)
    meant = draw_target(target.model, absent=gap.only_in_target, roles=target.roles, language=t.language)
    views = [View(label=t("AS-IS and TO-BE"), picture=draw_changeover(found, language=t.language))]
    views.append(View(label=t("TO-BE"), picture=meant))
    note = t(
        "Boxes name the role, the median time with its limit, and what is not as it should be; the sign in the corner "
        "and the kind of line say the same as the colour."
    )
    figure = Figure(title=t("What changes from AS-IS to TO-BE"), views=tuple(views), foot=foot, note=note)
    return [figure, _steps(findings, found, foot)]


def _simulated(findings: Findings) -> EventLog | None:
    """Return the log of the executed TO-BE, where the experiment compares with a whole model of its activities."""
    experiment, target = findings.experiment, findings.target
    if experiment is None or target is None:
        return None
    whole = [one.name for one in experiment.scenarios if any(change["do"] == "replace" for change in one.changes)]
    logs = [experiment.logs[name] for name in whole if name in experiment.logs]
    return next((log for log in logs if set(log.activities) <= set(target.activities)), None)


def _steps(findings: Findings, found: Changeover, foot: str) -> Table:
    t = findings.t
    columns: list[Cell] = [
        (t("Activity"), "activity", "text"),
        (t("What changes"), lambda row: _changing(row, t), "text"),
        (t("Role"), lambda row: _from_to(row["role"], row["role_to_be"], t), "text"),
        (t("Time (limit)"), lambda row: _timed(findings, row), "number"),
        (t("Rounds (allowed)"), lambda row: _of(row["per_case"], row["max_rounds"], t), "number"),
        (t("Taken over from another role"), "hand_offs", "percent"),
        (t("Work a month"), "load_h", "hours"),
    ]
    if found.n_simulated:
        columns.append((t("Time, simulated TO-BE"), "time_h_simulated", "hours"))
        columns.append((t("Work a month, simulated TO-BE"), "load_h_simulated", "hours"))
    if found.steps["cost"].notna().any():
        columns.append((t("Cost of one"), "cost", "count"))
    if found.steps["documents"].map(len).any():
        columns.append((t("Documents"), lambda row: ", ".join(row["documents"]), "text"))
    return tabulate(
        findings,
        found.steps,
        name="changeover",
        title=t("What changes step by step"),
        columns=columns,
        foot=foot,
        note=status_rule(t),
        limit=40,
    )


def _changing(row: Mapping[str, Any], t: Translator) -> str:
    return "; ".join([status_words(row["status"], t), *step_remarks(row, t)])


def _from_to(done: str, meant: str, t: Translator) -> str:
    if done and meant and done.casefold() != meant.casefold():
        return f"{done} → {meant}"
    return meant or done or t.number(None)


def _timed(findings: Findings, row: Mapping[str, Any]) -> str:
    limit = f" ({findings.hours(row['limit_h'])})" if finite(row["limit_h"]) else ""
    return findings.hours(row["time_h"]) + limit


def _of(value: float, limit: float, t: Translator) -> str:
    allowed = f" ({t.number(limit)})" if finite(limit) else ""
    return t.number(value, digits=1) + allowed


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
    note = t("1 is a perfect match")
    if gap.unknown_cases:
        unknown = t.plural("{n} case was not aligned in time.", "{n} cases were not aligned in time.",
                           gap.unknown_cases)  # fmt: skip
        bounds = t(
            "With them, the fitness of all cases is from {low} to {high}.",
            low=t.number(gap.fitness_low, digits=2),
            high=t.number(gap.fitness_high, digits=2),
        )
        note = f"{note}. {unknown} {bounds}"
    items = (
        KeyFigure(label=t("Fitness to TO-BE"), value=t.number(gap.fitness, digits=2), note=note),
        KeyFigure(
            label=t("Cases without deviations"),
            value=t.percent(gap.fitting_cases / compared if compared else None),
            note=t("{fitting} of {cases}", fitting=t.number(gap.fitting_cases), cases=t.number(compared)),
        ),
        KeyFigure(label=t("Kinds of deviations"), value=t.number(len(gap.costs))),
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
    blocks: list[Block] = [heading]
    blocks.append(tabulate(findings, gap.limits, name="limits", title=title, columns=columns, foot=foot))
    roles = gap.limits_by_role[gap.limits_by_role["role"] != ""]
    if len(roles):
        by_role: list[Cell] = [
            (t("Role"), "role", "text"),
            (t("Activity"), "activity", "text"),
            (t("Checked"), "checked", "count"),
            (t("Exceeded"), "exceeded", "count"),
            (t("Share"), "share", "percent"),
            (t("95% interval"), lambda row: f"{t.percent(row['low'])} – {t.percent(row['high'])}", "number"),
        ]
        roles = roles.sort_values("share", ascending=False, kind="stable")
        title = t("Time limits by the role that did the work")
        blocks.append(tabulate(findings, roles, name="limits_by_role", title=title, columns=by_role, foot=foot))
    return blocks


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
        (t("Who"), lambda row: ", ".join(row["people"][:3]), "text"),
        (t("When"), lambda row: f"{row['first']} – {row['last']}", "text"),
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
        (t("Share"), "share", "percent"),
        (t("Most rounds"), "max", "count"),
        (t("Rounds beyond"), "beyond", "count"),
        (t("Time in them"), "beyond_h", "hours"),
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
    if gap.rules["people"].map(len).any():
        columns.append((t("Who did both"), lambda row: ", ".join(row["people"][:3]), "text"))
    said = [rule_sentence(rule, t) for rule in card.rules]
    shown = gap.rules.assign(rule=said, examples=[", ".join(one) for one in gap.rules["examples"]])
    heading = Heading(text=t("Rules"), anchor="rules", level=2)
    foot = findings.source(gap.provenance)
    return [
        heading,
        tabulate(findings, shown, name="rules", title=t("Rules of the process card"), columns=columns, foot=foot),
    ]


def _criteria(findings: Findings) -> list[Block]:
    """Say of the indicators that the card names, and that the log can tell, whether they are met."""
    t, card = findings.t, getattr(findings.target, "card", None)
    goals = {} if card is None else card.goals
    if card is None or not goals:
        return []
    found = kpis(findings.log, goals)
    table = found.table.set_index("kpi")
    months = kpis(findings.log, goals, period="month").segments
    verdicts = {"met": t("met"), "missed": t("missed"), "open": t("open: within the interval")}
    rows = []
    for one in card.kpis:
        if one.figure in goals:
            mine = months[(months["kpi"] == one.figure) & months["verdict"].isin(["met", "missed"])]
            kept = f"{t.number(int((mine['verdict'] == 'met').sum()))} / {t.number(len(mine))}"
            row = table.loc[one.figure]
            rows.append({**row.to_dict(), "kpi": one.name, "responsible": one.responsible, "months": kept})
    columns: list[Cell] = [
        (t("Indicator"), "kpi", "text"),
        (t("Target"), lambda row: _figure(row["target"], row, t), "number"),
        (t("In fact"), lambda row: _figure(row["value"], row, t), "number"),
        (t("Verdict"), lambda row: verdicts.get(row["verdict"], row["verdict"]), "text"),
        (t("Months in which it was met"), "months", "number"),
        (t("Responsible"), "responsible", "text"),
    ]
    heading = Heading(text=t("Indicators"), anchor="criteria", level=2)
    foot, title = findings.source(found.provenance), t("Indicators of the process card: met or not")
    shown, told = pd.DataFrame(rows), months[months["kpi"].isin(goals)]
    return [heading, tabulate(findings, shown, name="criteria", title=title, columns=columns, foot=foot, data=told)]


def _figure(value: float, row: Mapping[str, Any], t: Translator) -> str:
    shares = finite(row["target"]) and 0 < float(row["target"]) <= 1
    return t.percent(value) if shares else t.number(value, digits=0 if abs(value) >= 10 else 1)
