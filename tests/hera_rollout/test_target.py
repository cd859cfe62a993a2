from pathlib import Path

import pytest
from pydantic import ValidationError

from hera_rollout.errors import Refused
from hera_rollout.target import Target

ROOT = Path(__file__).parents[2]
LEAST = 'backend_url = "http://127.0.0.1:8000"\nargo_url = "http://127.0.0.1:2746"\n'


def written(folder: Path, name: str, text: str) -> Path:
    targets = folder / "targets"
    targets.mkdir(exist_ok=True)
    path = targets / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["lab", "staging.example", "production.example"])
def test_every_target_of_the_repository_loads(name):
    target = Target.load(str(ROOT / "targets" / f"{name}.toml"))
    assert target.namespace == "argo"


def test_a_name_is_searched_from_the_folder_upward(tmp_path):
    written(tmp_path, "lab.toml", LEAST)
    below = tmp_path / "notebooks" / "deep"
    below.mkdir(parents=True)
    assert Target.load("lab", search=below).name == "lab"


def test_an_unknown_name_lists_the_targets_there_are(tmp_path):
    written(tmp_path, "lab.toml", LEAST)
    written(tmp_path, "qa.toml", LEAST)
    with pytest.raises(Refused, match="There is no target called 'prod'") as caught:
        Target.load("prod", search=tmp_path)
    assert "lab, qa" in caught.value.expected


def test_an_example_alone_says_to_copy_it(tmp_path):
    written(tmp_path, "staging.example.toml", LEAST)
    with pytest.raises(Refused) as caught:
        Target.load("staging", search=tmp_path)
    assert "Copy" in caught.value.todo
    assert caught.value.todo.endswith("fill it in.")


def test_a_password_in_an_address_is_refused_and_not_repeated(tmp_path):
    path = written(tmp_path, "x.toml", LEAST.replace("http://127.0.0.1:8000", "https://me:hunter2@example.org"))
    with pytest.raises(Refused) as caught:
        Target.load(str(path))
    assert "backend_url" in str(caught.value)
    assert "HERA_ROLLOUT_ARGO_TOKEN" in str(caught.value)
    assert "hunter2" not in str(caught.value) + repr(caught.value.evidence)


def test_an_unknown_field_is_refused_with_the_known_ones(tmp_path):
    path = written(tmp_path, "x.toml", LEAST + 'name_space = "argo"\n')
    with pytest.raises(Refused) as caught:
        Target.load(str(path))
    assert "name_space" in caught.value.seen
    assert "namespace" in caught.value.expected


@pytest.mark.parametrize("broken", ["backend_url = ", "\xff".encode("latin-1")])
def test_a_broken_file_is_one_clear_sentence(tmp_path, broken):
    path = tmp_path / "x.toml"
    path.write_bytes(broken if isinstance(broken, bytes) else broken.encode())
    with pytest.raises(Refused, match="cannot be read"):
        Target.load(str(path))


def test_limits_say_whose_they_are(tmp_path):
    path = written(tmp_path, "qa.toml", LEAST + "[limits]\nrollout_deadline_seconds = 60\n")
    limits = Target.load(str(path)).limits
    assert limits.source("rollout_deadline_seconds") == "target qa"
    assert limits.source("error_rate_max") == "guide default"
    assert limits.source("request_timeout_seconds") == "kit default"
    assert (limits.error_rate_max, limits.success_rate_min, limits.slowdown_max) == (0.01, 0.99, 0.10)


def test_variables_and_home_are_expanded(tmp_path, monkeypatch):
    path = written(tmp_path, "x.toml", LEAST + 'kubeconfig = "${PLACE:-/nowhere}/kubeconfig"\n')
    assert Target.load(str(path)).kubeconfig == Path("/nowhere/kubeconfig")
    monkeypatch.setenv("PLACE", "~/here")
    assert Target.load(str(path)).kubeconfig == Path.home() / "here/kubeconfig"


def test_a_variable_that_is_not_set_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    path = written(tmp_path, "x.toml", LEAST + 'kubeconfig = "$NOT_SET/kubeconfig"\n')
    with pytest.raises(Refused, match="NOT_SET is not set"):
        Target.load(str(path))


def test_a_target_cannot_be_changed_once_loaded():
    target = Target.load(str(ROOT / "targets" / "lab.toml"))
    with pytest.raises(ValidationError):
        target.namespace = "other"
