"""[4] An explanation in plain English, to be read out on the phone. Words only; the numbers are
`explanation.py`'s and the time is the caller's.
"""

from typing import assert_never

from grid_model.explanation import Explanation, FlowExplanation, VoltageExplanation

_NOTHING_KW = 0.05


def sentence(explanation: Explanation, when: str) -> str:
    """What an operator says; `when` is a time as it follows a verb, such as `at 18:40`."""
    match explanation:
        case FlowExplanation():
            return " ".join((_where(explanation), _carried(explanation, when), _own_flow(explanation)))
        case VoltageExplanation():
            return " ".join((_voltage(explanation, when), _own_voltage(explanation)))
        case _:
            assert_never(explanation)


def _kind(element: str) -> str:
    return "transformer" if element.startswith("trafo") else "cable"


def _where(told: FlowExplanation) -> str:
    kind = _kind(told.element)
    if told.on_path:
        step = next(step for step in told.path if step.element == told.element)
        partly = f" for {100 * step.through:.0f} % of your power" if step.through < 0.95 else ""
        return f"You are supplied over {kind} {told.name!r}{partly}."
    return f"You are not supplied over {kind} {told.name!r}."


def _carried(told: FlowExplanation, when: str) -> str:
    customers = "1 customer" if told.customers_behind == 1 else f"{told.customers_behind} customers"
    flow = f"{told.flow_kw:.0f} kW" if told.flow_kw >= 9.95 else f"{told.flow_kw:.1f} kW"
    direction = f"{flow} flowed back from {customers}" if told.backwards else f"{flow} for {customers}"
    amperes = "" if told.element.startswith("trafo") else f" ({told.current_a:.0f} A)"
    return f"It carried {told.loading_percent:.0f} % of its rating {when}{amperes}: {direction}."


def _own_flow(told: FlowExplanation) -> str:
    verb = "took" if told.p_kw >= 0 else "fed in"
    own, flow = abs(told.own_kw), told.flow_kw
    if own < _NOTHING_KW:
        return f"Your home {verb} {abs(told.p_kw):.1f} kW, which makes no difference there."
    if told.own_kw < 0:
        return f"Your home {verb} {abs(told.p_kw):.1f} kW, which took {own:.1f} kW off it."
    share = f"{100 * own / flow:.0f} %" if flow > 0 else "all"
    losses = f", and {told.own_losses_kw:.1f} kW of losses" if told.own_losses_kw >= _NOTHING_KW else ""
    return f"Your home {verb} {own:.1f} of these {flow:.1f} kW ({share}){losses}."


def _voltage(told: VoltageExplanation, when: str) -> str:
    return (
        f"The voltage at {told.name!r} was {told.v_v:.0f} V {when}, {100 * told.v_pu:.1f} % of nominal; "
        f"without any customer it would be {100 * told.without_load_pu:.1f} %."
    )


def _own_voltage(told: VoltageExplanation) -> str:
    verb = "took" if told.p_kw >= 0 else "fed in"
    effect = "lowered" if told.own_pu < 0 else "raised"
    everybody = told.own_pu + told.others_pu
    return (
        f"Your home {verb} {abs(told.p_kw):.1f} kW and {effect} it by {100 * abs(told.own_pu):.1f} points; "
        f"all customers together {'lowered' if everybody < 0 else 'raised'} it by {100 * abs(everybody):.1f}."
    )
