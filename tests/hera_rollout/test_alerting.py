"""The alerting rules: a target's own limits in them, the committed files, and Prometheus' own checker and tests."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client import REGISTRY

import reference_backend.metrics  # noqa: F401 -- it registers what the service exports
from hera_rollout.cli import main
from hera_rollout.metrics import alerting
from hera_rollout.metrics.expressions import growth, pods, series, span
from hera_rollout.target import Target

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "alerts"
RULES, TESTS = FOLDER / "hera-rollout.rules.yaml", FOLDER / "hera-rollout.test.yaml"
EXAMPLE = ROOT / "targets" / "production.example.toml"
DASHBOARD = ROOT / "deploy" / "dashboards" / "hera-rollout.json"
PROMETHEUS_OWN = {"up"}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
needs_prometheus = pytest.mark.slow  # needs Debian's prometheus, which `make lab` installs


def rendered(*options: str) -> str:
    done = CliRunner().invoke(main, ["alerts", *options])
    assert done.exit_code == 0, done.output
    return done.output


def by_name(target: Target) -> dict[str, Json]:
    (group,) = alerting.rules(target)["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def names_in(rules: list[Json]) -> set[str]:
    """The metrics that expressions ask for: what stands before a brace."""
    return {name for rule in rules for name in re.findall(r"(\w+)\{", rule["expr"])}


def promtool(*arguments: object) -> str:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def committed() -> list[Json]:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    found: list[Json] = group["rules"]
    return found


def test_the_committed_rules_are_what_the_command_prints_for_the_example() -> None:
    assert RULES.read_text(encoding="utf-8") == rendered("--target", str(EXAMPLE))


@needs_prometheus
def test_prometheus_accepts_the_committed_rules(committed: list[Json]) -> None:
    assert f"{len(committed)} rules found" in promtool("check", "rules", RULES)


@needs_prometheus
def test_prometheus_accepts_the_rules_of_a_target_with_odd_limits(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in (("scrape_seconds = 30", "scrape_seconds = 421"), ("slowdown_max = 0.10", "slowdown_max = 0"),
                     ("success_rate_min = 0.99", "success_rate_min = 1")):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    target, file = tmp_path / "odd.toml", tmp_path / "rules.yaml"
    target.write_text(text, encoding="utf-8")
    file.write_text(rendered("--target", str(target)), encoding="utf-8")
    promtool("check", "rules", file)


@needs_prometheus
def test_each_alert_fires_on_a_breach_and_is_silent_without_one() -> None:
    promtool("test", "rules", TESTS)


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent(committed: list[Json]) -> None:
    cases = [
        case
        for test in yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]  # fmt: skip
    names = {rule["alert"] for rule in committed}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == names
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == names


def test_every_alert_says_how_bad_it_is_what_was_seen_whose_limit_and_the_way_back(committed: list[Json]) -> None:
    assert len({rule["alert"] for rule in committed}) == len(committed)
    for rule in committed:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert re.fullmatch(r"\d+m", rule["for"])
        assert rule["annotations"]["summary"]
        assert re.search(r" Limit: .+ \((target production|the kit's)\)\.$", rule["annotations"]["description"])
        assert "hera-rollout rollback --target production --yes" in rule["annotations"]["runbook"]


def test_another_targets_limits_names_and_their_owner_come_through(make_target: Callable[..., Target]) -> None:
    limits = {"success_rate_min": 0.95, "error_rate_max": 0.002, "slowdown_max": 0.25, "burn_in": 77}
    rules = by_name(make_target(name="tokyo", namespace="jobs", deployment="api", limits=limits))
    for name in ("CreationFailing", "WorkflowsFailing"):
        rule = rules[f"HeraRollout{name}"]
        assert "\n> 0.05\n" in rule["expr"]
        assert "Limit: 5 %, at least 95 % succeed (target tokyo)." in rule["annotations"]["description"]
    assert "\n> 0.002\n" in rules["HeraRolloutErrors"]["expr"]
    assert "Limit: 0.2 % (target tokyo)." in rules["HeraRolloutErrors"]["annotations"]["description"]
    for name in ("SlowerThanYaml", "SlowerThanYamlBefore"):
        rule = rules[f"HeraRollout{name}"]
        assert "\n> 1.25\n" in rule["expr"]
        assert rule["expr"].count(">= 77") == (2 if name == "SlowerThanYaml" else 3)
        assert "Limit: 25 % slower (target tokyo)." in rule["annotations"]["description"]
    for rule in rules.values():
        assert 'namespace="jobs"' in rule["expr"]
        assert "argo_" in rule["expr"] or 'pod=~"api-' in rule["expr"]
        assert rule["labels"]["target"] == "tokyo"
        assert rule["annotations"]["runbook"].endswith("hera-rollout rollback --target tokyo --yes")


def test_a_limit_that_the_target_leaves_out_is_the_guides(make_target: Callable[..., Target]) -> None:
    rules = by_name(make_target(limits={}))
    for name in ("CreationFailing", "Errors", "WorkflowsFailing", "SlowerThanYaml", "SlowerThanYamlBefore"):
        assert "(guide default)." in rules[f"HeraRollout{name}"]["annotations"]["description"]


@pytest.mark.parametrize(
    ("limits", "told"), [({"restarts_max": 3}, "3 restarts (target tokyo)"), ({}, "1 restart (kit")]
)
def test_restarts_alarm_above_the_limit_that_the_watch_goes_by(
    make_target: Callable[..., Target], limits: dict[str, int], told: str
) -> None:
    rule = by_name(make_target(name="tokyo", limits=limits))["HeraRolloutPodsRestarting"]
    assert rule["expr"].endswith(f"\n> {limits.get('restarts_max', 1)}")
    assert f"Limit: {told}" in rule["annotations"]["description"]


def test_where_no_failure_is_tolerated_one_is_enough(make_target: Callable[..., Target]) -> None:
    strict = by_name(make_target(limits={"error_rate_max": 0}))["HeraRolloutErrors"]["expr"]
    assert strict.endswith(">= 1")
    assert by_name(make_target(limits={}))["HeraRolloutErrors"]["expr"].endswith(">= 3")


def test_a_window_is_long_enough_for_scrapes_that_are_rare(make_target: Callable[..., Target]) -> None:
    rare = by_name(make_target(limits={"scrape_seconds": 600}))
    assert "[40m]" in rare["HeraRolloutErrors"]["expr"]
    assert rare["HeraRolloutPodsDisagree"]["for"] == "45m", "longer than pods that are gone stay in the window"


def test_every_metric_is_one_that_the_service_exports_or_the_dashboard_finds(committed: list[Json]) -> None:
    """The dashboard's queries are asked of the lab's Prometheus, so its names of Argo's metrics are right."""
    exported = {f.name + suffix for f in REGISTRY.collect() for suffix in SUFFIXES.get(f.type, ())}
    queries = [
        {"expr": target["expr"]}
        for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", [])
    ]
    argos = {name for name in names_in(queries) if name.startswith("argo_")}
    used = names_in(committed)
    assert {"backend_workflow_creations_total", "argo_workflows_total_count", "up"} <= used
    assert used <= exported | argos | PROMETHEUS_OWN


def test_the_operators_object_carries_the_same_rules(make_target: Callable[..., Target]) -> None:
    found = yaml.safe_load(rendered("--target", str(EXAMPLE), "--prometheus-operator"))
    assert (found["apiVersion"], found["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert found["metadata"] == {"name": "hera-rollout-backend", "namespace": "argo"}
    assert found["spec"] == yaml.safe_load(rendered("--target", str(EXAMPLE)))


def test_an_unknown_target_is_refused_and_nothing_is_printed_that_could_be_loaded() -> None:
    done = CliRunner().invoke(main, ["alerts", "--target", "nowhere/none.toml"])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "There is no target file" in done.stderr


@pytest.mark.parametrize(("seconds", "text"), [(900, "15m"), (3600, "1h"), (604_800, "1w"), (1684, "1684s")])
def test_durations_are_prometheus_own(seconds: int, text: str) -> None:
    assert span(seconds) == text


def test_growth_counts_between_the_ends_of_a_window_that_may_be_long_ago() -> None:
    assert (
        growth("a{}", 60)
        == "last_over_time(a{}[1m]) - last_over_time(a{}[1m] offset 1m) >= 0 or last_over_time(a{}[1m])"
    )
    assert growth("a{}", 60, ago=120).startswith(
        "last_over_time(a{}[1m] offset 2m) - last_over_time(a{}[1m] offset 3m)"
    )


def test_labels_are_added_to_a_metrics_own() -> None:
    assert series('a{b="c"}', 'd="e"') == 'a{b="c",d="e"}'
    assert series("a", 'd="e"') == 'a{d="e"}'


def test_pods_are_the_deployments_own(make_target: Callable[..., Target]) -> None:
    (pattern,) = re.findall(r'pod=~"([^"]+)"', pods(make_target()))
    assert re.fullmatch(pattern, "backend-7c9d8f6b5-x2k4q")
    assert not re.fullmatch(pattern, "backend-worker-7c9d8f6b5-x2k4q")
