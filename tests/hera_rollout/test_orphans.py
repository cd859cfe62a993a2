"""Which workflows belong to nobody, and which runs have two."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from hera_rollout.backend import orphans
from hera_rollout.backend.orphans import Made, find, judged

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


def document(name, **labels):
    return {"metadata": {"name": name, "labels": {f"hera-rollout/{key}": value for key, value in labels.items()}}}


def test_what_the_service_made_is_known_by_label_or_by_name():
    assert orphans.made(document("x", task="task-1", run="1")).task == "task-1"
    assert orphans.made(document("python-job-abc")).name == "python-job-abc"
    assert orphans.made(document("hera-rollout-hello-1")) is None


def test_a_workflow_that_a_run_names_is_none():
    found = find([Made("a", "task-1", "1"), Made("b", "task-1", "2")], ["a", "b"], ["task-1"])
    assert (found.counted, found.orphans, found.duplicates) == (2, (), ())


def test_a_workflow_that_no_run_names_is_an_orphan():
    found = find([Made("a", "task-1", "1"), Made("b", "task-2", "1")], ["a"], ["task-1", "task-2"])
    assert [one.name for one in found.orphans] == ["b"]
    assert list(found.frame["what"]) == ["orphan"]


def test_a_second_workflow_of_one_run_is_a_duplicate_and_no_orphan():
    found = find([Made("a-1", "task-1", "1"), Made("a-2", "task-1", "1")], ["a-2"], ["task-1"])
    assert [one.name for one in found.duplicates] == ["a-1"]
    assert found.orphans == ()


def test_two_of_a_run_that_is_forgotten_are_two_orphans():
    found = find([Made("a-1", "task-1", "1"), Made("a-2", "task-1", "1")], [], ["task-1"])
    assert len(found.orphans) == 2
    assert found.duplicates == ()


def test_a_run_that_names_no_workflow_hides_none():
    assert len(find([Made("a", marked=True)], ["", "b"], []).orphans) == 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 2), st.integers(0, 9)), unique=True), st.data())
def test_each_workflow_is_named_or_counted_exactly_once(numbers, data):
    made = [Made(f"w{task}-{run}-{number}", f"task-{task}", str(run)) for task, run, number in numbers]
    known = set(data.draw(st.lists(st.sampled_from([one.name for one in made])))) if made else set()
    own = data.draw(st.sets(st.sampled_from([f"task-{number}" for number in range(4)])))
    found = find(made, known, own)
    wrong = [one.name for one in (*found.orphans, *found.duplicates, *found.unknown)]
    assert len(wrong) == len(set(wrong))
    assert {one.name for one in made} - known <= set(wrong)


def test_the_check_says_how_many_and_which():
    check = judged(find([Made("a", "task-1", "1")], [], ["task-1"]), NOW)
    assert check.verdict == "FAIL"
    assert "1 orphans and 0 duplicates among 1" in check.seen
    assert "a" in check.evidence["orphans"]
    assert "guide" in check.todo


def test_no_workflow_at_all_is_no_evidence():
    assert judged(find([], [], []), NOW).verdict == "HOLD"
    assert judged(find([Made("a")], ["a"], []), NOW).verdict == "PASS"


def test_what_no_known_task_and_no_mark_shows_as_ours_is_not_known_whose_and_nobody_is_told_to_delete_it():
    found = find([Made("a", "task-9", "1"), Made("b"), Made("c", marked=True)], [], ["task-1"])
    assert [one.name for one in found.unknown] == ["a", "b"]
    assert [one.name for one in found.orphans] == ["c"]
    strangers = judged(find([Made("a", "task-9", "1")], [], ["task-1"]), NOW)
    assert strangers.verdict == "HOLD"
    assert "not known whose: 1: a" in strangers.seen
    for check in (strangers, judged(found, NOW)):
        assert "delete" not in check.todo
    assert judged(found, NOW).verdict == "FAIL", "c is ours"


def test_the_run_knows_its_own_by_the_mark_in_the_manifest():
    spec = {"templates": [{"container": {"args": ["print('[hera-rollout-simple-20261124-ab]')"]}}]}
    assert orphans.made({**document("python-job-x"), "spec": spec}, "20261124-ab").marked
    assert not orphans.made({**document("python-job-x"), "spec": spec}, "20261124-cd").marked
    assert not orphans.made({**document("python-job-x"), "spec": spec}).marked
