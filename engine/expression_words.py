"""The functions that a typed expression may name, and what is special about some of them."""

from __future__ import annotations

TORCH = (
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp", "exp2",
    "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "abs", "relu", "sigmoid", "softmax", "log_softmax",
    "logsumexp", "sum", "mean", "prod", "max", "min", "maximum", "minimum", "clamp", "where", "pow", "square", "sign",
    "floor", "ceil", "round", "frac", "erf", "erfc", "atan2", "hypot", "lerp", "dot", "outer", "cumsum", "stack",
    "cat", "trace", "reciprocal", "std", "var", "logaddexp", "amax", "amin", "norm", "sinc", "xlogy", "flip", "tril",
    "triu", "diag", "einsum", "lgamma", "digamma", "numel", "nansum", "median",
)  # fmt: skip
"""Functions of the module torch that an expression may call by their bare names."""
FUNCTIONAL = (
    "gelu", "silu", "elu", "celu", "selu", "leaky_relu", "softplus", "softsign", "mish", "logsigmoid", "hardtanh",
    "relu6", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "cross_entropy", "normalize",
)  # fmt: skip
"""Those of torch.nn.functional."""
LINALG = ("det", "inv", "eigvalsh", "slogdet", "solve")
"""Those of torch.linalg."""
OTHER_WORDS = {
    "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arsinh": "asinh", "arcosh": "acosh",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "artanh": "atanh", "tg": "tan", "sgn": "sign",
    "swish": "silu", "lrelu": "leaky_relu", "σ": "sigmoid", "logistic": "sigmoid", "lg": "log10", "log_2": "log2",
    "log_10": "log10", "sh": "sinh", "ch": "cosh", "th": "tanh",
}  # fmt: skip
"""Names that mathematics has for some of them."""
RECIPROCAL = {"sec": "cos", "csc": "sin", "cosec": "sin", "cot": "tan", "ctg": "tan"}
"""What is 1 over another function."""
CALLED = frozenset((*TORCH, *FUNCTIONAL, *LINALG, *OTHER_WORDS, *RECIPROCAL))
"""Every name that may be called."""
LAST_DIMENSION = ("softmax", "log_softmax", "logsumexp", "cumsum", "amax", "amin")
"""Functions that work along the last dimension unless they are told another one."""
OF_LISTS = ("stack", "cat")
"""Functions of a list of tensors."""
OF_DIMENSIONS = ("sum", "mean", "std", "var", "norm", "amax", "amin", "logsumexp", "flip")
"""Functions that may be told a list of dimensions."""
REDUCED = {"sum", "mean", "prod", "norm", "softmax", "log_softmax", "logsumexp", "dot", "outer", "cumsum", "std"}
REDUCED |= {"var", "normalize", "amax", "amin", "median"}
"""Functions of a vector: what they are given has at least one dimension."""
