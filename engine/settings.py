"""Which formula is true of a node with its settings: a sum is no mean, and a loss with weights has no row here.

`formula_of(node)` reads what the node saved; what a row takes for granted stands in ASSUMES.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.formulas import FORMULAS, Formula
from engine.trace import Node

Variants = Mapping[str, Mapping[str, tuple[str, ...]]]


def _each(names: Iterable[str], variants: Variants) -> dict[str, Variants]:
    return {name: variants for name in names}  # noqa: C420 - fromkeys would share a mutable value


_ONE = ("", "1", "1.0")
_ABSENT = ("", "None")
_MEAN, _SUM, _NONE = {"reduction": ("1",)}, {"reduction": ("2",)}, {"reduction": ("0",)}
_PLAIN = {"weight": _ABSENT, "pos_weight": _ABSENT}
ASSUMES: Mapping[str, Variants] = {
    **_each(("AddBackward0", "SubBackward0", "RsubBackward0", "RsubBackward1"), {"": {"alpha": _ONE}}),
    **_each(("AddcmulBackward0", "AddcdivBackward0"), {"": {"value": _ONE}}),
    **_each(
        ("AddmmBackward0", "AddmvBackward0", "BaddbmmBackward0", "AddrBackward0"), {"": {"alpha": _ONE, "beta": _ONE}}
    ),
    "EluBackward0": {"": {"alpha": _ONE, "scale": _ONE, "input_scale": _ONE}},
    "CeluBackward0": {"": {"alpha": _ONE}},
    "GeluBackward0": {"": {"approximate": ("'none'",)}},
    "SoftplusBackward0": {"": {"beta": _ONE}},
    "HardtanhBackward0": {"": {"max_val": _ONE, "min_val": ("-1", "-1.0")}},
    "LogitBackward0": {"": {"eps": _ABSENT}},
    **_each(("VarBackward0", "StdBackward0"), {"": {"correction": _ONE, "dim": _ABSENT}}),
    "LinalgVectorNormBackward0": {"": {"ord": ("2", "2.0")}},
    **_each(("SumBackward1", "MeanBackward1"), {"": {"keepdim": ("False",)}, "keepdim": {"keepdim": ("True",)}}),
    "ProdBackward1": {"": {"keepdim": ("False",)}},
    **_each(
        ("MseLossBackward0", "BinaryCrossEntropyBackward0", "BinaryCrossEntropyWithLogitsBackward0"),
        {"": {**_MEAN, **_PLAIN}, "sum": {**_SUM, **_PLAIN}, "none": {**_NONE, **_PLAIN}},
    ),
    "NllLossBackward0": {"": {**_MEAN, "weight": _ABSENT}, "sum": {**_SUM, "weight": _ABSENT}},
    "SmoothL1LossBackward0": {"": {**_MEAN, "beta": _ONE}},
    "HuberLossBackward0": {"": {**_MEAN, "delta": _ONE}},
    "SoftMarginLossBackward0": {"": _MEAN},
    "AvgPool2DBackward0": {"": {"padding": ("(0, 0)",), "kernel_size": ("(2, 2)",), "stride": ("()", "(2, 2)")}},
    "ConvolutionBackward0": {"": {"transposed": ("False",)}},
    "NativeBatchNormBackward0": {"": {"training": ("True",)}},
    "EmbeddingBackward0": {"": {"padding_idx": ("-1", "18446744073709551615"), "scale_grad_by_freq": ("False",)}},
}
"""What a row takes for granted of what its node saved, by the row's variant: the texts that a setting may have, ""
where it may be absent. A node that fits none has no row."""


def formula_of(node: Node) -> Formula | None:
    """The row that is true of this very node: some settings make it another formula, or one that has no row."""
    if node.name not in FORMULAS:
        return None
    assumed = ASSUMES.get(node.name)
    if assumed is None:
        return FORMULAS[node.name]
    saved = {row.name.removeprefix("_saved_"): row.text or "tensor" for row in node.saved}
    for variant, settings in assumed.items():
        if all(saved.get(name, "") in texts for name, texts in settings.items()):
            return FORMULAS[f"{node.name}/{variant}" if variant else node.name]
    return None
