"""Links: what is written can be read, and what cannot be read costs a sentence and never more."""

from __future__ import annotations

import base64
import math
import tracemalloc
import zlib
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.limits import DEFAULT
from engine.messages import LANGUAGES, render
from engine.permalink import FIRST, LINK_LENGTH, Field, Problem, Setting, State, Table, address, program_table
from engine.scenarios import load

TABLE = Table(
    Field("scenario", "choice", "line", choices=("line", "bowl")),
    Field("program", "program", "x = 1\n", length=2_000, key="c", plain_key="code"),
    Field("live", "flag", True),
    Field("epochs", "integer", 500, low=1, high=1_000_000),
    Field("lr", "number", 0.01, low=1e-6, high=10.0),
    Field("start", "number", None, low=-100.0, high=100.0),
    Field("optimizer", "choice", "SGD", choices=("SGD", "Adam")),
    Field("label", "text", "", length=50),
    presets=lambda: {"line": {}, "bowl": {"lr": 0.5, "program": "y = 2\n", "start": 3.0}},
)

_TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\r")
STATES = st.fixed_dictionaries(
    {
        "scenario": st.sampled_from(["line", "bowl"]),
        "program": st.text(_TEXT, max_size=2_000),
        "live": st.booleans(),
        "epochs": st.integers(1, 1_000_000),
        "lr": st.floats(1e-6, 10.0),
        "start": st.none() | st.floats(-100.0, 100.0),
        "optimizer": st.sampled_from(["SGD", "Adam"]),
        "label": st.text(_TEXT, max_size=50),
    }
)


@given(STATES)
def test_a_link_means_the_state_it_was_written_from(state: State) -> None:
    assert TABLE.decode(TABLE.encode(state)) == (state, [])


@given(STATES)
def test_a_link_survives_the_address_bar(state: State) -> None:
    link, _ = address("https://example.org/program", TABLE.encode(state))
    query = parse_qs(urlsplit(link).query, keep_blank_values=True, strict_parsing="?" in link)
    assert TABLE.decode(query) == (state, [])


@given(STATES)
def test_only_what_differs_is_written(state: State) -> None:
    keys = {"program": {"c", "code"}}
    query = TABLE.encode(state)
    base = TABLE.defaults(state["scenario"]) | {"scenario": "line"}
    for name, value in state.items():
        assert (value != base[name]) == bool(keys.get(name, {name}) & query.keys())


@given(st.dictionaries(st.text(max_size=10) | st.sampled_from(["c", "code", "lr", "live"]), st.text(max_size=60)))
def test_any_query_gives_a_valid_state(query: dict[str, str]) -> None:
    state, problems = TABLE.decode(query)
    assert [row.problem(state[row.name]) for row in TABLE.fields] == [None] * len(TABLE.fields)
    for problem in problems:
        for language in LANGUAGES:
            assert render(problem.code, problem.params, language)


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=400), st.integers(0, 400))
def test_a_link_cut_anywhere_is_read_whole_or_reported(text: str, end: int) -> None:
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode())).decode().rstrip("=")
    state, problems = TABLE.decode({"c": packed[:end]})
    if end >= len(packed):
        assert (state["program"], problems) == (text, [])
    else:
        assert state["program"] == "x = 1\n"
        assert [problem.code for problem in problems] in (["link.program.cut"], ["link.program.broken"])


def codes(**query: object) -> list[str]:
    return [problem.code for problem in TABLE.decode(query)[1]]


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("live", "yes please", "link.flag"),
        ("epochs", "", "link.integer"),
        ("epochs", "3.7", "link.integer"),
        ("epochs", "1_000", "link.integer"),
        ("epochs", "٣", "link.integer"),
        ("epochs", "9" * 5_000, "link.integer"),
        ("epochs", "0", "link.range"),
        ("epochs", "1000001", "link.range"),
        ("lr", "nan", "link.number"),
        ("lr", "inf", "link.number"),
        ("lr", "1e999", "link.range"),
        ("lr", "0x1", "link.number"),
        ("lr", "0.01 ", "link.number"),
        ("lr", "-1", "link.range"),
        ("optimizer", "sgd", "link.choice"),
        ("optimizer", "__class__", "link.choice"),
        ("scenario", "../../etc/passwd", "link.choice"),
        ("label", "x" * 51, "link.long"),
        ("code", "x" * 2_001, "link.long"),
        ("c", "%%%", "link.program.broken"),
        ("c", "AAAA", "link.program.broken"),
        ("c", "é", "link.program.broken"),
        ("c", "A", "link.program.broken"),
        ("c", "", "link.program.cut"),
        ("Lr", "0.1", "link.unknown"),
        ("<script>", "1", "link.unknown"),
    ],
)
def test_rubbish_gets_a_sentence_and_the_default(key: str, text: str, code: str) -> None:
    state, problems = TABLE.decode({key: text})
    assert state == TABLE.defaults()
    assert [problem.code for problem in problems] == [code]


def test_one_wrong_setting_leaves_the_others() -> None:
    state, problems = TABLE.decode({"lr": "fast", "epochs": "20"})
    assert (state["lr"], state["epochs"]) == (0.01, 20)
    assert len(problems) == 1


def test_a_bomb_is_stopped_while_it_unpacks() -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"a" * 50_000_000, 9)).decode().rstrip("=")
    tracemalloc.start()
    state, problems = TABLE.decode({"c": bomb})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert state["program"] == "x = 1\n"
    assert [problem.code for problem in problems] == ["link.program.long"]
    assert peak < 2_000_000


@pytest.mark.parametrize("tail", [b"\0", b"again"])
def test_nothing_may_follow_the_program(tail: bytes) -> None:
    packed = base64.urlsafe_b64encode(zlib.compress(b"x = 5\n") + tail).decode().rstrip("=")
    assert codes(c=packed) == ["link.program.broken"]


def test_a_program_that_is_no_text_is_broken() -> None:
    packed = base64.urlsafe_b64encode(zlib.compress(b"\xff\xfe\xff")).decode().rstrip("=")
    assert codes(c=packed) == ["link.program.broken"]


def test_a_short_program_stands_in_the_link_as_itself() -> None:
    assert TABLE.encode({"program": "z = 3"}) == {"code": "z = 3"}


def test_a_long_program_is_compressed() -> None:
    program = "w.grad = None\n" * 100
    query = TABLE.encode({"program": program})
    assert list(query) == ["c"]
    assert len(query["c"]) < 100


def test_two_programs_in_one_link_are_reported() -> None:
    packed = TABLE.encode({"program": "w.grad = None\n" * 100})["c"]
    state, problems = TABLE.decode({"c": packed, "code": "x = 2"})
    assert state["program"] == "w.grad = None\n" * 100
    assert [problem.code for problem in problems] == ["link.twice"]


def test_ends_of_lines_become_one_kind() -> None:
    assert TABLE.decode({"code": "a = 1\r\nb = 2\rc = 3"})[0]["program"] == "a = 1\nb = 2\nc = 3"


def test_a_key_given_twice_counts_as_given_last() -> None:
    assert TABLE.decode({"epochs": ["1", "2"]})[0]["epochs"] == 2


def test_what_streamlit_keeps_for_itself_is_passed_over() -> None:
    assert codes(embed="true", embed_options="dark_theme") == []


def test_sentences_repeat_no_markup_of_a_stranger() -> None:
    _, problems = TABLE.decode({"optimizer": "![](https://example.org/x) <b>`$a$`" + "x" * 500})
    shown = render(problems[0].code, problems[0].params)
    assert not set("<>[]()`$!") & set(shown)
    assert len(shown) < 200


def test_a_thousand_faults_are_a_handful_of_sentences() -> None:
    problems = TABLE.decode({f"k{number}": "1" for number in range(1_000)})[1]
    assert len(problems) == 5
    assert problems[-1] == Problem("link.more", {"count": 996})


def test_a_scenario_gives_the_starting_point() -> None:
    assert TABLE.decode({"scenario": "bowl", "epochs": "7"})[0] == TABLE.defaults() | {
        "scenario": "bowl",
        "lr": 0.5,
        "program": "y = 2\n",
        "start": 3.0,
        "epochs": 7,
    }


def test_what_a_scenario_sets_can_be_taken_back() -> None:
    assert TABLE.encode({**TABLE.defaults("bowl"), "start": None}) == {"scenario": "bowl", "start": ""}


def test_a_setting_of_no_field_is_our_mistake() -> None:
    with pytest.raises(KeyError, match="speed"):
        TABLE.encode({"speed": 3})


def test_two_fields_cannot_share_a_key() -> None:
    with pytest.raises(ValueError, match="share"):
        Table(Field("a", "flag", False), Field("b", "flag", False, key="a"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("live", 1), ("epochs", True), ("epochs", 2.0), ("lr", math.nan), ("lr", "0.1"), ("label", 3), ("lr", None)],
)
def test_what_a_widget_or_file_gives_is_checked_too(name: str, value: Setting) -> None:
    row = next(row for row in TABLE.fields if row.name == name)
    assert row.problem(value) is not None


def test_a_link_too_long_to_travel_is_said() -> None:
    short, nothing = address("https://example.org/", {"seed": "3"}, embed=True)
    assert (short, nothing) == ("https://example.org/?seed=3&embed=true", None)
    _, problem = address("https://example.org/", {"c": "A" * LINK_LENGTH})
    assert problem is not None
    assert problem.code == "link.too_long"


def test_the_default_program_page_has_an_empty_link() -> None:
    table = program_table()
    assert table.encode(table.defaults()) == {}
    assert table.defaults()["program"] == load()[FIRST].program


@pytest.mark.parametrize("name", [name for name, one in load().items() if one.page == "program"])
def test_every_scenario_is_one_word_in_a_link(name: str) -> None:
    table = program_table()
    query = table.encode(table.defaults(name))
    assert query == ({} if name == FIRST else {"scenario": name})
    assert table.decode({"scenario": name})[0]["program"] == load()[name].program


@pytest.mark.parametrize("name", [name for name, one in load().items() if one.group == "lesson"])
def test_an_edited_lesson_fits_a_link(name: str) -> None:
    table = program_table()
    edited = load()[name].program.replace("0.01", "0.02") + "\n# 我的改动\n"
    query = table.encode({"scenario": name, "program": edited, "step": 12, "node": 3, "lang": "zh"})
    link, problem = address("https://example.org/program", query)
    assert problem is None
    assert len(link) < 2_000
    assert table.decode(query)[0]["program"] == edited


def test_the_largest_program_can_be_packed_and_read() -> None:
    table = program_table()
    program = "".join(chr(0x4E00 + number % 20_000) for number in range(DEFAULT.source_length))
    assert table.decode(table.encode({"program": program}))[0]["program"] == program
