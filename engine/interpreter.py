"""Walks the tree. The seam to what it may touch is `Vocabulary`."""

from __future__ import annotations

from engine.vocabulary import Owner, Vocabulary

__all__ = ["Owner", "Vocabulary"]
