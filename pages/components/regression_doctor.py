"""The learning rate and what is known of it: zones beside the slider, the limit, and the verdict on a failure."""

from __future__ import annotations

import math
from typing import Literal

import streamlit as st

from engine.executors.training import Training
from engine.regression_state import Settings
from pages.components.language import say
from pages.components.share import Link

BADLY_SCALED = 10_000.0
"""The condition number from which on standardising is offered as the way out."""
_LOW, _HIGH = -6.0, 1.0
_WORD = 35.0  # per cent of the bar that a word under it takes, and the limit's number beside it
_STOPS = [float(f"{10 ** (power / 20):.2g}") for power in range(-120, 21)]
"""Where the slider rests: twenty places for each power of ten."""


def rate(link: Link) -> None:
    """The learning rate twice: a logarithmic slider and a number; each follows the other."""
    number, slider = link.key("lr"), "regression.lr.slider"
    value = float(st.session_state.get(number) or 0.01)
    st.session_state[slider] = min(_STOPS, key=lambda stop: abs(math.log(stop / min(max(value, 1e-6), 10.0))))
    st.number_input(
        say("regression.lr"),
        1e-6,
        10.0,
        step=0.001,
        format="%.6g",
        key=number,
        help=say("regression.lr.help"),
        persist_state="session",
    )
    st.select_slider(
        say("regression.lr"),
        _STOPS,
        key=slider,
        label_visibility="collapsed",
        format_func=lambda stop: f"{stop:g}",
        on_change=lambda: link.put({"lr": st.session_state[slider]}),
    )


def zones(run: Training | None) -> None:
    """A bar under the slider: green converges, yellow oscillates on its way, red diverges. Words say the same."""
    limit = run.examination.stability.limit if run is not None else None
    if run is None or limit is None:
        return
    best = min(run.examination.stability.best or limit / 2, limit)
    first, second = (min(100.0, max(0.0, 100 * (math.log10(value) - _LOW) / (_HIGH - _LOW))) for value in (best, limit))
    words = [
        f'<span class="lr-{name}-word">{say(f"regression.zone.{name}")}</span>'
        for name, room in (("good", second), ("bad", 100 - second))
        if room > _WORD
    ]
    shift = 0 if second < 10 else 100 if second > 90 else 50  # the number stays within the column
    st.html(
        f'<div class="lr-zones" role="img" aria-label="{say("regression.zone.says", limit=limit)}">'
        f'<i style="width:{first:.2f}%" class="lr-good"></i><i style="width:{second - first:.2f}%" class="lr-wide"></i>'
        f'<i style="width:{100 - second:.2f}%" class="lr-bad"></i>{"".join(words)}'
        f'<b style="left:{second:.2f}%;transform:translateX(-{shift}%)">{limit:.3g}</b></div>'
    )


def words(run: Training) -> None:
    """What the curvature says of this run, in sentences."""
    one, settings = run.examination.stability, run.settings
    lines = [say(one.reason, limit=one.limit or 0.0, beta=settings.momentum)]
    if one.epochs is not None:
        lines.append(say("regression.doctor.epochs", epochs=one.epochs))
    elif one.rate is not None and one.rate > 1.0:
        lines.append(say("regression.doctor.never", rate=one.rate))
    if math.isfinite(one.condition):
        lines.append(
            say("regression.doctor.condition", condition=one.condition, largest=one.largest, smallest=one.smallest)
        )
    else:
        lines.append(say("regression.doctor.flat", largest=one.largest))
    st.caption("\n\n".join(lines))


def verdict(link: Link, run: Training) -> None:
    """Why a run diverged, with the number that predicted it, and what would work."""
    if run.status != "diverged" or run.state.diverged is None:
        return
    one, settings = run.examination.stability, run.settings
    text = [say("regression.diverged", epoch=run.state.diverged)]
    if one.limit is not None and one.rate is not None and settings.lr > one.limit:
        times = settings.lr / one.limit
        text.append(say("regression.diverged.why", lr=settings.lr, times=times, limit=one.limit, rate=one.rate))
    else:
        text.append(say("regression.diverged.unknown"))
    lr, tame = working(settings, one.limit, one.best), one.standardised_limit
    badly = tame is not None and not settings.standardise and (lr is None or one.condition > BADLY_SCALED)
    if badly:
        text.append(say("regression.diverged.scale", condition=one.condition, limit=tame))
    if lr is None:
        text.append(say("regression.diverged.none"))
    with st.container(key="outcome-stopped"):
        st.markdown("  \n".join(text))
        with st.container(horizontal=True):
            if lr is not None:
                st.button(say("regression.use_lr", lr=lr), on_click=_use, args=(link, {"lr": lr}), type="primary")
            if badly and tame is not None:
                better = {"standardise": True, "lr": working(settings, tame, None) or settings.lr}
                kind: Literal["primary", "secondary"] = "primary" if lr is None else "secondary"
                st.button(say("regression.use_standard"), on_click=_use, args=(link, better), type=kind)


def working(settings: Settings, limit: float | None, best: float | None) -> float | None:
    """A learning rate that works: half the limit, or the fastest where that is smaller; else a tenth of what failed.

    None where it would be smaller than the control allows.
    """
    value = settings.lr / 10 if limit is None else min(limit / 2, best or limit)
    return float(f"{min(10.0, value):.2g}") if value >= 10**_LOW else None


def _use(link: Link, state: dict[str, float | bool]) -> None:
    link.put(state)
