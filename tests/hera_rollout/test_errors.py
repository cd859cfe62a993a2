import pickle

from hera_rollout import errors
from hera_rollout.errors import Ambiguous, DeadlineExceeded, Refused, Retryable, RolloutError, VerdictError


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


def test_errors_survive_pickling_as_notebook_kernels_need():
    error = pickle.loads(pickle.dumps(Ambiguous("seen", name="wf", todo="look")))
    assert (error.seen, error.name, error.todo) == ("seen", "wf", "look")
