"""[2] The state of a feeder from what there is: few, missing and wrong readings.

The walk: `priors` (what is expected of each service point) and `measurements` (what was read, how sharp, how
old) → `belief` (both joined, exactly) → `feeder_model` (what the few readings of the substation and the
voltages say of all injections) → `estimate` (weighted least squares) → `residuals` and `bad_data` (which
reading contradicts all the others) → `intervals` (how sure every loading is). `referee` asks pandapower's
estimator the same; `phases` looks for meters on another phase than the register says.
"""
