"""Every sentence of ours exists, in both languages, and says what its place gives it to say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from engine import messages
from engine.messages import LANGUAGES, area, catalogue, render

ROOT = Path(__file__).resolve().parent.parent
ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
FILES = (".js", ".css", ".py", ".svg", ".pkl", ".json", ".csv", ".txt")
CJK = re.compile(r"[\u4e00-\u9fff]")

TAKES_PARAMETERS = frozenset(
    {
        "Refused",
        "LimitReached",
        "EngineError",
        "InvalidProgram",
        "InvalidState",
        "Busy",
        "Replaced",
        "ExecutorFailed",
        "say",
    }
)
"""Calls that give a sentence its parameters by keyword."""

SPEAKS = frozenset({"say", "_words", "render"})
"""Calls of the pages that take the id of a sentence first."""


def fields(template: str) -> set[str]:
    """The names of a template's parameters. Raises ValueError where a brace is not closed."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@cache
def trees() -> dict[Path, ast.Module]:
    """Every module of the engine and the pages; the catalogue itself is no user of its ids."""
    paths = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), *ROOT.glob("streamlit_app.py")]
    return {path: ast.parse(path.read_text("utf-8")) for path in paths if path.parent.name != "messages"}


def areas() -> set[str]:
    """The first words of all ids."""
    return {code.split(".")[0] for code in catalogue()}


def is_id(value: object) -> bool:
    """Whether this constant is written like a message id of an area we have."""
    return (
        isinstance(value, str)
        and ID.fullmatch(value) is not None
        and value.split(".")[0] in areas()
        and not value.endswith(FILES)
    )


def used() -> Iterator[tuple[str, re.Pattern[str]]]:
    """(place, what an id must look like) of every id in the code: written out, or with parts filled in.

    In the engine whatever is written like an id is one. Pages also name their settings so: there, only what is spoken.
    """
    for path, tree in trees().items():
        engine = path.is_relative_to(ROOT / "engine")
        for part in ast.walk(tree) if engine else spoken(tree):
            place = f"{path.relative_to(ROOT)}:{getattr(part, 'lineno', 0)}"
            if isinstance(part, ast.JoinedStr) and (shape := pattern(part)):
                yield place, shape
            elif isinstance(part, ast.Constant) and is_id(part.value):
                yield place, re.compile(re.escape(str(part.value)))
    for path in (ROOT / "pages").rglob("*.js"):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for code in re.findall(r"""\bt(?:exts)?\("([^"]+)\"""", line):
                yield f"{path.relative_to(ROOT)}:{number}", re.compile(re.escape(code))


def spoken(tree: ast.Module) -> Iterator[ast.AST]:
    """What stands where a call takes the id of a sentence."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in SPEAKS:
                yield from ast.walk(node.args[0])


def pattern(node: ast.JoinedStr) -> re.Pattern[str] | None:
    """The ids that an f-string can make, if it begins like one."""
    first = node.values[0]
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return None
    if not re.match(r"[a-z][a-z0-9_]*\.", first.value) or first.value.split(".")[0] not in areas():
        return None
    parts = [
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"[a-z0-9_.A-Z]+" for part in node.values
    ]
    return re.compile("".join(parts)) if ID.match("".join(parts).replace("\\", "")) else None


def test_every_id_in_the_code_has_a_sentence() -> None:
    missing = [f"{place}: {code.pattern}" for place, code in used() if not any(map(code.fullmatch, catalogue()))]
    assert missing == []


def test_both_languages_say_it_with_the_same_parameters() -> None:
    for code, (english, chinese) in catalogue().items():
        assert english.strip() == english != "", code
        assert chinese.strip() == chinese != "", code
        assert fields(english) == fields(chinese), code
        assert not CJK.search(english), code


def test_nobody_is_shouted_at() -> None:
    for code, texts in catalogue().items():
        for text in texts:
            assert not re.search(r"\w!|!\s|!$|！", text), code  # `!=` and `!pip` are code and no shouting


def test_ids_are_words_with_dots() -> None:
    assert [code for code in catalogue() if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)+", code)] == []


def test_calls_give_what_their_sentence_needs() -> None:
    wrong = []
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args or any(key.arg is None for key in node.keywords):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            code = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if name not in TAKES_PARAMETERS or not isinstance(code, str) or code not in catalogue():
                continue
            lacking = fields(catalogue()[code][0]) - {key.arg for key in node.keywords}
            if lacking:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {code} lacks {sorted(lacking)}")
    assert wrong == []


def test_a_parameter_is_never_read_as_a_template() -> None:
    shown = render("link.unknown", {"name": "{name.__class__}"})
    assert "{name.__class__}" in shown


def test_what_is_missing_is_an_error_and_no_blank() -> None:
    with pytest.raises(KeyError):
        render("link.unknown", {})
    with pytest.raises(KeyError):
        render("no.such.sentence")


def test_a_browser_component_is_given_one_language() -> None:
    for column, language in enumerate(LANGUAGES):
        given = area("link.", language)
        assert given["link.more"] == catalogue()["link.more"][column]
        assert all(code.startswith("link.") for code in given)


def test_one_id_belongs_to_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "again.py").write_text('ROWS = {"link.more": ("a", "b")}\n', "utf-8")
    monkeypatch.setattr(messages, "__path__", [*messages.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match=r"link\.more"):
        catalogue.__wrapped__()
