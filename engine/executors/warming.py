"""What a zygote does once so that no child has to: import everything, and run one of each kind of thing.

PyTorch imports and builds a great deal on first use (an optimizer's first step, backward with a vector, the first
repr); a locked child can open no file, so whatever is not here is either slow or missing there. Afterwards nothing that
a program does may import a module. Nothing here may issue a warning that PyTorch issues once per process: a learner
would not see it.
"""

# mypy: disable-error-code="no-untyped-call, no-any-return, call-arg, assignment"
# PyTorch leaves much of what is called here without annotations, or with ones that do not hold.

from __future__ import annotations

import importlib
import random
import tempfile
import warnings
from io import BytesIO
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.executors.base import Job
from engine.limits import DEFAULT

MODULES = (
    "torch.autograd.forward_ad",
    "torch.autograd.functional",
    "torch.autograd.graph",
    "torch.distributions",
    "torch.func",
    "torch.masked.maskedtensor._ops_refs",
    "torch.nested._internal.ops",
    "torch.nn.attention.bias",
    "torch.nn.utils.parametrizations",
    "torch.nn.utils.prune",
    "torch.nn.utils.rnn",
    "torch.optim.lr_scheduler",
    "torch.optim.swa_utils",
    "torch.utils.checkpoint",
    "torch.utils.data",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "fractions",
    "functools",
    "itertools",
    "linecache",
    "math",
    "operator",
    "statistics",
    "traceback",
)
OPTIMIZERS = (
    torch.optim.SGD,
    torch.optim.Adam,
    torch.optim.AdamW,
    torch.optim.RMSprop,
    torch.optim.Adagrad,
    torch.optim.Adadelta,
    torch.optim.Adamax,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.ASGD,
    torch.optim.Rprop,
)
PROGRAM = """
import torch
from torch import nn
import torch.nn.functional as F
import numpy as np

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, x):
        return self.linear(x)

model = Model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
for step in range(3):
    loss = F.mse_loss(model(x), torch.ones(2, 1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step} {loss.item():.4f}", "{:.2f}".format(0.5))
w = torch.tensor(2.0, requires_grad=True)
y = torch.autograd.grad(w * w, w, create_graph=True)[0]
y.backward()
w.grad
model
[v * 2 for v in np.linspace(0, 1, 3)]
try:
    y.backward()
except RuntimeError as error:
    print(error)
torch.ones(2, 3) @ torch.ones(2, 3)
"""


class _NobodyWatches:
    """What `torch.utils.swap_tensors` sees of `weakref`: the recorder's own references are not the program's."""

    @staticmethod
    def getweakrefs(_: object) -> list[Any]:
        """None."""
        return []


def warm(*, engine: bool = True) -> None:
    """Import and run one of each; afterwards random numbers are where they were. Without `engine`, PyTorch only."""
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    for name in MODULES:
        importlib.import_module(name)
    torch.utils.weakref = _NobodyWatches  # type: ignore[attr-defined]
    tempfile.gettempdir()  # looks for a folder once
    state = torch.get_rng_state(), np.random.get_state(), random.getstate()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in (_autograd, _optimizers, _layers, _transforms, _library, _nested, _arrays, _serialization):
            one()
        if engine:
            _programs()
    torch.set_rng_state(state[0])
    np.random.set_state(state[1])
    random.setstate(state[2])


class _Cube(torch.autograd.Function):
    """A Function with saved tensors, as programs write them."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return 3 * x**2 * grads[0]


def _leaf(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, requires_grad=True)


def _autograd() -> None:
    x = _leaf(3)
    (x * 2).backward(torch.ones(3), retain_graph=True)
    torch.autograd.grad((x**2).sum(), x, create_graph=True)[0].sum().backward()
    _Cube.apply(x).sum().backward()
    repr(x), repr(x.sum()), repr(torch.tensor([1e-8, 1e8, float("nan")])), str(torch.ones(2, 2, dtype=torch.cfloat))
    x.register_hook(lambda grad: grad * 1)
    x.sum().backward()
    with torch.no_grad(), torch.enable_grad(), torch.inference_mode():
        torch.ones(2).add_(1)
    with torch.autograd.detect_anomaly(check_nan=False):
        x.exp().sum().backward()
    try:
        (_leaf(2) @ _leaf(3)).backward()
    except RuntimeError as error:
        str(error)
    torch.autograd.gradcheck(lambda v: v**2, torch.rand(2, dtype=torch.double, requires_grad=True))


def _optimizers() -> None:
    for kind in OPTIMIZERS:
        parameter = nn.Parameter(torch.ones(2))
        optimizer = kind([parameter], lr=0.01)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
        parameter.sum().backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        repr(optimizer), optimizer.state_dict()
    parameter = nn.Parameter(torch.ones(2))
    lbfgs = torch.optim.LBFGS([parameter], max_iter=2)

    def closure() -> torch.Tensor:
        lbfgs.zero_grad()
        loss = (parameter**2).sum()
        loss.backward()
        return loss

    lbfgs.step(closure)
    for schedule in (torch.optim.lr_scheduler.CosineAnnealingLR(lbfgs, 2), torch.optim.lr_scheduler.ReduceLROnPlateau):
        repr(schedule)


def _layers() -> None:
    image = _leaf(1, 3, 8, 8)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout())
    net(image).sum().backward()
    repr(net), net.state_dict()
    sequence = _leaf(2, 5, 4)
    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        kind(4, 3, batch_first=True)(sequence)[0].sum().backward()
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    attention(sequence, sequence, sequence)[0].sum().backward()
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    layer(sequence).sum().backward()
    layer.eval()(sequence)
    nn.Embedding(5, 3)(torch.tensor([1, 2])).sum().backward()
    nn.ConvTranspose2d(3, 2, 3)(image).sum().backward()
    scores, classes = _leaf(4, 3), torch.tensor([0, 1, 2, 0])
    nn.functional.cross_entropy(scores, classes).backward()
    nn.functional.binary_cross_entropy(torch.sigmoid(scores), torch.ones(4, 3)).backward()
    nn.functional.layer_norm(scores, (3,)).sum().backward()
    nn.functional.interpolate(image, scale_factor=2.0, mode="bilinear").sum().backward()
    nn.utils.clip_grad_norm_([scores], 1.0)
    nn.init.xavier_uniform_(nn.Linear(2, 2).weight)


def _transforms() -> None:
    from torch.autograd.functional import hessian, jacobian, jvp, vjp

    def square(v: torch.Tensor) -> torch.Tensor:
        return (v**2).sum()

    x = torch.rand(3)
    for transform in (hessian, jacobian):
        transform(square, x)
    vjp(square, x)
    jvp(square, x, x)
    torch.func.vmap(torch.func.grad(square))(torch.rand(2, 3))
    torch.func.linearize(torch.sin, torch.ones(()))[1](torch.ones(()))
    torch.func.rearrange(torch.ones(1, 2), "a b -> b a")
    for transform in (torch.func.jacrev, torch.func.jacfwd, torch.func.hessian):
        transform(square)(x)
    torch.func.vjp(square, x)[1](torch.tensor(1.0))
    torch.func.jvp(square, (x,), (x,))
    model = nn.Linear(3, 1)
    torch.func.functional_call(model, dict(model.named_parameters()), (x,))
    torch.utils.checkpoint.checkpoint(square, _leaf(3), use_reentrant=False).backward()


def _library() -> None:
    matrix = torch.rand(3, 3)
    for name in ("svd", "qr", "eigh", "eig", "inv", "det", "norm", "cholesky_ex", "pinv", "matrix_rank"):
        getattr(torch.linalg, name)(matrix @ matrix.T + torch.eye(3))
    torch.linalg.solve(matrix + torch.eye(3) * 3, torch.ones(3))
    torch.fft.ifft(torch.fft.fft(torch.rand(4))), torch.fft.rfft2(matrix)
    torch.einsum("ij,jk->ik", matrix, matrix), torch.special.expit(matrix)
    torch.stft(torch.rand(16), 8, window=torch.ones(8), return_complex=True)
    for distribution in (
        torch.distributions.Normal(torch.zeros(2), torch.ones(2)),
        torch.distributions.Categorical(torch.ones(3)),
        torch.distributions.Bernoulli(torch.tensor(0.5)),
    ):
        distribution.log_prob(distribution.sample()), repr(distribution)
    torch.randperm(4), torch.multinomial(torch.ones(3), 2), torch.bernoulli(matrix), torch.histc(matrix)
    torch.ones(2, dtype=torch.float64).to(torch.float16).bfloat16().int().tolist()
    first, second = torch.rand(2), torch.rand(2)
    torch.testing.assert_close(first, first)
    torch.allclose(first, second), torch.unique(first), torch.topk(first, 1), torch.sort(first)
    torch.where(first > 0.5, first, second)


def _nested() -> None:
    nested = torch.nested.nested_tensor([torch.rand(2, 3), torch.rand(1, 3)], layout=torch.jagged)
    repr(nested), repr(nested * 2), nested.to_padded_tensor(0.0)
    nn.Linear(3, 1)(nested).sum().backward()


def _arrays() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=8)
    np.random.rand(2), np.random.randn(2), np.random.randint(0, 3, 2)
    np.polyfit(np.arange(8.0), values, 1)
    np.linalg.svd(np.eye(3)), np.fft.fft(values), np.linalg.lstsq(np.eye(2), np.ones(2), rcond=None)
    repr(values), str(values), values.mean(), np.median(values), np.percentile(values, 50), np.histogram(values)
    torch.from_numpy(values).numpy(), np.meshgrid(values, values), np.einsum("i,i", values, values)


def _serialization() -> None:
    content = BytesIO()
    torch.save(nn.Linear(2, 2).state_dict(), content)
    content.seek(0)
    torch.load(content, weights_only=True)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.rand(4, 2)), batch_size=2, shuffle=True)
    list(loader)


def _programs() -> None:
    """Through the whole road, so that the engine's own modules and tables are loaded too."""
    from engine.allowlist import warm as read_lists
    from engine.executors.worker import prepare, run_job

    read_lists()
    window = (0, DEFAULT.window_ticks)
    run_job(Job(PROGRAM, window=window), _swallow, DEFAULT)
    run_job(Job("1 +", window=window), _swallow, DEFAULT)
    run_job(Job("import os", window=window), _swallow, DEFAULT)
    prepare()


def rehearse() -> None:
    """Run a small program in a child that waits: the pages every run writes to are then its own beforehand."""
    from engine.executors.worker import prepare, run_job

    run_job(Job(PROGRAM, window=(0, DEFAULT.window_ticks)), _swallow, DEFAULT)
    prepare()


def _swallow(frame: bytes) -> None:
    """Frames of warming programs go nowhere."""
