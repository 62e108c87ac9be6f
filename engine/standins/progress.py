"""tqdm: the iteration without the bar (a bar is written to the error stream, which nobody sees here)."""

# ruff: noqa: ARG004
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine.standins import Names, Offered, Run


def offer(run: Run) -> Names:
    """tqdm and its usual names."""

    class Tqdm(Offered):
        """A progress bar that shows nothing."""

        def __init__(
            self, iterable: Iterable[Any] | None = None, desc: str | None = None, total: Any = None, **kwargs: Any
        ) -> None:
            self.iterable = iterable
            self.desc = desc
            self.n = 0
            self.total = total if total is not None or not hasattr(iterable, "__len__") else len(iterable)  # type: ignore[arg-type]

        def __iter__(self) -> Iterator[Any]:
            for value in self.iterable or ():
                yield value
                self.n += 1

        def __len__(self) -> int:
            return int(self.total)

        def __enter__(self) -> Tqdm:
            return self

        def __exit__(self, *error: object) -> None:
            return None

        def update(self, n: float = 1) -> None:
            self.n += n  # type: ignore[assignment]

        def set_description(self, desc: str | None = None, refresh: bool = True) -> None:
            self.desc = desc

        def set_postfix(self, *args: Any, **kwargs: Any) -> None:
            return None

        set_postfix_str = set_description_str = refresh = reset = clear = set_postfix

        def close(self) -> None:
            return None

        @staticmethod
        def write(text: object, *args: Any, **kwargs: Any) -> None:
            run.write(f"{text}\n")

    def trange(*args: int, **kwargs: Any) -> Tqdm:
        """`tqdm(range(...))`."""
        return Tqdm(range(*args), **kwargs)

    Tqdm.__name__ = Tqdm.__qualname__ = "tqdm"
    names = {"tqdm": Tqdm, "trange": trange}
    return {"tqdm": {**names}, "tqdm.auto": names, "tqdm.notebook": names, "tqdm.std": names}
