"""Steps that borrow the flag leave its variable and its file as they found them, however they end."""

import pytest

from hera_rollout import flag
from hera_rollout.drill import Settings
from hera_rollout.errors import DeadlineExceeded, Refused
from hera_rollout.flag import Found
from hera_rollout.phase.steps import alternating, borrowing, drilling

pytestmark = pytest.mark.usefixtures("clock")

OFF, ON = {"enabled": "false", "percent": "0"}, {"enabled": "true", "percent": "100"}
MEDIA_OFF = [(None, OFF), ("false", OFF), ("true", OFF), ("false", None), ("false", ON), (None, None), ("false", {}),
             ("true", {"enabled": "false", "note": "the platform team's"})]  # fmt: skip


def says(kube):
    return kube.variable, kube.file


@pytest.mark.parametrize("media", [["configmap"], ["configmap", "env"], ["env"]])
@pytest.mark.parametrize("found", MEDIA_OFF)
def test_after_a_drill_variable_and_file_say_what_they_said_and_never_on_in_between(kube, begun, live, found, media):
    kube.variable, kube.file = found
    phase = begun("drill")
    with borrowing.as_found(phase, live):
        for medium in media:
            drilling._alone(phase, medium, live)
            assert kube.says()["decidedBy"] == ("file" if medium == "configmap" else "env")
    assert says(kube) == found
    assert kube.decided
    assert set(kube.decided) == {False}
    assert phase.keeping.state.drift() == [], "what the kit puts back is the kit's own"


@pytest.mark.parametrize("media", [["configmap"], ["configmap", "env"]])
def test_a_drill_that_is_stopped_puts_them_back_too_and_says_why_it_ended(kube, begun, live, media):
    kube.variable, kube.file = None, OFF
    live.stop.set()
    with pytest.raises(Refused, match="The drill was stopped before the flag was turned"):
        drilling._each(begun("drill"), media, Settings(before_seconds=0), live)
    assert says(kube) == (None, OFF)


def test_a_drill_that_was_killed_is_put_back_by_its_next_attempt(kube, begun, live):
    kube.variable, kube.file = None, OFF
    first = begun("drill")
    killed = borrowing.as_found(first, live)
    killed.__enter__()  # and never left
    drilling._alone(first, "env", live)
    assert says(kube) == ("false", None)
    with borrowing.as_found(begun("drill"), live):
        pass
    assert says(kube) == (None, OFF)


def test_the_error_of_the_work_is_told_where_the_media_cannot_be_put_back_either(kube, begun, live):
    kube.variable, kube.file = None, OFF
    phase, lines = begun("drill"), []
    live.line = lines.append

    def work():
        with borrowing.as_found(phase, live):
            drilling._alone(phase, "env", live)
            kube.trouble = lambda method, _path: (500, {"message": "etcd is gone"}) if method != "GET" else None
            raise DeadlineExceeded("the flag did not come")

    with pytest.raises(DeadlineExceeded, match="the flag did not come"):
        work()
    assert "not put back as they were found" in lines[-1]
    assert "etcd is gone" in lines[-1]


def test_what_another_hand_changed_meanwhile_is_left_alone(kube, begun, live):
    kube.variable, kube.file = "false", None
    phase = begun("drill")
    with borrowing.as_found(phase, live):
        drilling._alone(phase, "configmap", live)
        kube.variable = "off, says Bo"
    assert says(kube) == ("off, says Bo", OFF)
    assert phase.keeping.state.drift()


def test_a_variable_with_a_source_elsewhere_is_left_at_false_and_that_is_told(kube, cluster):
    kube.variable = "true"
    lines = []
    flag.put_back(cluster, Found("(from configMapKeyRef settings hera)", None), lines.append)
    assert kube.variable == "false"
    assert lines[0].startswith("USE_HERA_SDK was (from configMapKeyRef settings hera); it is left at false")


@pytest.mark.parametrize(
    ("variable", "file", "percent"),
    [("true", None, 100), (None, ON, 100), ("true", {**ON, "percent": "25"}, 25), *((*one, 0) for one in MEDIA_OFF)],
)
def test_what_was_found_says_the_share_that_the_pod_decides(kube, cluster, variable, file, percent):
    kube.variable, kube.file = variable, file
    found = Found.now(cluster)
    assert found.percent == percent == kube.says()["percent"]
    assert Found.read(found.plain()) == found


@pytest.mark.parametrize("file", [None, ON, {}])
def test_windows_whose_flip_fails_put_the_flags_file_back_and_leave_the_flag_on(kube, begun, live, file):
    kube.variable, kube.file = "true", file
    phase = begun("02_staging")
    phase.keeping.flag_set(enabled=True)
    stuck = {"enabled": True, "percent": 100, "decidedBy": "env", "heraImport": "ok", "pod": "backend-1"}
    kube.trouble = lambda _method, path: (200, stuck) if path.endswith("/api/v1/flag") else None
    with pytest.raises(DeadlineExceeded, match="The flag is not in effect"):
        alternating._all(phase, ["yaml", "hera"], 1, "configmap", live)
    kube.trouble = lambda _method, _path: None
    assert False in kube.decided, "the file did say off"
    assert says(kube) == ("true", file)
    assert kube.says()["enabled"] is True
    assert phase.keeping.state.drift() == []
    assert phase.keeping.state.facts.flags[-1].enabled
