"""The update rules of torch.optim, written for one flat vector of parameters and preallocated space.

Each follows the order of operations of PyTorch's own single-tensor code, so the numbers are the same; each is proved
against the class of torch.optim it is named after. A rule's tensors are its state. `step` is 1 at the first update.

The scalars that change from step to step (bias corrections, a decaying lr) are Python floats, as in torch.optim.
Inside a captured CUDA graph a float would be frozen, so there they come from rows of a table on the device:
`Rule.scalars` says what a row holds, and `captured` takes the row as tensors.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.regression_state import Settings


class Rule:
    """An update rule: reads `theta` and `grad`, writes the new parameters to `out` (which may be `theta` itself)."""

    names: tuple[str, ...] = ()

    def __init__(self, settings: Settings, like: Tensor) -> None:
        self.settings = settings
        self.lr, self.decay = settings.lr, settings.weight_decay
        self.state = {name: torch.zeros_like(like) for name in self.names}
        self.first, self.second = torch.empty_like(like), torch.empty_like(like)

    def __call__(self, theta: Tensor, grad: Tensor, out: Tensor, step: int) -> None:
        """One update, the `step`-th."""
        raise NotImplementedError

    def scalars(self, step: int) -> tuple[float, ...]:
        """What changes from step to step; nothing unless said otherwise."""
        return ()

    def captured(self, theta: Tensor, grad: Tensor, out: Tensor, row: tuple[Tensor, ...]) -> None:
        """The same update with its scalars as tensors."""
        self(theta, grad, out, 2)

    def decayed(self, theta: Tensor, grad: Tensor) -> Tensor:
        """The gradient with the weight decay added, as torch.optim adds it."""
        return torch.add(grad, theta, alpha=self.decay, out=self.first) if self.decay else grad


class SGD(Rule):
    """θ - lr g."""

    def __init__(self, settings: Settings, like: Tensor) -> None:
        super().__init__(settings, like)
        self.scale = -self.lr

    def __call__(self, theta: Tensor, grad: Tensor, out: Tensor, step: int) -> None:
        """One update."""
        torch.add(theta, self.decayed(theta, grad), alpha=self.scale, out=out)


class Momentum(Rule):
    """v = μ v + g, θ - lr v; with Nesterov: θ - lr (g + μ v)."""

    names = ("momentum_buffer",)

    def __call__(self, theta: Tensor, grad: Tensor, out: Tensor, step: int) -> None:
        """One update."""
        grad = self.decayed(theta, grad)
        velocity = self.state["momentum_buffer"].mul_(self.settings.momentum).add_(grad)
        if self.settings.optimizer == "nesterov":
            velocity = torch.add(grad, velocity, alpha=self.settings.momentum, out=self.second)
        torch.add(theta, velocity, alpha=-self.lr, out=out)


class Adam(Rule):
    """m, v are running means of g, g²; θ - lr m̂ / (√v̂ + ε). AdamW shrinks θ by lr λ instead of adding λ θ to g."""

    names = ("exp_avg", "exp_avg_sq")

    def _means(self, theta: Tensor, grad: Tensor, out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        one = self.settings
        if one.optimizer == "adamw" and self.decay:
            theta = torch.mul(theta, 1 - self.lr * self.decay, out=out)
        else:
            grad = self.decayed(theta, grad)
        mean = self.state["exp_avg"].lerp_(grad, 1 - one.beta1)
        square = self.state["exp_avg_sq"].mul_(one.beta2).addcmul_(grad, grad, value=1 - one.beta2)
        return theta, mean, torch.sqrt(square, out=self.second)

    def scalars(self, step: int) -> tuple[float, ...]:
        """(-lr / (1 - β1^t), √(1 - β2^t))."""
        one = self.settings
        return -self.lr / (1 - one.beta1**step), (1 - one.beta2**step) ** 0.5

    def __call__(self, theta: Tensor, grad: Tensor, out: Tensor, step: int) -> None:
        """One update."""
        size, correction = self.scalars(step)
        theta, mean, root = self._means(theta, grad, out)
        torch.addcdiv(theta, mean, root.div_(correction).add_(self.settings.eps), value=size, out=out)

    def captured(self, theta: Tensor, grad: Tensor, out: Tensor, row: tuple[Tensor, ...]) -> None:
        """The same update with its scalars as tensors."""
        theta, mean, root = self._means(theta, grad, out)
        torch.div(mean, root.div_(row[1]).add_(self.settings.eps), out=self.first)
        torch.addcmul(theta, self.first, row[0], out=out)


class RMSprop(Rule):
    """s is a running mean of g²; θ - lr g / (√s + ε); with momentum, the quotient is gathered in a velocity."""

    names = ("square_avg",)

    def __call__(self, theta: Tensor, grad: Tensor, out: Tensor, step: int) -> None:
        """One update."""
        one, grad = self.settings, self.decayed(theta, grad)
        square = self.state["square_avg"].mul_(one.alpha).addcmul_(grad, grad, value=1 - one.alpha)
        root = torch.sqrt(square, out=self.second).add_(one.eps)
        torch.addcdiv(theta, grad, root, value=-self.lr, out=out)


class Adagrad(Rule):
    """s is the sum of all g²; θ - lr_t g / (√s + ε), lr_t = lr / (1 + (t - 1) decay)."""

    names = ("sum",)

    def scalars(self, step: int) -> tuple[float, ...]:
        """(-lr_t,)."""
        return (-self.lr / (1 + (step - 1) * self.settings.lr_decay),)

    def _quotient(self, theta: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
        grad = self.decayed(theta, grad)
        total = self.state["sum"].addcmul_(grad, grad, value=1)
        return grad, torch.sqrt(total, out=self.second).add_(self.settings.eps)

    def __call__(self, theta: Tensor, grad: Tensor, out: Tensor, step: int) -> None:
        """One update."""
        grad, root = self._quotient(theta, grad)
        torch.addcdiv(theta, grad, root, value=self.scalars(step)[0], out=out)

    def captured(self, theta: Tensor, grad: Tensor, out: Tensor, row: tuple[Tensor, ...]) -> None:
        """The same update with its scalars as tensors."""
        grad, root = self._quotient(theta, grad)
        torch.addcmul(theta, torch.div(grad, root, out=self.second), row[0], out=out)


RULES: dict[str, type[Rule]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Momentum,
    "adam": Adam,
    "adamw": Adam,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
}


def original(settings: Settings, parameters: list[Tensor]) -> torch.optim.Optimizer:
    """The optimizer of torch.optim with these settings: what the rules are proved against, and LBFGS itself."""
    one, lr, decay = settings, settings.lr, settings.weight_decay
    if one.optimizer == "lbfgs":
        search = "strong_wolfe" if one.line_search else None
        return torch.optim.LBFGS(
            parameters, lr=lr, max_iter=one.max_iter, history_size=one.history_size, line_search_fn=search
        )
    if one.optimizer in ("adam", "adamw"):
        kind = torch.optim.Adam if one.optimizer == "adam" else torch.optim.AdamW
        return kind(parameters, lr=lr, betas=(one.beta1, one.beta2), eps=one.eps, weight_decay=decay)
    if one.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=lr, alpha=one.alpha, eps=one.eps, weight_decay=decay)
    if one.optimizer == "adagrad":
        return torch.optim.Adagrad(parameters, lr=lr, lr_decay=one.lr_decay, eps=one.eps, weight_decay=decay)
    momentum = 0.0 if one.optimizer == "sgd" else one.momentum
    return torch.optim.SGD(
        parameters, lr=lr, momentum=momentum, nesterov=one.optimizer == "nesterov", weight_decay=decay
    )
