"""The Grafana dashboard: the guide's monitoring checklist line by line, well formed, the kit's colours and figures."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from hera_rollout.display.palette import COLORS
from hera_rollout.metrics import FIGURES

Json = dict[str, Any]
DASHBOARD = Path(__file__).parents[2] / "deploy" / "dashboards" / "hera-rollout.json"
DRAWN = {"timeseries", "table"}
VARIABLES = {"datasource", "namespace", "deployment", "window"}
GRAFANAS_OWN = {"__rate_interval"}
OKABE_ITO = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999"}


@pytest.fixture(scope="module")
def dashboard() -> Json:
    loaded: Json = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def panels(dashboard: Json) -> list[Json]:
    found: list[Json] = dashboard["panels"]
    return found


def queries(panel: Json) -> list[str]:
    return [target["expr"] for target in panel.get("targets", [])]


def titled(panels: list[Json], title: str) -> Json:
    (found,) = (panel for panel in panels if panel["title"] == title)
    return found


def colors_of(panel: Json) -> dict[str, str]:
    """The fixed colour of each legend pattern."""
    return {
        override["matcher"]["options"]: one["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
        for one in override["properties"]
        if one["id"] == "color"
    }


def test_it_is_a_dashboard_that_grafana_imports(dashboard: Json) -> None:
    assert dashboard["schemaVersion"] >= 39
    assert dashboard["id"] is None, "a number would overwrite whichever dashboard has it"
    assert dashboard["uid"] == "hera-rollout"


def test_it_asks_for_its_prometheus_and_defaults_to_the_guides_names(dashboard: Json) -> None:
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    assert set(variables) == VARIABLES
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert variables["namespace"]["current"]["value"] == "argo"
    assert variables["deployment"]["current"]["value"] == "backend"


def test_every_variable_that_is_used_is_defined(panels: list[Json]) -> None:
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(panels)))
    assert used - GRAFANAS_OWN == VARIABLES


def test_panel_ids_are_unique(panels: list[Json]) -> None:
    ids = [panel["id"] for panel in panels]
    assert len(ids) == len(set(ids))


def test_no_two_panels_overlap_and_all_fit_the_grid(panels: list[Json]) -> None:
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24, panel["title"]
    for one, other in combinations(panels, 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or below, f"{one['title']} overlaps {other['title']}"


def test_every_panel_has_a_title_and_every_drawn_one_a_unit_and_queries(panels: list[Json]) -> None:
    assert {panel["type"] for panel in panels} == {"row", "text", *DRAWN}
    for panel in panels:
        assert panel["title"]
        if panel["type"] in DRAWN:
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert queries(panel), panel["title"]
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_every_heading_of_the_guides_checklist_is_a_row_and_every_line_a_panel_in_it(
    panels: list[Json], guide: str
) -> None:
    section = guide.split("## Monitoring Checklist")[1].split("\n## ", maxsplit=1)[0]
    wanted = {
        heading: re.findall(r"- \[ \] (.+)", lines)
        for heading, lines in re.findall(r"### (.+)\n((?:- .+\n)+)", section)
    }
    assert len(wanted) == 4
    rows: dict[str, list[str]] = {}
    for panel in sorted(panels, key=lambda one: (one["gridPos"]["y"], one["gridPos"]["x"])):
        if panel["type"] == "row":
            rows[panel["title"]] = []
        else:
            rows[list(rows)[-1]].append(panel["title"])
    assert list(rows) == list(wanted)
    for heading, lines in wanted.items():
        assert rows[heading][: len(lines)] == lines


def test_every_query_and_panel_uses_the_chosen_prometheus(panels: list[Json]) -> None:
    wanted = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels:
        if panel["type"] in DRAWN:
            assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [wanted] * (
                1 + len(panel["targets"])
            ), panel["title"]


def test_every_query_is_of_the_chosen_namespace_or_of_the_whole_cluster(panels: list[Json]) -> None:
    for panel in panels:
        for query in queries(panel):
            assert 'namespace="$namespace"' in query or "apiserver_" in query, query


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_line_that_the_kit_has_a_figure_for_asks_for_the_same_metric(panels: list[Json], figure: Any) -> None:
    name, _, labels = figure.metric.rstrip("}").partition("{")
    wanted = [name + "{", *filter(None, labels.split(","))]
    assert any(all(word in query for word in wanted) for query in queries(titled(panels, figure.words))), figure.metric


@pytest.mark.parametrize(
    ("title", "limit"),
    [
        ("Error rates (should remain stable)", 0.01),
        ("Workflow creation success rate", 0.99),
        ("Workflow execution success rate", 0.99),
    ],
)
def test_the_guides_limits_are_drawn(panels: list[Json], guide: str, title: str, limit: float) -> None:
    assert "Should remain < 1%" in guide
    assert "Should remain > 99%" in guide
    defaults = titled(panels, title)["fieldConfig"]["defaults"]
    assert defaults["unit"] == "percentunit"
    assert defaults["custom"]["thresholdsStyle"]["mode"] == "dashed"
    assert defaults["thresholds"]["steps"][1:] == [{"color": COLORS["FAIL"], "value": limit}]


def test_the_guides_limit_of_response_times_is_drawn_against_yaml(panels: list[Json], guide: str) -> None:
    assert "Response times should not increase > 10%" in guide
    panel = titled(panels, "Response times (should not increase)")
    (limit,) = (target for target in panel["targets"] if target["legendFormat"].startswith("limit"))
    assert limit["expr"].startswith("1.1 * ")
    assert 'path="yaml"' in limit["expr"]
    assert colors_of(panel)["/^limit/"] == COLORS["FAIL"]


def test_yaml_and_hera_have_the_plots_colours_wherever_they_are_told_apart(panels: list[Json]) -> None:
    for panel in panels:
        if panel["type"] == "timeseries" and any("{{path}}" in target["legendFormat"] for target in panel["targets"]):
            found = colors_of(panel)
            assert (found["/^yaml/"], found["/^hera/"]) == (COLORS["yaml"], COLORS["hera"]), panel["title"]
    table = json.dumps(titled(panels, "API endpoint performance")["fieldConfig"])
    for path in ("yaml", "hera"):
        assert re.search(rf'"{path}": {{[^}}]*"color": "{COLORS[path]}"', table)


def test_every_colour_is_one_that_the_colour_blind_can_tell_apart(panels: list[Json]) -> None:
    named = re.findall(r'"(?:color|fixedColor)": "([^"]+)"', json.dumps(panels))
    assert named
    assert set(named) <= OKABE_ITO | set(COLORS.values())
    assert {panel["fieldConfig"]["defaults"]["color"]["mode"] for panel in panels if panel["type"] in DRAWN} == {
        "fixed"
    }, "Grafana's own palettes are not"


def test_a_log_line_of_the_checklist_says_the_command_that_shows_it(panels: list[Json]) -> None:
    texts = [panel["options"]["content"] for panel in panels if panel["type"] == "text"]
    assert len(texts) == 4
    for content in texts:
        assert re.search(r"```sh\nkubectl logs -n \$\{namespace\} deployment/\$\{deployment\} .+\n```", content)
