import pytest

from hera_rollout.answers import Asked, plain, reason, refusal, silence
from hera_rollout.errors import Ambiguous, Conflicting, Missing, Refused, Retryable

READ = Asked("The server", "get it")
CREATE = Asked("The server", "create workflow w", creates="w")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, Refused), (403, Refused), (404, Missing), (409, Conflicting), (418, Refused), (422, Refused),
     (429, Retryable), (500, Retryable), (502, Retryable), (503, Retryable), (504, Retryable)],
)  # fmt: skip
def test_what_an_answer_to_a_read_means(status, kind):
    assert type(refusal(READ, status, "no")) is kind


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_server_error_to_a_create_may_have_created(status):
    error = refusal(CREATE, status, "boom")
    assert isinstance(error, Ambiguous)
    assert error.name == "w"
    assert "Look it up" in error.todo


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_says_later_has_created_nothing(status):
    assert isinstance(refusal(CREATE, status, "later"), Retryable)


def test_no_answer_to_a_create_is_ambiguous_only_if_it_was_sent():
    assert isinstance(silence(CREATE, "timed out", sent=True), Ambiguous)
    assert isinstance(silence(CREATE, "refused", sent=False), Retryable)
    assert isinstance(silence(READ, "timed out", sent=True), Retryable)


def test_a_change_whose_answer_is_lost_is_ambiguous_too():
    assert isinstance(silence(Asked("s", "patch", changes=True), "timed out", sent=True), Ambiguous)


@pytest.mark.parametrize(
    ("body", "said"),
    [('{"message": "forbidden: verb get"}', "forbidden: verb get"), (b'{"detail": "PVC missing"}', "PVC missing"),
     ('{"detail": [{"loc": ["body"]}]}', '[{"loc": ["body"]}]'), ("<html>\n gateway", "<html> gateway"),
     ("", ""), ("[1]", "[1]")],
)  # fmt: skip
def test_the_servers_own_words_are_kept(body, said):
    assert reason(body) == said


def test_raw_text_is_cut_and_stripped_of_control_codes():
    text = plain("\x1b[31mred\x1b[0m\x07 " + "x" * 500)
    assert text.startswith("red x")
    assert len(text) == 256
    assert text.isprintable()


def test_a_missing_right_names_it_and_where_to_find_it():
    error = refusal(READ, 403, "pods is forbidden: cannot list resource pods")
    assert "cannot list resource pods" in error.seen
    assert "deploy/rbac" in error.todo


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_an_error_carries_the_status_of_the_answer_it_is_about(status):
    assert refusal(CREATE, status, "no").status == status
    assert silence(CREATE, "timed out", sent=True).status is None
