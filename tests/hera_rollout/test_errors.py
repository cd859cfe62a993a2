import importlib
import pickle
import pkgutil

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

import hera_rollout
from hera_rollout import errors
from hera_rollout.errors import Ambiguous, DeadlineExceeded, Refused, Retryable, RolloutError, VerdictError
from hera_rollout.records import classify


def test_text_says_what_was_seen_expected_why_and_what_to_do_one_line_each():
    text = str(RolloutError("6 of 6 by yaml.", expected="path=hera", why="It proves nothing.", todo="Fix the import."))
    assert text.splitlines() == [
        "6 of 6 by yaml.",
        "Expected: path=hera",
        "Why it matters: It proves nothing.",
        "What to do: Fix the import.",
    ]


def test_parts_left_out_leave_no_line():
    assert str(Refused("No kubeconfig.", todo="make lab")) == "No kubeconfig.\nWhat to do: make lab"


def test_evidence_is_kept_and_never_printed():
    error = RolloutError("seen", evidence={"token": "abc"})
    assert error.evidence == {"token": "abc"}
    assert "abc" not in str(error)


def test_what_to_do_next_is_in_the_type():
    assert Retryable("x", after=3).after == 3
    assert Ambiguous("x", name="wf-1").name == "wf-1"
    assert DeadlineExceeded("x", seconds=9).seconds == 9
    assert issubclass(errors.PhaseFailed, VerdictError)
    assert issubclass(errors.Missing, Refused)


def test_the_tree_in_the_docstring_is_the_tree_there_is():
    classes = [name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, RolloutError)]
    assert all(name in (errors.__doc__ or "") for name in classes)


def kinds(of=RolloutError):
    return [of, *(one for below in of.__subclasses__() for one in kinds(below))]


def test_every_error_of_the_kit_is_known_by_its_name_to_whoever_judges_a_record():
    for module in pkgutil.walk_packages(hera_rollout.__path__, "hera_rollout."):
        importlib.import_module(module.name)
    assert [
        kind for kind in kinds() if kind.__module__.startswith("hera_rollout") and not hasattr(errors, kind.__name__)
    ] == []


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("Full", "REFUSED"), ("NotDoneByHand", "HOLD"), ("DeadlineExceeded", "FAIL"), ("KeyError", "BROKEN")],
)
def test_a_record_says_what_kind_of_error_ended_its_run(name, verdict):
    output = new_output("error", ename=name, evalue="seen", traceback=[])
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[output], execution_count=1)])
    assert classify(notebook).verdict == verdict


def test_errors_survive_pickling_as_notebook_kernels_need():
    error = pickle.loads(pickle.dumps(Ambiguous("seen", name="wf", todo="look")))
    assert (error.seen, error.name, error.todo) == ("seen", "wf", "look")
