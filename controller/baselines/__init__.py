"""What would have been used without a request: step [7] of the path. Pure.

`live_meter` freezes the baseline of a device or a person at the moment of the request, from the newest
samples. The other modules are the published methods over a history of days: `programmes` (the rules as
data, with their sources), `calculation.baseline` (applies them), `gaming` (was the baseline raised ahead of
the events?) and `accuracy` (how far a method is off where nothing was asked).
"""

from controller.baselines.live_meter import WINDOW, Baseline, MeterSample, meter_before

__all__ = ["WINDOW", "Baseline", "MeterSample", "meter_before"]
