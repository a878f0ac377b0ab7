"""What comes next, from what was: arrays in, means and intervals out. Knows no clock and no files.

`seasonal`, `persistence` and `quantiles` make a `forecaster`: a quarter of an hour to six hours. `scenarios`
draws from it, `outlook` solves what was drawn. `trend` is for the next minute.
"""
