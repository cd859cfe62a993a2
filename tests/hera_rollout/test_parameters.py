from datetime import date

import pytest
from click.testing import CliRunner

from hera_rollout.cli import main
from hera_rollout.errors import Refused
from hera_rollout.parameters import FUNCTIONAL_SCENARIOS, MODELS, allowed, parameters, validate

NAME = "01_dev_testing"


def refused(**values: object) -> str:
    with pytest.raises(Refused) as caught:
        validate(NAME, values)
    assert "nothing was touched" in caught.value.todo
    return caught.value.seen


def test_only_plain_public_data_is_taken_from_a_notebooks_globals():
    namespace = {
        "target": "lab", "dry_run": True, "n": None, "_own": 1, "In": [""], "Out": {}, "exit": exit, "Phase": object,
        "scenarios": ["simple"],
    }  # fmt: skip
    assert parameters(namespace) == {"target": "lab", "dry_run": True, "n": None, "scenarios": ["simple"]}


def test_defaults_change_nothing():
    values = validate(NAME, {})
    assert (values.target, values.dry_run, values.rollback) == ("lab", True, False)
    assert values.model_dump()["scenarios"] == list(FUNCTIONAL_SCENARIOS)


def test_an_unknown_name_is_refused_with_the_nearest_known_one():
    seen = refused(dry_rnu=False)
    assert "dry_rnu: unknown; did you mean 'dry_run'?" in seen
    assert "workflow_deadline_seconds" in seen


@pytest.mark.parametrize(
    ("given", "read"), [("no", False), ("False", False), ("yes", True), ("TRUE", True), (False, False)]
)
def test_words_papermill_leaves_as_text_mean_what_they_say(given, read):
    assert validate(NAME, {"dry_run": given}).dry_run is read


@pytest.mark.parametrize("given", ["maybe", "", "0", 0, 1, None, []])
def test_anything_else_is_no_bool_and_says_what_is_allowed(given):
    assert "Allowed: true, false, yes or no" in refused(dry_run=given)


def test_a_number_that_papermill_made_of_text_is_refused():
    assert "as text (papermill: -r target NAME)" in refused(target=1.1)


@pytest.mark.parametrize(
    ("given", "read"),
    [('["simple", "cancel"]', ["simple", "cancel"]), ("simple,cancel", ["simple", "cancel"]), (["rerun"], ["rerun"])],
)
def test_lists_as_papermill_gives_them(given, read):
    assert validate(NAME, {"scenarios": given}).model_dump()["scenarios"] == read


@pytest.mark.parametrize("given", [[], "simple,nonsense", ["simple", "simple"], "[broken", 3])
def test_bad_scenarios_are_refused_with_the_list(given):
    assert "simple, dependencies, requirements, rerun, cancel, delete" in refused(scenarios=given)


@pytest.mark.parametrize("given", ["../../etc", "a/b", "Backend", "a b", "-x", "x" * 64])
def test_a_rollout_id_can_be_no_path_and_no_bad_label(given):
    assert "rollout" in refused(rollout=given)


@pytest.mark.parametrize("given", ["../x", "a\nb", "<script>", "x" * 64])
def test_an_operator_is_a_plain_name(given):
    assert "operator" in refused(operator=given)


@pytest.mark.parametrize("given", [0, -5, True, "300", 1.5])
def test_a_deadline_is_a_whole_number_of_seconds(given):
    assert "from 1 to 86400" in refused(workflow_deadline_seconds=given)


def test_every_fault_is_named_at_once():
    seen = refused(dry_run="maybe", target=3, nonsense=1)
    assert all(name in seen for name in ("dry_run", "target", "nonsense"))


def test_an_unknown_notebook_lists_the_known():
    with pytest.raises(Refused, match="no notebook called"):
        validate("99", {})


def test_a_value_of_the_command_line_that_cannot_be_read_is_refused_by_its_name(tmp_path):
    words = ["run", "01_dev_testing.ipynb", "-p", "scenarios", "[simple", "--records", str(tmp_path)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2, done.exception
    assert "Refused: scenarios = '[simple' cannot be read: " in done.output


def test_ids_have_defaults(monkeypatch):
    monkeypatch.setenv("USER", "kim")
    values = validate(NAME, {})
    assert values.rollout_for("backend", date(2026, 11, 24)) == "backend-2026-11"
    assert values.who() == "kim"
    assert validate(NAME, {"rollout": "r-1", "operator": "Kim Q."[:-1]}).who() == "Kim Q"


def test_every_parameter_has_its_allowed_values_in_words():
    for model in MODELS.values():
        for name in model.model_fields:
            assert "typing" not in allowed(model, name)
            assert allowed(model, name)
