"""What `gridward mapping --json` prints. Pure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from grid_model.mapping.unmetered import Candidate, MissingPower, NothingMissing
from gridward.mapping.findings import Elsewhere, GroupsTold, MappingFindings, Unmetered


def document(found: MappingFindings) -> dict[str, Any]:
    """As `--json` prints it; what was not looked for has `needs` in place of findings."""
    at = found.history.at
    return {
        "found": found.found,
        "from": at[0].isoformat() if at else None,
        "to": at[-1].isoformat() if at else None,
        "snapshots": found.n_snapshot,
        "meters_read": found.n_read,
        "service_points": len(found.history.network.service_points),
        "unmetered": _unmetered_document(found.unmetered),
        "wrong_bus": _needs(found.wrong_bus)
        if isinstance(found.wrong_bus, str)
        else {
            "customers": [
                {
                    "service_point": one.service_point,
                    "recorded": one.recorded,
                    "confidence": one.confidence,
                    "candidates": _candidates(one.candidates),
                }
                for one in found.wrong_bus
            ]
        },
        "wrong_group": _groups_document(found.wrong_group),
        "wrong_phase": _groups_document(found.wrong_phase),
        "notes": list(found.history.notes),
    }


def _needs(told: str) -> dict[str, Any]:
    return {"needs": told}


def _candidates(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    return [{"bus": one.bus, "probability": one.probability} for one in candidates]


def _unmetered_document(told: Unmetered | str) -> dict[str, Any]:
    if isinstance(told, str):
        return _needs(told)
    finding = told.finding
    by_hour = [None if np.isnan(kw) else round(float(kw), 3) for kw in told.by_hour_kw]
    least = {"p_kw": finding.p_kw, "sd_kw": finding.sd_kw, "by_hour_kw": by_hour}
    if isinstance(finding, NothingMissing):
        return {"missing": False, **least}
    return {
        "missing": True,
        **least,
        "placed": isinstance(finding, MissingPower),
        "section": finding.section if isinstance(finding, MissingPower) else None,
        "misfit": finding.misfit,
        "candidates": _candidates(finding.candidates),
    }


def _groups_document(told: GroupsTold | str) -> dict[str, Any]:
    if isinstance(told, str):
        return _needs(told)

    def rows(some: Sequence[Elsewhere]) -> list[dict[str, Any]]:
        return [
            {
                "service_point": one.service_point,
                "recorded": one.recorded,
                "likely": one.likely,
                "confidence": one.confidence,
            }
            for one in some
        ]

    return {
        "groups": list(told.groups),
        "customers": rows(told.wrong),
        "joining": rows(told.joining),
        "untold": list(told.untold),
    }
