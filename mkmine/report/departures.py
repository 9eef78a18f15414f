"""What departing from TO-BE goes along with: time, money, trend, and where it is more frequent than elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mkmine.language import Translator, unit_of
from mkmine.report.blocks import Block, Bullets, Heading, Table, Text
from mkmine.report.findings import Cell, Findings, finite, tabulate
from mkmine.report.rules import rule_sentence

if TYPE_CHECKING:
    import pandas as pd

    from mkmine.conformance import Conformance
    from mkmine.targets import Target

__all__ = [
    "added_words", "adjustment_words", "by_frequency", "departure_words", "departures", "judged_words", "trend_words",
]  # fmt: skip

_RATE = 0.05
_SHOWN = 6
_PATH = ("skipped", "extra", "repeated", "order")
_OF_THE_PATH, _OF_THE_CARD = 12, 6


def departures(findings: Findings) -> list[Block]:
    """Return the part of the chapter that says how often cases depart from TO-BE, and what goes along with it."""
    gap, t = findings.conformance, findings.t
    assert gap is not None
    if gap.costs.empty:
        return [Text(paragraphs=(t("No deviations were found."),))]
    blocks: list[Block] = [
        Heading(text=t("What departing from TO-BE goes along with"), anchor="departures", level=2),
        _costs(findings, gap),
    ]
    moving = gap.costs[gap.costs["trend_q"] <= _RATE].sort_values("trend", key=abs, ascending=False, kind="stable")
    if len(moving):
        told = [trend_words(row, t, findings.target) for row in moving.head(_SHOWN).to_dict("records")]
        blocks += [Text(paragraphs=(t("What grows and what falls beyond chance, by the month in which cases began:"),))]
        blocks.append(Bullets(items=tuple(told)))
    blocks.append(_months(findings, gap))
    if len(gap.hot_spots):
        blocks.append(_hot_spots(findings, gap))
    return blocks


def departure_words(row: Mapping[Any, Any], t: Translator, target: Target | None) -> str:
    """Say what a departure is: a row of `Conformance.costs`, `periods` or `hot_spots`."""
    detail = str(row["detail"])
    match row["kind"]:
        case "rounds":
            return t("more than {n} rounds", n=detail)
        case "role":
            return t("not by the role {role}", role=detail)
        case "limit":
            return t("longer than {limit}", limit=_limit(detail, t))
        case "rule":
            return t("against the rule: {rule}", rule=_rule(detail, t, target))
        case "order":
            return t("out of order")
        case kind:
            return {"skipped": t("skipped"), "extra": t("extra"), "repeated": t("repeated")}[kind]


def by_frequency(costs: pd.DataFrame) -> pd.DataFrame:
    """Return the departures that a page shows: the most frequent of the path, then of roles, rules, rounds and limits,
    which have tables of their own.
    """
    ordered = costs.sort_values("cases", ascending=False, kind="stable")
    path = ordered["kind"].isin(_PATH)
    order = [*ordered.index[path][:_OF_THE_PATH], *ordered.index[~path][:_OF_THE_CARD]]
    return costs.loc[order].reset_index(drop=True)


def added_words(row: Mapping[Any, Any], t: Translator, *, day: float) -> str:
    """Say what time a departure goes along with, and between what limits; `day` is that of work, in hours."""
    value, low, high = (row[f"added{part}_h"] for part in ("", "_low", "_high"))
    if not finite(value):
        return t.number(None)
    if not (finite(low) and finite(high)):
        return t("too few cases")
    unit = unit_of([value, low, high], t, day=day)
    written = [unit.bare(one, t, signed=True) for one in (value, low, high)]
    told = f"{written[0]} ({written[1]} … {written[2]})\u00a0{unit.name}"
    return told if row["supported"] else t("{difference}, within noise", difference=told)


def adjustment_words(gap: Conformance, t: Translator) -> str:
    """Say what the added times are adjusted for."""
    names = {"start": t("the period of the start"), "rework elsewhere": t("rework elsewhere")}
    return ", ".join(names.get(one, one) for one in gap.adjusted_for)


def judged_words(t: Translator) -> str:
    """Say of what the shares of departures are shares."""
    return t(
        "Shares are of the cases that could be compared; of rounds, limits and rules, of those to which they apply."
    )


def trend_words(row: Mapping[Any, Any], t: Translator, target: Target | None) -> str:
    """Say how a share changes from month to month."""
    points = [_signed(100 * row[name], t, digits=1) for name in ("trend", "trend_low", "trend_high")]
    where = row["activity"] or t("the whole case")
    what = departure_words(row, t, target)
    return t("{activity}: {what}: {points} points a month ({low} … {high})", activity=where, what=what,
             points=points[0], low=points[1], high=points[2])  # fmt: skip


def _signed(value: float, t: Translator, *, digits: int = 0) -> str:
    return ("+" if value > 0 else "") + t.number(value, digits=digits)


def _limit(detail: str, t: Translator) -> str:
    hours, _, rest = detail.partition(" h")
    written = t.number(float(hours), digits=0 if float(hours).is_integer() else 1) + "\u00a0" + t("h")
    number = rest.rpartition(" ")[2]
    return t("{limit} (round {n})", limit=written, n=number) if number else written


def _rule(detail: str, t: Translator, target: Target | None) -> str:
    rules = target.card.rules if target is not None and target.card is not None else ()
    found = next((rule for rule in rules if str(rule) == detail), None)
    return detail if found is None else rule_sentence(found, t)


def _costs(findings: Findings, gap: Conformance) -> Table:
    t, paid = findings.t, gap.costs["added_cost"].notna().any()
    columns: list[Cell] = [
        (t("Activity"), lambda row: row["activity"] or t("the whole case"), "text"),
        (t("Deviation"), lambda row: _what(findings, row), "text"),
        (t("Cases"), "cases", "count"),
        (t("Share"), "share", "percent"),
        (t("Goes along with, per case"), lambda row: added_words(row, t, day=findings.day), "number"),
        (t("In all"), lambda row: _total(findings, row), "number"),
    ]
    if paid:
        columns.append((t("Cost per case"), lambda row: _money(row, t), "number"))
    columns.append((t("For example"), lambda row: ", ".join(row["examples"]), "text"))
    note = t(
        "How much longer completed cases with the deviation took than others of the same kind, with a 95% interval; "
        "adjusted for: {names}. Cases that still run are weighted for. Noise is what does not hold for all rows "
        "together (false discovery rate 5%). It goes along with the deviation; it is not proven to be caused by it.",
        names=adjustment_words(gap, t),
    )
    shares = t("The most frequent come first, then roles, rules, rounds and limits. {shares}", shares=judged_words(t))
    return tabulate(
        findings,
        by_frequency(gap.costs),
        name="deviations",
        title=t("Deviations from TO-BE"),
        columns=columns,
        foot=findings.source(gap.provenance),
        limit=_OF_THE_PATH + _OF_THE_CARD,
        note=f"{shares} {note}",
        data=gap.costs,
    )


def _what(findings: Findings, row: Mapping[str, Any]) -> str:
    gap, t = findings.conformance, findings.t
    if gap is not None and row["kind"] == "skipped" and row["activity"] in gap.only_in_target:
        return t("skipped (never in the log)")
    return departure_words(row, t, findings.target)


def _total(findings: Findings, row: Mapping[str, Any]) -> str:
    if not row["supported"]:
        return findings.t.number(None)
    return findings.hours(float(row["total_h"]), signed=True)


def _money(row: Mapping[str, Any], t: Translator) -> str:
    value, low, high = (row[f"added_cost{part}"] for part in ("", "_low", "_high"))
    if not all(map(finite, (value, low, high))):
        return t.number(None)
    written = [_signed(one, t) for one in (value, low, high)]
    return f"{written[0]} ({written[1]} … {written[2]})"


def _months(findings: Findings, gap: Conformance) -> Table:
    """Return the deviations with most time by the last months in which cases began; all of them stand in the CSV."""
    t, key = findings.t, ["kind", "activity", "detail"]
    months = sorted(gap.periods["period"].unique())[-_SHOWN:]
    wide = gap.periods[gap.periods["period"].isin(months)].pivot(index=key, columns="period", values="share")
    shown = gap.costs[key].merge(wide.reset_index(), on=key, how="left").head(_SHOWN)
    columns: list[Cell] = [
        (t("Activity"), lambda row: row["activity"] or t("the whole case"), "text"),
        (t("Deviation"), lambda row: _what(findings, row), "text"),
        *((month, month, "percent") for month in months),
    ]
    return tabulate(
        findings,
        shown,
        name="deviations_by_month",
        title=t("Share of cases with the deviation, by the month of their start"),
        columns=columns,
        foot=findings.source(gap.provenance),
        data=gap.periods,
    )


def _hot_spots(findings: Findings, gap: Conformance) -> Table:
    t = findings.t
    kinds = {"person": t("person"), "role": t("role")}
    columns: list[Cell] = [
        (t("Activity"), lambda row: row["activity"] or t("the whole case"), "text"),
        (t("Deviation"), lambda row: _what(findings, row), "text"),
        (t("Where"), lambda row: f"{kinds.get(row['by'], row['by'])}: {row['value']}", "text"),
        (t("Cases"), lambda row: f"{t.number(row['cases'])} / {t.number(row['of'])}", "number"),
        (t("Share"), "share", "percent"),
        (t("Elsewhere"), "elsewhere", "percent"),
    ]
    return tabulate(
        findings,
        gap.hot_spots,
        name="hot_spots",
        title=t("Where deviations are more frequent than elsewhere"),
        columns=columns,
        foot=findings.source(gap.provenance),
        limit=10,
        note=t("Only what is beyond chance over all comparisons (false discovery rate 5%) and 2 points or more."),
    )
