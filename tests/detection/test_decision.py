"""Decisions: what their records say, and that they are read as they were written."""

import json

import numpy as np
import pytest

from localbg.detection.decision import Decision
from localbg.detection.threshold import threshold

MEASURED = ["rule", "parameters", "level", "noise", "scatter"]
OF_HISTOGRAMS = [*MEASURED, "chosen", "threshold", "decided_by"]
OF_MAXIMA = [*MEASURED, "threshold", "significant", "distinct", "chosen", "decided_by"]


@pytest.mark.parametrize(
    ("rule", "parameters", "keys"),
    [("otsu", {}, OF_HISTOGRAMS), ("matched_filter", {"radius": 2.0}, OF_MAXIMA)],
)
def test_a_decision_is_read_as_it_was_written(rule, parameters, keys):
    noise = np.random.default_rng(0).normal(0, 1, (60, 60)).astype(np.float32)
    _, decision = threshold(noise, rule=rule, **parameters)
    assert list(decision.record) == keys
    record = {"fingerprint": "0123456789abcdef"} | json.loads(json.dumps(decision.record))
    assert Decision.from_record(record) == decision


def test_of_a_constant_image_no_limits_are_known():
    _, decision = threshold(np.zeros((9, 9), np.float32), rule="matched_filter", radius=2.0)
    assert decision.limits is None
    assert list(decision.record) == OF_HISTOGRAMS
