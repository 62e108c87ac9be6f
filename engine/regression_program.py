"""A run as plain programs: all of it as a script that anybody can run, one step of it for the Program page."""

from __future__ import annotations

import inspect

import numpy as np

from engine import datasets
from engine.history import Row
from engine.regression_state import Points, Settings

INLINE_POINTS = 200
"""Points up to which they are written into the text."""
PAGE_POINTS = 60
"""Points that a step on the Program page keeps: more would not fit its page or a link."""


def script(settings: Settings, table: Points | None = None) -> str:
    """A program of numpy and torch alone that repeats the run and prints what it learned.

    Where `table` is too large to be written into it, it reads points.csv from the folder it runs in.
    """
    one = settings
    lines = ['"""Linear regression: the same data, model, optimizer and seed as in the Autograd Playground."""', ""]
    lines += [
        "from __future__ import annotations",
        "",
        "import numpy as np",
        "import torch",
        "from torch import nn",
        "",
    ]
    lines += [_points(settings, table), ""]
    if one.standardise:
        lines += [
            "mean, scale = x.mean(axis=0), x.std(axis=0)",
            "x = (x - mean) / np.where(scale > 0, scale, 1.0)",
            "",
        ]
    lines += [
        f"torch.manual_seed({one.seed})",
        f"dtype = torch.{one.dtype}",
        f"device = {_device(one)}",
        "inputs = torch.from_numpy(x).to(device, dtype)",
        "targets = torch.from_numpy(y.reshape(-1, 1)).to(device, dtype)",
        "",
        "",
        "class LinearRegressionModel(nn.Module):",
        "    def __init__(self, input_size, output_size):",
        "        super().__init__()",
        "        self.linear = nn.Linear(input_size, output_size, dtype=dtype)",
        "",
        "    def forward(self, x):",
        "        return self.linear(x)",
        "",
        "",
        "model = LinearRegressionModel(inputs.shape[1], 1)",
        *_start(one),
        "model.to(device)",
        f"criterion = {_criterion(one)}",
        f"optimizer = {_optimizer(one)}",
        *_loop(one),
        "",
        "with torch.no_grad():",
        "    loss = criterion(model(inputs), targets).item()",
        'print(f"epochs {epoch + 1}  loss {loss!r}")',
        'print(f"w {model.linear.weight[0].tolist()}  b {model.linear.bias.item()!r}")',
        'torch.save(model.state_dict(), "model.pkl")',
        "",
    ]
    return "\n".join(lines)


def _points(settings: Settings, table: Points | None) -> str:
    if settings.data != "table":
        maker = datasets.MAKERS[settings.data]
        given = ", ".join(f"{name}={value!r}" for name, value in datasets.arguments(settings).items())
        return f"\n{inspect.getsource(maker)}\n\nx, y = {maker.__name__}({given})"
    if table is None or table.count > INLINE_POINTS:
        return 'points = np.loadtxt("points.csv", delimiter=",", skiprows=1)\nx, y = points[:, :-1], points[:, -1]'
    x, y = arrays(table)
    return f"x = np.array({x.tolist()!r})\ny = np.array({y.tolist()!r})"


def arrays(table: Points) -> tuple[datasets.Array, datasets.Array]:
    """x (count, features) and y (count,) of a table."""
    y = np.frombuffer(table.y, "<f8")
    return np.frombuffer(table.x, "<f8").reshape(y.size, -1), y


def points_csv(x: datasets.Array, y: datasets.Array, names: list[str]) -> str:
    """The points as CSV with a header, every number in full, y last."""
    rows = (",".join(map(repr, [*row, target])) for row, target in zip(x.tolist(), y.tolist(), strict=True))
    return "\n".join([",".join(names), *rows, ""])


def _device(one: Settings) -> str:
    if one.device == "auto":
        small = "" if one.points >= 20_000 else "  # so few points are faster there than on a GPU"
        if small:
            return f'torch.device("cpu"){small}'
        return 'torch.device("cuda" if torch.cuda.is_available() else "cpu")'
    if one.device.startswith("cuda"):
        return f'torch.device("{one.device}" if torch.cuda.is_available() else "cpu")'
    return f'torch.device("{one.device}")'


def _start(one: Settings) -> list[str]:
    if one.start is None:
        return []
    return [
        "with torch.no_grad():",
        f"    model.linear.weight.copy_(torch.tensor([{list(one.start[:-1])!r}], dtype=dtype))",
        f"    model.linear.bias.copy_(torch.tensor([{one.start[-1]!r}], dtype=dtype))",
    ]


def _criterion(one: Settings) -> str:
    return {
        "mse": "nn.MSELoss()",
        "l1": "nn.L1Loss()",
        "huber": f"nn.HuberLoss(delta={one.delta!r})",
        "smooth_l1": f"nn.SmoothL1Loss(beta={one.delta!r})",
    }[one.loss]


def _optimizer(one: Settings) -> str:
    settings = {"lr": one.lr}
    names: dict[str, tuple[str, dict[str, object]]] = {
        "sgd": ("SGD", {}),
        "momentum": ("SGD", {"momentum": one.momentum}),
        "nesterov": ("SGD", {"momentum": one.momentum, "nesterov": True}),
        "adam": ("Adam", {"betas": (one.beta1, one.beta2), "eps": one.eps}),
        "adamw": ("AdamW", {"betas": (one.beta1, one.beta2), "eps": one.eps, "weight_decay": one.weight_decay}),
        "rmsprop": ("RMSprop", {"alpha": one.alpha, "eps": one.eps}),
        "adagrad": ("Adagrad", {"lr_decay": one.lr_decay, "eps": one.eps}),
        "lbfgs": ("LBFGS", {"max_iter": one.max_iter, "history_size": one.history_size}),
    }
    name, extra = names[one.optimizer]
    if one.optimizer == "lbfgs" and one.line_search:
        extra["line_search_fn"] = "strong_wolfe"
    if one.weight_decay and one.optimizer != "lbfgs":
        extra["weight_decay"] = one.weight_decay
    given = ", ".join(f"{key}={value!r}" for key, value in {**settings, **extra}.items())
    return f"torch.optim.{name}(model.parameters(), {given})"


def _loop(one: Settings) -> list[str]:
    head = [f"for epoch in range({one.epochs}):"]
    step = ["optimizer.zero_grad()", "loss = criterion(model({0}), {1})", "loss.backward()", "optimizer.step()"]
    stop = ["    if not torch.isfinite(loss):", "        break"]
    if one.batch is not None:
        body = [f"        {line}".format("batch", "wanted") for line in step]
        return [
            "points = torch.utils.data.TensorDataset(inputs, targets)",
            f"loader = torch.utils.data.DataLoader(points, batch_size={one.batch}, shuffle=True)",
            *head,
            "    for batch, wanted in loader:",
            *body,
            *stop,
        ]
    if one.optimizer == "lbfgs":
        closure = [f"        {line}".format("inputs", "targets") for line in step[:-1]]
        return [
            *head,
            "    def closure():",
            *closure,
            "        return loss",
            "",
            "    loss = optimizer.step(closure)",
            *stop,
        ]
    return [*head, *(f"    {line}".format("inputs", "targets") for line in step), *stop]


def step(settings: Settings, row: Row, x: list[list[float]], y: list[float], count: int) -> str:
    """One epoch as a program for the Program page: those parameters, that forward pass, its gradients and the update.

    `x`, `y` are points of the run as the model sees them; with more than PAGE_POINTS of them, or fewer than the run's
    `count`, the text says that its numbers are those of a part.
    """
    x, y = x[:PAGE_POINTS], y[:PAGE_POINTS]
    dtype = f", dtype=torch.{settings.dtype}" if settings.dtype != "float32" else ""
    part = f"# {len(y)} of the {count} points, so the numbers differ from the run's\n" if len(y) < count else ""
    text = f"""\
import torch
from torch import nn

# Epoch {row.epoch}: loss {row.loss:.7g}
{part}inputs = torch.tensor({_rounded(x)}{dtype})
targets = torch.tensor({_rounded([[value] for value in y])}{dtype})

model = nn.Linear({len(row.parameters) - 1}, 1{dtype})
with torch.no_grad():
    model.weight.copy_(torch.tensor([{row.parameters[:-1]!r}]))
    model.bias.copy_(torch.tensor([{row.parameters[-1]!r}]))

criterion = {_criterion(settings)}
optimizer = {_optimizer(settings)}

optimizer.zero_grad()
outputs = model(inputs)
loss = criterion(outputs, targets)
loss.backward()

print(loss.item())
print(model.weight.grad, model.bias.grad)
"""
    if settings.optimizer in ("sgd", "lbfgs"):
        text += "" if settings.optimizer == "lbfgs" else "\noptimizer.step()\nprint(model.weight, model.bias)\n"
    return text


def _rounded(rows: list[list[float]]) -> str:
    return repr([[float(f"{value:.9g}") for value in row] for row in rows])
