"""Local background subtraction and spot counting.

From a notebook: ``localbg.detect_spots(image, spot_radius=3)``; see `localbg.api`. It is imported
when one of its names is asked for: jobs and planning do without what they do not need.
"""

import time

# Of the process, near enough: what a job imports after this takes longer than Python's own start.
STARTED = time.monotonic()

__version__ = "0.1.0"
API = (
    *("Comparison", "Decision", "Detection", "Spot", "compare_methods", "denoise"),
    *("detect_spots", "estimate_background", "read_image", "subtract_background"),
)


def __getattr__(name):
    if name in API:
        from importlib import import_module

        return getattr(import_module("localbg.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *API])
