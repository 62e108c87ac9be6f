"""What one program leaves behind must not be there for the next: each of these changed it in a reused worker.

The list is security.md's, section 4c. Each program plants something; a second program, on the same executor, looks.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.executors.base import Job
from engine.executors.local import LocalExecutor
from engine.trace import assemble
from tests.attacks.firing import printed, road

T = "import torch\nfrom torch import nn\nimport numpy as np\nimport random\n"
PLANTED = {
    "default dtype": ("torch.set_default_dtype(torch.float64)", "print(torch.ones(1).dtype)"),
    "grad mode": ("torch.set_grad_enabled(False)", "print(torch.is_grad_enabled())"),
    "grad mode entered by hand": ("torch.no_grad().__enter__()", "print(torch.is_grad_enabled())"),
    "inference mode entered by hand": ("torch.inference_mode().__enter__()", "print(torch.is_grad_enabled())"),
    "anomaly mode": ("torch.autograd.set_detect_anomaly(True)", "print(torch.is_anomaly_enabled())"),
    "print options of torch": ("torch.set_printoptions(precision=1)", "print(torch.tensor(1.23456))"),
    "print options of numpy": ("np.set_printoptions(precision=1)", "print(np.array([1.23456]))"),
    "errors of numpy": ("np.seterr(all='ignore')", "print(np.geterr())"),
    "random state of torch": ("torch.manual_seed(7)\ntorch.rand(9)", "print(torch.rand(1))"),
    "random state of numpy": ("np.random.seed(7)\nnp.random.rand(9)", "print(np.random.rand(1))"),
    "random state of Python": ("random.seed(7)\nrandom.random()", "print(random.random())"),
    "deterministic algorithms": (
        "torch.use_deterministic_algorithms(True)",
        "print(torch.are_deterministic_algorithms_enabled())",
    ),
    "a file in the folder": ("torch.save(torch.ones(1), 'left.pt')", "import os\nprint(os.path.exists('left.pt'))"),
    "a warning issued once": ("torch.ones(2, 2).T.T\ntorch.ones(3).T", "import warnings\ntorch.ones(3).T"),
    "a method of Linear": ("nn.Linear.forward = lambda s, x: x", "print(nn.Linear(1, 1)(torch.ones(1)).shape)"),
    "a method of Tensor": ("torch.Tensor.sum = lambda s: 42", "print(torch.ones(3).sum())"),
    "an entry of the environment": ("import os\nos.environ['LEFT'] = '1'", "import os\nprint('LEFT' in os.environ)"),
    "a global name": ("left = 1", "try: print(left)\nexcept NameError as e: print(e)"),
    "a crash": ("torch.full((3, 3), float('nan'))\nraise SystemExit(1)", "print(torch.ones(3).sum())"),
    "an endless loop": ("while True: pass", "print(torch.ones(3).sum())"),
}


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    """The product."""
    yield from road()


def answer(executor: LocalExecutor, source: str) -> str:
    """What a program prints, and the warnings it got."""
    trace = assemble(executor.run(Job(source), deadline=1.5), source=source)
    return printed(trace) + repr([step.warnings for step in trace.steps])


@pytest.mark.parametrize("name", PLANTED)
def test_nothing_is_left_for_the_next_program(name: str, executor: LocalExecutor) -> None:
    plant, look = PLANTED[name]
    before = answer(executor, f"{T}{look}  # before {name}")
    answer(executor, T + plant)
    assert answer(executor, f"{T}{look}  # after  {name}") == before
