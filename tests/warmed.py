"""Imported once by the process that makes the forks of `tests.forking`: the vocabulary, read and ready, and what
PyTorch imports late."""

import importlib

import torch

import engine.allowlist

for late in ("torch._dynamo", "torch.distributions", "torch.utils.checkpoint", "torch.func", "sympy"):
    importlib.import_module(late)
torch.set_num_threads(1)
engine.allowlist.warm()
