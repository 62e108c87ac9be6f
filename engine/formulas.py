"""One row per autograd node: what it computed, and how it turns the gradient of its output into those of its inputs.

A row is written once, as small expressions: `forward` in terms of the inputs, and one vector-Jacobian product for each
entry of `next_functions`. From these come the LaTeX on the page, the same LaTeX with the numbers put in, and the proof:
the tests evaluate each expression with torch's own functions and compare it with what PyTorch passed.

In every expression `g` is the gradient that arrives (grad_output), `y` the result; a, b, c are the inputs in the order
of `next_functions`. Formulas are the derivatives of the functions as PyTorch documents them (torch.sin,
torch.nn.functional.mse_loss and so on); where a function has a kink the row says what PyTorch takes there.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.latex import latex

Shape = tuple[int, ...]


class Formula(msgspec.Struct, frozen=True):
    """One row. `inputs` name the entries of next_functions; `given` are the non-tensor settings the example uses,
    `shapes` and `domain` the tensors it is proved on: "real", "positive", "unit" (0, 1), "open" (-1, 1), "above" 1.
    `variant` tells rows of one grad_fn apart, see settings.py."""

    name: str
    forward: str
    vjps: tuple[str, ...]
    inputs: tuple[str, ...]
    given: Mapping[str, object] = {}
    shapes: Mapping[str, Shape] = {}
    domain: str = "real"
    variant: str = ""

    @property
    def key(self) -> str:
        """What this row is found by in FORMULAS."""
        return f"{self.name}/{self.variant}" if self.variant else self.name

    @property
    def code(self) -> str:
        """The message id of the sentence that says it in words: one for each family of rows."""
        return f"formula.{_FAMILY[self.key]}"

    def forward_latex(self, numbers: Mapping[str, str] | None = None) -> str:
        """y = ..., with the numbers put in for the names they are given for."""
        return f"y = {latex(self.forward, numbers)}"

    def vjp_latex(self, position: int, numbers: Mapping[str, str] | None = None) -> str:
        """The gradient sent to input `position`, with the numbers put in for the names they are given for."""
        return latex(self.vjps[position], numbers)


FORMULAS: dict[str, Formula] = {}
_FAMILY: dict[str, str] = {}


def _row(
    name: str,
    forward: str,
    *vjps: str,
    family: str,
    inputs: str = "abc",
    given: Mapping[str, object] | None = None,
    shapes: Mapping[str, Shape] | None = None,
    domain: str = "real",
    variant: str = "",
) -> None:
    row = Formula(name, forward, vjps, tuple(inputs[: len(vjps)]), given or {}, shapes or {}, domain, variant)
    FORMULAS[row.key] = row
    _FAMILY[row.key] = family


def formula(name: str) -> Formula | None:
    """The row of a grad_fn's name, None where there is none (the page then shows the local Jacobian alone)."""
    return FORMULAS.get(name)


# Arithmetic -----
_row("AddBackward0", "a + b", "g", "g", family="sum")
_row("SubBackward0", "a - b", "g", "-g", family="sum")
_row("RsubBackward1", "rsub(a, k)", "-g", family="sum", given={"k": 3.0})
_row("NegBackward0", "-a", "-g", family="sum")
_row("MulBackward0", "a * b", "g * b", "g * a", family="product")
_row("DivBackward0", "a / b", "g / b", "-g * a / b ** 2", family="product", domain="positive")
_row("ReciprocalBackward0", "reciprocal(a)", "-g * y ** 2", family="chain", domain="positive")
_row("PowBackward0", "a ** n", "g * n * a ** (n - 1)", family="chain", given={"n": 3}, domain="positive")
_row("PowBackward1", "a ** b", "g * b * a ** (b - 1)", "g * y * log(a)", family="chain", domain="positive")
_row("PowBackward2", "k ** a", "g * y * log(k)", family="chain", given={"k": 2.0})
_row("AddcmulBackward0", "addcmul(a, b, c)", "g", "g * c", "g * b", family="product")
_row("AddcdivBackward0", "addcdiv(a, b, c)", "g", "g / c", "-g * b / c ** 2", family="product", domain="positive")
_row("LerpBackward0", "lerp(a, b, k)", "g * (1 - k)", "g * k", family="product", given={"k": 0.3})
_row("RemainderBackward0", "remainder(a, k)", "g", family="sum", given={"k": 0.7})
_row("FmodBackward0", "fmod(a, k)", "g", family="sum", given={"k": 0.7})
_row("RemainderBackward1", "remainder(a, b)", "g", "-g * floor(a / b)", family="sum", domain="positive")
_row("FmodBackward1", "fmod(a, b)", "g", "-g * trunc(a / b)", family="sum", domain="positive")
_row("LerpBackward1", "lerp(a, b, c)", "g * (1 - c)", "g * c", "g * (b - a)", family="product")
_row("RsubBackward0", "rsub(a, b)", "-g", "g", family="sum")
_row("LdexpBackward0", "ldexp(a, b)", "g * exp2(b)", "g * y * log(2)", family="product")
# The same with a number that is no tensor.
_row("AddBackward1", "a + k", "g", family="sum", given={"k": "number"})
_row("SubBackward1", "a - k", "g", family="sum", given={"k": "number"})
_row("MulBackward1", "a * k", "g * k", family="product", given={"k": "number"})
_row("DivBackward1", "a / k", "g / k", family="product", given={"k": "number"})

# Exponentials and roots -----
_row("ExpBackward0", "exp(a)", "g * y", family="chain")
_row("Exp2Backward0", "exp2(a)", "g * y * log(2)", family="chain")
_row("Expm1Backward0", "expm1(a)", "g * (y + 1)", family="chain")
_row("LogBackward0", "log(a)", "g / a", family="chain", domain="positive")
_row("Log2Backward0", "log2(a)", "g / (a * log(2))", family="chain", domain="positive")
_row("Log10Backward0", "log10(a)", "g / (a * log(10))", family="chain", domain="positive")
_row("Log1PBackward0", "log1p(a)", "g / (a + 1)", family="chain", domain="positive")
_row("SqrtBackward0", "sqrt(a)", "g / (2 * y)", family="chain", domain="positive")
_row("RsqrtBackward0", "rsqrt(a)", "-g * y ** 3 / 2", family="chain", domain="positive")
_row("LogaddexpBackward0", "logaddexp(a, b)", "g * exp(a - y)", "g * exp(b - y)", family="chain")
_row("Logaddexp2Backward0", "logaddexp2(a, b)", "g * exp2(a - y)", "g * exp2(b - y)", family="chain")
_row("XlogyBackward0", "xlogy(a, b)", "g * log(b)", "g * a / b", family="product", domain="positive")

# Trigonometry -----
_row("SinBackward0", "sin(a)", "g * cos(a)", family="chain")
_row("CosBackward0", "cos(a)", "-g * sin(a)", family="chain")
_row("TanBackward0", "tan(a)", "g * (1 + y ** 2)", family="chain", domain="open")
_row("AsinBackward0", "asin(a)", "g / sqrt(1 - a ** 2)", family="chain", domain="open")
_row("AcosBackward0", "acos(a)", "-g / sqrt(1 - a ** 2)", family="chain", domain="open")
_row("AtanBackward0", "atan(a)", "g / (1 + a ** 2)", family="chain")
_row("Atan2Backward0", "atan2(a, b)", "g * b / (a ** 2 + b ** 2)", "-g * a / (a ** 2 + b ** 2)", family="chain")
_row("SinhBackward0", "sinh(a)", "g * cosh(a)", family="chain")
_row("CoshBackward0", "cosh(a)", "g * sinh(a)", family="chain")
_row("TanhBackward0", "tanh(a)", "g * (1 - y ** 2)", family="chain")
_row("AsinhBackward0", "asinh(a)", "g / sqrt(a ** 2 + 1)", family="chain")
_row("AcoshBackward0", "acosh(a)", "g / sqrt(a ** 2 - 1)", family="chain", domain="above")
_row("AtanhBackward0", "atanh(a)", "g / (1 - a ** 2)", family="chain", domain="open")
_row("HypotBackward0", "hypot(a, b)", "g * a / y", "g * b / y", family="chain", domain="positive")
_row("Deg2RadBackward0", "deg2rad(a)", "g * pi / 180", family="chain")
_row("Rad2DegBackward0", "rad2deg(a)", "g * 180 / pi", family="chain")

# Activations and special functions -----
_row("SigmoidBackward0", "sigmoid(a)", "g * y * (1 - y)", family="chain")
_row("LogSigmoidBackward0", "logsigmoid(a)", "g * (1 - sigmoid(a))", family="chain")
_row("LogitBackward0", "logit(a)", "g / (a * (1 - a))", family="chain", domain="unit")
_row("ReluBackward0", "relu(a)", "where(a > 0, g, 0)", family="gate")
_row("LeakyReluBackward0", "leaky_relu(a, k)", "where(a > 0, g, k * g)", family="gate", given={"k": 0.1})
_row("EluBackward0", "elu(a)", "where(a > 0, g, g * (y + 1))", family="gate")
_row("CeluBackward0", "celu(a)", "where(a > 0, g, g * (y + 1))", family="gate")
_row("GeluBackward0", "gelu(a)", "g * (Phi(a) + a * phi(a))", family="chain")
_row("SiluBackward0", "silu(a)", "g * sigmoid(a) * (1 + a * (1 - sigmoid(a)))", family="chain")
_row("SoftplusBackward0", "softplus(a)", "g * sigmoid(a)", family="chain")
_row(
    "MishBackward0",
    "mish(a)",
    "g * (tanh(softplus(a)) + a * (1 - tanh(softplus(a)) ** 2) * sigmoid(a))",
    family="chain",
)
_row("HardtanhBackward0", "hardtanh(a)", "where(abs(a) < 1, g, 0)", family="gate")
_row("ThresholdBackward0", "threshold(a, k, 0)", "where(a > k, g, 0)", family="gate", given={"k": 0.2})
_row("ClampBackward1", "clamp(a, k, m)", "where((a >= k) & (a <= m), g, 0)", family="gate", given={"k": -0.5, "m": 0.5})
_row("ClampMinBackward0", "clamp_min(a, k)", "where(a >= k, g, 0)", family="gate", given={"k": -0.5})
_row("ClampMaxBackward0", "clamp_max(a, k)", "where(a <= k, g, 0)", family="gate", given={"k": 0.5})
_row("HardsigmoidBackward0", "hardsigmoid(a)", "where(abs(a) < 3, g / 6, 0)", family="gate")
_row("HardswishBackward0", "hardswish(a)", "where(abs(a) < 3, g * (a / 3 + 1 / 2), where(a > 0, g, 0))", family="gate")
_row("HardshrinkBackward0", "hardshrink(a, k)", "where(abs(a) > k, g, 0)", family="gate", given={"k": 0.5})
_row("SoftshrinkBackward0", "softshrink(a, k)", "where(abs(a) > k, g, 0)", family="gate", given={"k": 0.5})
_row("PreluKernelBackward0", "prelu(a, b)", "where(a > 0, g, b * g)", "where(a > 0, 0, a * g)", family="gate")
_row("ClampMinBackward1", "clamp_min(a, b)", "where(a >= b, g, 0)", "where(a < b, g, 0)", family="gate")
_row("ClampMaxBackward1", "clamp_max(a, b)", "where(a <= b, g, 0)", "where(a > b, g, 0)", family="gate")
_row("AbsBackward0", "abs(a)", "g * sign(a)", family="gate")
_row("SgnBackward0", "sgn(a)", "0 * g", family="flat")
_row("SignBackward0", "sign(a)", "0 * g", family="flat")
_row("FloorBackward0", "floor(a)", "0 * g", family="flat")
_row("CeilBackward0", "ceil(a)", "0 * g", family="flat")
_row("RoundBackward0", "round(a)", "0 * g", family="flat")
_row("TruncBackward0", "trunc(a)", "0 * g", family="flat")
_row("RoundBackward1", "round_to(a, k)", "0 * g", family="flat", given={"k": 1})
_row("FracBackward0", "frac(a)", "g", family="sum")
_row("ErfBackward0", "erf(a)", "g * 2 * exp(-a ** 2) / sqrt(pi)", family="chain")
_row("ErfcBackward0", "erfc(a)", "-g * 2 * exp(-a ** 2) / sqrt(pi)", family="chain")
_row("ErfinvBackward0", "erfinv(a)", "g * sqrt(pi) * exp(y ** 2) / 2", family="chain", domain="open")
_row("LgammaBackward0", "lgamma(a)", "g * digamma(a)", family="chain", domain="positive")
_row("SpecialEntrBackward0", "entr(a)", "-g * (log(a) + 1)", family="chain", domain="positive")
_row("SincBackward0", "sinc(a)", "g * (cos(pi * a) - y) / a", family="chain", domain="positive")
_row("I0Backward0", "i0(a)", "g * i1(a)", family="chain")
_row("PolygammaBackward0", "polygamma(n, a)", "g * polygamma(n + 1, a)", family="chain", given={"n": 1},
     domain="positive")  # fmt: skip
_row("DigammaBackward0", "digamma(a)", "g * polygamma(1, a)", family="chain", domain="positive")

# Choices -----
_row("MaximumBackward0", "maximum(a, b)", "where(a >= b, g, 0)", "where(a < b, g, 0)", family="gate")
_row("MinimumBackward0", "minimum(a, b)", "where(a <= b, g, 0)", "where(a > b, g, 0)", family="gate")
_row("FmaxBackward0", "fmax(a, b)", "where(a >= b, g, 0)", "where(a < b, g, 0)", family="gate")
_row("FminBackward0", "fmin(a, b)", "where(a <= b, g, 0)", "where(a > b, g, 0)", family="gate")
_row("NanToNumBackward0", "nan_to_num(a)", "where(isfinite(a), g, 0)", family="gate")
_row("WhereBackward0", "where(m, a, b)", "where(m, g, 0)", "where(m, 0, g)", family="gate", given={"m": "mask"})
_row("MaskedFillBackward0", "masked_fill(a, m, k)", "where(m, 0, g)", family="gate", given={"m": "mask", "k": 2.0})

# Products of matrices -----
_TWO = {"a": (2, 3), "b": (3, 4)}
_row("MmBackward0", "a @ b", "g @ b.T", "a.T @ g", family="matrix", shapes=_TWO)
_row("MvBackward0", "a @ b", "outer(g, b)", "a.T @ g", family="matrix", shapes={"a": (2, 3), "b": (3,)})
_row("DotBackward0", "a @ b", "g * b", "g * a", family="matrix", shapes={"a": (3,), "b": (3,)})
_row("BmmBackward0", "bmm(a, b)", "g @ b.mT", "a.mT @ g", family="matrix", shapes={"a": (2, 2, 3), "b": (2, 3, 4)})
_ADD = {"a": (2, 4), "b": (2, 3), "c": (3, 4)}
_row("AddmmBackward0", "addmm(a, b, c)", "g", "g @ c.T", "b.T @ g", family="affine", shapes=_ADD)
_row(
    "AddmvBackward0", "addmv(a, b, c)", "g", "outer(g, c)", "b.T @ g", family="affine",
    shapes={"a": (2,), "b": (2, 3), "c": (3,)},
)  # fmt: skip
_row(
    "BaddbmmBackward0", "baddbmm(a, b, c)", "g", "g @ c.mT", "b.mT @ g", family="affine",
    shapes={"a": (2, 2, 4), "b": (2, 2, 3), "c": (2, 3, 4)},
)  # fmt: skip
_row("AddrBackward0", "addr(a, b, c)", "g", "g @ c", "g.T @ b", family="affine",
     shapes={"a": (2, 3), "b": (2,), "c": (3,)})  # fmt: skip
_row("VdotBackward0", "vdot(a, b)", "g * b", "g * a", family="product")
_row("LinalgCrossBackward0", "cross(a, b)", "cross(b, g)", "cross(g, a)", family="product")
_SQUARE = {"a": (3, 3)}
_row("TraceBackward0", "trace(a)", "g * eye(3)", family="diagonal", shapes=_SQUARE)
_row("LinalgDetBackward0", "det(a)", "g * y * inv(a).T", family="algebra", shapes=_SQUARE)
_row("LinalgInvExBackward0", "inv(a)", "-(y.T @ g @ y.T)", family="algebra", shapes=_SQUARE)
_row("LinalgSolveExBackward0", "solve(a, b)", "-(inv(a).T @ g @ y.T)", "inv(a).T @ g", family="algebra",
     shapes={"a": (3, 3), "b": (3, 2)})  # fmt: skip
_row("TrilBackward0", "tril(a)", "tril(g)", family="gate", shapes=_SQUARE)
_row("TriuBackward0", "triu(a)", "triu(g)", family="gate", shapes=_SQUARE)
_row("DiagonalBackward0", "diagonal(a)", "diag(g)", family="diagonal", shapes=_SQUARE)
_row("DiagEmbedBackward0", "diag_embed(a)", "diagonal(g)", family="diagonal")

# Sums and statistics -----
_row("SumBackward0", "sum(a)", "g * ones(a)", family="spread")
_row(
    "SumBackward1",
    "sum(a, dim)",
    "unsqueeze(g, dim) * ones(a)",
    family="spread",
    given={"dim": 1},
    shapes={"a": (2, 3)},
)
_KEPT = {"variant": "keepdim", "given": {"dim": 1}, "shapes": {"a": (2, 3)}}
_row("SumBackward1", "keep(sum, a, dim)", "g * ones(a)", family="spread", **_KEPT)  # type: ignore[arg-type]
_row("MeanBackward1", "keep(mean, a, dim)", "g * ones(a) / size(a, dim)", family="spread", **_KEPT)  # type: ignore[arg-type]
_row("MeanBackward0", "mean(a)", "g * ones(a) / count(a)", family="spread")
_row(
    "MeanBackward1", "mean(a, dim)", "unsqueeze(g, dim) * ones(a) / size(a, dim)", family="spread",
    given={"dim": 1}, shapes={"a": (2, 3)},
)  # fmt: skip
_row("ProdBackward0", "prod(a)", "g * y / a", family="product", domain="positive")
_row("MaxBackward1", "max(a)", "where(a == y, g, 0)", family="gate")
_row("MinBackward1", "min(a)", "where(a == y, g, 0)", family="gate")
_row("AmaxBackward0", "amax(a, dim)", "where(a == y, g, 0)", family="gate", given={"dim": 0})
_row("AminBackward0", "amin(a, dim)", "where(a == y, g, 0)", family="gate", given={"dim": 0})
_row("LogsumexpBackward0", "logsumexp(a, dim)", "g * exp(a - y)", family="chain", given={"dim": 0})
_row("LinalgVectorNormBackward0", "norm(a)", "g * a / y", family="chain")
_row("VarBackward0", "var(a)", "g * 2 * (a - mean(a)) / (count(a) - 1)", family="chain")
_row("StdBackward0", "std(a)", "g * (a - mean(a)) / ((count(a) - 1) * y)", family="chain")
_row("NansumBackward0", "nansum(a)", "where(isnan(a), 0, g)", family="spread")
_row("ProdBackward1", "prod(a, dim)", "unsqueeze(g * y, dim) / a", family="product", given={"dim": 1},
     shapes={"a": (2, 3)}, domain="positive")  # fmt: skip
_row("MedianBackward0", "median(a)", "where(a == y, g, 0)", family="gate")
_row("DistBackward0", "dist(a, b)", "g * (a - b) / y", "-g * (a - b) / y", family="chain")
_row("CumprodBackward0", "cumprod(a, dim)", "flip(cumsum(flip(g * y), dim)) / a", family="product", given={"dim": 0},
     domain="positive")  # fmt: skip
_row("LogcumsumexpBackward0", "logcumsumexp(a, dim)", "exp(a) * flip(cumsum(flip(g * exp(-y)), dim))", family="chain",
     given={"dim": 0})  # fmt: skip
_row("CumsumBackward0", "cumsum(a, dim)", "flip(cumsum(flip(g), dim))", family="spread", given={"dim": 0})

# Shape: the same numbers, arranged otherwise -----
_row("TBackward0", "t(a)", "t(g)", family="arrange", shapes={"a": (2, 3)})
_row("TransposeBackward0", "transpose(a, 0, 1)", "transpose(g, 0, 1)", family="arrange", shapes={"a": (2, 3)})
_row("PermuteBackward0", "permute(a)", "permute_back(g)", family="arrange", shapes={"a": (2, 3, 4)})
_row("ViewBackward0", "view(a, s)", "reshape(g, shape(a))", family="arrange", given={"s": (6,)}, shapes={"a": (2, 3)})
_row("UnsqueezeBackward0", "unsqueeze(a, dim)", "squeeze(g, dim)", family="arrange", given={"dim": 0})
_row("SqueezeBackward0", "squeeze(a)", "reshape(g, shape(a))", family="arrange", shapes={"a": (1, 3)})
_row(
    "SqueezeBackward1", "squeeze(a, dim)", "unsqueeze(g, dim)", family="arrange", given={"dim": 0}, shapes={"a": (1, 3)}
)
_row("SqueezeBackward2", "squeeze(a, dim)", "reshape(g, shape(a))", family="arrange", given={"dim": (0, 2)},
     shapes={"a": (1, 3, 1)})  # fmt: skip
_row("SqueezeBackward4", "squeeze_(a, dim)", "unsqueeze(g, dim)", family="arrange", given={"dim": 0},
     shapes={"a": (1, 3)})  # fmt: skip
_row("UnsafeViewBackward0", "unsafe_view(a, s)", "reshape(g, shape(a))", family="arrange", given={"s": (6,)},
     shapes={"a": (2, 3)})  # fmt: skip
_row("ReshapeAliasBackward0", "reshape_alias(a, s)", "reshape(g, shape(a))", family="arrange", given={"s": (6,)},
     shapes={"a": (2, 3)})  # fmt: skip
_row("PixelShuffleBackward0", "pixel_shuffle(a, k)", "pixel_unshuffle(g, k)", family="arrange", given={"k": 2},
     shapes={"a": (1, 4, 2, 2)})  # fmt: skip
_row("PixelUnshuffleBackward0", "pixel_unshuffle(a, k)", "pixel_shuffle(g, k)", family="arrange", given={"k": 2},
     shapes={"a": (1, 1, 4, 4)})  # fmt: skip
_row("Rot90Backward0", "rot90(a)", "rot90(g, 3)", family="arrange", shapes={"a": (2, 3)})
_row("ToCopyBackward0", "to(a)", "g", family="sum")
_row("FlipBackward0", "flip(a)", "flip(g)", family="arrange")
_row("RollBackward0", "roll(a, k)", "roll(g, -k)", family="arrange", given={"k": 1})
_row("CloneBackward0", "clone(a)", "g", family="sum")
_row("AliasBackward0", "alias(a)", "g", family="sum")
_row("ExpandBackward0", "expand(a, s)", "sum(g, dim)", family="gather", given={"s": (4, 3), "dim": 0})
_row(
    "RepeatBackward0", "repeat(a, k)", "sum(reshape(g, s), dim)", family="gather", given={"k": 2, "s": (2, 3), "dim": 0}
)

# Parts -----
_row("SelectBackward0", "select(a, i)", "place(g, a, i)", family="part", given={"i": 1})
_row("SliceBackward0", "select(a, i)", "place(g, a, i)", family="part", given={"i": slice(1, 3)})
_row("IndexBackward0", "select(a, i)", "place(g, a, i)", family="part", given={"i": [0, 2, 0]})
_row("CatBackward0", "cat(a, b)", "select(g, first)", "select(g, second)", family="part",
     given={"first": slice(0, 3), "second": slice(3, 6)})  # fmt: skip
_row("StackBackward0", "stack(a, b)", "select(g, 0)", "select(g, 1)", family="part")

_row("GatherBackward0", "gather(a, dim, i)", "into(g, a, dim, i)", family="part",
     given={"dim": 1, "i": "columns"}, shapes={"a": (3, 4)})  # fmt: skip
_row("IndexSelectBackward0", "index_select(a, dim, i)", "place(g, a, i)", family="part",
     given={"dim": 0, "i": "classes"}, shapes={"a": (4, 2)})  # fmt: skip
_row("EmbeddingBackward0", "embedding(i, a)", "place(g, a, i)", family="part", given={"i": "classes"},
     shapes={"a": (4, 2)})  # fmt: skip
_row("MaskedSelectBackward0", "masked_select(a, m)", "place(g, a, m)", family="part", given={"m": "mask"})
_row("ConstantPadNdBackward0", "pad(a, s)", "select(g, i)", family="part", given={"s": (1, 2), "i": slice(1, 4)})
_CHOSEN = {"dim": 1, "i": "indices"}
_row("SortBackward1", "stable_sort(a, dim)", "into(g, a, dim, i)", family="part", given=_CHOSEN, shapes={"a": (3, 4)})
_row("SortBackward0", "sort(a, dim)", "into(g, a, dim, i)", family="part", given=_CHOSEN, shapes={"a": (3, 4)})
_row("TopkBackward0", "topk(a, k)", "into(g, a, dim, i)", family="part", given={**_CHOSEN, "k": 2},
     shapes={"a": (3, 4)})  # fmt: skip
_row("KthvalueBackward0", "kthvalue(a, k)", "into(g, a, dim, i)", family="part", given={**_CHOSEN, "k": 2},
     shapes={"a": (3, 4)})  # fmt: skip
for _name in ("max", "min", "median", "mode"):
    _row(f"{_name.capitalize()}Backward{int(_name == 'median')}", f"{_name}(a, dim)", "into(g, a, dim, i)",
         family="part", given=_CHOSEN, shapes={"a": (3, 4)})  # fmt: skip
for _name in ("cummax", "cummin"):
    _row(f"{_name.capitalize()}Backward0", f"{_name}(a, dim)", "into(g, a, dim, i)", family="part", given=_CHOSEN,
         shapes={"a": (3, 4)})  # fmt: skip
_row("SplitBackward0", "split(a, k)", "cat(g)", family="part", given={"k": 2}, shapes={"a": (4,)})
_row("SplitWithSizesBackward0", "split(a, s)", "cat(g)", family="part", given={"s": [1, 3]}, shapes={"a": (4,)})
_row("UnsafeSplitBackward0", "unsafe_split(a, k)", "cat(g)", family="part", given={"k": 2}, shapes={"a": (4,)})
_row("UnbindBackward0", "unbind(a)", "stack(g)", family="part", shapes={"a": (3, 2)})
_ADDED = {"dim": 0, "i": "classes"}
_row("IndexAddBackward0", "index_add(a, dim, i, b)", "g", "index_select(g, dim, i)", family="sum", given=_ADDED,
     shapes={"a": (4, 2), "b": (3, 2)})  # fmt: skip
_row("ScatterAddBackward0", "scatter_add(a, dim, i, b)", "g", "gather(g, dim, i)", family="sum",
     given={"dim": 1, "i": "columns"}, shapes={"a": (3, 4), "b": (3, 2)})  # fmt: skip

# Windows and normalisation -----
_row("ConvolutionBackward0", "conv2d(a, b, c)", "conv_transpose2d(g, b)", "conv2d_weight(a, shape(b), g)",
     "sum(g, s)", family="window", given={"s": (0, 2, 3)},
     shapes={"a": (2, 3, 5, 5), "b": (4, 3, 2, 2), "c": (4,)})  # fmt: skip
_WINDOW = {"a": (2, 3, 4, 4)}
_row("MaxPool2DWithIndicesBackward0", "max_pool2d(a, k)", "back(g, a, i)", family="part",
     given={"k": 2, "i": "indices"}, shapes=_WINDOW)  # fmt: skip
_row("AvgPool2DBackward0", "avg_pool2d(a, k)", "spread(g, k) / k ** 2", family="spread", given={"k": 2},
     shapes=_WINDOW)  # fmt: skip
_row("NativeLayerNormBackward0", "layer_norm(a, s, b, c)",
     "(g * b - mean(g * b) - normal(a) * mean(g * b * normal(a))) / spread_of(a)", "g * normal(a)", "g",
     family="normal", given={"s": (5,)}, shapes={"a": (5,), "b": (5,), "c": (5,)})  # fmt: skip
_row("NativeBatchNormBackward0", "batch_norm(a, b, c)",
     "b * (g - mean(g, 0) - normal(a) * mean(g * normal(a), 0)) / spread_of(a)", "sum(g * normal(a), 0)", "sum(g, 0)",
     family="normal", shapes={"a": (4, 3), "b": (3,), "c": (3,)})  # fmt: skip

# Softmax and losses (reduction="mean") -----
_row("SoftmaxBackward0", "softmax(a)", "y * (g - sum(g * y))", family="softmax")
_row("LogSoftmaxBackward0", "log_softmax(a)", "g - exp(y) * sum(g)", family="softmax")
_row("MseLossBackward0", "mse_loss(a, b)", "g * 2 * (a - b) / count(a)", "-g * 2 * (a - b) / count(a)", family="loss")
_row(
    "SmoothL1LossBackward0", "smooth_l1_loss(a, b)",
    "g * clamp(a - b, -1, 1) / count(a)", "-g * clamp(a - b, -1, 1) / count(a)", family="loss",
)  # fmt: skip
_row(
    "HuberLossBackward0", "huber_loss(a, b)",
    "g * clamp(a - b, -1, 1) / count(a)", "-g * clamp(a - b, -1, 1) / count(a)", family="loss",
)  # fmt: skip
_row(
    "BinaryCrossEntropyBackward0", "binary_cross_entropy(a, t)", "g * (a - t) / (a * (1 - a) * count(a))",
    family="loss", given={"t": "targets"}, domain="unit",
)  # fmt: skip
_row(
    "BinaryCrossEntropyWithLogitsBackward0", "binary_cross_entropy_with_logits(a, t)",
    "g * (sigmoid(a) - t) / count(a)", family="loss", given={"t": "targets"},
)  # fmt: skip
_row(
    "SoftMarginLossBackward0", "soft_margin_loss(a, t)", "-g * t * sigmoid(-t * a) / count(a)", family="loss",
    given={"t": "targets"},
)  # fmt: skip
_row("NllLossBackward0", "nll_loss(a, t)", "-g * one_hot(t, a) / size(a, 0)", family="loss",
     given={"t": "classes"}, shapes={"a": (3, 4)})  # fmt: skip

for _reduced in ("sum", "none"):
    _how = {"family": "total", "variant": _reduced}
    _row("MseLossBackward0", f"mse_{_reduced}(a, b)", "g * 2 * (a - b)", "-g * 2 * (a - b)", **_how)  # type: ignore[arg-type]
    _row("BinaryCrossEntropyBackward0", f"bce_{_reduced}(a, t)", "g * (a - t) / (a * (1 - a))",
         given={"t": "targets"}, domain="unit", **_how)  # type: ignore[arg-type]  # fmt: skip
    _row("BinaryCrossEntropyWithLogitsBackward0", f"bce_logits_{_reduced}(a, t)", "g * (sigmoid(a) - t)",
         given={"t": "targets"}, **_how)  # type: ignore[arg-type]  # fmt: skip
_row("NllLossBackward0", "nll_sum(a, t)", "-g * one_hot(t, a)", family="total", variant="sum", given={"t": "classes"},
     shapes={"a": (3, 4)})  # fmt: skip
