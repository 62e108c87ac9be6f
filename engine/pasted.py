"""Text as people paste it -> text that parses: prompts, notebook magics, full-width punctuation, stray spaces.

Only called for text that does not parse as it stands, so a clean program is never touched. Each change is told by the
id of a sentence (`pasted.*`).
"""

from __future__ import annotations

import re

_PYTHON_PROMPT = re.compile(r"[ \t]*(>>>|\.\.\.)(?: |$)(.*)", re.DOTALL)
_NOTEBOOK_PROMPT = re.compile(r"[ \t]*(In ?\[[ \d]*\]:|\.\.\.:)(?: |$)(.*)", re.DOTALL)
_MAGIC = re.compile(
    r"([ \t]*)(?:!.*|%%?(?:autoreload|bash|capture|cd|conda|config|debug|env|html|javascript|js|latex|load_ext|ls"
    r"|matplotlib|pdb|pip|precision|prun|pylab|reload_ext|reset|run|sh|tensorboard|time|timeit|who|whos|writefile"
    r")\b.*"
    r"|\??[A-Za-z_][\w.]*\?{1,2}[ \t]*|pip3? install .*|conda install .*)"
)
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f"), "")
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"), " ")
_WIDE = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {
    ord(wide): plain for wide, plain in zip("【】〔〕、。−–—×÷", "[][],.---*/", strict=True)
}
_QUOTES = {"“": "”", "‘": "’", "”": "”", "’": "’", "＂": "＂", "＇": "＇", "„": "“"}


def clean(text: str) -> tuple[str, list[str]]:
    """The text with what a paste left in it taken out, and the ids of the sentences that say so, in order."""
    told: list[str] = []
    for code, change in _CHANGES:
        changed = change(text)
        if changed != text:
            text = changed
            told.append(code)
    return text, told


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _byte_order_mark(text: str) -> str:
    return text.removeprefix("\ufeff")


def _python_prompts(text: str) -> str:
    """Only lines with a prompt run: the others are what the interpreter answered."""
    return _prompted(text, _PYTHON_PROMPT, ">>>")


def _notebook_prompts(text: str) -> str:
    return _prompted(text, _NOTEBOOK_PROMPT, "In")


def _prompted(text: str, prompt: re.Pattern[str], first: str) -> str:
    lines = text.split("\n")
    found = [prompt.fullmatch(line.translate(_SPACES)) for line in lines]
    if not any(match and match[1].startswith(first) for match in found):
        return text
    return "\n".join(match[2].rstrip() for match in found if match) + "\n"


def _magics(text: str) -> str:
    """A magic becomes an empty line, so that line numbers stay; inside a block, `pass`."""

    def instead(line: str) -> str:
        match = _MAGIC.fullmatch(line)
        if not match:
            return line
        return f"{match[1]}pass" if match[1] else ""

    return "\n".join(instead(line) for line in text.split("\n"))


def _spaces(text: str) -> str:
    return _outside_strings(text, _SPACES | _INVISIBLE, quotes=False)


def _punctuation(text: str) -> str:
    return _outside_strings(text, _WIDE, quotes=True)


def _outside_strings(text: str, table: dict[int, str], *, quotes: bool) -> str:
    """Translate what lies outside string literals and comments; with `quotes`, curly quotes are delimiters too."""
    out: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character == "#" or (quotes and character == "＃"):
            end = text.find("\n", position)
            end = len(text) if end < 0 else end
            out.append("#" + text[position + 1 : end])
        elif character in "\"'":
            end = _string_end(text, position)
            out.append(text[position:end])
        elif quotes and character in _QUOTES:
            end, literal = _curly_string(text, position)
            out.append(literal)
        else:
            end = position + 1
            out.append(table.get(ord(character), character))
        position = end
    return "".join(out)


def _string_end(text: str, start: int) -> int:
    """The position after the string literal whose quote is at `start`; an unclosed one ends with its line."""
    quote = text[start] * 3 if text.startswith(text[start] * 3, start) else text[start]
    position = start + len(quote)
    while position < len(text):
        if text.startswith(quote, position):
            return position + len(quote)
        if text[position] == "\n" and len(quote) == 1:
            return position
        position += 2 if text[position] == "\\" else 1
    return len(text)


def _curly_string(text: str, start: int) -> tuple[int, str]:
    """A string between curly quotes, as a literal between straight ones."""
    plain = '"' if text[start] in '“”＂„"' else "'"
    closing = _QUOTES[text[start]] + plain + ("“" if plain == '"' else "‘")
    for position in range(start + 1, len(text)):
        if text[position] == "\n":
            break
        if text[position] in closing:
            inside = text[start + 1 : position].replace(plain, "\\" + plain)
            return position + 1, plain + inside + plain
    return start + 1, plain


def _indentation(text: str) -> str:
    """Without the margin that all lines share."""
    lines = text.split("\n")
    margins = [len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()]
    margin = min(margins, default=0)
    return "\n".join(line[margin:] if line.strip() else line for line in lines) if margin else text


def _tabs(text: str) -> str:
    """Tabs in indentation become four columns, where the text mixes both."""
    lines = text.split("\n")
    margins = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines]
    if not (any("\t" in margin for margin in margins) and any(" " in margin for margin in margins)):
        return text
    return "\n".join(margin.expandtabs(4) + line[len(margin) :] for margin, line in zip(margins, lines, strict=True))


_CHANGES = (
    ("pasted.newlines", _newlines),
    ("pasted.spaces", _byte_order_mark),
    ("pasted.prompts", _python_prompts),
    ("pasted.notebook", _notebook_prompts),
    ("pasted.spaces", _spaces),
    ("pasted.magics", _magics),
    ("pasted.punctuation", _punctuation),
    ("pasted.indentation", _indentation),
    ("pasted.tabs", _tabs),
)
