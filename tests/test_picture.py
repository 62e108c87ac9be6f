"""The picture: what is drawn, once each, and what is folded or grouped."""

from __future__ import annotations

from engine import run
from engine.clock import clock
from engine.folding import picture
from engine.layout import arrange
from engine.picture import Picture
from engine.trace import Trace
from tests import traces


def drawn(trace: Trace) -> Picture:
    return picture(trace, clock(trace))


def test_leaves_inputs_operations_and_cuts_are_drawn_and_accumulate_grad_is_its_leaf() -> None:
    trace = traces.accumulate()
    made = drawn(trace)
    assert [slot.kind for slot in made.slots] == ["input", "leaf", "leaf", "operation", "operation", "plain", "plain"]
    names = {node.number: node.name for node in trace.nodes}
    leaves = [slot.variants[0].node for slot in made.slots if slot.kind == "leaf"]
    assert [names[node] for node in leaves if node is not None] == ["AccumulateGrad", "AccumulateGrad"]


def test_arrows_follow_values_and_keep_the_position_of_their_edge() -> None:
    trace = traces.accumulate()
    made = drawn(trace)
    slots = {slot.variants[0].node: slot.number for slot in made.slots if slot.variants[0].node is not None}
    gradient = {(arrow.source, arrow.target, arrow.position) for arrow in made.arrows if arrow.kind == "gradient"}
    assert gradient == {(slots[edge.to_node], slots[edge.from_node], edge.position) for edge in trace.edges}


def test_a_cut_carries_its_reason_and_starts_at_what_was_cut_off() -> None:
    made = drawn(traces.accumulate())
    (cut,) = [arrow for arrow in made.arrows if arrow.kind == "cut"]
    assert cut.reason == "detach"
    assert made.slots[cut.source].kind == "operation"
    assert made.slots[cut.target].kind == "plain"


def test_a_diamond_of_fourteen_levels_is_fifteen_slots_and_both_edges_of_each_sum() -> None:
    made = drawn(traces.diamond(14))
    assert len(made.slots) == 15
    assert len(made.arrows) == 28
    assert len(set(made.arrows)) == 28


def test_iterations_that_do_not_feed_each_other_share_their_places() -> None:
    made = drawn(traces.epochs(25))
    assert len(made.slots) == 4
    assert [len(slot.variants) for slot in made.slots] == [1, 1, 25, 25]
    assert all(
        one.at < other.at for slot in made.slots for one, other in zip(slot.variants, slot.variants[1:], strict=False)
    )


def test_iterations_that_feed_each_other_stay_apart_and_can_be_drawn_as_one() -> None:
    made = drawn(traces.chain(60))
    assert len(made.slots) == 61
    assert [(group.kind, group.name) for group in made.groups] == [("iterations", "5 – 56")]


def test_a_graph_with_no_groups_of_its_own_gets_a_stretch() -> None:
    made = drawn(traces.wide(200))
    assert [group.kind for group in made.groups] == ["stretch"]


def test_a_graph_deeper_than_the_recursion_limit_is_drawn() -> None:
    assert len(drawn(traces.chain(1_200, looped=False)).slots) == 1_201


def test_nothing_is_drawn_of_an_empty_trace() -> None:
    assert drawn(Trace(source="")) == Picture([], [], [])


TREE = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.5))
    def forward(self, x):
        for _ in range(12):
            x = torch.tanh(x * self.scale)
        return x

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block(), Block(), Block()])
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x + 1

net = Net()
x = torch.tensor(1.0, requires_grad=True)
net(x).backward()
"""


def test_a_large_network_is_drawn_by_its_modules_each_with_its_own_parameters() -> None:
    """The tree of modules is the outer one; loops and parameters are inside the module they belong to."""
    made = drawn(run(TREE))
    names = {group.number: f"{group.kind} {group.name}" for group in made.groups}
    parents = {names[group.number]: names.get(group.parent or 0) for group in made.groups if group.parent is not None}
    assert parents["module net.blocks.2"] == "module net.blocks"
    assert parents["module net.blocks"] == "module net"
    parameters = [slot for slot in made.slots if slot.kind == "leaf" and slot.groups]
    assert [names[slot.groups[-1]] for slot in parameters] == [f"module net.blocks.{number}" for number in range(4)]
    inner = [group for group in made.groups if group.kind == "iterations"]
    assert {names[group.parent] for group in inner if group.parent is not None} == {
        f"module net.blocks.{number}" for number in range(4)
    }
    things = arrange(made)
    assert [names[group] for group in things.closed] == [f"module net.blocks.{number}" for number in range(4)]
    assert len(things.places) == 6  # the four blocks, x and the last sum
