"""A training worker: reads requests from its standard input and answers each on its standard output.

It works on validated numbers, never on code, so one worker serves many runs and may hold a CUDA context. It is started
afresh, never forked from the app, and ends when its input does.
"""

from __future__ import annotations

import io
import os
import sys

import torch

from engine import datasets, devices, examination, regression
from engine.errors import InvalidState
from engine.executors import sandbox, slices
from engine.regression_state import Budget, Settings, valid


def answer(request: slices.Request) -> slices.Reply:
    """What one request asks for. Settings are checked again here: nothing that reaches torch is unchecked."""
    try:
        match request:
            case slices.Start(settings):
                return slices.Started(regression.start(valid(settings)))
            case slices.Advance(state, budget):
                valid(state.settings)
                return slices.Advanced(*regression.advance(state, budget))
            case slices.Examine(settings, axes):
                return slices.Examined(examination.examine(valid(settings), axes))
            case slices.Provide(points):
                datasets.provide(points)
                return slices.Done()
            case slices.Offer():
                return slices.Offered(devices.available())
            case slices.Save(settings, parameters):
                return slices.Saved(state_dict(parameters, regression.kind(settings)))
    except InvalidState as error:
        return slices.Failed(error.code, error.params)
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return slices.Failed("training.memory")


def state_dict(parameters: list[float], dtype: torch.dtype) -> bytes:
    """The lesson's model.pkl: torch.save of the state_dict of a model whose layer is called `linear`."""
    stream = io.BytesIO()
    weight = torch.tensor([parameters[:-1]], dtype=dtype)
    bias = torch.tensor(parameters[-1:], dtype=dtype)
    torch.save({"linear.weight": weight, "linear.bias": bias}, stream)
    return stream.getvalue()


def warm() -> None:
    """Train the lesson for a moment: what PyTorch loads late is there before anybody waits for it."""
    settings = Settings(epochs=2)
    examination.examine(settings)
    regression.advance(regression.start(settings), Budget())


def main() -> None:
    """Serve until the input ends."""
    sandbox.die_with_parent()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    warm()
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up among the replies
    while (request := slices.read_request(requests)) is not None:
        slices.write(replies, answer(request))


if __name__ == "__main__":
    main()
