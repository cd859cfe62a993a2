"""`hera-rollout diff` and `roundtrip` as a person or a script uses them."""

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hera_rollout.cli import main

WORKFLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: x-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: count, value: VALUE}]}
  templates: [{name: main, container: {image: busybox, command: [echo]}}]
"""


def text(value):
    return WORKFLOW.replace("VALUE", value)


@pytest.fixture
def hera_rollout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        return CliRunner().invoke(main, list(words), catch_exceptions=False)

    return run


def test_same_different_and_not_comparable_have_their_exit_codes(hera_rollout):
    Path("a.yaml").write_text(text("'1'"))
    Path("b.yaml").write_text(text('"1"') + "# the same\n")
    Path("c.yaml").write_text(text("'2'"))
    Path("d.yaml").write_text("kind: ConfigMap")
    same = hera_rollout("diff", "a.yaml", "b.yaml")
    assert (same.exit_code, same.output.splitlines()[-1][:37]) == (0, "1 compared: 1 same, 0 different; 0 no")
    different = hera_rollout("diff", "a.yaml", "c.yaml")
    assert different.exit_code == 1
    assert "spec.arguments.parameters[count].value" in different.output
    assert hera_rollout("diff", "a.yaml", "d.yaml").exit_code == 2
    assert hera_rollout("diff", "d.yaml", "d.yaml").exit_code == 2, "nothing compared is never the same"
    missing = hera_rollout("diff", "a.yaml", "nowhere.yaml")
    assert (missing.exit_code, missing.stderr.startswith("Refused: There is no nowhere.yaml")) == (2, True)


def test_folders_are_matched_by_name_and_the_rest_is_said(hera_rollout):
    for folder in ("one", "two", "empty", "empty2"):
        Path(folder, "sub").mkdir(parents=True)
    Path("one/a.yaml").write_text(text("'1'"))
    Path("two/a.json").write_text(json.dumps({**__import__("yaml").safe_load(text("'1'"))}))
    Path("one/sub/b.yaml").write_text(text("'1'") + "---\n" + text("'3'").replace("x-", "y-"))
    Path("two/sub/b.yaml").write_text(text("'3'").replace("x-", "y-") + "---\n" + text("'2'"))
    made = json.loads(hera_rollout("diff", "one", "two", "--json").stdout)
    assert [(pair["name"], pair["result"]) for pair in made["pairs"]] == [
        ("a", "same"),
        ("sub/b Workflow x-", "different"),
        ("sub/b Workflow y-", "same"),
    ]
    assert (made["compared"], made["same"], made["different"], made["not_comparable"]) == (3, 2, 1, 0)
    Path("two/c.yaml").write_text(text("'1'"))
    Path("two/sub/b.yaml").unlink()
    only = hera_rollout("diff", "one", "two")
    assert only.exit_code == 2
    assert "c (only in two)" in only.output
    assert "1 compared: 1 same, 0 different; 2 not comparable" in only.output
    assert hera_rollout("diff", "empty", "empty2").exit_code == 2
    assert hera_rollout("diff", "one", "one/a.yaml").exit_code == 2


def test_rules_can_be_listed_and_switched_off(hera_rollout):
    Path("a.yaml").write_text(text("1"))
    Path("b.yaml").write_text(text("'1'"))
    assert hera_rollout("diff", "a.yaml", "b.yaml").exit_code == 0
    assert "rule any-string" in hera_rollout("diff", "a.yaml", "b.yaml").output
    assert hera_rollout("diff", "a.yaml", "b.yaml", "--off", "any-string").exit_code == 1
    unknown = hera_rollout("diff", "a.yaml", "b.yaml", "--off", "nonsense")
    assert (unknown.exit_code, "any-string" in unknown.stderr) == (2, True)
    listed = hera_rollout("diff", "--rules")
    assert (listed.exit_code, "FormatFloat" in listed.output) == (0, True)


@pytest.fixture
def builders(monkeypatch):
    Path("teams_code.py").write_text(
        "import os, time\n"
        "from hera.workflows import Container, Workflow\n"
        f"TEXT = {text('1')!r}\n"
        "def yaml():\n    print('noise')\n    return TEXT\n"
        "def hera():\n"
        "    with Workflow(generate_name='x-', entrypoint='main', arguments={'count': 1}) as w:\n"
        "        Container(name='main', image='busybox', command=['echo'])\n"
        "    return w\n"
        "def both():\n    return [yaml(), {'kind': 'ConfigMap'}]\n"
        "def pid():\n    open('pid', 'w').write(str(os.getpid()))\n    return TEXT\n"
        "def slow():\n    time.sleep(60)\n"
        "def broken():\n    raise ValueError('no good')\n"
        "def nothing():\n    return None\n"
    )


@pytest.mark.slow
def test_builders_run_in_a_child_process(hera_rollout, builders):
    assert hera_rollout("diff", "teams_code:yaml", "teams_code:hera").exit_code == 0
    assert hera_rollout("diff", "teams_code:both", "teams_code:pid").exit_code == 0
    assert int(Path("pid").read_text()) != os.getpid()
    assert "teams_code" not in sys.modules


@pytest.mark.slow
def test_builders_that_make_nothing_are_not_comparable_and_not_different(hera_rollout, builders):
    for name, said in (("broken", "ValueError: no good"), ("nothing", "to_dict"), ("absent", "no attribute 'absent'")):
        made = hera_rollout("diff", "teams_code:yaml", f"teams_code:{name}")
        assert made.exit_code == 2
        assert said in made.stderr
    slow = hera_rollout("diff", "teams_code:yaml", "teams_code:slow", "--build-seconds", "1")
    assert (slow.exit_code, "made nothing in 1 s" in slow.stderr) == (2, True)


def test_live_needs_a_target(hera_rollout):
    made = hera_rollout("diff", "a", "b", "--live")
    assert (made.exit_code, "--target NAME" in made.stderr) == (2, True)


def test_roundtrip_says_what_is_lost_and_how_many_it_took(hera_rollout, manifests):
    made = hera_rollout("roundtrip", str(manifests))
    assert made.exit_code == 1
    assert "spec.synchronization.mutex" in made.output
    assert made.output.splitlines()[-1] == "4 workflows through Hera and back. Documents: 1 same, 3 lost."
    assert hera_rollout("roundtrip", str(manifests / "dag.yaml")).exit_code == 0
    as_json = json.loads(hera_rollout("roundtrip", str(manifests), "--json").stdout)
    assert (as_json["workflows"], as_json["counts"]) == (4, {"lost": 3, "same": 1})
    Path("none").mkdir()
    Path("none/c.yaml").write_text("kind: ConfigMap")
    assert hera_rollout("roundtrip", "none").exit_code == 2
