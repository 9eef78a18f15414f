"""The result of a check: how far the process is from its target, where, and what goes along with it."""

from __future__ import annotations

import html
import json
import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mkmine.eventlog import Provenance

METHOD = "optimal alignments with unit costs"


@dataclass(frozen=True, eq=False, kw_only=True)
class Conformance:
    """AS-IS against TO-BE. Times are hours of working time.

    Attributes
    ----------
    fitness
        Mean over the aligned cases of 1 - cost / worst cost (van der Aalst, Adriansyah, van Dongen 2012); NaN if no
        case was aligned. An open case is measured against the beginnings of what the model allows.
    fitness_low, fitness_high
        Bounds of the mean over all cases: the unknown ones counted with the bounds of their costs.
    cases, fitting_cases, unknown_cases
        All cases; those without a deviation; those whose alignment was not finished within the budget.
    deviations
        kind ("skipped", "extra", "repeated"), activity, after (the event before; "" at the beginning), cases,
        occurrences, share_of_cases (of the aligned ones), cycle_difference_h with its 95 % interval (Welch; closed
        cases with the deviation against those without it that came as far: an association, not an effect), examples
        (case ids).
    costs
        Each way to depart from the target with what it goes along with, not what it causes; the most time in all first:
        kind ("skipped", "extra", "repeated", "order" (done elsewhere than drawn), "rounds", "role", "rule", "limit"),
        activity, detail (what the target says), cases, judged, occurrences, share (of the judged cases) with
        share_low and share_high (Wilson); naive_h (plain difference of mean cycle times), added_h with added_low_h and
        added_high_h: by how much the cases took longer than `against` others of the same kind (`adjusted_for`) would
        have, of the `compared` ones; q and supported (false discovery rate up to 5 % over all rows); total_h (added_h
        times cases); added_cost with added_cost_low and added_cost_high, total_cost (of work, where rates are given);
        trend (change of the share in a month) with trend_low, trend_high and trend_q; examples. Cases that still run
        are weighted for, not dropped. The limit of the whole case is not compared: it is about the cycle time.
    periods
        kind, activity, detail, period (month in which cases began), checked, broken, share, low, high.
    hot_spots
        Where a departure is more frequent than elsewhere (false discovery rate 5 %, 2 points or more): kind, activity,
        detail, by ("person", "role" or an attribute of cases), value, cases, of, share, elsewhere, difference with
        low and high (Newcombe), q. For limits and roles people answer for what they did; for all else, for
        cases in which they were the first to do the repeated step, or the one that they most often do.
    adjusted_for
        What added_h is adjusted for: "start" (the period in which cases began), attributes, and "rework elsewhere": the
        number of repeated executions that are not the departure itself (where rounds are the departure, none).
    limits
        activity ("" for the whole case), limit_h, checked, exceeded, share, p85_h, open_exceeded (not ended and
        already over), measured ("enabled", "previous" or "case": what the time is counted from).
    limits_by_role
        The limits of steps by the role that did them: role, activity, checked, exceeded, share, low, high.
    roles
        activity, expected, actual, instances, share, people, first and last (days): work done by another role than the
        target names.
    rounds
        activity, allowed, cases_over, max, cases, share, beyond (executions over the limit), beyond_h (their hours).
    rules
        One row per rule of the card; see `mkmine.conformance.rules.check_rules`.
    only_in_log, only_in_target
        Activities without a counterpart, in the names of the log (after aliases) and of the model.
    variants
        variant (names), open, cases, cost, cost_low, cost_high, fitness, moves ("=" both, "+" only in the log, "-" only
        in the model); the most frequent first; unknown ones have no cost and fitness but the bounds of the cost.
    notes
        What could not be checked, and why.
    """

    target: str
    fitness: float
    fitness_low: float
    fitness_high: float
    cases: int
    fitting_cases: int
    unknown_cases: int
    deviations: pd.DataFrame
    costs: pd.DataFrame
    periods: pd.DataFrame
    hot_spots: pd.DataFrame
    adjusted_for: tuple[str, ...]
    limits: pd.DataFrame
    limits_by_role: pd.DataFrame
    roles: pd.DataFrame
    rounds: pd.DataFrame
    rules: pd.DataFrame
    only_in_log: tuple[str, ...]
    only_in_target: tuple[str, ...]
    variants: pd.DataFrame
    notes: tuple[str, ...]
    provenance: Provenance
    method: str = METHOD

    def by_activity(self) -> pd.DataFrame:
        """Deviations wherever they happen: kind, activity, cases, share_of_cases (of the aligned ones).

        A case that skips an activity in two places counts once. The most frequent first.
        """
        counts: Counter[tuple[str, str]] = Counter()
        for moves, cases in zip(self.variants["moves"], self.variants["cases"].tolist(), strict=True):
            for found in _deviating(moves, foreign=self.only_in_log):
                counts[found] += cases
        aligned = self.cases - self.unknown_cases
        rows = sorted(((*key, n, n / aligned) for key, n in counts.items()), key=lambda row: (-row[2], *row[:2]))
        return pd.DataFrame(rows, columns=["kind", "activity", "cases", "share_of_cases"])

    def to_pandas(self) -> pd.DataFrame:
        """The deviations."""
        return self.deviations.copy()

    def to_dict(self) -> dict[str, Any]:
        """Everything but the variants as plain values; NaN becomes None."""
        values: dict[str, Any] = {"method": self.method, "target": self.target}
        for name in ("fitness", "fitness_low", "fitness_high"):
            number = getattr(self, name)
            values[name] = None if math.isnan(number) else number
        for name in ("cases", "fitting_cases", "unknown_cases"):
            values[name] = getattr(self, name)
        for name in ("only_in_log", "only_in_target", "adjusted_for", "notes"):
            values[name] = list(getattr(self, name))
        for name in (
            "deviations",
            "costs",
            "periods",
            "hot_spots",
            "limits",
            "limits_by_role",
            "roles",
            "rounds",
            "rules",
        ):
            values[name] = json.loads(getattr(self, name).to_json(orient="records", double_precision=12))
        return values | {"provenance": self.provenance.to_dict()}

    def __repr__(self) -> str:
        lines = [
            f"Conformance with {self.target!r}: fitness {self.fitness:.3f} ({self.method})",
            f"  {self.fitting_cases:,} of {self.cases:,} cases without a deviation",
        ]
        if self.unknown_cases:
            bounds = f"{self.fitness_low:.3f} to {self.fitness_high:.3f}"
            lines.append(f"  {self.unknown_cases:,} cases unknown: not finished in time; fitness of all is {bounds}")
        if self.only_in_log:
            lines.append(f"  only in the log: {', '.join(self.only_in_log)}")
        if self.only_in_target:
            lines.append(f"  only in the target: {', '.join(self.only_in_target)}")
        lines += [_deviation_line(row) for row in self.deviations.head(10).to_dict("records")]
        if len(self.deviations) > 10:
            lines.append(f"  ... and {len(self.deviations) - 10:,} more deviations")
        lines += [_cost_line(row) for row in self.costs[self.costs["supported"]].head(10).to_dict("records")]
        for row in self.limits.to_dict("records"):
            where = row["activity"] or "whole case"
            lines.append(f"  limit    {where}: {row['exceeded']:,} of {row['checked']:,} over {row['limit_h']:g} h")
        for row in self.rounds.to_dict("records"):
            over = f"{row['cases_over']:,} cases over {row['allowed']} (most: {row['max']})"
            lines.append(f"  rounds   {row['activity']}: {over}")
        for row in self.rules.to_dict("records"):
            broken = f"broken in {row['cases_violated']:,} of {row['cases_checked']:,} cases"
            lines.append(f"  rule     {row['rule']}: {broken if row['cases_checked'] else 'nothing to check'}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = (
            f"<p><b>{html.escape(self.target)}</b>: fitness {self.fitness:.3f} ({self.method}); "
            f"{self.fitting_cases:,} of {self.cases:,} cases without a deviation, {self.unknown_cases:,} unknown</p>"
        )
        parts = [head]
        for title, names in (("Only in the log", self.only_in_log), ("Only in the target", self.only_in_target)):
            if names:
                parts.append(f"<p>{title}: {html.escape(', '.join(names))}</p>")
        for title in ("deviations", "costs", "hot_spots", "limits", "roles", "rounds", "rules"):
            frame = getattr(self, title)
            if len(frame):
                shown = f", the first 20 of {len(frame):,}" if len(frame) > 20 else ""
                name = title.replace("_", " ").capitalize()
                table = frame.head(20).to_html(escape=True, index=False, float_format="%.3g", na_rep="")
                parts.append(f"<h4>{name}{shown}</h4>{table}")
        parts += [f"<p>{html.escape(note)}</p>" for note in self.notes]
        return "".join(parts)


def _deviating(moves: Sequence[str], *, foreign: Sequence[str]) -> set[tuple[str, str]]:
    """Kinds and activities of the deviations of one variant; `foreign` activities are never repeated, only extra."""
    found, done = set(), set()
    for sign, name in ((move[0], move[2:]) for move in moves):
        if sign == "-":
            found.add(("skipped", name))
            continue
        if sign == "+":
            found.add(("repeated" if name in done and name not in foreign else "extra", name))
        done.add(name)
    return found


def _cost_line(row: Mapping[Hashable, Any]) -> str:
    what = " ".join(filter(None, (row["kind"], row["activity"], f"({row['detail']})" if row["detail"] else "")))
    interval = f"[{row['added_low_h']:+.1f}, {row['added_high_h']:+.1f}]"
    return f"  goes along with {row['added_h']:+.1f} h {interval}: {what}, {row['cases']:,} cases"


def _deviation_line(row: Mapping[Hashable, Any]) -> str:
    after = f"after {row['after']}" if row["after"] else "at the beginning"
    line = f"  {row['kind']:<8} {row['activity']}, {after}: {row['cases']:,} cases ({row['share_of_cases']:.0%})"
    value, low, high = (row[f"cycle_difference{part}_h"] for part in ("", "_low", "_high"))
    if pd.isna(value):
        return line
    interval = f" [{low:+.1f}, {high:+.1f}]" if not pd.isna(low) else ""
    return f"{line}, cycle {value:+.1f} h{interval}"
