"""A sample of the docstring corpus runs as plain PyTorch runs it (the whole: `python -m tests.bench.corpus`)."""

from __future__ import annotations

import warnings

from tests import corpus

EVERY = 16


def test_a_sample_of_the_docstrings_is_identical() -> None:
    """At least 95 % of the stable ones that touch no file, process or other device."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sample = list(corpus.examples())[::EVERY]
    verdicts = {}
    for example in sample:
        if not corpus.UNSAFE.search("\n".join(example.chunks)):
            verdicts[example.name] = corpus.compare(corpus.program(example))
    judged = {name: verdict for name, verdict in verdicts.items() if verdict[0] not in ("unstable", "lost")}
    wrong = {name: verdict for name, verdict in judged.items() if verdict[0] != "identical"}
    assert len(judged) > 30
    assert len(wrong) <= 0.05 * len(judged), wrong


def test_a_difference_is_seen() -> None:
    """The comparison itself can fail."""
    base = {"printed": "", "variables": {"x": 1}, "error": None}
    assert corpus.difference(base, {**base, "variables": {"x": 2}}) == "x: expected 1, got 2"
    assert corpus.compare("import subprocess")[0] == "refused"
    assert corpus.compare("x = 1 / 0")[0] == "identical"
