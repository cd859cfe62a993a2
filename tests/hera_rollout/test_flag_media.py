"""The file's patch as text, and shares as pods report them; on a cluster: tests/live/test_flag_media.py."""

import pytest
from kubernetes import client
from pandas import DataFrame

from hera_rollout import flag
from hera_rollout.cluster import Cluster
from hera_rollout.cluster.connection import Connection
from hera_rollout.flag import effect, file, reporting
from hera_rollout.flag.byhand import ManualChange
from hera_rollout.flag.file import FileChange, mounted

ON = {"enabled": "true", "percent": "10"}


def pods(*shares):
    rows = [
        reporting.row(f"pod-{number}", {"enabled": True, "percent": share, "heraImport": "ok", "decidedBy": "file"})
        for number, share in enumerate(shares)
    ]
    return DataFrame(rows, columns=flag.COLUMNS)


def test_a_file_that_is_not_there_is_created_and_one_that_is_there_patched():
    create, patch = FileChange("backend-flag", "argo", None, ON), FileChange("backend-flag", "argo", {"a": "b"}, ON)
    assert create.command == (
        "kubectl create configmap backend-flag --from-literal=enabled=true --from-literal=percent=10 -n argo"
    )
    assert patch.command == (
        """kubectl patch configmap backend-flag -n argo --type merge -p '{"data":{"enabled":"true","percent":"10"}}'"""
    )
    assert create.diff().splitlines()[0] == "--- configmap/backend-flag (not there)"


def test_the_diff_has_only_what_changes_and_keeps_other_keys():
    lines = FileChange("f", "argo", {"enabled": "true", "note": "ours", "percent": "5"}, ON).diff().splitlines()
    assert [line for line in lines[2:] if line[0] in "+-"] == ['-percent: "5"', '+percent: "10"']
    assert ' note: "ours"' in lines


def test_already_so_is_no_change_and_absent_is_never_already_so():
    assert FileChange("f", "argo", {**ON, "note": "x"}, ON).noop
    assert FileChange("f", "argo", ON, ON).diff() == ""
    assert not FileChange("f", "argo", None, ON).noop
    assert not FileChange("f", "argo", {}, ON).noop


def test_a_pod_at_another_share_is_told_and_one_that_knows_no_share_stands_for_all():
    assert effect.wrong_pods(pods(25, 25.0, "25"), True, 25) == []
    assert effect.wrong_pods(pods(25, 30), True, 25) == ["pod pod-1 reports the flag on for 30 %, not for 25 %"]
    assert effect.wrong_pods(pods(None), True, 100) == []
    assert effect.wrong_pods(pods(None, 100), True, 100) == []
    assert "not for 25 %" in effect.wrong_pods(pods(None), True, 25)[0]
    assert "not for 25 %" in effect.wrong_pods(pods("many"), True, 25)[0]


@pytest.mark.parametrize(
    ("volumes", "names"),
    [
        ([], set()),
        ([{"name": "a", "configMap": {"name": "backend-flag", "optional": True}}], {"backend-flag"}),
        ([{"name": "a", "projected": {"sources": [{"secret": {}}, {"configMap": {"name": "x"}}]}}], {"x"}),
        ([{"name": "a", "emptyDir": {}}], set()),
    ],
)
def test_configmaps_are_found_among_volumes_also_projected_ones(volumes, names):
    assert mounted(volumes) == names


def test_by_hand_shows_the_guides_lines_and_is_never_taken_for_done():
    change = ManualChange("USE_HERA_SDK", True, "by hand: …")
    assert change.diff().splitlines()[-2:] == ["-  - USE_HERA_SDK=false", "+  - USE_HERA_SDK=true"]
    assert not change.noop


def test_a_file_that_is_written_is_no_failed_flip_where_its_pods_cannot_be_listed_just_then(make_target, closed_url):
    settings = client.Configuration(host=closed_url)
    settings.retries = False
    lines = []
    file.touch(Cluster(make_target(), Connection(client.ApiClient(settings), 1), "v1"), lines.append)
    (line,) = lines
    assert line.startswith("the pods may take a minute to see the file: The Kubernetes API server at")
