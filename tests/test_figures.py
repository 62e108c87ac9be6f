"""The palette stands out in both themes, and charts start from the same plain layout."""

from __future__ import annotations

import pytest

from engine.figures import PALETTES, Palette, Theme, colours, contrast, plotly_layout


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("words", ["text", "muted", "value_text", "gradient_text", "true_text"])
@pytest.mark.parametrize("behind", ["background", "surface", "value_soft", "gradient_soft"])
def test_words_stand_out_from_every_background(theme: Theme, words: str, behind: str) -> None:
    """WCAG 2.2, AA: 4.5 to 1 for text."""
    palette = PALETTES[theme]
    assert contrast(getattr(palette, words), getattr(palette, behind)) >= 4.5


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("area", ["value", "gradient", "true", "muted"])
def test_areas_and_lines_stand_out(theme: Theme, area: str) -> None:
    """WCAG 2.2, AA: 3 to 1 for what is not text."""
    assert contrast(getattr(PALETTES[theme], area), PALETTES[theme].background) >= 3


@pytest.mark.parametrize("palette", PALETTES.values())
def test_the_highlight_carries_words(palette: Palette) -> None:
    assert contrast(palette.highlight_text, palette.highlight) >= 7


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", PALETTES)
def test_charts_have_ten_colours_blue_first_and_named_axes(theme: Theme) -> None:
    assert len(set(colours(theme))) == 10
    made = plotly_layout(theme, x="epoch", y="loss", log_y=True)
    assert (made["xaxis"]["title"]["text"], made["yaxis"]["title"]["text"]) == ("epoch", "loss")
    assert made["yaxis"]["type"] == "log"
