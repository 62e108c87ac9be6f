"""Ways to make epochs: the full batch, a captured CUDA graph of it, mini-batches, LBFGS.

    Rows        blocks of rows on the device: epoch i reads its parameters from row i and leaves the next in row i + 1
    a way.run(first, most, seconds) -> how many epochs were completed, in rows 0, 1, ...

Nothing in here is read back to the host before a block is full.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from engine import losses, optimizers
from engine.regression_state import Settings, State

BLOCK = 512
"""Epochs that are recorded before they are read. At 15 microseconds an epoch that is 8 ms."""
GRAPH = 128
"""Epochs in one captured CUDA graph."""
BLOCK_TIME = 0.02
"""Seconds that a block may take, so that a slice ends near its time."""


class Rows:
    """Parameters, gradients and sums of losses of the epochs of one block, and views of each row made once.

    An entry of `views`: parameters, the next row's, then of the parameters the weight (features, 1) and the bias (1,),
    the gradient, of it the weight's (1, features) and the bias's (1, 1), and the slot of the loss ().
    """

    def __init__(self, capacity: int, width: int, like: Tensor) -> None:
        self.theta = torch.zeros(capacity + 1, width, dtype=like.dtype, device=like.device)
        self.grads = torch.zeros(capacity, width, dtype=like.dtype, device=like.device)
        self.sums = torch.zeros(capacity, dtype=like.dtype, device=like.device)
        theta, grads = self.theta, self.grads
        after = theta.unbind(0)
        columns = (
            after,
            after[1:],
            theta[:, :-1].unsqueeze(2).unbind(0),
            theta[:, -1:].unbind(0),
            grads.unbind(0),
            grads[:, :-1].unsqueeze(1).unbind(0),
            grads[:, -1:].unsqueeze(2).unbind(0),
            self.sums.unbind(0),
        )
        self.views: list[tuple[Tensor, ...]] = list(zip(*columns, strict=False))

    def __len__(self) -> int:
        return len(self.views)


class Way(Protocol):
    """How a run makes its epochs."""

    @property
    def tensors(self) -> dict[str, Any]:
        """The optimizer's state, by name: tensors, and for LBFGS what its state_dict holds."""

    def load(self, state: State, tensors: dict[str, Any]) -> None:
        """Take up the run where that state left it; row 0 is loaded already."""

    def run(self, first: int, most: int, seconds: float) -> int:
        """Make up to `most` epochs, `first` being the number of the one in row 0, for about so many seconds."""

    def left(self) -> dict[str, Any]:
        """What a State holds besides the parameters: `generator`, `batch`, `began`, `partial`."""


class Full:
    """Every epoch is one step on all points."""

    def __init__(self, settings: Settings, rows: Rows, x: Tensor, y: Tensor, gradient: losses.Gradient) -> None:
        self.rows, self.x, self.y, self.gradient = rows, x, y, gradient
        self.rule = optimizers.RULES[settings.optimizer](settings, rows.theta[0])
        self.tensors: dict[str, Any] = dict(self.rule.state)
        self.pace = 0.0

    def load(self, state: State, tensors: dict[str, Any]) -> None:
        """Take up the optimizer's tensors; a new run has none and starts from zeros."""
        for name, tensor in self.rule.state.items():
            tensor.copy_(tensors[name]) if name in tensors else tensor.zero_()

    def left(self) -> dict[str, Any]:
        """Nothing: the full batch draws no random numbers and stops between epochs only."""
        return {}

    def run(self, first: int, most: int, seconds: float) -> int:
        """As many epochs as fit the time of a block."""
        began = time.perf_counter()
        wanted = int(min(seconds, BLOCK_TIME) / self.pace) if self.pace else 2
        count = max(1, min(most, len(self.rows), wanted))
        self.make(first, count)
        if self.x.is_cuda:
            torch.cuda.synchronize(self.x.device)
        self.pace = (time.perf_counter() - began) / count
        return count

    def make(self, first: int, count: int) -> None:
        """Exactly so many epochs."""
        gradient, rule, x, y, step = self.gradient, self.rule, self.x, self.y, first
        for theta, after, w, b, grad, gw, gb, slot in self.rows.views[:count]:
            step += 1
            gradient(x, y, w, b, gw, gb, slot)
            rule(theta, grad, after, step)


class Captured(Full):
    """The same steps as one CUDA graph: a small problem costs a launch per block instead of ten per epoch.

    What changes from step to step is read from a table on the device, one row per epoch of the graph; everything else
    that a step touches is made before and stays where it is. Blocks shorter than the graph are made step by step, and
    so are all where the device refuses to capture.
    """

    def __init__(self, settings: Settings, rows: Rows, x: Tensor, y: Tensor, gradient: losses.Gradient) -> None:
        super().__init__(settings, rows, x, y, gradient)
        self.width = max(1, len(self.rule.scalars(1)))
        self.table = torch.ones(GRAPH, self.width, dtype=x.dtype, device=x.device)
        self.scalars = [tuple(row.unbind(0)) for row in self.table.unbind(0)]
        self.replay: Callable[[], None] | None = None
        self.refused = False
        self.beat = 0.0  # seconds of one replay

    def run(self, first: int, most: int, seconds: float) -> int:
        """A whole graph where so many epochs are wanted and fit the time, else single steps."""
        if self.refused or most < GRAPH or self.beat > max(seconds, BLOCK_TIME) or not self._ready():
            return super().run(first, min(most, GRAPH - 1), seconds)
        began = time.perf_counter()
        steps = [self.rule.scalars(first + 1 + index) or (0.0,) * self.width for index in range(GRAPH)]
        self.table.copy_(torch.tensor(steps, dtype=self.table.dtype))
        assert self.replay is not None
        self.replay()
        if self.x.is_cuda:
            torch.cuda.synchronize(self.x.device)
        self.beat = time.perf_counter() - began
        return GRAPH

    def _ready(self) -> bool:
        """Whether there is a graph; it is captured once, and what the attempt has written is put back."""
        if self.replay is None:
            touched = (self.rows.theta, *self.rule.state.values())
            before = [tensor.clone() for tensor in touched]
            try:
                self.replay = self.capture()
            except RuntimeError as error:  # steps one by one give the same numbers
                print(f"no CUDA graph: {error}", file=sys.stderr)
                self.refused = True
            for tensor, kept in zip(touched, before, strict=True):
                tensor.copy_(kept)
        return not self.refused

    def capture(self) -> Callable[[], None]:
        """The steps as something that makes them again. Raises RuntimeError where the device refuses."""
        with torch.cuda.device(self.x.device):
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):  # libraries make their workspaces in a first run, which no graph may hold
                self.steps()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self.steps()
        return graph.replay

    def steps(self) -> None:
        """GRAPH epochs, from row 0 on, with the scalars of the table."""
        for (theta, after, w, b, grad, gw, gb, slot), row in zip(self.rows.views[:GRAPH], self.scalars, strict=True):
            self.gradient(self.x, self.y, w, b, gw, gb, slot)
            self.rule.captured(theta, grad, after, row)


class Batches:
    """Mini-batches in the order in which DataLoader(shuffle=True) serves them after torch.manual_seed.

    An epoch that time cuts off is carried on from its batch: its first parameters stay in row i, those it has reached
    are in row i + 1.
    """

    def __init__(self, settings: Settings, rows: Rows, x: Tensor, y: Tensor, size: int) -> None:
        self.rows, self.x, self.y, self.size = rows, x, y, size
        self.rule = optimizers.RULES[settings.optimizer](settings, rows.theta[0])
        self.tensors: dict[str, Any] = dict(self.rule.state)
        count, features = x.shape
        self.count = -(-count // size)
        self.whole = losses.gradient(settings.loss, size, features, x, settings.delta)
        self.rest = losses.gradient(settings.loss, count - size * (self.count - 1), features, x, settings.delta)
        self.sums = torch.zeros(self.count, dtype=x.dtype, device=x.device)
        self.slots = self.sums.unbind(0)
        self.before = self.after = self.began = b""
        self.done, self.partial = 0, 0.0
        self.served: tuple[bytes, list[tuple[Tensor, Tensor]]] = (b"", [])

    def load(self, state: State, tensors: dict[str, Any]) -> None:
        """Take up the optimizer, the random numbers and an unfinished epoch."""
        for name, tensor in self.rule.state.items():
            tensor.copy_(tensors[name]) if name in tensors else tensor.zero_()
        self.before, self.done, self.partial, self.began = state.generator, state.batch, state.partial, state.began
        if self.done:
            theta = self.rows.theta
            theta[1].copy_(theta[0])
            kind = np.float64 if theta.dtype == torch.float64 else np.float32
            theta[0].copy_(torch.from_numpy(np.frombuffer(self.began, kind).copy()))

    def left(self) -> dict[str, Any]:
        """Where the random numbers and the unfinished epoch stand."""
        return {"generator": self.before, "batch": self.done, "partial": self.partial}

    def run(self, first: int, most: int, seconds: float) -> int:
        """Whole epochs, at least one batch; the last epoch may stay unfinished."""
        until = time.perf_counter() + seconds
        for index in range(min(most, len(self.rows))):
            if not self._epoch(first + index, self.rows.views[index], until):
                return index
            if time.perf_counter() >= until:
                return index + 1
        return min(most, len(self.rows))

    def _epoch(self, epoch: int, row: tuple[Tensor, ...], until: float) -> bool:
        """The batches left of one epoch; False where time ran out before the last."""
        theta, after, _, _, grad, gw, gb, slot = row
        batches = self._serve()
        if self.done == 0:
            after.copy_(theta)
            self.partial = 0.0
        w, b = after[:-1].unsqueeze(1), after[-1:]
        began, rule, step = self.done, self.rule, epoch * self.count
        while self.done < self.count:
            x, y = batches[self.done]
            gradient = self.whole if x.shape[0] == self.size else self.rest
            gradient(x, y, w, b, gw, gb, self.slots[self.done])
            self.done += 1
            rule(after, grad, after, step + self.done)
            if self.done % 64 == 0 and time.perf_counter() >= until and self.done < self.count:
                self.partial += float(self.sums[began : self.done].cpu().double().sum())
                return False
        self.partial += float(self.sums[began:].cpu().double().sum())
        slot.fill_(self.partial)
        self.before, self.done, self.partial = self.after, 0, 0.0
        return True

    def _serve(self) -> list[tuple[Tensor, Tensor]]:
        """The batches of the epoch that begins with the random numbers as they stand."""
        if self.served[0] != self.before:
            generator = torch.Generator()
            generator.set_state(torch.from_numpy(np.frombuffer(self.before, np.uint8).copy()))
            torch.empty((), dtype=torch.int64).random_(generator=generator)  # the loader's seed for its workers
            seed = int(torch.empty((), dtype=torch.int64).random_(generator=generator))
            order = torch.randperm(self.x.shape[0], generator=torch.Generator().manual_seed(seed)).to(self.x.device)
            pairs = zip(torch.split(self.x[order], self.size), torch.split(self.y[order], self.size), strict=True)
            self.served = self.before, list(pairs)
            self.after = generator.get_state().numpy().tobytes()
        return self.served[1]


class LBFGS:
    """torch.optim's own LBFGS on the flat vector, with a closure of ours: an epoch is one of its steps.

    The recorded loss and gradient are those of the first evaluation, at the parameters the epoch started from.
    """

    def __init__(self, settings: Settings, rows: Rows, x: Tensor, y: Tensor, gradient: losses.Gradient) -> None:
        self.settings, self.rows, self.x, self.y, self.gradient = settings, rows, x, y, gradient
        self.theta = torch.nn.Parameter(rows.theta[0].clone())
        self.grad = torch.zeros_like(rows.theta[0])
        self.sum = torch.zeros((), dtype=x.dtype, device=x.device)
        self.criterion = losses.criterion(settings.loss, settings.delta)
        self.optimizer = optimizers.original(settings, [self.theta])

    @property
    def tensors(self) -> dict[str, Any]:
        """LBFGS's memory of past directions."""
        return dict(self.optimizer.state[self.theta])

    def load(self, state: State, tensors: dict[str, Any]) -> None:
        """Take up the memory."""
        self.theta.data.copy_(self.rows.theta[0])
        self.optimizer = optimizers.original(self.settings, [self.theta])
        self.optimizer.state[self.theta].update(tensors)

    def left(self) -> dict[str, Any]:
        """Nothing: it stops between epochs only."""
        return {}

    def run(self, first: int, most: int, seconds: float) -> int:
        """Steps until the time is over, at least one."""
        until = time.perf_counter() + seconds
        for index in range(min(most, len(self.rows))):
            _, after, _, _, grad, _, _, slot = self.rows.views[index]
            asked: list[int] = []

            def closure(grad: Tensor = grad, slot: Tensor = slot, asked: list[int] = asked) -> Tensor:
                loss = self._evaluate()
                if not asked:
                    asked.append(1)
                    grad.copy_(self.grad)
                    slot.copy_(self.sum)
                self.theta.grad = self.grad.clone()
                return loss

            self.optimizer.step(closure)  # type: ignore[arg-type]
            after.copy_(self.theta.detach())
            if time.perf_counter() >= until:
                return index + 1
        return min(most, len(self.rows))

    def _evaluate(self) -> Tensor:
        """The gradient, and the loss as PyTorch's own module gives it: its last bit decides when the search ends."""
        theta, grad = self.theta.detach(), self.grad
        w, b, gw, gb = theta[:-1].unsqueeze(1), theta[-1:], grad[:-1].unsqueeze(0), grad[-1:].unsqueeze(1)
        self.gradient(self.x, self.y, w, b, gw, gb, self.sum)
        loss: Tensor = self.criterion(torch.addmm(b, self.x, w), self.y)
        return loss
