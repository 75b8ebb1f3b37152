"""What was decided of a foreground: its threshold, and how that came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple


class Limits(NamedTuple):
    """What a local maximum must reach to be a spot; what one more would have to, if none does.

    Attributes
    ----------
    threshold : float
        Score: amplitude times likeness, in grey levels; 0 where it tells nothing from the bulk.
    significant : float
        Amplitude in noise standard deviations.
    distinct : float
        Score in noise standard deviations; 0 where it tells nothing from the bulk.
    """

    threshold: float
    significant: float
    distinct: float


@dataclass(frozen=True)
class Decision:
    """A threshold, and how it came about.

    Attributes
    ----------
    rule : str
        One of `localbg.detection.threshold.RULES`.
    parameters : dict
        Of the rule.
    level, noise, scatter : float
        Of the foreground, in grey levels; see `localbg.detection.noise.Noise`.
    chosen : float or None
        What the rule itself said; None of a constant foreground.
    threshold : float
        What holds: a grey level of the foreground, or of ``matched_filter`` a score of fitted spots
        in grey levels.
    decided_by : {"rule", "min_snr", "scope", "constant"}
        The rule; the bound on it; others that the threshold is shared with; or that the foreground
        is constant.
    significant, distinct : float or None
        What ``matched_filter`` asks of a spot besides; see `Limits`.
    """

    rule: str
    parameters: dict
    level: float
    noise: float
    scatter: float
    chosen: float | None
    threshold: float
    decided_by: str
    significant: float | None = None
    distinct: float | None = None

    @property
    def limits(self) -> Limits | None:
        """What each local maximum had to reach; None of other rules, and of a constant image."""
        if self.significant is None:
            return None
        return Limits(self.threshold, self.significant, self.distinct)

    @property
    def record(self) -> dict:
        """As it is written in JSON."""
        of_foreground = ("rule", "parameters", "level", "noise", "scatter")
        record = {key: getattr(self, key) for key in of_foreground}
        if self.limits:
            record |= self.limits._asdict()
        return record | {key: getattr(self, key) for key in ("chosen", "threshold", "decided_by")}

    @classmethod
    def from_record(cls, record: Mapping) -> Decision:
        """What such a record says."""
        return cls(**{one.name: record[one.name] for one in fields(cls) if one.name in record})
