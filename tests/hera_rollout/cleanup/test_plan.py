"""The plan: all of a service, as data, with nothing written."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from hera_rollout import cleanup
from hera_rollout.errors import Missing, Refused

_spec = importlib.util.spec_from_file_location("cleanup_conftest", Path(__file__).with_name("conftest.py"))
conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(conftest)

FLAG = "USE_HERA_SDK"
ALLOWED = {"*.md": "the changelog keeps its history"}


def planned(service: Path, **more: object) -> cleanup.CleanupPlan:
    return cleanup.plan(service, FLAG, **more)


def after(plan: cleanup.CleanupPlan, name: str) -> str | None:
    return next(edit.after for edit in plan.edits if edit.file == name)


def test_python_dead_module_and_its_test(service: Path) -> None:
    plan = planned(service)
    assert after(plan, "service/build.py") == (
        "from service import by_hera\n\n\ndef build(task):\n    return by_hera.build(task)\n"
    )
    assert after(plan, "service/by_yaml.py") is None
    assert after(plan, "tests/test_build.py") == (
        "from service import build\n\n\ndef test_build():\n    assert build.build(1)[1] == 1\n"
    )


def test_nothing_is_written(service: Path) -> None:
    planned(service, templates=True)
    assert conftest.run_git(service, "status", "--porcelain") == ""


def test_templates_only_when_asked(service: Path) -> None:
    assert "service/task.yaml" not in planned(service).removals
    assert "service/task.yaml" in planned(service, templates=True).removals


def test_dependencies_that_lost_their_last_import(service: Path) -> None:
    plan = planned(service)
    assert after(plan, "requirements.txt") == "hera==7.1.0\n"
    text = after(plan, "pyproject.toml")
    assert "pyyaml" not in text
    assert '"jinja2>=3",\n' in text  # never imported, so not ours to take


def test_compose_manifest_env_file_and_shell(service: Path) -> None:
    plan = planned(service)
    assert after(plan, "compose.yaml") == (
        "services:\n  backend:\n    image: backend   # ours\n    environment:\n      - OTHER=1\n"
    )
    manifest = after(plan, "deploy/deployment.yaml")
    assert "env" not in manifest
    assert manifest.endswith("      - name: backend\n        ports: [{containerPort: 8000}]  # http\n")
    assert after(plan, ".env") == "A=1\n"
    assert after(plan, "run.sh") == "#!/bin/sh\nexec python -m service\n"


def test_documents_are_told_not_changed(service: Path) -> None:
    plan = planned(service)
    assert [place.file for place in plan.open_places] == ["README.md"]
    assert planned(service, allowed=ALLOWED).open_places == ()
    assert cleanup.documentation(plan)["line"].tolist() == [3]


def test_the_diff_is_one_that_git_takes(service: Path) -> None:
    plan = planned(service, templates=True)
    subprocess.run(["git", "apply", "--check", "-"], cwd=service, input=plan.diff(), text=True, check=True)
    assert len(plan.digest) == 16


def test_inventory_names_place_shape_and_outcome(service: Path) -> None:
    frame = cleanup.inventory(planned(service))
    row = frame[frame["file"] == "service/build.py"].iloc[0]
    assert (row["line"], row["shape"], row["what happens"]) == (6, "early return", "folded")
    assert {"folded", "removed", "by hand"} == set(frame["what happens"])


def test_sizes_before_and_after(service: Path) -> None:
    frame = cleanup.sizes(planned(service)).set_index("file")
    assert frame.loc["service/build.py", "complexity before"] == 2
    assert frame.loc["service/build.py", "complexity after"] == 1
    assert frame.loc["all changed files", "lines after"] < frame.loc["all changed files", "lines before"]


def test_no_git_repository(tmp_path: Path) -> None:
    conftest.written(tmp_path, conftest.SERVICE)
    with pytest.raises(Refused, match="is not in a git repository; nothing was changed"):
        planned(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no folder"):
        planned(tmp_path / "x")


def test_syntax_error_names_file_and_line(service: Path) -> None:
    (service / "service" / "broken.py").write_text("x = 1\ndef f(:\n")
    with pytest.raises(Refused, match=r"^service/broken\.py:2: not valid Python"):
        planned(service)


def test_not_utf_8_names_file_and_line(service: Path) -> None:
    (service / "service" / "old.py").write_bytes(b"x = 1\ny = '\xe4'\n")
    with pytest.raises(Refused, match=r"^service/old\.py:2: not UTF-8 \(byte 0xe4\)"):
        planned(service)


def test_yaml_that_does_not_read(service: Path) -> None:
    (service / "bad.yaml").write_text("a: [USE_HERA_SDK\nb: {\n")
    with pytest.raises(Refused, match=r"^bad\.yaml:\d+: not valid YAML"):
        planned(service)


def test_huge_tree(service: Path) -> None:
    with pytest.raises(Refused, match="more than 5 files; nothing was changed"):
        planned(service, limits=cleanup.Limits(files=5))
    with pytest.raises(Refused, match="more than 100 bytes; nothing was changed"):
        planned(service, limits=cleanup.Limits(total_bytes=100))


def test_links_are_not_followed(service: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x.py"
    outside.write_text("def f(:\n")
    (service / "link.py").symlink_to(outside)
    planned(service)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("env:\n  USE_HERA_SDK: 'true'\n  A: '1'  # kept\n", "env:\n  A: '1'  # kept\n"),
        ("env:\n- {name: A, value: b}\n- {name: USE_HERA_SDK, value: 'true'}\n", "env:\n- {name: A, value: b}\n"),
        ("env:\n  A: b\n  USE_HERA_SDK: 'true'\n\nother: 2\n", "env:\n  A: b\n\nother: 2\n"),
        ("env: [{name: A, value: b}, {name: USE_HERA_SDK, value: x}]\n", "env: [{name: A, value: b}]\n"),
        (
            "- op: add\n  path: /spec/env/-\n  value:\n    name: USE_HERA_SDK\n    value: 'true'\n- op: remove\n  path: /x\n",  # noqa: E501
            "- op: remove\n  path: /x\n",
        ),
        (
            "configMapGenerator:\n- name: env\n  literals:\n  - USE_HERA_SDK=true\n  - A=b\n",
            "configMapGenerator:\n- name: env\n  literals:\n  - A=b\n",
        ),
        (
            "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: add\n      path: /env/-\n      value: {name: USE_HERA_SDK}\n    - op: remove\n      path: /x\n",  # noqa: E501
            "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: remove\n      path: /x\n",
        ),
        ("a: 1\n---\ndata:\n  USE_HERA_SDK: 'true'\n  B: c\n---\nd: 2\n", "a: 1\n---\ndata:\n  B: c\n---\nd: 2\n"),
        (
            "env:\n  - name: USE_HERA_SDK\n    valueFrom:\n      configMapKeyRef: {name: f, key: USE_HERA_SDK}\n  - name: A\n",  # noqa: E501
            "env:\n  - name: A\n",
        ),
    ],
)  # fmt: skip
def test_yaml_entries(before: str, expected: str) -> None:
    from hera_rollout.cleanup.manifests import clean_yaml

    text, places = clean_yaml("x.yaml", before, cleanup.Subject(FLAG))
    assert text == expected
    assert len(places) == 1


def test_helm_template_is_told(service: Path) -> None:
    (service / "chart.yaml").write_text("env:\n  - name: USE_HERA_SDK\n    value: {{ .Values.hera }}\n{{- end }}\n")
    plan = planned(service)
    assert [place.line for place in plan.open_places if place.file == "chart.yaml"] == [2]


MENDS = """\
--- a/service/build.py
+++ b/service/build.py
@@ -3,5 +3,5 @@


 def build(task):
-    if USE_HERA_SDK:
+    if USE_HERA_SDK:  # mended
         return by_hera.build(task)
     return by_yaml.build(task)
"""


def test_what_a_person_mends_is_part_of_the_plan(service: Path) -> None:
    plan = planned(service, mends=MENDS.replace("\n\n\n def", "\n \n \n def"))
    assert "    # mended\n    return by_hera.build(task)\n" in after(plan, "service/build.py")
    row = cleanup.inventory(plan).set_index("shape").loc["mended by a person"]
    assert row["file"] == "service/build.py"


def test_a_patch_that_does_not_fit(service: Path) -> None:
    with pytest.raises(Refused, match=r"The patch of what a person mends does not fit: .*; nothing was changed"):
        planned(service, mends=MENDS.replace("by_hera", "by_hand"))


def test_the_flag_may_also_be_left_off(service: Path) -> None:
    plan = planned(service, value=False, allowed=ALLOWED)
    assert after(plan, "service/build.py").endswith("def build(task):\n    return by_yaml.build(task)\n")
    assert "service/by_hera.py" in plan.removals
    assert plan.open_places == ()


def test_an_entry_point_is_no_dead_module(service: Path) -> None:
    (service / "run.sh").write_text("exec python -m service.by_yaml\n")
    assert "service/by_yaml.py" not in planned(service).removals


def test_what_was_unused_before_stays(service: Path) -> None:
    path = service / "service" / "build.py"
    path.write_text("import sys\n" + path.read_text() + "\n\ndef unused():\n    return None\n")
    text = after(planned(service), "service/build.py")
    assert text.startswith("import sys\n")
    assert "def unused():" in text
