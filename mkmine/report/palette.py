"""The colours of maps, charts and reports, in one place so that they agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["blend", "depth", "heat", "readable_on"]

INK: Final = "#0f1f3d"
MUTED: Final = "#64748b"
LINE: Final = "#dbe3ee"
PAPER: Final = "#ffffff"
SHADE: Final = "#f4f7fb"
ACCENT: Final = "#1d5fb4"
DEEP: Final = "#0f2f5f"
START: Final = "#1f9d57"
END: Final = "#c23a55"
REWORK: Final = "#8a4f9e"

GOOD: Final = "#15803d"
BAD: Final = "#b91c1c"
NEUTRAL: Final = "#7b8798"
UNSTABLE: Final = "#b45309"
WAITING: Final = "#e07a2c"
PROCESSING: Final = "#4f8fd6"

_DEPTH: Final = ("#e4eefb", "#b9d3f2", "#7fabe0", "#2f6fbf", "#1d549f", "#0b3675")
_HEAT: Final = ("#8b95a5", "#b3a07a", "#e3ac3a", "#e28a2e", "#d9541f", "#b91c1c")


def blend(colors: Sequence[str], share: float) -> str:
    """Return the colour at `share` (0 to 1) of the way along a ladder of `#rrggbb` colours."""
    place = min(max(share, 0.0), 1.0) * (len(colors) - 1)
    low = min(int(place), len(colors) - 2)
    part = place - low
    mixed = (
        round(one + (two - one) * part)
        for one, two in zip(_channels(colors[low]), _channels(colors[low + 1]), strict=True)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def depth(share: float) -> str:
    """Return the blue of a frequency: pale for rare, deep for the most frequent."""
    return blend(_DEPTH, share)


def heat(share: float) -> str:
    """Return the colour of a waiting time: grey for none, amber, then red for the longest."""
    return blend(_HEAT, share)


def readable_on(background: str) -> str:
    """Return white or ink, whichever contrasts more with the background (WCAG 2 relative luminance)."""
    light = _luminance(background)
    return PAPER if 1.05 / (light + 0.05) > (light + 0.05) / (_luminance(INK) + 0.05) else INK


def _luminance(color: str) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in _channels(color))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
