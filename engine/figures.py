"""The palette, and how our plotly charts look: values are blue, gradients orange, everywhere.

Colours are those of Okabe and Ito (2008), told apart by colour-blind eyes; those used for text are darkened or
lightened until they stand out 4.5 to 1 from the theme's background (WCAG 2.2, AA). Colour never says anything alone.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Theme = Literal["light", "dark"]


class Palette(msgspec.Struct, frozen=True):
    """One theme's colours, as #rrggbb. `*_text` are for words and thin lines, the plain ones for areas and thick
    lines."""

    background: str
    surface: str
    text: str
    muted: str
    line: str
    value: str
    value_text: str
    value_soft: str
    gradient: str
    gradient_text: str
    gradient_soft: str
    true: str
    true_text: str
    highlight: str
    highlight_text: str


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        background="#ffffff", surface="#f6f7f9", text="#1b2330", muted="#5b6472", line="#c9ced6",
        value="#0072b2", value_text="#0067a1", value_soft="#e3f0f8",
        gradient="#d55e00", gradient_text="#ad4b00", gradient_soft="#fbe9dc",
        true="#009e73", true_text="#00775a", highlight="#f0e442", highlight_text="#1b2330",
    ),
    "dark": Palette(
        background="#0f141b", surface="#171e27", text="#e6eaf0", muted="#9aa5b4", line="#3a4554",
        value="#3a9bd9", value_text="#6fbdf0", value_soft="#12304a",
        gradient="#e87722", gradient_text="#ff9d57", gradient_soft="#4a2a10",
        true="#1fb98d", true_text="#4fd3ad", highlight="#f0e442", highlight_text="#14181f",
    ),
}  # fmt: skip


def plotly_layout(theme: Theme, *, x: str = "", y: str = "", log_y: bool = False) -> dict[str, Any]:
    """The `layout` every chart of ours starts from, as plain data: axes named, no junk, room that does not change."""
    palette = PALETTES[theme]
    axis: dict[str, Any] = {
        "gridcolor": palette.line, "zerolinecolor": palette.line, "linecolor": palette.line, "automargin": True,
        "title": {"font": {"color": palette.muted, "size": 12}}, "tickfont": {"color": palette.muted, "size": 11},
    }  # fmt: skip
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": palette.text, "size": 12},
        "colorway": colours(theme),
        "margin": {"l": 56, "r": 12, "t": 12, "b": 44},
        "hoverlabel": {"bgcolor": palette.surface, "font": {"color": palette.text}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": {**axis, "title": {**axis["title"], "text": x}},
        "yaxis": {**axis, "title": {**axis["title"], "text": y}, "type": "log" if log_y else "linear"},
    }


def colours(theme: Theme) -> list[str]:
    """Ten colours for series, the value's first and the gradient's second (ten, or Streamlit falls back to its own)."""
    palette = PALETTES[theme]
    rest = ["#56b4e9", "#e69f00", "#cc79a7", "#7f7f7f", "#882255", "#44aa99", "#332288"]
    return [palette.value, palette.gradient, palette.true, *rest]


def contrast(one: str, other: str) -> float:
    """How far two colours stand apart, from 1 to 21: WCAG 2.2's contrast ratio of relative luminances."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
