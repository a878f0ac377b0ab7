"""Prometheus and Grafana ask for metrics that the daemon really has, and each alert comes when it should."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.metrics import Metrics
from tests.brokers import tool

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config"
RULES = CONFIG / "prometheus" / "alerts.yml"
RULE_TESTS = sorted((CONFIG / "prometheus").glob("*.test.yml"))
DASHBOARDS = sorted((CONFIG / "grafana" / "dashboards").glob("*.json"))


def known_names() -> set[str]:
    """All sample names of the registry, whether or not a label has been used yet."""
    names = set()
    for family in Metrics().registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(
            family.type, ("",)
        )
        names |= {family.name + suffix for suffix in suffixes}
    return names


def rules() -> list[dict[str, Any]]:
    return [one for group in yaml.safe_load(RULES.read_text())["groups"] for one in group["rules"]]


def expressions(dashboard: Path) -> list[str]:
    found: list[str] = []

    def look(value: object) -> None:
        if isinstance(value, dict):
            found.extend(
                value[key] for key in ("expr", "query", "definition") if isinstance(value.get(key), str)
            )
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(json.loads(dashboard.read_text()))
    return found


@pytest.mark.parametrize("file", [RULES, *RULE_TESTS, *DASHBOARDS], ids=lambda file: file.name)
def test_only_metrics_that_there_are_are_asked_for(file: Path) -> None:
    if file in DASHBOARDS:
        asked = {name for one in expressions(file) for name in re.findall(r"gridward_[a-z_]+", one)}
    elif file in RULE_TESTS:
        tests = yaml.safe_load(file.read_text())["tests"]
        series = [one["series"] for test in tests for one in test["input_series"]]
        asked = {name for one in series for name in re.findall(r"^gridward_[a-z_]+", one)}
    else:
        asked = {name for one in rules() for name in re.findall(r"gridward_[a-z_]+", one["expr"])}
    assert asked, file
    assert asked <= known_names(), f"{file.name} asks for unknown {sorted(asked - known_names())}"


def test_the_labels_that_are_asked_for_are_the_metrics_own() -> None:
    labels = {
        metric._name: set(metric._labelnames)
        for subject in vars(Metrics()).values()
        for metric in vars(subject).values()
        if hasattr(metric, "_labelnames")
    }
    assert len(labels) == len(list(Metrics().registry.collect()))
    own = {"gridward_alarms_active": {"priority", "acknowledged"}, "gridward_sends_total": {"outcome"},
           "gridward_requests": {"feeder", "state"}, "gridward_alarms_total": {"priority"}}  # fmt: skip
    assert labels["gridward_alarms_active"] == own["gridward_alarms_active"]
    known = set().union(*labels.values()) | {"job", "le"}
    texts = [one["expr"] for one in rules()] + [one for file in DASHBOARDS for one in expressions(file)]
    for text in texts:
        for name, matchers in re.findall(r"(gridward_[a-z_]+)\{([^}]*)\}", text):
            asked = set(re.findall(r"([a-z_]+)\s*[=!]", matchers))
            assert asked <= own.get(name, known), text


def test_each_alert_says_what_is_wrong_how_urgent_it_is_and_where_to_read_on() -> None:
    found = rules()
    assert len(found) > 25
    for rule in found:
        assert rule["labels"]["severity"] in ("page", "ticket", "info"), rule
        assert rule["annotations"]["summary"], rule
        assert rule["annotations"]["runbook"] == f"docs/operating.md#{rule['alert'].lower()}"


def test_each_alert_is_in_the_book_of_what_to_do() -> None:
    operating = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert [one["alert"] for one in rules() if f'<a id="{one["alert"].lower()}"></a>' not in operating] == []


def test_each_alert_is_tried_both_ways() -> None:
    tried: dict[str, set[bool]] = {}
    for file in RULE_TESTS:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for one in test["alert_rule_test"]:
                tried.setdefault(one["alertname"], set()).add(bool(one["exp_alerts"]))
    assert [one["alert"] for one in rules() if tried.get(one["alert"]) != {True, False}] == []


def promtool(*arguments: str) -> None:
    ran = subprocess.run(
        [shutil.which("promtool") or tool("promtool"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_prometheus_takes_the_rules_and_the_settings() -> None:
    promtool("check", "config", str(CONFIG / "prometheus" / "prometheus.yml"))


def test_each_alert_comes_when_it_should_and_only_then() -> None:
    promtool("test", "rules", *map(str, RULE_TESTS))


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
def test_the_dashboards_are_complete(file: Path) -> None:
    dashboard = json.loads(file.read_text())
    assert dashboard["uid"] == file.stem.replace("_", "-")
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids) > 10
    source = (CONFIG / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        assert panel["targets"], panel["title"]
        assert f"uid: {panel['datasource']['uid']}\n" in source
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not cells & taken, f"{panel['title']} lies over another"
        taken |= cells
