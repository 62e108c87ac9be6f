"""Imported once by the process that makes the forks of `tests.forking`: the vocabulary, read and ready."""

import torch

import engine.allowlist

torch.set_num_threads(1)
engine.allowlist.warm()
