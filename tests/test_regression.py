"""The trainer gives the numbers of the plain PyTorch script, however it is sliced, and records every one of them."""

from __future__ import annotations

import runpy
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from engine import losses, optimizers, regression
from engine.epochs import Captured
from engine.errors import InvalidState
from engine.history import History
from engine.regression_program import script, step
from engine.regression_state import LOSSES, OPTIMIZERS, Budget, Settings, State, settings, table, valid
from tests.plain_regression import agree, plain, trained

LESSON = Settings()
NOISY = Settings(data="noise", points=40, epochs=200)
CASES = {
    "the lesson": LESSON,
    "another seed": Settings(seed=7, epochs=100),
    "a given start": Settings(start=(-3.0, 4.0), epochs=100),
    "diverging": Settings(lr=0.1),
    "diverging slowly": Settings(lr=0.03),
    "float64": Settings(dtype="float64", epochs=100),
    "batches": Settings(batch=3, lr=0.001, epochs=60, seed=3),
    "single points": Settings(batch=1, optimizer="adamw", weight_decay=0.1, epochs=40),
    "batches of everything": Settings(batch=11, lr=0.001, epochs=20),
    "standardised": Settings(data="scaled", points=40, standardise=True, lr=0.1, epochs=100),
    "features": Settings(data="features", features=5, points=60, lr=0.05, epochs=100),
    **{name: msgspec.structs.replace(NOISY, optimizer=name) for name in OPTIMIZERS[:-1]},
    "lbfgs": msgspec.structs.replace(NOISY, optimizer="lbfgs", lr=0.1, epochs=25),
    **{f"{name} decayed": msgspec.structs.replace(NOISY, optimizer=name, weight_decay=0.1) for name in OPTIMIZERS[:-1]},
    **{
        f"{name} loss": Settings(data="outliers", points=30, loss=name, delta=0.7, lr=0.005, epochs=150)
        for name in LOSSES
    },
    "line search": Settings(data="noise", points=40, optimizer="lbfgs", lr=1.0, line_search=True, epochs=10),
    "adagrad slowing": Settings(data="noise", points=40, optimizer="adagrad", lr=0.5, lr_decay=0.01, epochs=100),
}


@pytest.mark.parametrize("name", CASES)
def test_every_epoch_equals_the_plain_script(name: str) -> None:
    """Loss, parameters and gradients of every epoch, to 1e-5 of each number; diverging in the same epoch."""
    ours, state, _ = trained(CASES[name])
    theirs = plain(CASES[name])
    agree(ours, theirs)
    assert (state.diverged is not None) == (not np.isfinite(theirs.loss[-1]))


@hypothesis_settings(max_examples=15)
@given(
    slices=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    optimizer=st.sampled_from(OPTIMIZERS),
    batch=st.sampled_from([None, 4]),
    lr=st.sampled_from([0.01, 0.2]),
)
def test_slicing_changes_nothing(slices: list[int], optimizer: str, batch: int | None, lr: float) -> None:
    """The same bits, whatever the slices, through a state that crossed as bytes each time."""
    one = Settings(epochs=60, optimizer=optimizer, batch=None if optimizer == "lbfgs" else batch, lr=lr)
    whole, end, _ = trained(one)
    sliced, other, _ = trained(one, slices)
    for mine, theirs in zip(whole, sliced, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert end.diverged == other.diverged
    assert end.diverged is not None or end.parameters == other.parameters


def test_a_slice_may_end_inside_an_epoch() -> None:
    """With one point per step an epoch of many points is longer than a slice; the run goes on where it was."""
    one = Settings(data="noise", points=3_000, batch=1, optimizer="adam", epochs=2)
    whole, _, _ = trained(one)
    state, chunks, inside = regression.start(one), [], 0
    while not state.finished:
        content = msgspec.msgpack.encode(state)
        state, chunk = regression.advance(msgspec.msgpack.decode(content, type=State), Budget(seconds=0.005))
        chunks.append(chunk)
        inside += state.batch > 0
    assert inside > 0
    assert b"".join(chunk.parameters for chunk in chunks) == whole.parameters.tobytes()
    np.testing.assert_allclose(np.frombuffer(b"".join(chunk.loss for chunk in chunks)), whole.loss, rtol=1e-12)


def test_a_long_run_keeps_a_bounded_history_and_can_make_any_epoch_again() -> None:
    """Every k-th row, checkpoints in between, and from them each epoch as it was."""
    one = Settings(epochs=60_000)
    ours, _, chunks = trained(one, [7_000])
    assert len(ours.loss) == 20_000
    history = History(2)
    for chunk in chunks:
        history.add(chunk)
    assert history.row(-1).epoch == 60_000
    assert 40 <= len(history.checkpoints) <= 128
    before = history.before(31_234)
    assert before is not None
    _, chunk = regression.advance(before, Budget(epochs=31_235 - before.epoch, every=1))
    again = History(2)
    again.add(chunk)
    exact, kept = again.find(31_233), history.find(31_233)
    assert again.find(31_234) is not None
    assert history.find(31_234) is None
    assert exact == kept


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("count", "features"), [(1, 1), (11, 1), (64, 4), (losses.LARGE, 1)])
def test_written_gradients_are_autograds(loss: str, count: int, features: int) -> None:
    """Each row of the table in `engine.losses`, in float64, to 1e-12."""
    generator = torch.Generator().manual_seed(count)
    x = torch.randn(count, features, generator=generator, dtype=torch.float64)
    y = torch.randn(count, 1, generator=generator, dtype=torch.float64)
    theta = torch.randn(features + 1, generator=generator, dtype=torch.float64, requires_grad=True)
    value = losses.criterion(loss, 0.7)(x @ theta[:-1, None] + theta[-1], y)
    value.backward()
    grad, total = torch.empty(features + 1, dtype=torch.float64), torch.empty((), dtype=torch.float64)
    plain_theta = theta.detach()
    losses.gradient(loss, count, features, x, 0.7)(
        x, y, plain_theta[:-1, None], plain_theta[-1:], grad[:-1][None], grad[-1:][:, None], total
    )
    torch.testing.assert_close(grad, theta.grad, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(total / losses.divisor(loss, 0.7) / count, value.detach(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("near", [False, True])
def test_large_sums_keep_what_they_promise(loss: str, near: bool) -> None:
    """In float32: within 1e-5 of the sum of the terms' magnitudes, also at the answer, where terms cancel."""
    count = 300_000
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(count, 1, generator=generator) * 10
    y = 2 * x + 1 + torch.randn(count, 1, generator=generator)
    w, b = torch.tensor([[2.0 if near else -1.5]]), torch.tensor([1.0 if near else 8.0])
    gw, gb, total = torch.empty(1, 1), torch.empty(1, 1), torch.empty(())
    losses.gradient(loss, count, 1, x, 0.7)(x, y, w, b, gw, gb, total)
    residual = (x.double() * w.double() + b.double() - y.double()).requires_grad_()
    value = losses.criterion(loss, 0.7)(residual, torch.zeros_like(residual))
    value.backward()
    slope = residual.grad
    assert slope is not None
    for mine, terms in ((gw, slope * x.double()), (gb, slope)):
        assert abs(mine.double().item() - terms.sum().item()) <= 1e-5 * terms.abs().sum().item()
    assert total.item() / losses.divisor(loss, 0.7) / count == pytest.approx(value.item(), rel=1e-5)


@pytest.mark.parametrize("captured", [False, True])
@pytest.mark.parametrize("name", optimizers.RULES)
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_written_rules_are_torch_optims(name: str, decay: float, captured: bool) -> None:
    """Fifty updates with the same gradients, as written for the CPU and as captured in a graph."""
    one = Settings(optimizer=name, lr=0.1, weight_decay=decay, lr_decay=0.02)
    generator = torch.Generator().manual_seed(5)
    parameter = torch.nn.Parameter(torch.randn(9, generator=generator, dtype=torch.float64))
    theta = parameter.detach().clone()
    theirs, rule = optimizers.original(one, [parameter]), optimizers.RULES[name](one, theta)
    for index in range(1, 51):
        grad = torch.randn(9, generator=generator, dtype=torch.float64)
        parameter.grad = grad.clone()
        theirs.step()
        if captured:
            row = tuple(torch.tensor(value, dtype=torch.float64) for value in rule.scalars(index))
            rule.captured(theta, grad, theta, row)
        else:
            rule(theta, grad, theta, index)
    torch.testing.assert_close(theta, parameter.detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "one",
    [
        LESSON,
        Settings(data="noise", points=20, batch=4, optimizer="adam", epochs=30),
        Settings(
            data="features", features=2, points=30, standardise=True, optimizer="nesterov", epochs=40, dtype="float64"
        ),
        Settings(optimizer="lbfgs", lr=0.5, epochs=5, start=(1.0, -1.0), loss="huber", delta=2.0),
    ],
)
def test_the_whole_run_as_a_script_gives_the_same_numbers(
    one: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It needs nothing of ours, and prints what we show."""
    path = tmp_path / "train.py"
    path.write_text(script(one), encoding="utf-8")
    assert "engine" not in path.read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(path.name)
    printed_text = capsys.readouterr().out
    state, chunk = regression.advance(regression.start(one), Budget())
    assert chunk.end is not None
    words = printed_text.replace("[", " ").replace("]", " ").replace(",", " ").split()
    assert int(words[1]) == state.epoch
    printed = [float(word) for word in words if word.replace(".", "").replace("-", "").replace("e", "").isdigit()]
    np.testing.assert_allclose(printed[1], chunk.end[0], rtol=1e-5)
    np.testing.assert_allclose(printed[2:], chunk.end[1], rtol=1e-5)
    assert (tmp_path / "model.pkl").stat().st_size > 500


def test_one_epoch_as_a_program_gives_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """The text for the Program page, run by plain Python, prints that epoch's loss and gradients."""
    history = History(2)
    history.add(regression.advance(regression.start(LESSON), Budget())[1])
    row = history.row(123)
    points = regression.problem(LESSON)
    text = step(LESSON, row, points.x.tolist(), points.y[:, 0].tolist(), 11)
    exec(compile(text, "program.py", "exec"), {})
    printed = capsys.readouterr().out
    assert float(printed.split()[0]) == pytest.approx(row.loss, rel=1e-5)
    assert f"{row.gradients[0]:.4f}" in printed


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"lr": 0.0}, "regression.link.range"),
        ({"lr": 11.0}, "regression.link.range"),
        ({"lr": float("nan")}, "regression.link.range"),
        ({"epochs": 0}, "regression.link.range"),
        ({"epochs": 1_000_001}, "regression.link.range"),
        ({"epochs": 1.5}, "regression.link.integer"),
        ({"optimizer": "newton"}, "regression.link.choice"),
        ({"points": 1_000_001}, "regression.link.range"),
        ({"batch": 0}, "regression.link.range"),
        ({"start": "1,two"}, "regression.start"),
        ({"start": "1,2,3"}, "regression.start.count"),
        ({"start": "1,inf"}, "regression.start"),
        ({"device": "tpu"}, "regression.device"),
        ({"data": "table"}, "regression.table.missing"),
        ({"optimizer": "lbfgs", "batch": 4}, "regression.lbfgs.batch"),
        ({"optimizer": "nesterov", "momentum": 0.0}, "regression.nesterov"),
    ],
)
def test_settings_outside_their_range_are_refused(state: dict[str, object], code: str) -> None:
    """Wherever they come from, with the range in the parameters."""
    with pytest.raises(InvalidState) as caught:
        settings(state)  # type: ignore[arg-type]
    assert caught.value.code == code
    if code.endswith("range"):
        assert {"low", "high"} <= caught.value.params.keys()


def test_a_worker_checks_settings_again() -> None:
    """A record made by hand does not get past the ranges either."""
    with pytest.raises(InvalidState):
        valid(msgspec.structs.replace(LESSON, epochs=10**9))


@given(
    lr=st.floats(1e-6, 10.0),
    epochs=st.integers(1, 1_000_000),
    optimizer=st.sampled_from(OPTIMIZERS),
    standardise=st.booleans(),
    batch=st.none() | st.integers(1, 1_000_000),
)
def test_links_carry_every_setting(
    lr: float, epochs: int, optimizer: str, standardise: bool, batch: int | None
) -> None:
    """What is written is what is read."""
    state = table().defaults() | {
        "lr": lr, "epochs": epochs, "optimizer": optimizer, "standardise": standardise, "batch": batch
    }  # fmt: skip
    decoded, problems = table().decode(table().encode(state))
    assert problems == []
    assert decoded == state


class _Replayed(Captured):
    """The way of a CUDA device without one: what would be captured is made again at each replay."""

    def capture(self) -> Callable[[], None]:
        """The steps, not yet made."""
        self.steps()
        return self.steps


class _Refusing(Captured):
    """A device that will not capture."""

    def capture(self) -> Callable[[], None]:
        """Half of a warm-up, and no more."""
        self.steps()
        raise RuntimeError("operation not permitted when stream is capturing")


CAPTURABLE = [name for name, one in CASES.items() if one.batch is None and one.optimizer != "lbfgs"]


@pytest.mark.parametrize("way", [_Replayed, _Refusing])
@pytest.mark.parametrize("name", CAPTURABLE)
def test_replayed_steps_are_the_same(name: str, way: type[Captured], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole graphs with scalars from the table, odd epochs step by step; and all of them where graphs are refused."""
    monkeypatch.setattr(regression, "Full", way)
    monkeypatch.setattr(regression, "_learners", OrderedDict())
    ours, _, _ = trained(CASES[name], [37, 150, 1_000])
    agree(ours, plain(CASES[name]))


GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@GPU
@pytest.mark.parametrize("slices", [None, [3, 150, 1_000]])
@pytest.mark.parametrize("name", [name for name in CASES if "line search" not in name])
def test_cuda_gives_the_same_numbers(name: str, slices: list[int] | None) -> None:
    """Captured or not, sliced or not, against the plain script on the same device; float32 sums differ in their last
    bits."""
    one = msgspec.structs.replace(CASES[name], device="cuda:0")
    ours, _, chunks = trained(one, slices)
    assert chunks[0].device.startswith("cuda")
    agree(ours, plain(one), relative=2e-3)


@GPU
def test_cuda_captures_the_full_batch() -> None:
    """No device of today refuses; a graph on another than the current device is captured there."""
    for index in range(torch.cuda.device_count()):
        one = Settings(device=f"cuda:{index}", epochs=1_000, lr=0.001, dtype="float64")
        trained(one)
        way = regression.learner(one).way
        assert isinstance(way, Captured)
        assert way.replay is not None
        assert way.beat > 0
