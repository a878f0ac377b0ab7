"""Prometheus and Grafana ask for metrics that the daemon really has."""

import json
import re
from pathlib import Path

from controller.metrics import Metrics

CONFIG = Path(__file__).parents[3] / "config"
DASHBOARD = CONFIG / "grafana" / "dashboards" / "gridward.json"


def known_names() -> set[str]:
    """All sample names of the registry, whether or not a label has been used yet."""
    names = set()
    for family in Metrics().registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(
            family.type, ("",)
        )
        names |= {family.name + suffix for suffix in suffixes}
    return names


def test_alerts_and_dashboard_ask_for_known_metrics() -> None:
    known = known_names()
    for file in (CONFIG / "prometheus" / "alerts.yml", DASHBOARD):
        asked = set(re.findall(r"gridward_[a-z_]+", file.read_text()))
        assert asked, file
        assert asked <= known, f"{file.name} asks for unknown {sorted(asked - known)}"


def test_each_alert_says_what_is_wrong_and_how_urgent_it_is() -> None:
    rules = (CONFIG / "prometheus" / "alerts.yml").read_text().split("- alert: ")[1:]
    assert len(rules) > 10
    for rule in rules:
        assert re.search(r"severity: (page|ticket|info)", rule), rule
        assert "summary:" in rule, rule


def test_the_dashboard_is_complete() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["uid"] == "gridward"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids) > 10
    source = (CONFIG / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    for panel in dashboard["panels"]:
        assert panel["targets"], panel["title"]
        assert f"uid: {panel['datasource']['uid']}\n" in source
