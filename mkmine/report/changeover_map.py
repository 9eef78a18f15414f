"""AS-IS and TO-BE in one drawing: what is new, what goes, what changes and what is departed from.

Colour, the kind of line and a sign in the corner say the same, so that none of them is needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mkmine.conformance.changeover import DEPARTED, NOT_KEPT
from mkmine.errors import DataError
from mkmine.language import Translator, translator
from mkmine.report import legend, palette
from mkmine.report.layout import Arrow, Box, Layout, Point, arrange
from mkmine.report.lettering import escaped, text_width, wrap
from mkmine.report.picture import Picture
from mkmine.report.scales import rows
from mkmine.report.shapes import (
    MARKER_RADIUS,
    NAME_SIZE,
    NUMBER_SIZE,
    Ink,
    document,
    label,
    marker,
    number,
    stroke,
    text,
)

if TYPE_CHECKING:
    from mkmine.conformance.changeover import Changeover

__all__ = ["draw_changeover", "status_rule", "status_words", "step_remarks"]

Row = Mapping[str, Any]

_NAME_WIDTH: Final = 172.0
_LINE: Final = 15.0
_SMALL: Final = 13.5
_PAD: Final = 13.0
_MARGIN: Final = 20.0
_BADGE: Final = 9.0
_MOST: Final = 150
# Paths beside those of TO-BE that fewer cases take are left out, as are those beyond one to a step, or this many.
_RARE: Final = 0.02
_FEWEST_PATHS: Final = 16
_BEGIN: Final = "\x00begin"
_END: Final = "\x00end"


@dataclass(frozen=True, slots=True)
class _Look:
    """How a status is drawn: fill, colour of lines and sign, dashes of a border, strokes of the sign."""

    fill: str
    color: str
    dashes: str
    sign: str


_LOOKS: Final = {
    "same": _Look("#f4f7fb", "#94a3b8", "", ""),
    "added": _Look("#d9f2ec", "#0b6b5f", "7 4", "M-4.5,0H4.5M0,-4.5V4.5"),
    "removed": _Look("#fbe1e1", "#b3261e", "2 3.2", "M-4.5,0H4.5"),
    "changed": _Look("#fdebc8", "#a65b00", "", "M-4.5,-2H4.5M-4.5,2H4.5M2.5,-5L-2.5,5"),
    "deviating": _Look("#e9e2fb", "#6237b8", "9 3 2 3", "M0,-5V1.2M0,4V5"),
}


def draw_changeover(found: Changeover, *, language: str = "en") -> Picture:
    """Draw what changes from AS-IS to TO-BE: the steps and paths of both in one layout.

    Paths that fewer than 2 % of cases take are left out unless they are all that joins a step, and the key says so.
    Raises `UnknownNameError` if the language is unknown, and `DataError` if there are too many steps to draw.
    """
    if len(found.steps) > _MOST:
        raise DataError(f"a picture of {len(found.steps):,} steps cannot be read; the most are {_MOST}")
    t = translator(language)
    boxes = {str(row["activity"]): _Step.of(row, t) for row in rows(found.steps)}
    paths = _chosen(found)
    placed = arrange(_nodes(found, boxes, paths), [_arrow(row, found.order, t) for row in paths], rank_gap=26)
    parts = [_path(row, placed, t) for row in sorted(paths, key=lambda row: float(row["share_of_cases"]))]
    parts += [box.drawn(placed.centers[name]) for name, box in boxes.items() if name in placed.centers]
    for name, kind, words in ((_BEGIN, "start", t("Start of a case")), (_END, "end", t("End of a case"))):
        if name in placed.centers:
            parts.append(marker("start" if kind == "start" else "end", center=placed.centers[name], tooltip=words))
    for row in paths:
        center = placed.routes[_name(row)].label
        if center is not None:
            parts.append(label(_figure(row, t), center=center, color=_path_color(str(row["status"]))))
    return _compose(parts, placed, found, len(paths), t)


def status_words(status: str, t: Translator) -> str:
    """Say what became of a step."""
    words = {
        "added": t("new in TO-BE"),
        "removed": t("not in TO-BE"),
        "changed": t("changes"),
        "deviating": t("departed from"),
        "same": t("stays"),
    }
    return words[status]


def status_rule(t: Translator) -> str:
    """Say by what rule a step is said to change, to be departed from or to stay."""
    return t(
        "A step changes where another role does it, or where over {much} of its executions exceed the limit or of its "
        "cases the rounds; it is departed from where {some} of the cases or more skip it, repeat it or do it out of "
        "order. Below that it stays.",
        much=t.percent(NOT_KEPT),
        some=t.percent(DEPARTED),
    )


def step_remarks(row: Row, t: Translator) -> list[str]:
    """Say in what a step is not as it should be, the most important first."""
    status, remarks = row["status"], []
    if status == "added":
        return [t("never met in the log")]
    if status == "removed":
        return [t("in {share} of cases", share=t.percent(row["share_of_cases"]))]
    if "role" in row["changes"]:
        remarks.append(t("done by another role"))
    if "time" in row["changes"]:
        remarks.append(t("over the limit: {share}", share=t.percent(row["over_limit"])))
    if "rounds" in row["changes"]:
        remarks.append(t("too many rounds: {share}", share=t.percent(row["over_rounds"])))
    if row["departure"] and row["departing"] >= DEPARTED:
        words = {
            "skipped": t("skipped: {share}"),
            "extra": t("extra: {share}"),
            "repeated": t("repeated: {share}"),
            "order": t("out of order: {share}"),
        }
        remarks.append(words[row["departure"]].format(share=t.percent(row["departing"])))
    return remarks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """The box of a step: its name, who does it, how long, and what is not as it should be."""

    name: str
    status: str
    lines: tuple[str, ...]
    role: tuple[str, ...]
    facts: str
    remarks: tuple[str, ...]
    tooltip: str

    @classmethod
    def of(cls, row: Row, t: Translator) -> _Step:
        """Return the box of a row of `Changeover.steps`."""
        name, status = str(row["activity"]), str(row["status"])
        role = _roles(row)
        facts = _facts(row, t)
        remarks = step_remarks(row, t)[:2]
        told = [name, status_words(status, t), role, facts, *remarks]
        return cls(
            name=name,
            status=status,
            lines=tuple(wrap(name, size=NAME_SIZE, width=_NAME_WIDTH, weight="bold")),
            role=tuple(wrap(role, size=NUMBER_SIZE, width=_NAME_WIDTH, lines=2)) if role else (),
            facts=facts,
            remarks=tuple(wrap(one, size=NUMBER_SIZE, width=_NAME_WIDTH, lines=1)[0] for one in remarks),
            tooltip=" · ".join(one for one in told if one),
        )

    @property
    def small(self) -> list[str]:
        """The lines below the name."""
        return [*self.role, *([self.facts] if self.facts else []), *self.remarks]

    @property
    def width(self) -> float:
        """Width in pixels."""
        names = [text_width(line, size=NAME_SIZE, weight="bold") for line in self.lines]
        rest = [text_width(line, size=NUMBER_SIZE, weight="bold") for line in self.small]
        return max(84.0, *names, *rest) + 2 * _PAD

    @property
    def height(self) -> float:
        """Height in pixels."""
        return 14 + _LINE * len(self.lines) + _SMALL * len(self.small)

    def drawn(self, center: Point) -> str:
        """Draw the box with its sign."""
        look, (x, y) = _LOOKS[self.status], center
        left, top = x - self.width / 2, y - self.height / 2
        parts = [
            f'<g class="mk-activity mk-{self.status}" data-name="{escaped(self.name)}">'
            f"<title>{escaped(self.tooltip)}</title>",
            f'<rect x="{number(left)}" y="{number(top)}" width="{number(self.width)}" height="{number(self.height)}"'
            f' rx="7" fill="{look.fill}" stroke="{look.color}" stroke-width="{1.1 if self.status == "same" else 2}"'
            f"{_dashed(look.dashes)}/>",
        ]
        baseline = top + 18
        for line in self.lines:
            parts.append(text(line, at=(x, baseline), size=NAME_SIZE, color=palette.INK, anchor="middle", bold=True))
            baseline += _LINE
        for row, line in enumerate(self.small):
            loud = row >= len(self.small) - len(self.remarks)
            color = look.color if loud and self.status != "same" else "#475569"
            parts.append(text(line, at=(x, baseline - 1), size=NUMBER_SIZE, color=color, anchor="middle", bold=loud))
            baseline += _SMALL
        if look.sign:
            parts.append(f'<g transform="translate({number(left + self.width)} {number(top)})">{_badge(look)}</g>')
        return "".join([*parts, "</g>"])


def _roles(row: Row) -> str:
    done, meant = str(row["role"]), str(row["role_to_be"])
    if "role" in row["changes"]:
        return f"{done} → {meant}"
    return meant or done


def _facts(row: Row, t: Translator) -> str:
    time, limit = float(row["time_h"]), float(row["limit_h"])
    hours = [_hours(time, t)] if math.isfinite(time) and time >= 0.05 else []
    meant = float(row.get("time_h_simulated", math.nan))
    if math.isfinite(meant) and (hours or meant >= 0.05):
        # What the simulated TO-BE would take.
        hours = [" › ".join([*hours, _hours(meant, t)])]
    if math.isfinite(limit):
        hours.append(t("limit {hours}", hours=_hours(limit, t)))
    return ", ".join(hours)


def _hours(value: float, t: Translator) -> str:
    return t.number(value, digits=1 if value < 10 and value != round(value) else 0) + "\u00a0" + t("h")


def _dashed(dashes: str) -> str:
    return f' stroke-dasharray="{dashes}"' if dashes else ""


def _badge(look: _Look) -> str:
    return (
        f'<circle r="{_BADGE}" fill="{look.color}" stroke="{palette.PAPER}" stroke-width="1.5"/>'
        f'<path d="{look.sign}" fill="none" stroke="{palette.PAPER}" stroke-width="1.9" stroke-linecap="round"/>'
    )


def _chosen(found: Changeover) -> list[Row]:
    """Return the paths to draw: those of TO-BE, and the frequent ones beside them."""
    found_paths: list[Row] = [*rows(found.paths)]
    most = max(_FEWEST_PATHS, len(found.steps))
    kept = [row for row in found_paths if row["status"] == "added" or (row["status"] == "same" and row["drawn"])]
    others = [row for row in found_paths if row["status"] != "added" and not (row["status"] == "same" and row["drawn"])]
    kept += [row for row in others if row["share_of_cases"] >= _RARE][:most]
    for name in found.order:
        # No step stands alone: the most frequent path to it, and that from it, are always drawn.
        for end in ("source", "target"):
            if not any(row[end] == name for row in kept):
                kept += [row for row in found_paths if row[end] == name and row not in kept][:1]
    return kept


def _nodes(found: Changeover, boxes: Mapping[str, _Step], paths: Sequence[Row]) -> list[Box]:
    size = 2 * MARKER_RADIUS
    nodes = [Box(name=name, width=boxes[name].width, height=boxes[name].height) for name in found.order]
    if any(not row["source"] for row in paths):
        nodes.insert(0, Box(name=_BEGIN, width=size, height=size, shape="circle", place="first"))
    if any(not row["target"] for row in paths):
        nodes.append(Box(name=_END, width=size, height=size, shape="circle", place="last"))
    return nodes


def _name(row: Row) -> str:
    return f"{row['source']}\x01{row['target']}"


def _arrow(row: Row, order: Sequence[str], t: Translator) -> Arrow:
    source, target = str(row["source"]), str(row["target"])
    back = bool(source and target) and order.index(target) < order.index(source)
    figure = _figure(row, t)
    return Arrow(
        name=_name(row),
        source=source or _BEGIN,
        target=target or _END,
        back=back,
        pull=1 if back or row["status"] != "same" else 2 + round(8 * float(row["share_of_cases"])),
        head=_ink(row).head,
        label=(text_width(figure, size=NUMBER_SIZE) + 12, NUMBER_SIZE + 4) if figure else None,
    )


def _figure(row: Row, t: Translator) -> str:
    """Return what is written on a path: its sign, and the share of cases that take it."""
    share = float(row["share_of_cases"])
    sign = {"added": "+", "removed": "–", "deviating": "!", "same": ""}[str(row["status"])]
    told = "" if not share else t.percent(share) if share >= 0.005 else f"<\u00a0{t.percent(0.01)}"
    return " ".join(one for one in (sign, told) if one)


def _path_color(status: str) -> str:
    return "#64748b" if status == "same" else _LOOKS[status].color


def _ink(row: Row) -> Ink:
    status = str(row["status"])
    widest = 3.0 if row["source"] == row["target"] else 5.0
    thickness = 1.8 if status == "added" else min(1.3 + 3.6 * math.sqrt(float(row["share_of_cases"])), widest)
    color = "#94a3b8" if status == "same" else _LOOKS[status].color
    kinds: dict[str, Any] = {"same": "flow"}
    return Ink(color=color, thickness=thickness, kind=kinds.get(status, status))


def _path(row: Row, placed: Layout, t: Translator) -> str:
    ends = (str(row["source"]) or t("Start of a case"), str(row["target"]) or t("End of a case"))
    words = {
        "added": t("meant, but never taken"),
        "removed": t("of a step that is not in TO-BE"),
        "deviating": t("taken, but not allowed"),
        "same": t("allowed"),
    }[str(row["status"])]
    count = t.plural("{n} case", "{n} cases", int(row["cases"])) if row["cases"] else ""
    tooltip = " · ".join(one for one in (" → ".join(ends), words, count) if one)
    return stroke(placed.routes[_name(row)], ink=_ink(row), tooltip=tooltip, ends=ends)


def _compose(parts: list[str], placed: Layout, found: Changeover, drawn: int, t: Translator) -> Picture:
    told = " · ".join(
        (
            t.plural("{n} case", "{n} cases", found.n_cases),
            t("{shown} of {all} paths", shown=t.number(drawn), all=t.number(len(found.paths))),
            t("figures on paths: share of cases"),
            *([t("times: today › simulated TO-BE")] if found.n_simulated else []),
        )
    )
    key = legend.lines(_samples(found, t), shown=told, width=max(placed.width, 460.0))
    width = max(placed.width, key.width) + 2 * _MARGIN
    bottom = placed.height + 2 * _MARGIN
    height = bottom + key.height + _MARGIN / 2
    title = t("AS-IS and TO-BE in one picture")
    described = [told]
    for status in ("added", "removed", "changed", "deviating"):
        names = found.steps.loc[found.steps["status"] == status, "activity"].tolist()
        if names:
            described.append(f"{status_words(status, t)}: {', '.join(names)}")
    svg = document(
        [
            f'<g transform="translate({(width - placed.width) / 2:.1f} {_MARGIN:.1f})">',
            *parts,
            f'</g><g transform="translate({_MARGIN:.1f} {bottom:.1f})">{key.svg}</g>',
        ],
        width=width,
        height=height,
        title=title,
        description="; ".join(described),
    )
    return Picture(svg=svg, width=width, height=height, title=title)


def _samples(found: Changeover, t: Translator) -> list[legend.Sample]:
    """Return the key of what occurs: boxes with their signs, then lines."""
    paths, occurring = set(found.paths["status"]), set(found.steps["status"])
    steps = {
        "same": t("step that stays"),
        "added": t("step that is new in TO-BE"),
        "removed": t("step that TO-BE does not have"),
        "changed": t("step whose role, time or rounds are not as in TO-BE"),
        "deviating": t("step that is skipped, extra or out of order"),
    }
    samples: list[legend.Sample] = []
    for status, look in _LOOKS.items():
        if status in occurring:
            border = f'fill="{look.fill}" stroke="{look.color}" stroke-width="1.6"{_dashed(look.dashes)}'
            sign = f'<g transform="translate(26 -8) scale(0.72)">{_badge(look)}</g>' if look.sign else ""
            samples.append((f'<rect y="-9" width="26" height="12" rx="3" {border}/>{sign}', 34, steps[status]))
    lines = {
        "same": t("allowed path"),
        "added": t("path that is new"),
        "removed": t("path that goes"),
        "deviating": t("path that is not allowed"),
    }
    for status, words in lines.items():
        if status in paths:
            color = "#94a3b8" if status == "same" else _LOOKS[status].color
            dashes = _dashed(_LOOKS[status].dashes)
            samples.append((f'<path d="M0,-4H34" stroke="{color}" stroke-width="2.4"{dashes}/>', 34, words))
    return samples
