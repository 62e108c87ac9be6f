"""torch.utils.benchmark: PyTorch's own measurements and tables, of the times of the run's own clock.

A statement is a text, and texts are not run here: each execution of it takes one tick of the clock.
"""

from __future__ import annotations

import ast
import contextlib
from typing import Any

import numpy as np
import torch
from torch.utils.benchmark.utils import common, compare, fuzzer
from torch.utils.benchmark.utils import timer as timers

from engine.errors import LimitReached, Refused
from engine.limits import DEFAULT
from engine.standins import Names, Offered, Run, named
from engine.standins.clock import TICK

_HOME = "torch.utils.benchmark"
_PARSED = 20_000
"""Characters of a statement beyond which nobody looks whether it is Python."""


def _check(text: str) -> None:
    """Raise SyntaxError where Python would; nothing is compiled."""
    if len(text) <= _PARSED:
        with contextlib.suppress(MemoryError, RecursionError):
            ast.parse(text, "<timeit-src>")


def _threads(count: Any) -> None:
    """PyTorch's own words where it is no number of threads; a run has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if isinstance(count, int) and count > 0 else count)
    torch.set_num_threads(before)


def offer(run: Run) -> Names:
    """The classes, with what would run texts, start processes or threads, or print past the run, replaced."""

    class Statement:
        """What stands for `timeit.Timer`: it tells how long a number of executions took."""

        def __init__(self, stmt: str, setup: str, timer: Any, globals: Any) -> None:
            _check(setup)
            _check(f"{setup}\n{stmt}")
            ours = timer is timers.timer or getattr(timer, "__module__", None) in ("time", "timeit")
            self._timer = None if ours else timer

        def timeit(self, number: int) -> float:
            run.owner.budget.spend(1)
            if self._timer is not None:
                before = run.owner.invoke(self._timer, (), {})
                return run.owner.invoke(self._timer, (), {}) - before  # type: ignore[no-any-return]
            spent = number * TICK
            run.seconds += spent
            return spent

    @named(timers.Timer)
    class Timer(Offered, timers.Timer):
        """`Timer`: the statement is not run."""

        _timer_cls: Any = Statement

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            language = args[10] if len(args) > 10 else kwargs.get("language", timers.Language.PYTHON)
            if language in (timers.Language.CPP, "cpp", "c++"):
                raise Refused("refused.name", name=f"{_HOME}.Language.CPP")
            super().__init__(*args, **kwargs)

        def timeit(self, number: int = 1_000_000) -> common.Measurement:
            _threads(self._task_spec.num_threads)
            self._timeit(number=max(int(number // 100), 2))
            return common.Measurement(number, [self._timeit(number=number)], self._task_spec)

        def _estimate_block_size(self, min_run_time: float) -> int:
            """Executions that are long enough to measure."""
            _threads(self._task_spec.num_threads)
            overhead = sorted(self._timeit(0) for _ in range(5))[2]
            number = 1
            while True:
                taken = self._timeit(number)
                enough = overhead / taken <= 1e-4 and taken >= min_run_time / 1000
                if enough or taken > min_run_time or number * 10 > 2**31 - 1:
                    return number
                number *= 10

        def _threaded_measurement_loop(
            self, number: int, time_hook: Any, stop_hook: Any, min_run_time: float,
            max_run_time: float | None = None, callback: Any = None,
        ) -> list[float]:  # fmt: skip
            _threads(self._task_spec.num_threads)
            times: list[float] = []
            total, can_stop = 0.0, False
            while total < min_run_time or not can_stop:
                times.append(time_hook())
                total += times[-1]
                if callback:
                    run.owner.invoke(callback, (number, times[-1]), {})
                can_stop = stop_hook(times)
                if max_run_time and total > max_run_time:
                    break
            return times

        def collect_callgrind(self, *args: Any, **kwargs: Any) -> Any:
            """As where valgrind is not installed."""
            raise OSError("Missing: valgrind, callgrind_control, callgrind_annotate")

    @named(compare.Compare)
    class Compare(Offered, compare.Compare):
        """`Compare`: prints where the program prints."""

        def print(self) -> None:
            run.write(f"{self}\n")

    @named(fuzzer.ParameterAlias)
    class ParameterAlias(Offered, fuzzer.ParameterAlias):
        """`ParameterAlias`."""

    @named(fuzzer.FuzzedParameter)
    class FuzzedParameter(Offered, fuzzer.FuzzedParameter):
        """`FuzzedParameter`: sampled with numpy's generators alone."""

        def sample(self, state: Any) -> Any:
            if type(state) is not np.random.RandomState:
                raise Refused("refused.guard.plain", name="sample")
            return super().sample(state)  # type: ignore[no-untyped-call]

    @named(fuzzer.FuzzedTensor)
    class FuzzedTensor(Offered, fuzzer.FuzzedTensor):
        """`FuzzedTensor`, of a size that a run may have."""

        def _make_tensor(self, params: Any, state: Any) -> Any:
            size, _, allocated = self._get_size_and_steps(params)  # type: ignore[no-untyped-call]
            if len(size) > DEFAULT.tensor_dimensions:
                raise LimitReached("limit.dimensions", dimensions=len(size), limit=DEFAULT.tensor_dimensions)
            count = fuzzer.prod(allocated)  # type: ignore[no-untyped-call]
            if count > DEFAULT.tensor_elements:
                raise LimitReached("limit.elements", elements=count, limit=DEFAULT.tensor_elements)
            given = self._tensor_constructor
            if given is not None:
                self._tensor_constructor = run.invoked(given)
            try:
                return super()._make_tensor(params, state)  # type: ignore[no-untyped-call]
            finally:
                self._tensor_constructor = given

    @named(fuzzer.Fuzzer)
    class Fuzzer(Offered, fuzzer.Fuzzer):
        """`Fuzzer`: without a seed, one from the run's own sequence."""

        def __init__(self, parameters: Any, tensors: Any, constraints: Any = None, seed: int | None = None) -> None:
            seed = run.next_seed() % (2**32 - 1) if seed is None else seed
            super().__init__(parameters, tensors, None, seed)
            self._constraints = [self._asked(one) for one in constraints or ()]

        def _asked(self, constraint: Any) -> Any:
            return lambda params: run.owner.invoke(constraint, (params,), {})

    def trim_sigfig(x: float, n: int) -> float:
        """`trim_sigfig`."""
        if isinstance(n, int | float) and abs(n) > 400:
            raise Refused("refused.guard.number", limit=400)
        return common.trim_sigfig(x, n)

    def timer() -> float:
        """`timer`."""
        run.seconds += TICK
        return run.seconds

    homes: dict[str, dict[str, Any]] = {
        "common": {
            "Measurement": common.Measurement,
            "TaskSpec": common.TaskSpec,
            "trim_sigfig": trim_sigfig,
            "select_unit": common.select_unit,
            "unit_to_english": common.unit_to_english,
        },
        "timer": {"Timer": Timer, "Language": timers.Language, "timer": timer},
        "compare": {"Compare": Compare, "Colorize": compare.Colorize},
        "fuzzer": {
            "Fuzzer": Fuzzer,
            "FuzzedParameter": FuzzedParameter,
            "FuzzedTensor": FuzzedTensor,
            "ParameterAlias": ParameterAlias,
        },
    }
    whole = {name: value for names in homes.values() for name, value in names.items()}
    return {_HOME: whole, **{f"{_HOME}.utils.{home}": names for home, names in homes.items()}}
