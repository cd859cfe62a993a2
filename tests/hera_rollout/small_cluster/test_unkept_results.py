"""What is too large for the rollout's state is known to the attempt that made it, and made again by the next one."""

import pytest

from hera_rollout.errors import Refused
from hera_rollout.phase.steps import guarding
from hera_rollout.phase.steps.deploying import BASELINE, DEPLOYED
from hera_rollout.production import Baseline, Deployed

LARGE = {f"backend-5d8f7c9b6d-{number:05}": 0 for number in range(800)}


def deployed():
    what = Deployed(image="backend:1", replicas=800, restarts=LARGE)
    return {"at": "2026-11-28T12:00:00+00:00", "what": what.plain()}


def test_a_result_too_large_to_keep_is_made_once_an_attempt(begun):
    phase, made = begun("04_production"), []

    def make():
        made.append(1)
        return LARGE

    assert phase.once("large", make) == LARGE == phase.once("large", make)
    assert made == [1]
    assert not phase.done("large")
    assert begun("04_production").once("large", lambda: "anew") == "anew"


def test_a_state_that_is_full_forgets_nothing_within_the_attempt(begun):
    phase = begun("04_production")
    for number in range(40):
        phase.once(str(number), lambda: "x" * 16_000)
    assert not phase.done("39")
    assert phase.once("39", lambda: "anew") == "x" * 16_000


def test_a_deploy_of_more_pods_than_the_state_can_name_is_watched_from_its_moment(begun):
    phase = begun("04_production")
    phase.once(BASELINE, Baseline(source="the last hour").plain)
    phase.once(DEPLOYED, deployed)
    assert not phase.done(DEPLOYED)
    guard = guarding.Guard.of(phase)
    assert guard.deployed.restarts == LARGE
    assert guard.watch.rung.began == 1795867200


def test_a_watch_without_a_deploy_is_refused_in_words_and_leaves_no_empty_deploy_behind(begun):
    phase = begun("04_production")
    with pytest.raises(Refused, match="does not know of a deploy"):
        guarding.Guard.of(phase)
    assert not phase.done(DEPLOYED)
    assert not phase.done(BASELINE)
