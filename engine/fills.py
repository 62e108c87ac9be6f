"""A new tensor as an expression: `built({"fill": "rand", "shape": "2, 3", ...})` -> "torch.rand(2, 3)".

Values may be typed as a list, or as rows of numbers with spaces, commas, semicolons or tabs between them: so a block
of cells copied from a spreadsheet can be pasted. Numbers stay as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.errors import InvalidState

DTYPES = ("float32", "float64", "float16", "bfloat16", "complex64", "complex128", "int64", "bool")
DEVICES = ("cpu", "cuda", "mps", "meta")
FILLS = ("values", "zeros", "ones", "rand", "randn", "arange", "linspace")
MOST_CELLS = 400
"""Typed or pasted elements; more would not fit a program that is read."""

_REAL = r"(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?"
_NUMBER = re.compile(rf"[+-]?({_REAL}[jJ]?|{_REAL}[+-]{_REAL}[jJ])")
_WORDS = {"true": "True", "false": "False", "nan": 'float("nan")', "inf": 'float("inf")', "-inf": '-float("inf")'}
_SIZES = re.compile(r"\d{1,6}(,\d{1,6}){0,7}")


def built(asked: Mapping[str, Any]) -> str:
    """The expression of a new tensor. Raises InvalidState with a sentence.

    fill           one of FILLS
    shape          sizes for zeros, ones, rand, randn: "2, 3"; empty for one number
    values         for "values": the elements, see above
    start, end, step or steps        for arange and linspace
    seed           for rand and randn: a whole number, or empty for the seed of the run
    dtype, device, requires_grad     as PyTorch takes them
    """
    fill, dtype, device = (str(asked.get(name) or other) for name, other in _DEFAULTS)
    if fill not in FILLS or dtype not in DTYPES or device not in DEVICES:
        raise InvalidState("tensors.unknown")
    options = _options(dtype, device, bool(asked.get("requires_grad")))
    if fill == "values":
        content = values(str(asked.get("values", "")), floating=dtype not in ("int64", "bool"))
        return f"torch.tensor({', '.join([content, *options])})"
    if fill in ("arange", "linspace"):
        return f"torch.{fill}({', '.join([*_range(fill, asked, dtype), *options])})"
    sizes = _sizes(str(asked.get("shape") or ""))
    seed = str(asked.get("seed") or "").strip()
    if seed and fill in ("rand", "randn"):
        if not re.fullmatch(r"\d{1,9}", seed):
            raise InvalidState("tensors.fill.seed", value=seed[:40])
        options = [f"generator=torch.Generator().manual_seed({int(seed)})", *options]
    return f"torch.{fill}({', '.join([sizes, *options])})"


_DEFAULTS = (("fill", "values"), ("dtype", "float32"), ("device", "cpu"))


def _options(dtype: str, device: str, requires_grad: bool) -> list[str]:
    """What differs from PyTorch's defaults."""
    options = [f"dtype=torch.{dtype}"] if dtype != "float32" else []
    options += [f'device="{device}"'] if device != "cpu" else []
    return options + (["requires_grad=True"] if requires_grad else [])


def _sizes(text: str) -> str:
    plain = re.sub(r"[\s()\[\]]", "", text.replace("×", ",").replace("x", ",").replace("，", ",")).strip(",")
    if not plain:
        return "()"
    if not _SIZES.fullmatch(plain):
        raise InvalidState("tensors.fill.shape", value=text[:40])
    return ", ".join(plain.split(","))


def _range(fill: str, asked: Mapping[str, Any], dtype: str) -> list[str]:
    """Start, end and step of arange; start, end and how many of linspace. arange of whole numbers would be integers:
    one that is to be of floats is told so by its numbers."""
    start, end = (number(str(asked.get(name) or other)) for name, other in (("start", "0"), ("end", "1")))
    if fill == "linspace":
        steps = str(asked.get("steps") or "5").strip()
        if not re.fullmatch(r"\d{1,6}", steps):
            raise InvalidState("tensors.fill.steps", value=steps[:40])
        return [start, end, steps]
    step = number(str(asked.get("step") or "1"))
    if dtype == "float32":
        start = _floating(start)
    return [start, end] if step in ("1", "1.0") else [start, end, step]


def values(text: str, *, floating: bool = True) -> str:
    """Typed or pasted elements as a nested list, or as one number. Raises InvalidState.

    With `floating`, whole numbers are written as floats, or torch.tensor would make integers of them.
    """
    plain = text.strip().replace("，", ",").replace("；", ";").replace("[", " [ ").replace("]", " ] ")
    if not plain:
        raise InvalidState("tensors.fill.values", value="")
    if "[" in plain:
        return _nested(plain, floating)
    rows = [_row(line, floating) for line in re.split(r"[;\n\r]+", plain) if line.strip()]
    if len({len(row) for row in rows}) > 1:
        raise InvalidState("tensors.fill.ragged")
    if sum(map(len, rows)) > MOST_CELLS:
        raise InvalidState("tensors.fill.many", limit=MOST_CELLS)
    if len(rows) > 1:
        return f"[{', '.join('[' + ', '.join(row) + ']' for row in rows)}]"
    (row,) = rows
    single = len(row) == 1 and not re.search(r"[,;\t]", plain)
    return row[0] if single else f"[{', '.join(row)}]"


def _row(line: str, floating: bool) -> list[str]:
    """The cells of a row, which a spreadsheet parts with tabs: none may be empty."""
    if "\t" in line:
        cells = [_cell(cell) for cell in line.rstrip("\t").split("\t")]
        if not all(cells):
            raise InvalidState("tensors.fill.blank")
    else:
        cells = re.split(r"\s*,\s*|\s+", line.strip().strip(","))
    return [literal(cell.strip(), floating=floating) for cell in cells if cell.strip()]


def _cell(text: str) -> str:
    """A cell as a spreadsheet shows it: without its currency and the marks between thousands, with a decimal point.
    Before three digits at the end a comma may be either; it is read as the decimal sign."""
    plain = re.sub(r"^([-−]?)[$€£¥￥]\s*|\s*[€元]$", r"\1", text.strip())
    if re.fullmatch(r"[-−]?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})", plain):
        plain = plain.replace(",", "")
    elif re.fullmatch(r"[-−]?\d{1,3}(\.\d{3})+,\d+", plain):
        plain = plain.replace(".", "")
    plain = re.sub(r"(?<=\d),(?=\d)", ".", plain)
    percent = re.fullmatch(r"([-−]?[\d.]+)\s*%", plain)
    return f"{float(percent[1].replace('−', '-')) / 100:.10g}" if percent and percent[1].count(".") < 2 else plain


def _nested(text: str, floating: bool) -> str:
    """A list written as Python or numpy would print it; its cells are checked one by one, its brackets counted."""
    parts: list[str] = []
    depth, count = 0, 0
    for token in re.findall(r"\[|\]|[^\s,\[\]]+", text):
        depth += (token == "[") - (token == "]")
        count += token not in "[]"
        if depth < 0 or depth > 8 or count > MOST_CELLS or (depth == 0 and token != "]"):
            raise InvalidState("tensors.fill.values", value=text.strip()[:40])
        if parts and parts[-1] != "[" and token != "]":
            parts.append(", ")
        parts.append(token if token in "[]" else literal(token, floating=floating))
    if depth:
        raise InvalidState("tensors.fill.values", value=text.strip()[:40])
    return "".join(parts)


def literal(text: str, *, floating: bool = False) -> str:
    """One element as Python writes it. Raises InvalidState where it is no number, True or False."""
    word = _WORDS.get(text.strip().lower())
    return word or (_floating(number(text)) if floating else number(text))


def number(text: str) -> str:
    """A number as it was written. Raises InvalidState for anything else."""
    plain = re.sub(r"\s", "", text).replace("−", "-").replace("i", "j").lstrip("+").strip("()")
    if len(plain) > 60 or not _NUMBER.fullmatch(plain):
        raise InvalidState("tensors.number", value=text.strip()[:40])
    return re.sub(r"(?<![\d.])0+(?=\d)", "", plain)


def _floating(text: str) -> str:
    return f"{text}." if re.fullmatch(r"-?\d+", text) else text
