"""Every row of the formulas is proved: its expressions, evaluated by torch, equal what PyTorch computed and passed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine import lists
from engine.formulas import FORMULAS, Formula, formula
from engine.latex import latex
from engine.messages import LANGUAGES, render
from engine.paths import by_element
from engine.settings import formula_of
from tests.recording import finished


def _place(gradient: Tensor, like: Tensor, index: Any) -> Tensor:
    """Zeros of the shape of `like` with the gradient added at the index, repeated indices adding up."""
    placed = torch.zeros_like(like)
    if isinstance(index, Tensor):
        return placed.index_put((index,), gradient, accumulate=True)
    if isinstance(index, list):
        return placed.index_put((torch.tensor(index),), gradient, accumulate=True)
    placed[index] = gradient
    return placed


GOLDENS = Path(__file__).parent / "goldens"


class Chosen(NamedTuple):
    """What a function gives that chooses some of its elements."""

    values: Tensor
    indices: Tensor


_FUNCTIONS: dict[str, Any] = {
    "pi": math.pi,
    "log": lambda x: torch.log(torch.as_tensor(x, dtype=torch.float64)),
    "sqrt": lambda x: torch.sqrt(torch.as_tensor(x, dtype=torch.float64)),
    "Phi": lambda a: torch.special.ndtr(a),
    "phi": lambda a: torch.exp(-(a**2) / 2) / math.sqrt(2 * math.pi),
    "det": torch.linalg.det,
    "inv": torch.linalg.inv,
    "norm": torch.linalg.vector_norm,
    "polygamma": torch.polygamma,
    "ones": torch.ones_like,
    "count": Tensor.numel,
    "size": Tensor.size,
    "shape": lambda a: a.shape,
    "view": lambda a, s: a.view(s),
    "expand": lambda a, s: a.expand(s),
    "repeat": lambda a, k: a.repeat(k),
    "permute": lambda a: a.permute(2, 0, 1),
    "permute_back": lambda g: g.permute(1, 2, 0),
    "flip": lambda a: a.flip(0),
    "alias": torch.ops.aten.alias,
    "select": lambda a, i: a[i],
    "place": _place,
    "cat": lambda *parts: torch.cat(parts[0] if isinstance(parts[0], tuple) else parts),
    "stack": lambda *parts: torch.stack(parts[0] if isinstance(parts[0], tuple) else parts),
    "squeeze_": lambda a, dim: a.clone().squeeze_(dim),
    "unsafe_view": torch.ops.aten._unsafe_view,
    "reshape_alias": lambda a, s: torch.ops.aten._reshape_alias(a, s, [1]),
    "prelu": torch.ops.aten._prelu_kernel,
    "to": lambda a: a.to(torch.float32),
    "sinc": torch.sinc,
    "i1": torch.special.i1,
    "entr": torch.special.entr,
    "round_to": lambda a, k: torch.round(a, decimals=k),
    "stable_sort": lambda a, dim: torch.sort(a, dim=dim, stable=True),
    "keep": lambda reduce, a, dim: reduce(a, dim, keepdim=True),
    **{f"mse_{how}": partial(F.mse_loss, reduction=how) for how in ("sum", "none")},
    **{f"bce_{how}": partial(F.binary_cross_entropy, reduction=how) for how in ("sum", "none")},
    **{f"bce_logits_{how}": partial(F.binary_cross_entropy_with_logits, reduction=how) for how in ("sum", "none")},
    "nll_sum": partial(F.nll_loss, reduction="sum"),
    "max_pool2d": lambda a, k: Chosen(*F.max_pool2d(a, k, return_indices=True)),
    "back": lambda g, a, i: torch.zeros_like(a).flatten(2).scatter_add(2, i.flatten(2), g.flatten(2)).view(a.shape),
    "solve": torch.linalg.solve,
    "cross": torch.linalg.cross,
    "into": lambda g, a, dim, i: torch.zeros_like(a).scatter_add(
        dim, i if i.dim() == a.dim() else i.unsqueeze(dim), g if i.dim() == a.dim() else g.unsqueeze(dim)
    ),
    "conv2d_weight": torch.nn.grad.conv2d_weight,  # type: ignore[attr-defined]
    "spread": lambda a, k: a.repeat_interleave(k, -1).repeat_interleave(k, -2),
    "batch_norm": lambda a, b, c: F.batch_norm(a, None, None, b, c, training=True),
    "normal": lambda a: (a - a.mean(0)) / _FUNCTIONS["spread_of"](a),
    "spread_of": lambda a: (a.var(0, unbiased=False) + 1e-5).sqrt(),
    "softmax": lambda a: F.softmax(a, dim=0),
    "log_softmax": lambda a: F.log_softmax(a, dim=0),
    "one_hot": lambda t, a: F.one_hot(t, a.shape[1]),
}


class _Names(dict[str, Any]):
    """What an expression may name: its own tensors and settings, the few functions above, then F's and torch's."""

    def __missing__(self, name: str) -> Any:
        return _FUNCTIONS[name] if name in _FUNCTIONS else getattr(F, name, None) or getattr(torch, name)


def _tensor(shape: tuple[int, ...], domain: str, generator: torch.Generator) -> Tensor:
    unit = torch.rand(shape, generator=generator, dtype=torch.float64) * 0.8 + 0.1
    return {
        "unit": unit,
        "positive": unit + 0.3,
        "open": unit * 1.6 - 0.75,
        "above": unit + 1.2,
        "real": torch.randn(shape, generator=generator, dtype=torch.float64),
    }[domain]


class Number:
    """A number that is no tensor: PyTorch's operators make it one first, so the overloads for numbers are called."""

    def __radd__(self, a: Tensor) -> Tensor:
        return torch.ops.aten.add.Scalar(a, 3.0)  # type: ignore[no-any-return]

    def __rsub__(self, a: Tensor) -> Tensor:
        return torch.ops.aten.sub.Scalar(a, 3.0)  # type: ignore[no-any-return]

    def __rmul__(self, a: Tensor) -> Tensor:
        return torch.ops.aten.mul.Scalar(a, 3.0)  # type: ignore[no-any-return]

    def __rtruediv__(self, a: Tensor) -> Tensor:
        return torch.ops.aten.div.Scalar(a, 3.0)  # type: ignore[no-any-return]


_GIVEN: Mapping[str, Any] = {
    "number": Number(),
    "columns": torch.tensor([[0, 3], [1, 1], [2, 0]]),
    "mask": torch.tensor([True, False, True]),
    "targets": torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64),
    "classes": torch.tensor([0, 3, 1]),
}


def _prove(row: Formula) -> None:
    generator = torch.Generator().manual_seed(7)
    names = _Names(
        {name: _GIVEN.get(value, value) if isinstance(value, str) else value for name, value in row.given.items()}
    )
    inputs = []
    for name in row.inputs:
        tensor = _tensor(row.shapes.get(name, (3,)), row.domain, generator).requires_grad_()
        names[name] = tensor
        inputs.append(tensor)
    y = eval(row.forward, {}, names)
    if hasattr(y, "_fields") or type(y).__module__ == "torch.return_types":
        y, names["i"] = y  # the elements chosen, and where they stood
    outputs = y if isinstance(y, tuple) else (y,)
    assert {output.grad_fn.name() for output in outputs} == {row.name}
    g = tuple(torch.randn(one.shape, generator=generator, dtype=torch.float64).to(one.dtype) for one in outputs)
    passed = torch.autograd.grad(outputs, inputs, g)
    names |= {"y": outputs[0].detach(), "g": g if isinstance(y, tuple) else g[0]}
    for tensor in inputs:
        tensor.requires_grad_(False)
    for vjp, gradient in zip(row.vjps, passed, strict=True):
        torch.testing.assert_close(eval(vjp, {}, names).to(gradient), gradient)


@pytest.mark.parametrize("row", FORMULAS.values(), ids=lambda row: row.key)
def test_a_row_is_what_pytorch_passes(row: Formula) -> None:
    _prove(row)


def test_a_wrong_row_is_caught() -> None:
    """The proof itself can fail: cosine's derivative without its sign is refused."""
    with pytest.raises(AssertionError):
        _prove(Formula("CosBackward0", "cos(a)", ("g * sin(a)",), ("a",)))


@pytest.mark.parametrize("row", FORMULAS.values(), ids=lambda row: row.key)
def test_a_row_can_be_written_and_said(row: Formula) -> None:
    assert row.forward_latex().startswith("y = ")
    for position in range(len(row.vjps)):
        written = row.vjp_latex(position)
        assert written.count("{") == written.count("}")
    for language in LANGUAGES:
        assert render(row.code, language=language)


def test_numbers_are_put_in() -> None:
    row = formula("MulBackward0")
    assert row is not None
    assert row.vjp_latex(0, {"g": "1", "b": "-2"}) == r"1 \cdot (-2)"
    assert latex("-g * a / b ** 2") == r"\frac{-g \cdot a}{b^{2}}"
    assert latex("g * (1 - y ** 2)") == r"g \cdot \left(1 - y^{2}\right)"
    assert latex("g @ b.T") == r"g \, b^{\top}"


def test_a_name_without_a_row_has_none() -> None:
    assert formula("LinalgSvdBackward0") is None


@pytest.mark.parametrize("row", [row for row in FORMULAS.values() if by_element(row.name)], ids=lambda row: row.key)
def test_what_is_taken_for_element_by_element_is(row: Formula) -> None:
    """A gradient at one element alone sends something to that element alone."""
    generator = torch.Generator().manual_seed(7)
    names = _Names(
        {name: _GIVEN.get(value, value) if isinstance(value, str) else value for name, value in row.given.items()}
    )
    inputs = [_tensor(row.shapes.get(name, (3,)), row.domain, generator).requires_grad_() for name in row.inputs]
    names.update(zip(row.inputs, inputs, strict=True))
    y = eval(row.forward, {}, names)
    g = torch.zeros_like(y)
    g.view(-1)[0] = 1
    for tensor, passed in zip(inputs, torch.autograd.grad(y, inputs, g), strict=True):
        if tensor.shape == y.shape:
            assert not passed.reshape(-1)[1:].any()


SETTINGS = {
    "F.mse_loss(a, b, reduction='sum')": "MseLossBackward0/sum",
    "F.mse_loss(a, b, reduction='none').sum()": "MseLossBackward0/none",
    "F.mse_loss(a, b)": "MseLossBackward0",
    "F.binary_cross_entropy(a, b, reduction='sum')": "BinaryCrossEntropyBackward0/sum",
    "F.binary_cross_entropy(a, b, weight=b)": None,
    "F.binary_cross_entropy_with_logits(a, b, pos_weight=b)": None,
    "F.smooth_l1_loss(a, b, beta=0.5)": None,
    "F.gelu(a, approximate='tanh').sum()": None,
    "F.elu(a, alpha=2.0).sum()": None,
    "F.hardtanh(a, -2, 2).sum()": None,
    "a.var(unbiased=False)": None,
    "a.std()": "StdBackward0",
    "m.var(dim=1).sum()": None,
    "m.sum(1, keepdim=True).sum()": "SumBackward1/keepdim",
    "m.mean(0).sum()": "MeanBackward1",
    "torch.sub(a, b, alpha=2).sum()": None,
    "(a - b).sum()": "SubBackward0",
    "torch.linalg.vector_norm(a, 3)": None,
    "torch.norm(a)": "LinalgVectorNormBackward0",
}


@pytest.mark.parametrize(("expression", "key"), SETTINGS.items())
def test_a_node_with_other_settings_has_another_row_or_none(expression: str, key: str | None) -> None:
    """What a row takes for granted is read from the node: a formula that would be wrong is not shown."""
    trace = finished(
        "import torch, torch.nn.functional as F\na = torch.tensor([0.2, 0.4, 0.7], requires_grad=True)\n"
        f"b = torch.tensor([0.5, 0.1, 0.9])\nm = torch.rand(2, 3, requires_grad=True)\ny = {expression}\ny.backward()\n"
    )
    nodes = [node for node in trace.nodes if node.leaf is None]
    row = formula_of(nodes[0])
    assert (row.key if row else None) == key, nodes[0].saved


WITHOUT_A_ROW = {
    "of a scenario": """
        AsStridedBackward0 CopySlices RoundBackward SelectBackwardBackward0
    """,
    "of the vocabulary": """
        AcoshBackward1 AdaptiveAvgPool2DBackward0 AdaptiveAvgPool3DBackward0 AdaptiveMaxPool2DBackward0
        AdaptiveMaxPool3DBackward0 AddbmmBackward0 AminmaxBackward0 AngleBackward0 AsStridedBackward0
        AsStridedBackward1 AsStridedScatterBackward0 AsinhBackward1 AtanhBackward1 AvgPool3DBackward0
        BernoulliBackward0 BernoulliBackward1 BernoulliBackward2 BlockDiagBackward0 CauchyBackward0 CdistBackward0
        CeluBackward1 ChannelShuffleBackward0 CholeskyBackward0 CholeskyInverseBackward0 CholeskySolveBackward0
        ChunkBackward0 ClampBackward0 CoalesceBackward0 ComplexBackward0 ConjBackward0 ConjPhysicalBackward0
        ConjPhysicalBackward1 ConvolutionBackward1 CopysignBackward0 CopysignBackward1 CtcLossBackward0
        CtcLossBackward1 DiagonalScatterBackward0 DivBackward2 DivBackward3 EluBackward1 EmbeddingBagBackward0
        EmbeddingRenormBackward0 EqBackward0 EqBackward1 ExponentialBackward0 FillBackward0 FillBackward1
        FillBackward2 FillBackward3 FractionalMaxPool2DBackward0 FractionalMaxPool3DBackward0 FrexpBackward0
        GeBackward0 GeBackward1 GeometricBackward0 GeqrfBackward0 GluBackward0 GridSampler2DBackward0
        GridSampler3DBackward0 GtBackward0 GtBackward1 IgammaBackward0 IgammacBackward0 IndexCopyBackward0
        IndexFillBackward0 IndexFillBackward1 IndexPutBackward0 IndexReduceBackward0 LeBackward0 LeBackward1
        LeakyReluBackward1 LinalgCholeskyExBackward0 LinalgEigBackward0 LinalgEighBackward0
        LinalgHouseholderProductBackward0 LinalgLstsqBackward0 LinalgLuBackward0 LinalgLuFactorExBackward0
        LinalgLuSolveBackward0 LinalgMatrixExpBackward0 LinalgPinvBackward0 LinalgQrBackward0 LinalgSlogdetBackward0
        LinalgSolveTriangularBackward0 LinalgSvdBackward0 LinearBackward0 LogNormalBackward0 LtBackward0 LtBackward1
        LuUnpackBackward0 MaskedFillBackward1 MaskedScatterBackward0 MatmulBackward0 MaxPool2DBackward0
        MaxPool3DWithIndicesBackward0 MaxUnpool2DBackward0 MaxUnpool3DBackward0 MultiMarginLossBackward0
        MultilabelMarginLossBackward0 MvlgammaBackward0 NanmedianBackward0 NanmedianBackward1 NarrowCopyBackward0
        NeBackward0 NeBackward1 NextafterBackward0 NllLoss2DBackward0 NormBackward0 NormBackward1 NormBackward2
        NormBackward3 NormalBackward0 NormalBackward1 NormalBackward2 NormalBackward3 OrmqrBackward0
        PackPaddedSequenceBackward0 PdistBackward0 PoissonBackward0 PolarBackward0 PolygammaBackward1 PutBackward0
        RandomBackward0 RandomBackward1 RandomBackward2 ReflectionPad1DBackward0 ReflectionPad2DBackward0
        ReflectionPad3DBackward0 RenormBackward0 ReplicationPad1DBackward0 ReplicationPad2DBackward0
        ReplicationPad3DBackward0 ScatterBackward0 ScatterBackward1 ScatterReduceBackward0 SelectScatterBackward0
        SliceScatterBackward0 SparseCompressedTensorBackward0 SparseMaskBackward0 SpecialErfcxBackward0
        SpecialI0EBackward0 SpecialI1Backward0 SpecialI1EBackward0 SpecialLogNdtrBackward0 SpecialNdtriBackward0
        SpecialXlog1PyBackward0 SpecialXlog1PyBackward1 SpecialXlog1PyBackward2 SpecialZetaBackward0
        ForeachDivBackward0 ForeachMaximumBackward0 ForeachMaximumBackward1 ForeachMinimumBackward0
        ForeachMinimumBackward1 ForeachMmBackward0 ForeachNormBackward0 ForeachPowBackward0 ForeachPowBackward1
        ForeachPowBackward2
        SpecialZetaBackward1 SpecialZetaBackward2 SqueezeBackward3 SqueezeBackward5 StdMeanBackward0 TBackward1
        TakeBackward0 ThresholdBackward1 ToDenseBackward0 ToSparseBackward0 ToSparseBackward1 ToSparseBscBackward0
        ToSparseBsrBackward0 ToSparseCscBackward0 ToSparseCsrBackward0 ToPaddedTensorBackward0 TransposeBackward1
        TriangularSolveBackward0
        UnfoldBackward0 UniformBackward0 UniqueBackward0 UniqueConsecutiveBackward0 UnsafeSplitWithSizesBackward0
        UnsqueezeBackward1 ValuesBackward0 VarMeanBackward0 ViewAsComplexBackward0 ViewAsRealBackward0
        XlogyBackward1 XlogyBackward2 ZeroBackward0
    """,
}
"""The grad_fns that have no formula yet: the page shows their local Jacobian alone. RoundBackward is a Function of a
scenario's own; the others of the scenarios come from in-place changes of views and from differentiating twice."""


def without_a_row(kind: str) -> set[str]:
    return set(WITHOUT_A_ROW[kind].split())


def test_the_grad_fns_of_the_scenarios_have_rows() -> None:
    """As the goldens tell them; those that have none are listed."""
    nodes = "".join("".join(json.loads(file.read_text("utf-8"))["nodes"]) for file in GOLDENS.glob("*.json"))
    named = set(re.findall(r"[A-Z]\w*Backward\d*|CopySlices|CopyBackwards", nodes))
    assert len(named) > 25
    assert {name for name in named if name not in FORMULAS} == without_a_row("of a scenario")


def test_the_grad_fns_of_the_vocabulary_have_rows() -> None:
    """Every node class of PyTorch whose function a program may call; those that have none are listed."""
    names = {name for home, listed in lists.module_names().items() if home.startswith("torch") for name in listed}
    names |= {
        name
        for cls, listed in lists.type_names().items()
        if cls.__name__ in ("Tensor", "TensorBase")
        for name in listed
    }
    callable_ = {name.replace("_", "").lower() for name in names}
    kinds = [
        (name, re.fullmatch(r"(?:Special|Linalg|Fft)?(\w+?)Backward\d+", name)) for name in dir(torch._C._functions)
    ]
    reached = {name for name, found in kinds if found and found[1].lower() in callable_}
    assert len(reached) > 300
    listed_ = without_a_row("of the vocabulary")
    assert {name for name in reached if name not in FORMULAS} - listed_ == set()
    assert {name for name in listed_ if name in FORMULAS} == set()
