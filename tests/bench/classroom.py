"""A class opens one link, then everyone runs a program of their own: `python -m tests.bench.classroom [STUDENTS]`.

The students are websocket sessions of Streamlit's own protocol, all on this machine beside the server, so its cores are
shared between both. Printed are the median and the last of them, as ratios to one student alone, and the megabytes that
a student costs the app process.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import time
from collections.abc import Awaitable, Iterable

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Subprotocol

from engine.permalink import program_table
from tests.bench.first_light import megabytes, served
from tests.bench.timing import milliseconds

SHARED = "scenario=accumulate_zero_grad"
OWN = """\
import torch
w = torch.tensor({0}.0, requires_grad=True)
loss = (w * 3 - 1) ** 2
loss.backward()
print(w.grad)
"""
_numbers = itertools.count()  # equal programs would share one run


class Student:
    """One browser tab: opens links on its one connection."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self._connection = connection

    async def open(self, query: str) -> float:
        """Seconds until the page of that link is complete. Raises where the page fails."""
        start = time.perf_counter()
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_name = "program"
        await self._connection.send(message.SerializeToString())
        shown = False
        while True:
            content = await self._connection.recv(decode=False)
            answer = ForwardMsg.FromString(content)
            shown = shown or b"stage" in content
            kind = answer.WhichOneof("type")
            if kind == "script_finished" and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                assert shown, "the page came without its picture"
                return time.perf_counter() - start


async def classroom(address: str, students: int) -> tuple[list[float], list[float]]:
    """Seconds until each has the shared link, then until each has a run of their own, all at the same time."""
    uri = address.replace("http://", "ws://") + "/_stcore/stream"
    protocol = Subprotocol("streamlit")
    connections = [
        await websockets.connect(uri, subprotocols=[protocol], max_size=None, open_timeout=60) for _ in range(students)
    ]
    pupils = [Student(connection) for connection in connections]
    try:
        first = await _together(pupil.open(SHARED) for pupil in pupils)
        own = [program_table().encode({"program": OWN.format(next(_numbers))}) for _ in pupils]
        queries = ["&".join(f"{key}={value}" for key, value in one.items()) for one in own]
        second = await _together(pupil.open(query) for pupil, query in zip(pupils, queries, strict=True))
    finally:
        for connection in connections:
            await connection.close()
    return first, second


async def _together(work: Iterable[Awaitable[float]]) -> list[float]:
    return list(await asyncio.gather(*work))


def told(name: str, seconds: list[float], alone: float) -> str:
    """One line: the median and the last, in times of one alone."""
    middle, last = statistics.median(seconds), max(seconds)
    return (
        f"{name}: median {milliseconds(middle)} ({middle / alone:.0f} times one alone), "
        f"the last {milliseconds(last)} ({last / alone:.0f} times)"
    )


def main(students: int) -> None:
    """Print what a class costs."""
    with served() as (address, process, _):
        asyncio.run(classroom(address, 2))  # what only the first visitor pays
        alone = [asyncio.run(classroom(address, 1)) for _ in range(5)]
        before = megabytes(process)
        first, second = asyncio.run(classroom(address, students))
        grown = megabytes(process) - before
    one_first, one_second = (statistics.median(seconds[0] for seconds in column) for column in zip(*alone, strict=True))
    print(f"one student: the shared link {milliseconds(one_first)}, an own program {milliseconds(one_second)}")
    print(told(f"{students} students, the shared link", first, one_first))
    print(told(f"{students} students, each an own program", second, one_second))
    print(f"the app process grew by {grown} MB, {grown / students:.2f} MB a student")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100)
