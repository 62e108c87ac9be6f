"""What the browser is given to draw a Trace: the Trace itself, its picture, its layout and its clock, in one
MessagePack.

MessagePack keeps NaN, infinities and every digit, and the tables travel as they are; `fields` names the columns of each
kind of row, so that the browser's code speaks of them by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from engine import trace as rows
from engine.clock import clock
from engine.explanations import explain
from engine.figures import PALETTES
from engine.folding import picture
from engine.layout import Place, Route, arrange
from engine.picture import Arrow, Group, Slot, Variant

_ROWS: dict[str, type[msgspec.Struct]] = {
    "steps": rows.Step,
    "operations": rows.Operation,
    "nodes": rows.Node,
    "edges": rows.Edge,
    "freed": rows.Freed,
    "passes": rows.Pass,
    "events": rows.Event,
    "deposits": rows.Deposit,
    "cuts": rows.Cut,
    "changes": rows.Change,
    "scopes": rows.Scope,
    "loops": rows.Loop,
    "saved": rows.Saved,
    "preview": rows.Preview,
    "slots": Slot,
    "variants": Variant,
    "arrows": Arrow,
    "groups": Group,
    "places": Place,
    "routes": Route,
    "tensor": rows.TensorValue,
    "number": rows.NumberValue,
    "array": rows.ArrayValue,
    "module": rows.ModuleValue,
    "other": rows.OtherValue,
}

_UNSEEN = ("files", "figures", "notices", "answers", "hooks")
"""Tables that the stage does not draw; other parts of the page do."""


def document(trace: rows.Trace, closed: Collection[int] | None = None) -> bytes:
    """MessagePack of one object: `trace`, `picture`, `layout`, `explained`, `clock`, `fields`, `palettes`.

    `closed` are the groups drawn as one (see `layout`). Equal arguments give equal bytes.
    """
    moments = clock(trace)
    drawn = picture(trace, moments)
    shown = msgspec.structs.replace(trace, **{table: [] for table in _UNSEEN})
    whole: Mapping[str, Any] = {
        "trace": shown,
        "picture": drawn,
        "layout": arrange(drawn, closed),
        "explained": explain(trace, moments),
        "clock": msgspec.structs.replace(moments, ticks={}),
        "fields": {name: row.__struct_fields__ for name, row in _ROWS.items()},
        "palettes": PALETTES,
    }
    return msgspec.msgpack.encode(whole)
