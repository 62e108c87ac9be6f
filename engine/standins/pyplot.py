"""matplotlib.pyplot: plots become plain series, drawn by our own charts."""

# ruff: noqa: ARG001, ARG005
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

from typing import Any

import numpy as np

from engine.standins import Names, Offered, Run
from engine.trace import Figure

_POINTS = 5_000
_IGNORED = [
    "grid",
    "legend",
    "tight_layout",
    "axis",
    "xlim",
    "ylim",
    "set_xlim",
    "set_ylim",
    "xticks",
    "yticks",
    "set_xticks",
    "set_yticks",
    "set_xticklabels",
    "set_yticklabels",
    "set_aspect",
    "text",
    "annotate",
    "axhline",
    "axvline",
    "hlines",
    "vlines",
    "colorbar",
    "imshow",
    "matshow",
    "contour",
    "contourf",
    "clabel",
    "quiver",
    "streamplot",
    "pcolormesh",
    "tick_params",
    "invert_yaxis",
    "set_zlabel",
    "plot_surface",
    "plot_wireframe",
    "view_init",
    "margins",
    "minorticks_on",
    "set_axis_off",
    "xscale",
    "yscale",
    "set_xscale",
    "set_yscale",
    "axvspan",
    "axhspan",
    "arrow",
    "subplots_adjust",
    "set_facecolor",
]


def _numbers(values: Any) -> list[float]:
    """Values of one axis as numbers; raises what numpy raises for what cannot be an array."""
    array = np.asarray(values)
    if array.dtype.kind in "OUS":
        return [float(position) for position in range(array.size)]
    return [float(value) for value in array.astype(float).ravel()[:_POINTS]]


class Artist(Offered):
    """What a plotting call returns: it may be asked anything and says nothing."""

    def set_data(self, *args: Any, **kwargs: Any) -> None:
        """A drawn line stays as it was."""

    def set_label(self, *args: Any, **kwargs: Any) -> None:
        """Likewise."""

    def remove(self) -> None:
        """Likewise."""


class Axes(Offered):
    """One pair of axes: its series and its words."""

    def __init__(self) -> None:
        self.series: list[tuple[str, str, list[float], list[float]]] = []
        self.words = {"title": "", "xlabel": "", "ylabel": ""}
        for name in _IGNORED:
            setattr(self, name, _nothing)

    def plot(self, *args: Any, label: str = "", **style: Any) -> list[Artist]:
        """Lines, or points where the format draws no line."""
        rest = list(args)
        artists = []
        while rest:
            first = rest.pop(0)
            ys = rest.pop(0) if rest and not isinstance(rest[0], str) else None
            form = rest.pop(0) if rest and isinstance(rest[0], str) else ""
            xs = _numbers(first if ys is not None else range(np.asarray(first).size))
            points = any(mark in form for mark in "o.x*+s^") and "-" not in form
            self._add("scatter" if points else "line", label, xs, _numbers(first if ys is None else ys))
            artists.append(Artist())
        return artists

    semilogx = semilogy = loglog = step = plot

    def scatter(self, x: Any, y: Any, *args: Any, label: str = "", **style: Any) -> Artist:
        """Points."""
        self._add("scatter", label, _numbers(x), _numbers(y))
        return Artist()

    def bar(self, x: Any, height: Any, *args: Any, label: str = "", **style: Any) -> Artist:
        """Bars."""
        self._add("bar", label, _numbers(x), _numbers(height))
        return Artist()

    def hist(self, x: Any, bins: Any = 10, *args: Any, label: str = "", density: bool = False, **style: Any) -> Any:
        """Counts in bins, as bars at their middles."""
        counts, edges = np.histogram(np.asarray(x).ravel(), bins=bins, density=bool(density))
        self._add("bar", label, _numbers((edges[:-1] + edges[1:]) / 2), _numbers(counts))
        return counts, edges, Artist()

    def fill_between(self, x: Any, y1: Any, y2: Any = 0, *args: Any, label: str = "", **style: Any) -> Artist:
        """Its upper edge."""
        self._add("line", label, _numbers(x), _numbers(y1))
        return Artist()

    def errorbar(self, x: Any, y: Any, *args: Any, label: str = "", **style: Any) -> Artist:
        """The points without their bars."""
        self._add("scatter", label, _numbers(x), _numbers(y))
        return Artist()

    def set_title(self, text: Any, *args: Any, **style: Any) -> None:
        """The title."""
        self.words["title"] = str(text)

    def set_xlabel(self, text: Any, *args: Any, **style: Any) -> None:
        """The word under the axis."""
        self.words["xlabel"] = str(text)

    def set_ylabel(self, text: Any, *args: Any, **style: Any) -> None:
        """The word beside the axis."""
        self.words["ylabel"] = str(text)

    title, xlabel, ylabel = set_title, set_xlabel, set_ylabel

    def set(self, **words: Any) -> None:
        """Several words at once."""
        self.words.update({name: str(text) for name, text in words.items() if name in self.words})

    def clear(self) -> None:
        """Nothing is drawn here any more."""
        self.series.clear()

    cla = clear

    def _add(self, kind: str, label: str, xs: list[float], ys: list[float]) -> None:
        length = min(len(xs), len(ys))
        self.series.append((kind, str(label), xs[:length], ys[:length]))


class Canvas(Offered):
    """A figure: one or several axes."""

    def __init__(self) -> None:
        self.axes: list[Axes] = []
        self.words = ""
        for name in (
            "tight_layout",
            "colorbar",
            "savefig",
            "show",
            "legend",
            "set_size_inches",
            "subplots_adjust",
            "set_dpi",
        ):
            setattr(self, name, _nothing)

    def add_subplot(self, *args: Any, **style: Any) -> Axes:
        """One more pair of axes."""
        self.axes.append(Axes())
        return self.axes[-1]

    def gca(self) -> Axes:
        """The axes in use."""
        return self.axes[-1] if self.axes else self.add_subplot()

    def suptitle(self, text: Any, *args: Any, **style: Any) -> None:
        """A title over all."""
        self.words = str(text)


def _nothing(*args: Any, **kwargs: Any) -> None:
    """How a plot looks is not kept."""


class Style(Offered):
    """`plt.style`."""

    available = ("default", "ggplot")

    def use(self, *args: Any) -> None:
        """How a plot looks is not kept."""


def offer(run: Run) -> Names:
    """matplotlib and its pyplot."""
    canvases: list[Canvas] = []

    def current() -> Canvas:
        if not canvases:
            canvases.append(Canvas())
        return canvases[-1]

    def figure(*args: Any, **style: Any) -> Canvas:
        """A new figure."""
        canvases.append(Canvas())
        return canvases[-1]

    def subplots(nrows: int = 1, ncols: int = 1, *args: Any, squeeze: bool = True, **style: Any) -> Any:
        """A figure and its axes."""
        canvas = figure()
        grid = np.empty((nrows, ncols), dtype=object)
        for index in np.ndindex(nrows, ncols):
            grid[index] = canvas.add_subplot()
        if nrows == ncols == 1 and squeeze:
            return canvas, grid[0, 0]
        return canvas, Grid(grid.squeeze() if squeeze else grid)

    def show(*args: Any, **style: Any) -> None:
        """The next plot is a new figure."""
        if canvases and canvases[-1].axes:
            canvases.append(Canvas())

    def on_axes(name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            return getattr(current().gca(), name)(*args, **kwargs)

        call.__name__ = name
        return call

    def rows() -> list[Figure]:
        """Every pair of axes with a series is one figure."""
        drawn = [(canvas, axes) for canvas in canvases for axes in canvas.axes if axes.series]
        return [
            Figure(
                number,
                0,
                axes.words["title"] or canvas.words,
                axes.words["xlabel"],
                axes.words["ylabel"],
                list(axes.series),
            )
            for number, (canvas, axes) in enumerate(drawn)
        ]

    run.drawn.append(rows)
    names = {name: on_axes(name) for name in dir(Axes) if not name.startswith("_") and not name.startswith("set")}
    names |= {name: on_axes(name) for name in _IGNORED if not name.startswith("set")}
    names |= dict.fromkeys(("savefig", "close", "ion", "ioff", "pause", "draw", "set_cmap", "clim", "rc"), _nothing)

    def axes(*args: Any, **style: Any) -> Axes:
        """New axes in the current figure."""
        return current().add_subplot()

    def title_over_all(text: Any, *args: Any, **style: Any) -> None:
        """`plt.suptitle`."""
        current().suptitle(text)

    names |= {"figure": figure, "clf": figure, "subplots": subplots, "subplot": axes, "axes": axes, "show": show}
    names |= {"gcf": current, "gca": lambda *args, **style: current().gca(), "suptitle": title_over_all}
    names |= {"style": Style(), "rcParams": {}, "Axes": Axes}
    return {
        "matplotlib.pyplot": names,
        "matplotlib": {"use": _nothing, "rcParams": {}, "__version__": "3.0", "rc": _nothing},
        "mpl_toolkits.mplot3d": {"Axes3D": Axes},
        "matplotlib.ticker": {}, "matplotlib.cm": {},
    }  # fmt: skip


class Grid(Offered):
    """Axes in rows and columns, as an array gives them."""

    def __init__(self, axes: Any) -> None:
        self._axes = axes
        self.shape = axes.shape

    def __getitem__(self, index: Any) -> Any:
        found = self._axes[index]
        return Grid(found) if isinstance(found, np.ndarray) else found

    def __iter__(self) -> Any:
        return (self[position] for position in range(len(self._axes)))

    def __len__(self) -> int:
        return len(self._axes)

    def flatten(self) -> Grid:
        """All in one row."""
        return Grid(self._axes.ravel())

    ravel = flatten

    @property
    def flat(self) -> Grid:
        """Likewise."""
        return self.flatten()
