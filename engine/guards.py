"""Argument guards: ordinary calls that would crash the process, never return, read old memory or draw real randomness.

A guard is `(original, run, args, kwargs) -> result`. It never changes what a legitimate call gives, nor an error of
PyTorch's own: in doubt it lets PyTorch speak. Rows are keyed by dotted name; a function is guarded under all its names.
"""

# ruff: noqa: ARG001
# Every guard is called alike, whether or not it looks at all it is given.

from __future__ import annotations

import datetime
import functools
import math
import re
import struct
import warnings
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]
from torch.utils._python_dispatch import _disable_current_modes

from engine import lists
from engine.errors import LimitReached, Refused
from engine.limits import DEFAULT

if TYPE_CHECKING:
    from engine.standins import Run

Guard = Callable[[Any, "Run", tuple[Any, ...], dict[str, Any]], Any]

_FUNCTIONS: dict[str, Guard] = {}
_METHODS: dict[str, Guard] = {}

KEPT = frozenset({"_parameters", "_buffers", "_modules", "_backward_hooks", "_forward_hooks", "_metadata", "__dict__"})
"""Fields that nn.Module keeps for itself."""

_PRECISION = frozenset({"fp32_precision"})
_REDUCTIONS = frozenset(
    f"allow_{kind}_reduced_precision_reduction{rest}" for kind in ("fp16", "bf16") for rest in ("", "_split_k")
)

SWITCHES: dict[str, frozenset[str]] = {
    "torch.backends": _PRECISION,
    "torch.backends.cudnn": frozenset({"enabled", "benchmark", "deterministic", "allow_tf32", "fp32_precision"}),
    "torch.backends.cudnn.conv": _PRECISION,
    "torch.backends.cudnn.rnn": _PRECISION,
    "torch.backends.cuda.matmul": frozenset({"allow_tf32", "allow_fp16_accumulation"}) | _PRECISION | _REDUCTIONS,
    "torch.backends.mkldnn": frozenset({"enabled", "deterministic", "allow_tf32", "fp32_precision"}),
    "torch.backends.mkldnn.matmul": _PRECISION,
    "torch.backends.mkldnn.conv": _PRECISION,
    "torch.backends.mkldnn.rnn": _PRECISION,
    "torch.backends.opt_einsum": frozenset({"enabled", "strategy"}),
}
"""PyTorch's own switches that programs may read and set: each checks what it is given."""

SETTINGS: dict[str, frozenset[str]] = {
    "torch.utils.deterministic": frozenset({"fill_uninitialized_memory"}),
    "matplotlib.pyplot": frozenset({"rcParams"}),
}
"""What programs may set of a module, and read again: it changes nothing here."""

MAKERS = frozenset(lists.section("makers.txt", "makers"))
"""Listed callables that give back functions or classes made of the program's own."""


def function(*names: str) -> Callable[[Guard], Guard]:
    """Register a guard for functions of these dotted names."""

    def register(guard: Guard) -> Guard:
        _FUNCTIONS.update(dict.fromkeys(names, guard))
        return guard

    return register


def method(*names: str) -> Callable[[Guard], Guard]:
    """Register a guard for methods of Tensor of these names; `original` is the bound method, or the function "
    "of the class."""

    def register(guard: Guard) -> Guard:
        _METHODS.update(dict.fromkeys(names, guard))
        return guard

    return register


@cache
def _by_id() -> dict[int, Guard]:
    """Guards by the identity of the library's own function (module attributes, alive for ever)."""
    return {id(lists.resolve(name)): guard for name, guard in _FUNCTIONS.items()}


@cache
def _names_by_id() -> dict[int, str]:
    names: dict[int, str] = {}
    for home, members in lists.module_names().items():
        for member in members:
            value = getattr(lists.real_module(home), member)
            if callable(value):
                names.setdefault(id(value), f"{home}.{member}")
                if f"{home}.{member}" in MAKERS:
                    names[id(value)] = f"{home}.{member}"
    return names


def name_of(function: Any) -> str:
    """The dotted name under which a library callable is listed, or ""."""
    return _names_by_id().get(id(getattr(function, "__guards__", function)), "")


def is_library_function(function: Any) -> bool:
    """Whether a callable is listed under some name."""
    return id(function) in _names_by_id()


def of_function(function: Any) -> Guard | None:
    """The guard of a listed function."""
    return _by_id().get(id(function))


def of_method(kind: type, name: str) -> Guard | None:
    """The guard of a method of Tensor or Generator."""
    if name == "data_ptr" and issubclass(kind, torch.Tensor | torch.UntypedStorage | torch.TypedStorage):
        return data_ptr
    if name == "to_empty" and issubclass(kind, torch.nn.Module):
        return to_empty
    if issubclass(kind, torch.quasirandom.SobolEngine) and name in ("draw", "draw_base2", "fast_forward"):
        return sobol
    if name in ("now", "utcnow", "today") and issubclass(kind, datetime.date):
        return now
    if name in _METHODS and issubclass(kind, torch.Tensor | torch.Generator):
        return _METHODS[name]
    return None


def is_method_guarded(name: str) -> bool:
    """Whether the method of Tensor of that name has a guard."""
    return name in _METHODS


def bind(guard: Guard, original: Any, run: Run) -> Any:
    """The function a program gets instead of `original`."""

    @functools.wraps(original, updated=())
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return guard(original, run, args, kwargs)

    guarded.__guards__ = original  # type: ignore[attr-defined]
    return guarded


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], position: int, name: str, default: Any = None) -> Any:
    return kwargs[name] if name in kwargs else args[position] if len(args) > position else default


def _truth(value: torch.Tensor) -> bool:
    """Whether it holds; where a tensor has no value of its own (inside vmap), yes."""
    try:
        return bool(value)
    except RuntimeError:
        return True


def _quietly(function: Callable[..., Any], *args: Any) -> Any:
    """Look at tensors without leaving a trace in the graph."""
    with torch.no_grad():
        return function(*(arg.detach() if isinstance(arg, torch.Tensor) else arg for arg in args))


def _bounded(code: str, limit: int, *values: Any) -> None:
    """Refuse where a number among `values` is larger than `limit`."""
    for value in values:
        if isinstance(value, tuple | list):
            _bounded(code, limit, *value)
        elif (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and abs(value) > limit
            and math.isfinite(value)
        ) or (isinstance(value, torch.Tensor) and not _truth(_quietly(lambda one: (one.abs() <= limit).all(), value))):
            raise Refused(code, limit=limit)


# G1: NaN or an infinity crashes eigvals; eig says so in words.


@function("torch.linalg.eigvals")
def eigvals(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`torch.linalg.eig` raises for a matrix that is not finite; eigvals would crash."""
    matrix = _argument(args, kwargs, 0, "A", _argument(args, kwargs, 0, "input"))
    if isinstance(matrix, torch.Tensor) and not _truth(_quietly(lambda one: torch.isfinite(one).all(), matrix)):
        torch.linalg.eig(matrix)
    return original(*args, **kwargs)


@function("numpy.roots")
def roots(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A companion matrix of thousands of rows never returns."""
    _bounded("refused.guard.number", 500, np.size(args[0]) if args else 0)
    return original(*args, **kwargs)


# G2: a class that does not exist is read out of bounds.


@function("torch.ctc_loss", "torch.nn.functional.ctc_loss")
def ctc_loss(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Targets that count lie in [0, classes); they are copied, since backward reads them again."""
    args, kwargs = ctc_arguments(None, args, kwargs)
    return original(*args, **kwargs)


def ctc_arguments(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a ctc loss, checked."""
    scores, targets = _argument(args, kwargs, 0, "log_probs"), _argument(args, kwargs, 1, "targets")
    lengths = _argument(args, kwargs, 3, "target_lengths")
    if not (isinstance(scores, torch.Tensor) and isinstance(targets, torch.Tensor) and scores.dim()):
        return args, kwargs
    known = targets.detach()
    if known.dim() == 2 and lengths is not None:
        counted = torch.arange(known.shape[1])[None, :] < torch.as_tensor(lengths).reshape(-1, 1)
        if counted.shape == known.shape:
            known = known[counted]
    if known.numel() and not _truth(((known >= 0) & (known < scores.shape[-1])).all()):
        raise Refused("refused.guard.labels", classes=scores.shape[-1])
    if "targets" in kwargs:
        return args, {**kwargs, "targets": targets.clone()}
    return (args[0], targets.clone(), *args[2:]), kwargs


@function("torch.embedding_bag", "torch.nn.functional.embedding_bag")
def embedding_bag(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Indices are copied, since backward reads them again without a check."""
    args, kwargs = copied_integers(None, args, kwargs)
    return original(*args, **kwargs)


def copied_integers(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Integer tensors among the arguments are replaced by copies."""

    def copied(value: Any) -> Any:
        integers = isinstance(value, torch.Tensor) and not value.is_floating_point() and not value.is_complex()
        return value.clone() if integers else value

    return tuple(map(copied, args)), {name: copied(value) for name, value in kwargs.items()}


# G3: the smallest integer divided by -1 stops the process.


@function("torch.div", "torch.divide")
@method("div", "div_", "divide", "divide_")
def divide(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Only with rounding_mode="trunc" on integers."""
    if kwargs.get("rounding_mode") == "trunc" and args:
        numerator = getattr(original, "__self__", None) if len(args) == 1 else args[0]
        divisor = args[-1]
        if isinstance(numerator, torch.Tensor) and not numerator.is_floating_point() and not numerator.is_complex():
            smallest = torch.iinfo(numerator.dtype).min if numerator.dtype != torch.bool else 0
            against = torch.as_tensor(divisor)
            if smallest and not against.is_floating_point():
                bad = _quietly(lambda a, b: (a == smallest).any() & (b == -1).any(), numerator, against)
                if _truth(bad):
                    raise Refused("refused.guard.division")
    return original(*args, **kwargs)


# G4: indices that backward uses again must not be the ones a program can write to.

_WITH_INDICES = (
    *(
        f"torch.nn.functional.{kind}max_pool{n}d{more}"
        for kind, sizes in (("", "123"), ("adaptive_", "123"), ("fractional_", "23"))
        for n in sizes
        for more in ("", "_with_indices")
    ),
    *(
        f"torch.{name}"
        for name in ("adaptive_max_pool1d", "max_pool1d_with_indices", "max_pool1d", "max_pool2d", "max_pool3d")
    ),
)


@function(*_WITH_INDICES)
def pool(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """G4 and G6: window numbers are bounded; returned indices are a copy of the saved ones."""
    _bounded("refused.guard.number", 10**4, *args[1:5], *(kwargs.get(name) for name in _WINDOW))
    result = original(*args, **kwargs)
    if isinstance(result, tuple) and len(result) == 2:
        return (result[0], result[1].clone())
    return result


_WINDOW = ("kernel_size", "stride", "padding", "dilation")


def pool_arguments(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The window of a pooling module is bounded."""
    _bounded("refused.guard.number", 10**4, *(getattr(module, name, None) for name in _WINDOW))
    return args, kwargs


BY_INSTANCE: dict[type, Callable[[Any, tuple[Any, ...], dict[str, Any]], tuple[tuple[Any, ...], dict[str, Any]]]] = {
    torch.nn.CTCLoss: ctc_arguments,
    torch.nn.EmbeddingBag: copied_integers,
    torch.nn.MaxPool1d: pool_arguments,
    torch.nn.MaxPool2d: pool_arguments,
    torch.nn.MaxPool3d: pool_arguments,
}
"""Modules whose call is guarded."""


def write_tensor(tensor: torch.Tensor, name: str, new: Any) -> None:
    """`tensor.name = new`: grad, requires_grad, data of the same shape for parameters, and names of the "
    "program's own."""
    if name == "data" and isinstance(tensor, torch.nn.Parameter) and isinstance(new, torch.Tensor):
        uninitialized = isinstance(tensor, UninitializedTensorMixin)
        if not uninitialized and tensor.shape != new.shape and tensor.numel():
            raise Refused("refused.guard.data_shape")
    elif name not in ("grad", "requires_grad", "data", "real", "imag", "grad_dtype") and hasattr(type(tensor), name):
        if name.startswith("_") or name in lists.type_names()[torch.Tensor]:
            descriptor = getattr(type(tensor), name)
            own = type(tensor).__module__ == "__main__" and not name.startswith("_")
            if name.startswith("_") or (callable(descriptor) and not own):
                raise Refused("refused.write", name=name, type=type(tensor).__name__)
    elif name.startswith("_") and name.startswith(("_backward", "_post", "_grad", "_torch", "_python")):
        raise Refused("refused.write", name=name, type=type(tensor).__name__)
    setattr(tensor, name, new)


# G5: counts that overflow.


@function("torch.repeat_interleave", "numpy.repeat")
@method("repeat_interleave")
def repeat_interleave(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The sum of the counts is at most the limit of elements."""
    bound = isinstance(getattr(original, "__self__", None), torch.Tensor)
    alone = original is not np.repeat and len(args) == 1 and "repeats" not in kwargs
    counts = _argument(args, kwargs, 0 if bound or alone else 1, "repeats")
    if isinstance(counts, torch.Tensor) and counts.dtype in (torch.int32, torch.int64) and counts.numel():
        total = float(_quietly(lambda one: one.double().clamp(min=0).sum(), counts))
    elif isinstance(counts, np.ndarray | list | tuple) and original is np.repeat:
        total = float(np.asarray(counts, dtype=float).clip(min=0).sum())
    else:
        total = 0.0
    if total > DEFAULT.tensor_elements:
        raise LimitReached("limit.elements", elements=int(total), limit=DEFAULT.tensor_elements)
    return original(*args, **kwargs)


# G7, G8: loops in a number.


@function("torch.matrix_power", "torch.linalg.matrix_power")
@method("matrix_power")
def matrix_power(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """|n| is at most 10^4."""
    _bounded("refused.guard.number", 10**4, kwargs.get("n"), *(arg for arg in args if isinstance(arg, int)))
    return original(*args, **kwargs)


@function("torch.diff", "numpy.diff")
@method("diff")
def diff(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """n is at most 10^3."""
    _bounded("refused.guard.number", 10**3, kwargs.get("n"), *(arg for arg in args if isinstance(arg, int)))
    return original(*args, **kwargs)


_POLYNOMIALS = tuple(
    f"torch.special.{name}"
    for name in (
        *(f"{shifted}chebyshev_polynomial_{kind}" for shifted in ("", "shifted_") for kind in "tuvw"),
        *("hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"),
    )
)


@function(*_POLYNOMIALS)
def polynomial(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The degree is at most 10^3."""
    _bounded("refused.guard.number", 10**3, _argument(args, kwargs, 1, "n"))
    return original(*args, **kwargs)


@function(
    "torch.special.zeta", "torch.polygamma", "torch.special.polygamma", "torch.mvlgamma", "torch.special.multigammaln"
)
@method("polygamma", "polygamma_", "mvlgamma", "mvlgamma_")
def gamma_family(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """They loop in their arguments: each is at most 10^6."""
    _bounded("refused.guard.number", 10**6, *args, *kwargs.values(), getattr(original, "__self__", None))
    return original(*args, **kwargs)


@function("math.factorial", "math.comb", "math.perm", "torch.lobpcg", "torch.svd_lowrank", "torch.pca_lowrank")
def counted(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Whole numbers are at most 2,000 and not negative where they count iterations."""
    numbers = [value for value in (*args, *kwargs.values()) if isinstance(value, int)]
    _bounded("refused.guard.number", 2_000, *numbers)
    if original is torch.lobpcg and any(number < 0 for number in numbers):
        raise Refused("refused.guard.number", limit=2_000)
    return original(*args, **kwargs)


@function("operator.pow", "operator.mul", "operator.lshift", "operator.ipow", "operator.imul", "operator.concat")
def operators(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the operator itself may not make, its function may not make either."""
    if len(args) == 2 and isinstance(args[0], int) and isinstance(args[1], int):
        a, b = args
        bits = {"pow": a.bit_length() * max(b, 0), "lshift": a.bit_length() + max(b, 0)}
        if bits.get(original.__name__.lstrip("i"), a.bit_length() + b.bit_length()) > DEFAULT.integer_bits:
            raise LimitReached("limit.integer", limit=DEFAULT.integer_bits)
    elif any(isinstance(arg, str | bytes | list | tuple) for arg in args):
        count = math.prod(
            arg if isinstance(arg, int) else max(len(arg), 1) for arg in args if isinstance(arg, int | str | list)
        )
        if count > DEFAULT.container_length:
            raise LimitReached("limit.container", limit=DEFAULT.container_length)
    return original(*args, **kwargs)


# G10: memory that was not written. Zeros come instead; PyTorch promises no values.


def _fills() -> bool:
    """Whether PyTorch itself writes new memory now, as it does where deterministic algorithms are asked for."""
    if torch.are_deterministic_algorithms_enabled():
        torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
        return True
    return False


@function("torch.empty", "torch.empty_like", "numpy.empty", "numpy.empty_like")
@method("new_empty")
def empty(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """As `zeros`; where that cannot be asked for, the original with its memory cleared."""
    if original not in (np.empty, np.empty_like) and _fills():
        return original(*args, **kwargs)
    owner = getattr(original, "__self__", None)
    name = original.__name__.replace("empty", "zeros")
    zeros = getattr(
        owner if isinstance(owner, torch.Tensor) else np if original in (np.empty, np.empty_like) else torch, name, None
    )
    if original is torch.Tensor.new_empty:
        zeros = torch.Tensor.new_zeros
    if zeros is not None and "memory_format" not in kwargs and "pin_memory" not in kwargs:
        try:
            return zeros(*args, **kwargs)
        except (TypeError, RuntimeError, ValueError):
            return original(*args, **kwargs)
    result = original(*args, **kwargs)
    _quietly(lambda one: one.zero_(), result)
    return result


@function("torch.empty_strided", "torch.empty_permuted")
@method("new_empty_strided")
def empty_strided(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The memory is cleared."""
    filled = _fills()
    result = original(*args, **kwargs)
    if not filled:
        _quietly(lambda one: one.zero_(), result)
    return result


@method("resize_", "resize_as_")
def resize(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Memory that a resize adds is cleared."""
    tensor = getattr(original, "__self__", None)
    before = tensor.untyped_storage().nbytes() if isinstance(tensor, torch.Tensor) else 0
    filled = _fills()
    result = original(*args, **kwargs)
    storage = result.untyped_storage()
    if storage.nbytes() > before and not filled:
        storage[before:].fill_(0)
    return result


@function("torch.nn.utils.skip_init")
def to_empty(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The memory of the parameters, their grads and the buffers of a module is cleared."""
    module = original(*args, **kwargs)
    for tensor in (*module.parameters(), *module.buffers()):
        _quietly(lambda one: one.zero_(), tensor)
        if tensor.grad is not None:
            _quietly(lambda one: one.zero_(), tensor.grad)
    return module


def sobol(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """At most 10^6 points, one after the other."""
    least = 20 if original.__name__ == "draw_base2" else 10**6
    _bounded("refused.guard.number", least, *args[:1], kwargs.get("n"), kwargs.get("m"))
    return original(*args, **kwargs)


def now(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`datetime.now()` and its kin by the clock of the run."""
    kind = original.__self__
    zone = _argument(args, kwargs, 0, "tz")
    moment = datetime.datetime.fromtimestamp(run.now(), zone or datetime.UTC)
    if issubclass(kind, datetime.datetime):
        return moment if zone is not None else moment.replace(tzinfo=None)
    return moment.date()


# G12: randomness comes from the seed of the run.


@function("torch.seed", "torch.random.seed")
def seed(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A seed drawn from the run's own sequence, set and returned."""
    number = run.next_seed()
    torch.manual_seed(number)
    return number


@method("seed")
def generator_seed(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Likewise for one Generator."""
    number = run.next_seed()
    original.__self__.manual_seed(number)
    return number


@function("numpy.random.default_rng", "numpy.random.seed", "random.seed")
def seeded(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Without a seed, one from the run's own sequence."""
    if (not args or args[0] is None) and kwargs.get("seed", kwargs.get("a")) is None:
        return original(run.next_seed() % 2**32)
    return original(*args, **kwargs)


@function("torch.set_rng_state", "torch.random.set_rng_state")
@method("set_state")
def set_state(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Only a state that this run was given: the generator trusts its bytes."""
    state = _argument(args, kwargs, 0, "new_state")
    if isinstance(state, torch.Tensor) and state.dtype == torch.uint8 and bytes(state.tolist()) not in run.states:
        raise Refused("refused.guard.state")
    return original(*args, **kwargs)


@function("torch.get_rng_state", "torch.random.get_rng_state")
@method("get_state")
def get_state(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The state is remembered, so that it can be set again."""
    state = original(*args, **kwargs)
    run.states.add(bytes(state.tolist()))
    return state


# Addresses: where memory lies is not told, whether two views share it is.


def data_ptr(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A number of this run for the storage, and the distance from its beginning; 0 where there is none."""
    address = original(*args, **kwargs)
    if not address:
        return address
    owner = getattr(original, "__self__", None)
    owner = args[0] if owner is None else owner
    storage = owner.untyped_storage() if isinstance(owner, torch.Tensor) else owner
    start = torch.UntypedStorage.data_ptr(storage) if isinstance(storage, torch.UntypedStorage) else address
    return run.address(start) + address - start


@function("torch.func.rearrange")
def rearrange(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """It writes the lengths and the number of dimensions into code that it runs: they are plain numbers, and the
    pattern is plain text."""
    tensor, pattern = _argument(args, kwargs, 0, "tensor"), _argument(args, kwargs, 1, "pattern")
    lengths = {name: value for name, value in kwargs.items() if name not in ("tensor", "pattern")}
    for one in tensor if type(tensor) in (list, tuple) else (tensor,):
        if type(one) not in (torch.Tensor, torch.nn.Parameter):
            raise Refused("refused.guard.plain", name="rearrange")
    if type(pattern) is not str or any(type(length) is not int for length in lengths.values()):
        raise Refused("refused.guard.plain", name="rearrange")
    return original(*args, **kwargs)


@function("struct.pack")
def pack(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What it makes is as long as its format says."""
    size = struct.calcsize(args[0]) if args else 0
    if size > DEFAULT.text_length:
        raise LimitReached("limit.text", limit=DEFAULT.text_length)
    return original(*args, **kwargs)


# Names given as text, threads, sparse indices.

_TENSOR_TYPE = re.compile(r"torch\.(cuda\.)?[A-Z][A-Za-z0-9]*Tensor")


@function("torch.set_default_tensor_type")
@method("type")
def tensor_type(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A text is the name of a tensor type, and no path to a module."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, str) and not _TENSOR_TYPE.fullmatch(value):
            raise Refused("refused.guard.tensor_type", name=value[:80])
    return original(*args, **kwargs)


@function("torch.set_num_threads", "torch.set_num_interop_threads")
def threads(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A run has one thread; the wish is taken and changes no value."""
    return None


@function(*(f"torch.sparse_{layout}_tensor" for layout in ("coo", "csr", "csc", "bsr", "bsc", "compressed")))
def sparse(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Indices are checked: unchecked ones lead out of bounds. What PyTorch warns of and returns is its own."""
    result = original(*args, **kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original(*args, **{**kwargs, "check_invariants": True})
    return result


# Classes.

_LEGACY = (
    *(torch.Tensor, torch.FloatTensor, torch.DoubleTensor, torch.HalfTensor, torch.BFloat16Tensor, torch.LongTensor),
    *(torch.IntTensor, torch.ShortTensor, torch.CharTensor, torch.ByteTensor, torch.BoolTensor),
)


def check_class(kind: type) -> None:
    """A metaclass is no value to hand on: whoever calls it makes classes."""
    if issubclass(kind, type):
        raise Refused("refused.type")


def _unwatched(kind: type, *args: Any, **kwargs: Any) -> Any:
    """A subclass of Tensor takes the memory of a new tensor, which no dispatch mode may have seen before."""
    with _disable_current_modes():
        return kind(*args, **kwargs)


@function("torch.nn.attention.bias.causal_lower_right", "torch.nn.attention.bias.causal_upper_left")
def causal(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """They make a subclass of Tensor, on memory that nobody writes."""
    bias = _unwatched(original, *args, **kwargs)
    with torch._C.DisableTorchFunctionSubclass():
        _quietly(lambda one: one.zero_(), bias)
    return bias


@function("torch.utils._pytree.register_pytree_node")
def register_pytree_node(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Only a class of the program's: how the library's own are taken apart stays as it is."""
    kind = _argument(args, kwargs, 0, "cls")
    if run.owner is None or not (isinstance(kind, type) and run.owner.owns(kind)):
        raise Refused("refused.guard.plain", name="register_pytree_node")
    return original(*args, **kwargs)


@method("as_subclass", "_make_subclass", "_make_wrapper_subclass")
def as_subclass(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Only a class of the program's, or the plain ones: another would call what it finds on the tensor."""
    for name in ("extra_dispatch_keys", "storage_size", "dispatch_sizes_strides_policy"):
        if name in kwargs:
            raise Refused("refused.guard.plain", name=name)
    kinds = [value for value in (*args, *kwargs.values()) if isinstance(value, type)]
    for kind in kinds:
        plain = kind in (torch.Tensor, torch.nn.Parameter) or not issubclass(kind, torch.Tensor)
        if not plain and not (run.owner is not None and run.owner.owns(kind)):
            raise Refused("refused.guard.plain", name=original.__name__)
    return _unwatched(original, *args, **kwargs)


@function("numpy.shares_memory")
def shares_memory(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """To decide it exactly may take exponential time: numpy gives up after so many candidates."""
    return original(*args[:2], **{**kwargs, "max_work": 10**6})


@function("numpy.random.zipf")
def zipf(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Near 1 it draws again and again."""
    rank = np.asarray(_argument(args, kwargs, 0, "a"), dtype=float)
    if ((rank > 1) & (rank < 1.01)).any():  # at 1 and below numpy raises
        raise Refused("refused.guard.rank")
    return original(*args, **kwargs)


@function("torch.utils.swap_tensors")
def swap(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Classes are swapped before anybody looks whether the values are tensors."""
    if not all(isinstance(value, torch.Tensor) for value in (*args, *kwargs.values())):
        raise Refused("refused.guard.plain", name="swap_tensors")
    return original(*args, **kwargs)


@method("offsets", "lengths")
def ragged(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Where the rows of a nested tensor begin is read without a check: a program gets a copy."""
    found = original(*args, **kwargs)
    return run.rows.handed(found) if isinstance(found, torch.Tensor) else found


def construct(kind: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """What is called, and with what, where a program calls a class of the library."""
    if kind in _LEGACY and args and not kwargs and all(type(arg) in (int, torch.Size) for arg in args):
        dtype = None if kind is torch.Tensor else kind.dtype
        make = torch.empty if _fills() else torch.zeros
        return functools.partial(make, dtype=dtype), args, kwargs
    if issubclass(kind, torch.Tensor) and kind.__module__ == "__main__":
        return functools.partial(_unwatched, kind), args, kwargs
    if kind in _COUNTED:
        _bounded("refused.guard.number", 10**5, *args[1:], *kwargs.values())
    elif kind.__module__.startswith("torch.nn.modules"):
        _bounded("refused.guard.number", DEFAULT.integer_argument, *filter(_whole, (*args, *kwargs.values())))
    if kind is torch.utils.data.DataLoader:
        alone = {name: value for name, value in kwargs.items() if name not in _WORKERS}
        return kind, args, alone
    return kind, args, kwargs


_COUNTED = (torch.optim.LBFGS,)
"""Classes that loop as often as they are told."""


def _whole(value: Any) -> bool:
    return isinstance(value, int)


@function("torch.nn.utils.spectral_norm", "torch.nn.utils.parametrizations.spectral_norm")
def spectral_norm(original: Any, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """At most 10^4 power iterations."""
    _bounded("refused.guard.number", 10**4, *filter(_whole, (*args, *kwargs.values())))
    return original(*args, **kwargs)


_WORKERS = (
    "num_workers",
    "pin_memory",
    "persistent_workers",
    "prefetch_factor",
    "multiprocessing_context",
    "worker_init_fn",
    "timeout",
)


def operate(symbol: str, operands: tuple[Any, ...]) -> None:
    """Operators on library values: what they make is bounded by memory; nothing here loops in a number."""
