"""Submission by Hera: under a name of our own, never a second workflow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Submission:
    """One workflow on the cluster; `adopted` if an earlier call had already created it."""

    name: str
    uid: str
    adopted: bool
