"""Placeholder."""

from __future__ import annotations


def study(names: list[str]) -> str:
    return ""
