"""How key figures and answers are called and written for readers, in either language."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mkmine.language import Translator, unit_of
from mkmine.simulation.experiments.kpis import PERSON, ROLE, kpi

if TYPE_CHECKING:
    from mkmine.simulation.experiments.answers import Strain

__all__ = [
    "doubt_text", "growth_text", "input_name", "kpi_changes", "kpi_name", "kpi_range", "kpi_value", "percent_change",
    "size_text", "verdict_sentence", "verdict_text", "verdict_words",
]  # fmt: skip


# An interval whose middle is off its answer by more than this share of its half-width is written out.
_EVEN = 0.2
# What is less than this share of the half-width is not worth saying.
_WORTH_SAYING = 0.5
# From this share of the half-width on, it is all but the whole of it.
_ALL_BUT_WHOLE = 0.9


def kpi_name(key: str, t: Translator) -> str:
    """Return the name of a key figure, such as `"cycle_median_h"` or `"utilisation:designer"`."""
    if key.startswith((ROLE, PERSON)):
        # Whether it is a role or a person, the name says.
        return t("Utilisation: {role}", role=key.partition(":")[2])
    names = {
        "cycle_mean_h": t("Cycle time, mean"),
        "cycle_median_h": t("Cycle time, median"),
        "cycle_p85_h": t("Cycle time, 85th percentile"),
        "cycle_p95_h": t("Cycle time, 95th percentile"),
        "on_time_share": t("Share of cases on time"),
        "throughput_per_week": t("Throughput, cases per week"),
        "wip": t("Cases in progress"),
        "waiting_per_case_h": t("Waiting per case"),
        "waiting_queue_h": t("Waiting per case: people busy"),
        "waiting_off_duty_h": t("Waiting per case: people not on duty"),
        "waiting_outside_h": t("Waiting per case: outside"),
        "rework_per_case": t("Rework rounds per case"),
        "processing_per_case_h": t("Processing per case"),
        "overtime_per_week_h": t("Overtime per week"),
        "cost_per_case": t("Cost per case"),
    }
    return names.get(key, key)


def kpi_value(key: str, value: float, t: Translator, *, day: float = 8.0) -> str:
    """Write the value of a key figure in the unit it is read in."""
    if key.endswith("_h"):
        return t.hours(value, day=day)
    if kpi(key).unit == "share":
        return t.percent(value)
    return t.number(value, digits=2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0)


def kpi_range(key: str, low: float, high: float, t: Translator, *, day: float = 8.0) -> str:
    """Write the interval in which a key figure lies, its unit named once."""
    if key.endswith("_h"):
        unit = unit_of([low, high], t, day=day)
        return f"{unit.bare(low, t)} – {unit.write(high, t)}"
    return f"{kpi_value(key, low, t)} – {kpi_value(key, high, t)}"


def kpi_changes(key: str, values: Sequence[float], t: Translator, *, day: float = 8.0) -> tuple[list[str], str]:
    """Write differences of one key figure that are read together, signed and in one unit; return them and the unit.

    The unit comes with the no-break space before it, and is empty for plain numbers.
    """
    if key.endswith("_h"):
        unit = unit_of(values, t, day=day)
        return [unit.bare(value, t, signed=True) for value in values], "\u00a0" + unit.name
    if kpi(key).unit == "share":
        return [_signed(100 * value, t, digits=1) for value in values], "\u00a0" + t("pp")
    digits = 2 if max(map(abs, values)) < 10 else 1
    return [_signed(value, t, digits=digits) for value in values], ""


def size_text(row: Mapping[Any, Any], t: Translator, *, day: float = 8.0) -> str:
    """Write the size of a difference and its half-width in the unit of the values that it compares.

    `2.1 ± 0.4 working days`: as many decimals as the half-width needs. An interval that reaches farther to one side is
    written out: `2.1 (1.4 – 4.0) working days`.
    """
    key, scale, name, digits = str(row["kpi"]), 1.0, "", 1
    if key.endswith("_h"):
        unit = unit_of(_compared(row), t, day=day)
        scale, name, digits = 1 / unit.hours, "\u00a0" + unit.name, unit.digits
    elif kpi(key).unit == "share":
        scale, name = 100.0, "\u00a0" + t("pp")
    difference, low, high = (scale * float(row[end]) for end in ("difference", "low", "high"))
    width = (high - low) / 2
    if width > 0:
        digits = min(max(digits, math.ceil(-math.log10(width))), 4)
    size = t.number(abs(difference), digits=digits)
    if _is_even(row):
        return f"{size}\u00a0±\u00a0{t.number(width, digits=digits)}{name}"
    ends = (low, high) if difference >= 0 or low <= 0 <= high else (-high, -low)
    return f"{size} ({' – '.join(t.number(one, digits=digits) for one in ends)}){name}"


def _is_even(row: Mapping[Any, Any]) -> bool:
    low, high = float(row["low"]), float(row["high"])
    return abs((low + high) / 2 - float(row["difference"])) <= _EVEN * (high - low) / 2


def doubt_text(row: Mapping[Any, Any], t: Translator, *, day: float = 8.0) -> str:
    """Say how much of an answer's interval is not chance in the simulation; nothing where that is little.

    It is what the log says of the model's numbers, or of how much of the waiting is queueing.
    """
    if str(row["verdict"]) not in ("better", "worse", "changed", "noise"):
        return ""
    key = str(row["kpi"])
    least, most = (float(row.get(end, math.nan)) for end in ("least", "most"))
    half = (float(row["high"]) - float(row["low"])) / 2
    if most - least > _WORTH_SAYING * half:
        low, high = _signed_pair((least, most), row, t, day=day)
        if least <= 0 <= most:
            return t(
                "between {low} and {high}, depending on how much of the waiting is queueing: the log cannot tell, and "
                "it may be nothing",
                low=low,
                high=high,
            )
        return t(
            "between {low} and {high}, depending on how much of the waiting is queueing: the log cannot tell",
            low=low,
            high=high,
        )
    known = float(row.get("parameters", 0.0))
    if known > _ALL_BUT_WHOLE * half:
        if row.get("assumed", False):
            return t("nearly all of this doubt because of what is assumed or hardly known")
        return t("nearly all of this doubt because there is little data")
    if known > _WORTH_SAYING * half and row.get("assumed", False):
        size = _plain_size(key, known, row, t, day=day)
        return t("of this ± {size} because of what is assumed or hardly known", size=size)
    if known > _WORTH_SAYING * half:
        return t("of this ± {size} because there is little data", size=_plain_size(key, known, row, t, day=day))
    return ""


def _plain_size(key: str, width: float, row: Mapping[Any, Any], t: Translator, *, day: float) -> str:
    if key.endswith("_h"):
        unit = unit_of(_compared(row), t, day=day)
        return t.number(width / unit.hours, digits=max(unit.digits, 1))
    share = kpi(key).unit == "share"
    return t.number(100 * width if share else width, digits=1 if share or width >= 1 else 2)


def _signed_pair(ends: tuple[float, float], row: Mapping[Any, Any], t: Translator, *, day: float) -> tuple[str, str]:
    """Write two differences with their signs, and the unit after the second."""
    key = str(row["kpi"])
    if not key.endswith("_h"):
        low, high = kpi_changes(key, ends, t, day=day)[0]
        return low, high + kpi_changes(key, ends, t, day=day)[1]
    unit = unit_of(_compared(row), t, day=day)
    return unit.bare(ends[0], t, signed=True), unit.bare(ends[1], t, signed=True) + "\u00a0" + unit.name


def _compared(row: Mapping[Any, Any]) -> list[float]:
    return [float(row["base"]), float(row["value"])]


def _values_text(row: Mapping[Any, Any], t: Translator, *, day: float) -> str:
    """Write both values, `11.5 → 9.4 working days`."""
    key = str(row["kpi"])
    if not key.endswith("_h"):
        return "\u00a0→ ".join(kpi_value(key, value, t) for value in _compared(row))
    unit = unit_of(_compared(row), t, day=day)
    return f"{unit.bare(float(row['base']), t)}\u00a0→ {unit.write(float(row['value']), t)}"


def verdict_words(verdict: str, t: Translator) -> str:
    """Say a verdict in plain words."""
    words = {
        "better": t("better"),
        "worse": t("worse"),
        "changed": t("changed"),
        "noise": t("within noise"),
        "negligible": t("too small to matter"),
        "unstable": t("unstable: the queue grows without end"),
        "unpaired": t("on one side only"),
    }
    return words.get(verdict, verdict)


def input_name(kind: str, name: str, t: Translator) -> str:
    """Return the name of an input of a model, as `mkmine.simulation.experiments.sensitivity` changes it."""
    names = {
        "arrivals": t("arrivals"),
        "staff": t("people: {name}", name=name),
        "duration": t("duration: {name}", name=name),
        "rework": t("returns after: {name}", name=name),
        "delay": t("outside wait: {name}", name=name),
    }
    return names.get(kind, f"{kind}: {name}")


def growth_text(strain: Strain, t: Translator) -> str:
    """Say whose queue grows how fast."""
    if strain.role is None or not strain.per_week > 0:
        return t("work piles up")
    return t("the queue of {role} grows by {rate} a week", role=strain.role, rate=t.number(strain.per_week, digits=1))


def verdict_text(row: Mapping[Any, Any], t: Translator, *, day: float = 8.0, strain: Strain | None = None) -> str:
    """Say what an answer says: "shorter by 2.1 ± 0.4 working days", "within noise", "unstable: …"."""
    key, verdict = str(row["kpi"]), str(row["verdict"])
    if verdict == "unstable" and strain is not None:
        return t("unstable: {growth}", growth=growth_text(strain, t))
    if row["low"] == row["high"] == 0:
        return t("no difference")
    if verdict not in ("better", "worse", "changed"):
        return verdict_words(verdict, t)
    size, less = size_text(row, t, day=day), float(row["difference"]) < 0
    if key.endswith("_h"):
        return t("shorter by {size}", size=size) if less else t("longer by {size}", size=size)
    return t("lower by {size}", size=size) if less else t("higher by {size}", size=size)


def verdict_sentence(row: Mapping[Any, Any], t: Translator, *, day: float = 8.0, strain: Strain | None = None) -> str:
    """Say what an answer says of which key figure, with the values that it compares."""
    key, verdict = str(row["kpi"]), str(row["verdict"])
    text = verdict_text(row, t, day=day, strain=strain)
    if verdict == "unstable":
        return t("{verdict}; no figure can be given", verdict=text)
    name = kpi_name(key, t)
    values = {
        "kpi": name[:1].lower() + name[1:],
        "verdict": text,
        "values": _values_text(row, t, day=day),
        "relative": percent_change(float(row["relative"]), t),
    }
    if verdict == "noise" and row["low"] != row["high"]:
        sign = "+" if row["difference"] > 0 else "\u2212" if row["difference"] < 0 else ""
        size = sign + size_text(row, t, day=day)
        if not _is_even(row):
            size = " – ".join(_signed_pair((float(row["low"]), float(row["high"])), row, t, day=day))
        told = t("{kpi}: {verdict} ({size})", **values, size=size)
    elif not float(row["base"]) or verdict in ("noise", "unpaired"):
        told = t("{kpi}: {verdict} ({values})", **values)
    else:
        told = t("{kpi}: {verdict} ({values}, {relative})", **values)
    doubt = doubt_text(row, t, day=day)
    return f"{told}; {doubt}" if doubt else told


def percent_change(share: float, t: Translator) -> str:
    """Write a relative change with its sign."""
    return ("+" if share > 0 else "") + t.percent(share, digits=0 if abs(share) >= 0.095 else 1)


def _signed(value: float, t: Translator, *, digits: int) -> str:
    return ("+" if round(value, digits) > 0 else "") + t.number(value, digits=digits)
