"""The signs of mathematics as Python writes them: what is read before the text is an expression.

    "sin²x + |x−1|·2y"  --python-->  "sin(x)**2 + abs(x-1)*2*y", and for each of its characters where it was typed

A text becomes tokens, four passes rewrite them (bars, transposes, functions without brackets, products without a sign),
and they are written out again. Nothing is refused here: what has no meaning stays as it is, for Python to refuse.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Collection
from typing import Literal

import msgspec

Kind = Literal["number", "name", "constant", "power", "transpose", "open", "close", "bar", "root", "text", "sign"]

_SIGNS = {
    "×": "*", "·": "*", "⋅": "*", "∙": "*", "•": "*", "∗": "*", "‧": "*", "・": "*", "÷": "/", "∕": "/", "⁄": "/",
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "≤": "<=", "≥": ">=", "≠": "!=", "{": "(", "}": ")",
    "【": "[", "】": "]", "。": ".", "、": ",", "，": ",", "∞": "inf", "^": "**",
}  # fmt: skip
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿˣʸ", "0123456789+-nxy", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_TRANSPOSED = ("ᵀ", "⊤")
_APART = frozenset(("π", *_TRANSPOSED, *_SIGNS))
"""Signs of their own, though some of them might stand inside a name of Python's."""
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(?![\d.])")
_STRING = re.compile(r"'[^']*'|\"[^\"]*\"")
_LONG_SIGN = re.compile(r"\*\*|//|==|!=|<=|>=|.", re.DOTALL)
_LEFT_SIDE = re.compile(r"\s*[^\W\d]\w*\s*(\([\w\s,]*\))?\s*=(?!=)(?=.*[^\W\d])", re.DOTALL)
_INVERSE = {
    "sin": "asin", "cos": "acos", "tan": "atan", "sinh": "asinh", "cosh": "acosh", "tanh": "atanh", "exp": "log",
    "log": "exp", "ln": "exp",
}  # fmt: skip
_ROOTS = {"√": ("sqrt", ""), "∛": ("", "**(1/3)"), "∜": ("", "**(1/4)")}


class _Token(msgspec.Struct, frozen=True):
    """A piece of source; `start` and `end` say which characters of the reader's it stands for."""

    kind: Kind
    text: str
    start: int
    end: int
    space: bool = False
    """Whether there was white space before it."""


def python(text: str, functions: Collection[str]) -> tuple[str, list[int]]:
    """The text in Python's signs, and for each of its characters (and its end) the place in the text it comes from.
    `functions` are the names that may be called without brackets."""
    tokens = _tokens(text)
    for rewrite in (_bars, _transposed):
        tokens = rewrite(tokens)
    tokens = _products(_called(tokens, functions), functions)
    source: list[str] = []
    origin: list[int] = []
    for token in tokens:
        if token.space and source:
            source.append(" ")
            origin.append(max(token.start - 1, 0))
        source.extend(token.text)
        origin.extend(min(token.start + place, max(token.end - 1, token.start)) for place in range(len(token.text)))
    return "".join(source), [*origin, len(text.rstrip())]


# ---- text -> tokens


def _tokens(text: str) -> list[_Token]:
    plain = "".join(map(_folded, text))
    left = _LEFT_SIDE.match(plain)
    place, space = left.end() if left else 0, False
    end = len(plain.rstrip(" \t\r\n;.。"))
    tokens: list[_Token] = []
    while place < end:
        if plain[place].isspace():
            place, space = place + 1, True
            continue
        kind, length, written = _next(plain, place)
        tokens.append(_Token(kind, written, place, place + length, space))
        place, space = place + length, False
    return tokens


def _folded(sign: str) -> str:
    """A full-width sign as the usual one, an index as a digit; always one character for one."""
    if "\uff01" <= sign <= "\uff5e":
        return chr(ord(sign) - 0xFEE0)
    return _SUBSCRIPTS.get(sign, "≤" if sign == "≦" else "≥" if sign == "≧" else sign)


def _next(text: str, place: int) -> tuple[Kind, int, str]:
    """The kind of the token there, its length, and how Python writes it."""
    sign = text[place]
    if sign in _SUPERSCRIPTS:
        length = _run(text, place, _SUPERSCRIPTS.__contains__)
        return "power", length, "".join(_SUPERSCRIPTS[one] for one in text[place : place + length])
    if found := (_NUMBER.match(text, place) or _STRING.match(text, place)):
        return "number" if sign in ".0123456789" else "text", len(found.group()), found.group()
    if sign in _TRANSPOSED:
        return "transpose", 1, ".T"
    if sign == "π":
        return "constant", 1, "pi"
    if sign in _ROOTS:
        return "root", 1, sign
    if sign in "|‖":
        return "bar", 1, sign
    if sign.isidentifier():
        length = _run(text, place, lambda one: f"a{one}".isidentifier() and one not in _APART)
        return "name", length, text[place : place + length]
    if "⁄" in unicodedata.decomposition(sign) or "2044" in unicodedata.decomposition(sign):
        return "number", 1, f"({unicodedata.normalize('NFKC', sign).replace('⁄', '/')})"
    long = _LONG_SIGN.match(text, place)
    written = long.group() if long else sign
    python_sign = _SIGNS.get(written, written)
    kind: Kind = "open" if python_sign in "([" else "close" if python_sign in ")]" else "sign"
    return ("constant", 1, "inf") if python_sign == "inf" else (kind, len(written), python_sign)


def _run(text: str, place: int, fits: object) -> int:
    """How many characters from that place on fit."""
    assert callable(fits)
    length = 1
    while place + length < len(text) and fits(text[place + length]):
        length += 1
    return length


# ---- the passes


def _bars(tokens: list[_Token]) -> list[_Token]:
    """|x| as abs(x); ||x|| and ‖x‖ as norm(x). A bar without another stays a bar."""
    stacks: list[list[int]] = [[]]
    pairs: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token.kind == "open":
            stacks.append([])
        elif token.kind == "close" and len(stacks) > 1:
            stacks.pop()
        elif token.kind == "bar":
            before = tokens[place - 1] if place else None
            opens = before is None or before.kind in ("sign", "open", "root") or place - 1 in stacks[-1]
            if not opens and stacks[-1] and tokens[stacks[-1][-1]].text == token.text:
                pairs[stacks[-1].pop()] = place
            else:
                stacks[-1].append(place)
    closing = {end: start for start, end in pairs.items()}
    doubled = {start for start, end in pairs.items() if pairs.get(start + 1) == end - 1}
    inner = {start + 1 for start in doubled}
    out: list[_Token] = []
    for place, token in enumerate(tokens):
        if place in pairs and place not in inner:
            name = "norm" if token.text == "‖" or place in doubled else "abs"
            out += [_Token("name", name, token.start, token.end, token.space), _at(token, "open", "(")]
        elif place in closing and closing[place] not in inner:
            out.append(_at(token, "close", ")"))
        elif place not in pairs and place not in closing:
            out.append(token)
    return out


def _at(token: _Token, kind: Kind, text: str) -> _Token:
    """Another piece of source at the end of a token."""
    return _Token(kind, text, max(token.end - 1, token.start), token.end)


def _transposed(tokens: list[_Token]) -> list[_Token]:
    """xᵀA and x^T A as products of matrices. A vector of PyTorch has neither rows nor columns: a small letter alone
    stays as it is, and what is written beside it without a sign is multiplied as matrices are."""
    out: list[_Token] = []
    place, found = 0, False
    while place < len(tokens):
        token = tokens[place]
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        exponent = token.text == "**" and after is not None and after.text == "T"
        beyond = tokens[place + 2] if exponent and place + 2 < len(tokens) else None
        spelled = exponent and beyond is not None and (beyond.kind in ("name", "open") or beyond.text == "@")
        if out and _ends(out[-1]) and (token.kind == "transpose" or spelled):
            found = True
            place += 2 if spelled else 1
            if not (out[-1].kind == "name" and out[-1].text[0].islower()):
                out.append(_Token("transpose", ".T", token.start, token.end))
            if place < len(tokens) and tokens[place].kind in ("name", "open"):
                out.append(_Token("sign", "@", token.end - 1, token.end))
            continue
        out.append(token)
        place += 1
    return _side_by_side(out) if found else out


def _side_by_side(tokens: list[_Token]) -> list[_Token]:
    out: list[_Token] = []
    for token in tokens:
        if out and out[-1].kind == token.kind == "name":
            out.append(_at(out[-1], "sign", "@"))
        out.append(token)
    return out


def _called(tokens: list[_Token], functions: Collection[str]) -> list[_Token]:
    """sin x as sin(x), sin²(x) as sin(x)**2, sin⁻¹ x as asin(x), √x as sqrt(x)."""
    out: list[_Token] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.kind != "root" and not (_is_function(token, functions) and not (out and out[-1].text == ".")):
            out.append(token)
            place += 1
            continue
        power, start = _exponent(tokens, place + 1) if token.kind == "name" else ("", place + 1)
        end = _argument(tokens, start, functions, one=token.kind == "root")
        plain = start < len(tokens) and tokens[start].text == "(" and not power and token.kind == "name"
        if end == start or plain:
            out.append(token)
            place += 1
            continue
        name, after = _ROOTS.get(token.text, (token.text, ""))
        if power == "-1" and name in _INVERSE:
            name, power = _INVERSE[name], ""
        given = _called(tokens[start:end], functions)
        bracketed = _closing(tokens, start) == end - 1 and tokens[start].text == "("
        out.append(_Token("name" if name else "open", name, token.start, token.end, token.space))
        if not bracketed:
            given = [_at(token, "open", "("), *given, _at(tokens[end - 1], "close", ")")]
        out += given
        if power:
            after = f"**({power})" if len(power) > 1 else f"**{power}"
        if after:
            out.append(_Token("close", after, tokens[end - 1].end - 1, tokens[end - 1].end))
        place = end
    return out


def _is_function(token: _Token, functions: Collection[str]) -> bool:
    return token.kind == "name" and token.text in functions


def _exponent(tokens: list[_Token], place: int) -> tuple[str, int]:
    """A power that stands between a function and its argument, and where the argument begins."""
    texts = [token.text for token in tokens[place : place + 3]]
    if place < len(tokens) and tokens[place].kind == "power":
        return tokens[place].text, place + 1
    if texts[:1] == ["**"] and len(texts) > 1:
        if tokens[place + 1].kind == "number":
            return texts[1], place + 2
        if texts[1:] == ["-", "1"]:
            return "-1", place + 3
    return "", place


def _argument(tokens: list[_Token], start: int, functions: Collection[str], *, one: bool) -> int:
    """Where the argument that begins there ends: a bracket, or factors written side by side."""
    place = start
    while place < len(tokens):
        token = tokens[place]
        if token.kind == "root" or _is_function(token, functions):
            if place > start:
                return place
            _, inner = _exponent(tokens, place + 1)
            return _argument(tokens, inner, functions, one=token.kind == "root")
        if not _begins(token) or (place > start and token.kind == "number"):
            return place
        if token.text == "(" and place > start and tokens[place - 1].kind == "name":
            return place
        place = (_closing(tokens, place) if token.kind == "open" else place) + 1
        bracket = token.text == "(" and place - 1 > start
        place = _postfix(tokens, place)
        if one or (bracket and tokens[start].text == "("):
            return place
    return place


def _postfix(tokens: list[_Token], place: int) -> int:
    """Beyond the powers, indices and transposes of a factor."""
    while place < len(tokens):
        token = tokens[place]
        if token.kind in ("power", "transpose"):
            place += 1
        elif token.text == "[":
            place = _closing(tokens, place) + 1
        elif token.text == "**" and place + 1 < len(tokens):
            place += 2 if tokens[place + 1].text in "+-" else 1
            opened = place < len(tokens) and tokens[place].kind == "open"
            place = (_closing(tokens, place) if opened else place) + 1
        else:
            break
    return min(place, len(tokens))


def _closing(tokens: list[_Token], place: int) -> int:
    """Where the bracket that opens there is closed; the last token where it is not."""
    depth = 0
    for at in range(place, len(tokens)):
        depth += (tokens[at].kind == "open") - (tokens[at].kind == "close")
        if depth == 0:
            return at
    return len(tokens) - 1


def _begins(token: _Token) -> bool:
    return token.kind in ("number", "constant", "open") or (token.kind == "name" and not keyword.iskeyword(token.text))


def _ends(token: _Token) -> bool:
    return token.kind in ("name", "close", "transpose", "power", "constant")


def _products(tokens: list[_Token], functions: Collection[str]) -> list[_Token]:
    """2x, x²y, (x+1)(x−1), sin(x)cos(x) with their sign; a power as Python writes it; `mod` as %."""
    out: list[_Token] = []
    for place, token in enumerate(tokens):
        before = out[-1] if out else None
        ended = before is not None and (_ends(before) or before.kind == "number")
        if token.text == "mod" and ended and place + 1 < len(tokens) and _begins(tokens[place + 1]):
            token = _Token("sign", "%", token.start, token.end, token.space)
        elif token.kind == "power":
            written = f"**({token.text})" if len(token.text) > 1 else f"**{token.text}"
            token = _Token("power", written, token.start, token.end)
        elif before is not None and ended and _multiplied(before, token, functions):
            out.append(_at(before, "sign", "*"))
        out.append(token)
    return out


def _multiplied(before: _Token, token: _Token, functions: Collection[str]) -> bool:
    if not _begins(token) or token.text == "[":
        return False
    if before.kind == "name":
        return token.kind == "constant" and before.text not in functions
    if token.kind == "number":
        return before.kind == "constant" or token.text.startswith("(")
    return True
