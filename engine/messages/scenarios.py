"""The sentences of the scenarios, gathered from their own files."""

from __future__ import annotations

from engine.scenarios import load

ROWS: dict[str, tuple[str, str]] = {}
for _one in load().values():
    ROWS[_one.title_id] = _one.title
    ROWS[_one.notice_id] = _one.notice
