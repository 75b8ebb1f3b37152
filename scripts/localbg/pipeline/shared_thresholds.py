"""Thresholds that images share with others, as an earlier rule left them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from localbg.core import failures, files
from localbg.core.failures import Failure


def read(results: str, pools: Mapping[str, str]) -> dict[str, float | Failure]:
    """Read the thresholds that an image shares with others of its pools, by label of the mask."""
    folder = f"{results}/shared_threshold"
    return {mask: _shared_threshold(f"{folder}/{mask}/{pool}.json") for mask, pool in pools.items()}


@cache
def _shared_threshold(path):
    return failures.read_failure(path) or files.read_json(path)["threshold"]
