"""The unbalanced load flow: phases a, b, c and the neutral, because households hang on one phase.

The same walk as the room around it: `network` (tables, checks) → `load_flow` → `violations` → `location`, and
`check` does all of it in one call. The model is pandapower's `runpp_3ph`: symmetrical components, neutral and
earth taken as one return path.
"""
