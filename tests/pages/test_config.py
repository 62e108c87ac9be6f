"""The configuration: the measured settings are there, and the theme is the palette."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine.figures import PALETTES, Theme, colours, contrast

CONFIG = tomllib.loads((Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml").read_text("utf-8"))
PAIRS = {
    "backgroundColor": "background",
    "secondaryBackgroundColor": "surface",
    "textColor": "text",
    "linkColor": "value_text",
    "borderColor": "line",
    "blueColor": "value",
    "blueTextColor": "value_text",
    "blueBackgroundColor": "value_soft",
    "orangeColor": "gradient",
    "orangeTextColor": "gradient_text",
    "greenColor": "true",
    "greenTextColor": "true_text",
    "grayTextColor": "muted",
}


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("runner", "postScriptGC", False),
        ("server", "fileWatcherType", "none"),
        ("server", "maxUploadSize", 20),
        ("browser", "gatherUsageStats", False),
        ("client", "showErrorDetails", "none"),
        ("client", "toolbarMode", "viewer"),
        ("logger", "level", "warning"),
    ],
)
def test_what_was_measured_is_set(section: str, name: str, value: object) -> None:
    """With Streamlit's defaults a hundred students wait twenty seconds, and visitors read our tracebacks."""
    assert CONFIG[section][name] == value


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_is_the_palette(theme: Theme) -> None:
    """One set of colours for Streamlit's parts and ours."""
    palette = PALETTES[theme]
    assert {name: CONFIG["theme"][theme][name].lower() for name in PAIRS} == {
        name: getattr(palette, field).lower() for name, field in PAIRS.items()
    }
    chart = [colour.lower() for colour in CONFIG["theme"][theme]["chartCategoricalColors"]]
    assert chart == [colour.lower() for colour in colours(theme)]
    assert len(chart) >= 10, "with fewer, Plotly falls back to its own"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out(theme: Theme) -> None:
    """4.5 to 1 (WCAG 2.2, AA): on the page, and the white words of a main button."""
    colour = CONFIG["theme"][theme]
    assert contrast("#ffffff", colour["primaryColor"]) >= 4.5
    for name in ("textColor", "linkColor", "orangeTextColor", "greenTextColor", "grayTextColor"):
        assert contrast(colour[name], colour["backgroundColor"]) >= 4.5
