"""What a cleanup must not decide alone: it stays as it is, is named with file and line, and `places left` is HOLD."""

import importlib.util
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from hera_rollout import cleanup
from hera_rollout.cli import main
from hera_rollout.gates import Verdict
from hera_rollout.phase.steps.cleaning import left_check

_spec = importlib.util.spec_from_file_location("cleanup_conftest", Path(__file__).with_name("conftest.py"))
conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(conftest)

FLAG = "USE_HERA_SDK"
READER = {
    "service/config.py": 'import os\n\nUSE_HERA = os.getenv("USE_HERA_SDK", "false").lower() == "true"\n',
    "service/build.py": """\
        from service.config import USE_HERA


        def build(task):
            return new(task) if USE_HERA else {}
        """,
}
DEPLOYMENT = """\
    kind: Deployment
    spec:
      template:
        spec:
          containers:
          - name: backend
            env:
            - {name: A, value: b}
            - name: USE_HERA_SDK
              value: "true"
    """


def planned(folder: Path, files: dict[str, str]) -> cleanup.CleanupPlan:
    """The plan for a repository of these files alone."""
    return cleanup.plan(conftest.committed(folder, files), FLAG, templates=True)


def changed(plan: cleanup.CleanupPlan, file: str) -> bool:
    return file in {edit.file for edit in plan.edits}


def left_at(plan: cleanup.CleanupPlan) -> dict[str, str]:
    """Every open place as file:line, with why; `places left` is HOLD for them, and table and command list them."""
    places = {f"{place.file}:{place.line}": place.why for place in plan.open_places}
    check = left_check(plan)
    assert check.verdict is (Verdict.HOLD if places else Verdict.PASS)
    assert {f"{row['file']}:{row['line']}" for row in check.evidence["places"]} == places.keys()
    table = cleanup.inventory(plan)
    by_hand = table[table["what happens"] == "by hand"]
    assert places.keys() <= {f"{row.file}:{row.line}" for row in by_hand.itertuples()}
    done = CliRunner().invoke(main, ["flag-scan", str(plan.repository)])
    assert [place for place in places if f"✗ {place}: " not in done.output] == [], done.output
    assert done.exit_code == (3 if places else 0)
    return places


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        (".gitlab-ci.yml", "test:\n  script:\n  - USE_HERA_SDK=true pytest tests\n", 3),
        (".gitlab-ci.yml", "test:\n  image: python\n  script:\n  - USE_HERA_SDK=true\n", 4),
        (".github/workflows/a.yml", "jobs:\n  test:\n    steps:\n    - run: USE_HERA_SDK=true make test\n", 4),
        ("compose.yaml", "services:\n  a:\n    command: [serve, --set, USE_HERA_SDK=true]\n", 3),
        ("compose.yaml", "services:\n  a:\n    command:\n    - USE_HERA_SDK=true\n", 4),
        (
            "deploy/pod.yaml",
            'kind: Pod\nspec:\n  containers:\n  - name: a\n    args: ["--set", "USE_HERA_SDK=true"]\n',
            5,
        ),
        ("deploy/pod.yaml", "kind: Pod\nspec:\n  containers:\n  - args:\n    - USE_HERA_SDK=true\n", 5),
        (
            "wf.yaml",
            "kind: Workflow\nspec:\n  arguments:\n    parameters:\n    - name: USE_HERA_SDK\n      value: x\n",
            5,
        ),
        ("values.yaml", "image: a\nfeatures:\n  USE_HERA_SDK: true\n", 3),
        ("task.yaml", "kind: Task\nspec:\n  steps:\n  - name: a\n    args:\n    - USE_HERA_SDK\n", 6),
    ],
)
def test_a_command_an_argument_or_a_value_is_no_environment(tmp_path: Path, file: str, text: str, line: int) -> None:
    plan = planned(tmp_path, READER | {file: text})
    assert not changed(plan, file)
    places = left_at(plan)
    assert list(places) == [f"{file}:{line}"]
    assert "not an entry under env, environment, variables or literals" in places[f"{file}:{line}"]


def test_a_job_that_only_sets_the_variable_stays_a_job(tmp_path: Path) -> None:
    text = ".base:\n  variables:\n    USE_HERA_SDK: 'true'\ntest:\n  extends: .base\n  script: [pytest]\n"
    plan = planned(tmp_path, READER | {".gitlab-ci.yml": text})
    after = next(edit.after for edit in plan.edits if edit.file == ".gitlab-ci.yml")
    assert after == ".base: {}\ntest:\n  extends: .base\n  script: [pytest]\n"
    assert left_at(plan) == {}


BUILT = {
    "a prefix and a field": """\
        from pydantic_settings import BaseSettings, SettingsConfigDict


        class Settings(BaseSettings):
            model_config = SettingsConfigDict(env_prefix="USE_HERA_")
            sdk: bool = False


        def build(task, settings):
            return new(task) if settings.sdk else old(task)
        """,
    "a prefix given to the class": """\
        class Settings(BaseSettings, env_prefix="use_hera_"):
            sdk: bool = False
        """,
    "a prefix in another file's words": """\
        settings = Dynaconf(envvar_prefix="USE")


        def build(task):
            return new(task) if settings.HERA_SDK else old(task)
        """,
    "parts joined": """\
        import os

        NAME = "_".join(["USE", "HERA", "SDK"])
        USE = os.environ.get(NAME) == "true"
        """,
    "parts added": """\
        import os

        ON = os.getenv("USE_" + "HERA" + "_SDK") == "true"
        """,
    "a part known only at run time": """\
        import os


        def on(kind):
            return os.getenv(f"USE_{kind}") == "true"
        """,
    "the whole environment": """\
        import os

        FLAGS = {key.lower(): value for key, value in os.environ.items()}
        """,
    "the whole environment by prefix": """\
        import os

        for key in os.environ:
            if key.startswith("USE_"):
                switch(key)
        """,
}


@pytest.mark.parametrize("code", BUILT.values(), ids=BUILT)
def test_a_variable_stays_where_its_reader_was_not_folded(tmp_path: Path, code: str) -> None:
    files = {"service/settings.py": code, "deploy/deployment.yaml": DEPLOYMENT, ".env": "USE_HERA_SDK=true\n"}
    plan = planned(tmp_path, files)
    assert plan.edits == ()
    places = left_at(plan)
    assert {".env:1", "deploy/deployment.yaml:9"} < places.keys()
    assert all("no reader of it was folded" in places[place] for place in (".env:1", "deploy/deployment.yaml:9"))
    assert any(place.startswith("service/settings.py:") for place in places)


def test_a_variable_stays_where_only_one_of_two_readers_was_folded(tmp_path: Path) -> None:
    other = BUILT["parts added"]
    plan = planned(tmp_path, READER | {"worker/settings.py": other, "deploy/deployment.yaml": DEPLOYMENT})
    assert not changed(plan, "deploy/deployment.yaml")
    places = left_at(plan)
    assert places.keys() == {"deploy/deployment.yaml:9", "worker/settings.py:3"}
    assert "worker/settings.py:3 may still read it" in places["deploy/deployment.yaml:9"]


def test_a_repository_without_the_code_keeps_its_manifests(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"deployment.yaml": DEPLOYMENT})
    assert plan.edits == ()
    assert list(left_at(plan)) == ["deployment.yaml:9"]


def test_a_shell_script_that_still_asks_keeps_the_variable(tmp_path: Path) -> None:
    script = '#!/bin/sh\nif [ "$USE_HERA_SDK" = true ]; then echo on; fi\n'
    plan = planned(tmp_path, READER | {"run.sh": script, "deployment.yaml": DEPLOYMENT})
    assert not changed(plan, "deployment.yaml")
    assert left_at(plan).keys() == {"deployment.yaml:9", "run.sh:2"}


def test_a_reader_that_was_folded_lets_the_variable_go(tmp_path: Path) -> None:
    environ = 'import environ\n\nenv = environ.Env()\nUSE_HERA = env.bool("USE_HERA_SDK")\n'
    plan = planned(tmp_path, READER | {"service/config.py": environ, "deployment.yaml": DEPLOYMENT})
    assert changed(plan, "deployment.yaml")
    assert left_at(plan) == {}


CALLED = {
    "a thread's run": (
        """\
        import threading
        from service.config import USE_HERA


        class Worker(threading.Thread):
            def run(self):
                return old()


        def start(worker):
            if USE_HERA:
                return worker.start()
            return worker.run()
        """,
        "service/work.py:6",
    ),
    "an override of another library's class": (
        """\
        from http.server import BaseHTTPRequestHandler
        from service.config import USE_HERA


        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                return old()


        def answer(handler):
            return new() if USE_HERA else handler.do_GET()
        """,
        "service/work.py:6",
    ),
    "a visitor's method": (
        """\
        import ast
        from service.config import USE_HERA


        class Names(ast.NodeVisitor):
            def visit_Name(self, node):
                return old()


        def names(visitor, node):
            return visitor.visit(node) if USE_HERA else visitor.visit_Name(node)
        """,
        "service/work.py:6",
    ),
    "a method called by a name put together": (
        """\
        from operator import methodcaller
        from service.config import USE_HERA


        class Builder:
            def by_yaml(self):
                return old()


        def build(builder, kind):
            return methodcaller("by_" + kind)(builder) if USE_HERA else builder.by_yaml()
        """,
        "service/work.py:6",
    ),
    "a decorated function": (
        """\
        from service.app import app
        from service.config import USE_HERA


        @app.task
        def by_yaml(task):
            return old(task)


        def build(task):
            return new(task) if USE_HERA else by_yaml(task)
        """,
        "service/work.py:6",
    ),
    "a registered class": (
        """\
        from service.app import register
        from service.config import USE_HERA


        @register
        class Yaml:
            pass


        def build(task):
            return new(task) if USE_HERA else Yaml(task)
        """,
        "service/work.py:6",
    ),
    "a function named in a text": (
        """\
        from service.config import USE_HERA

        ENTRY = "service.work:by_yaml"


        def by_yaml(task):
            return old(task)


        def build(task):
            return new(task) if USE_HERA else by_yaml(task)
        """,
        "service/work.py:6",
    ),
    "a function named in configuration": (
        """\
        from service.config import USE_HERA


        def by_yaml_too(task):
            return old(task)


        def build(task):
            return new(task) if USE_HERA else by_yaml_too(task)
        """,
        "service/work.py:4",
    ),
}
CONFIGURED = {"setup.cfg": "[options.entry_points]\nbuilders = service.work:by_yaml_too\n"}


@pytest.mark.parametrize(("code", "place"), CALLED.values(), ids=CALLED)
def test_what_a_framework_may_call_stays_and_is_named(tmp_path: Path, code: str, place: str) -> None:
    plan = planned(tmp_path, READER | CONFIGURED | {"service/work.py": code})
    after = next(edit.after for edit in plan.edits if edit.file == "service/work.py")
    name = dedent(code).splitlines()[int(place.rpartition(":")[2]) - 1]
    assert name in after
    assert list(left_at(plan)) == [place]


def test_a_property_that_a_template_asks_for_stays(tmp_path: Path) -> None:
    code = """\
        import os


        class Settings:
            @property
            def hera_is_on(self):
                return os.getenv("USE_HERA_SDK") == "true"


        def build(task, settings: Settings):
            return new(task) if settings.hera_is_on else {}
        """
    plan = planned(tmp_path, {"service.py": code, "page.html": "{% if settings.hera_is_on %}Hera{% endif %}\n"})
    after = next(edit.after for edit in plan.edits if edit.file == "service.py")
    assert "def hera_is_on" in after
    assert {"service.py:6", "service.py:7"} <= left_at(plan).keys()


FALLBACKS = {
    "the variable is set again when Hera fails": (
        """\
        import os


        def build(x):
            use = True if os.getenv("USE_HERA_SDK") == "true" else False
            if use:
                try:
                    return create(x)
                except Exception:
                    use = False
            if not use:
                return by_yaml(x)
        """,
        {6, 11},
    ),
    "the variable is set in the branch": (
        """\
        import os


        def build(x):
            use = False
            if os.getenv("USE_HERA_SDK") == "true":
                use = True
            if use:
                return create(x)
            return by_yaml(x)
        """,
        {8},
    ),
    "an except handler": (
        """\
        import os


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true":
                try:
                    return create(x)
                except Exception:
                    return by_yaml(x)
            return by_yaml(x)
        """,
        {9},
    ),
    "a boolean combination": (
        """\
        import os


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true" and simple(x):
                return create(x)
            return by_yaml(x)
        """,
        {7},
    ),
    "what is still missing afterwards": (
        """\
        import os


        def build(x):
            result = None
            if os.getenv("USE_HERA_SDK") == "true":
                try:
                    result = create(x)
                except Exception:
                    report(x)
            if result is None:
                result = by_yaml(x)
            return result
        """,
        {12},
    ),
    "a guard that catches everything": (
        """\
        import os

        try:
            from service import by_hera
        except Exception:
            by_hera = None


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true" and by_hera:
                return by_hera.create(x)
            return by_yaml(x)
        """,
        {12},
    ),
    "a default argument": (
        """\
        import os


        def build(x, make=by_yaml):
            if os.getenv("USE_HERA_SDK") == "true":
                return create(x)
            return by_yaml(x)
        """,
        {4},
    ),
}
PATHS = """\


        def create(x):
            return ["hera", x]


        def by_yaml(x):
            return ["yaml", x]
        """


SHARED = {
    "a helper of both paths": """\
        import os


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true":
                return send(create(x))
            return send(by_yaml(x))


        def send(x):
            return x
        """,
    "what reports an error of Hera": """\
        import os


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true":
                try:
                    return create(x)
                except ValueError:
                    report(x)
                    raise
            return by_yaml(x)


        def report(x):
            return x
        """,
    "a number": """\
        import os


        def build(x, spent):
            limit = 30 if os.getenv("USE_HERA_SDK") == "true" else 60
            if spent > limit:
                return by_yaml(x)
            return create(x)
        """,
}


SAME_NAME = READER | {
    "service/build.py": """\
        from service import by_yaml
        from service.config import USE_HERA


        def build(task):
            if USE_HERA:
                return new(task)
            return by_yaml.build(task)
        """,
    "service/by_yaml.py": "def build(task):\n    return old(task)\n",
}


def test_a_function_that_only_has_the_name_of_what_goes_stays(tmp_path: Path) -> None:
    plan = planned(tmp_path, SAME_NAME)
    after = {edit.file: edit.after for edit in plan.edits}
    assert after["service/by_yaml.py"] is None
    assert after["service/build.py"].strip() == "def build(task):\n    return new(task)"
    assert left_at(plan) == {}


KEPT = {
    "a name put together for getattr": (
        """\
        from service import work
        from service.config import USE_HERA


        def by_yaml(task):
            return old(task)


        def build(task, kind):
            return getattr(work, f"by_{kind}")(task) if USE_HERA else by_yaml(task)
        """,
        "service/work.py:5",
    ),
    "a name put together for globals": (
        """\
        from service.config import USE_HERA


        def by_yaml(task):
            return old(task)


        def build(task, kind):
            return globals()["by_" + kind](task) if USE_HERA else by_yaml(task)
        """,
        "service/work.py:4",
    ),
    "a class of another library's base": (
        """\
        from celery import Task
        from service.config import USE_HERA


        class Yaml(Task):
            name = "yaml"


        def build(task):
            return new(task) if USE_HERA else Yaml().delay(task)
        """,
        "service/work.py:5",
    ),
    "a class whose base keeps its subclasses": (
        """\
        from service.config import USE_HERA

        KINDS = {}


        class Kind:
            def __init_subclass__(cls):
                KINDS[cls.__name__] = cls


        class Yaml(Kind):
            name = "yaml"


        def build(task, kind):
            return KINDS[kind](task) if USE_HERA else Yaml(task)
        """,
        "service/work.py:11",
    ),
    "a class that is asked for by __subclasses__": (
        """\
        from service.config import USE_HERA


        class Kind:
            pass


        class Yaml(Kind):
            name = "yaml"


        def build(task):
            return [kind(task) for kind in Kind.__subclasses__()] if USE_HERA else Yaml(task)
        """,
        "service/work.py:8",
    ),
}


@pytest.mark.parametrize(("code", "place"), KEPT.values(), ids=KEPT)
def test_what_is_asked_for_without_its_name_stays_and_is_named(tmp_path: Path, code: str, place: str) -> None:
    plan = planned(tmp_path, READER | {"service/work.py": code})
    after = next(edit.after for edit in plan.edits if edit.file == "service/work.py")
    name = dedent(code).splitlines()[int(place.rpartition(":")[2]) - 1]
    assert name in after
    assert place in left_at(plan)


def test_a_module_whose_name_is_put_together_stays_and_is_named(tmp_path: Path) -> None:
    build = "from service.config import USE_HERA\nfrom service.kinds import yaml_kind\n\n\ndef build(task):\n"
    build += "    return new(task) if USE_HERA else yaml_kind.make(task)\n"
    load = "from importlib import import_module\n\n\ndef load(kind):\n"
    load += '    return import_module(f"service.kinds.{kind}_kind")\n'
    files = {
        "service/build.py": build,
        "service/load.py": load,
        "service/kinds/yaml_kind.py": "def make(task):\n    return 1\n",
    }
    plan = planned(tmp_path, READER | files)
    assert not changed(plan, "service/kinds/yaml_kind.py")
    assert "service/kinds/yaml_kind.py:1" in left_at(plan)


DEEPER = {
    "in a function of Hera's own": (
        """\
        import os


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true":
                return by_hera(x)
            return by_yaml(x)


        def by_hera(x):
            try:
                return create(x)
            except Exception:
                return by_yaml(x)
        """,
        {14},
    ),
    "after a try in a function of Hera's own": (
        """\
        import os


        def build(x):
            return by_hera(x) if os.getenv("USE_HERA_SDK") == "true" else by_yaml(x)


        def by_hera(x):
            try:
                return create(x)
            except Exception:
                report(x)
            return by_yaml(x)
        """,
        {13},
    ),
    "in a decorator of a function of Hera's own": (
        """\
        import os


        def build(x):
            return by_hera(x) if os.getenv("USE_HERA_SDK") == "true" else by_yaml(x)


        @retried(fallback=by_yaml)
        def by_hera(x):
            return create(x)
        """,
        {8},
    ),
    "in the old class as a base of Hera's": (
        """\
        import os


        class Yaml:
            def make(self, x):
                return by_yaml(x)


        class Hera(Yaml):
            def make(self, x):
                try:
                    return create(x)
                except Exception:
                    return super().make(x)


        def builder():
            return Hera() if os.getenv("USE_HERA_SDK") == "true" else Yaml()
        """,
        {9},
    ),
    "in a function in a function": (
        """\
        import os


        def app():
            def build(x):
                if os.getenv("USE_HERA_SDK") == "true":
                    try:
                        return create(x)
                    except Exception:
                        report(x)
                return by_yaml(x)

            return build
        """,
        {11},
    ),
    "in a function under a condition": (
        """\
        import os

        if create:
            def build(x):
                if os.getenv("USE_HERA_SDK") == "true":
                    try:
                        return create(x)
                    except Exception:
                        report(x)
                return by_yaml(x)
        """,
        {10},
    ),
    "by an error that said the flag is off": (
        """\
        import os


        def build(x):
            try:
                if os.getenv("USE_HERA_SDK") != "true":
                    raise RuntimeError
                return create(x)
            except RuntimeError:
                return by_yaml(x)
        """,
        {10},
    ),
    "in the caller, by an error": (
        """\
        import os


        def build(x):
            try:
                return by_hera(x)
            except Exception:
                return by_yaml(x)


        def by_hera(x):
            if os.getenv("USE_HERA_SDK") != "true":
                raise RuntimeError
            return create(x)
        """,
        {8},
    ),
    "in the caller, by None": (
        """\
        import os


        def build(x):
            return by_hera(x) or by_yaml(x)


        def by_hera(x):
            if os.getenv("USE_HERA_SDK") == "true":
                return create(x)
            return None
        """,
        {5},
    ),
    "in the caller, by None that is kept": (
        """\
        import os


        def build(x):
            made = by_hera(x)
            if made is None:
                made = by_yaml(x)
            return made


        def by_hera(x):
            if os.getenv("USE_HERA_SDK") != "true":
                return None
            return create(x)
        """,
        {7},
    ),
    "by what is still missing in an expression": (
        """\
        import os
        from contextlib import suppress


        def build(x):
            result = None
            if os.getenv("USE_HERA_SDK") == "true":
                with suppress(Exception):
                    result = create(x)
            return result or by_yaml(x)
        """,
        {10},
    ),
    "as an argument beside Hera's": (
        """\
        import os


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true":
                return attempt(create, x, fallback=by_yaml)
            return by_yaml(x)
        """,
        {6},
    ),
    "as an argument of Hera's": (
        """\
        import os


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true":
                return create.apply_async((x,), link_error=by_yaml.s(x))
            return by_yaml.delay(x)
        """,
        {6},
    ),
    "as the next of a list": (
        """\
        import os


        def build(x):
            for make in (create, by_yaml) if os.getenv("USE_HERA_SDK") == "true" else (by_yaml,):
                try:
                    return make(x)
                except Exception:
                    continue
        """,
        {5},
    ),
    "as the second of two classes": (
        """\
        import os


        class Hera:
            pass


        class Yaml:
            pass


        def builder():
            return Either(Hera(), Yaml()) if os.getenv("USE_HERA_SDK") == "true" else Yaml()
        """,
        {13},
    ),
}


@pytest.mark.parametrize(("code", "lines"), [*FALLBACKS.values(), *DEEPER.values()], ids=[*FALLBACKS, *DEEPER])
def test_an_old_path_that_is_still_reached_is_named(tmp_path: Path, code: str, lines: set[int]) -> None:
    plan = planned(tmp_path, {"service.py": code + PATHS})
    assert changed(plan, "service.py")
    places = left_at(plan)
    assert places.keys() == {f"service.py:{line}" for line in lines}
    assert all("old path" in why for why in places.values())


SHARED_DEEPER = {
    "a helper of both, used by Hera's function and inline": """\
        import os


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true":
                return by_hera(x)
            return send(by_yaml(x))


        def by_hera(x):
            return send(create(x))


        def send(x):
            return x
        """,
    "settings of both": """\
        import os


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true":
                return create(x, limits())
            return by_yaml(x, limits())


        def limits():
            return 1
        """,
    "what reports an error in Hera's function": """\
        import os


        def build(x):
            if os.getenv("USE_HERA_SDK") == "true":
                return by_hera(x)
            report(x)
            return by_yaml(x)


        def by_hera(x):
            try:
                return create(x)
            except ValueError:
                report(x)
                raise


        def report(x):
            return x
        """,
    "a guard before either": """\
        import os


        def build(x):
            if not check(x):
                return refuse(x)
            if os.getenv("USE_HERA_SDK") == "true":
                return by_hera(x)
            return by_yaml(x)


        def by_hera(x):
            if not check(x):
                return refuse(x)
            return create(x)


        def check(x):
            return x


        def refuse(x):
            return x
        """,
}


@pytest.mark.parametrize("code", [*SHARED.values(), *SHARED_DEEPER.values()], ids=[*SHARED, *SHARED_DEEPER])
def test_what_both_paths_use_is_no_old_path(tmp_path: Path, code: str) -> None:
    assert left_at(planned(tmp_path, {"service.py": code + PATHS})) == {}


PARTED = {
    "nested models": """\
        from pydantic import BaseModel
        from pydantic_settings import BaseSettings


        class Hera(BaseModel):
            sdk: bool = False


        class Settings(BaseSettings):
            model_config = {"env_prefix": "USE_", "env_nested_delimiter": "_"}
            hera: Hera = Hera()
        """,
    "nested models without a prefix": """\
        from pydantic import BaseModel
        from pydantic_settings import BaseSettings


        class Use(BaseModel):
            hera_sdk: bool = False


        class Settings(BaseSettings):
            model_config = {"env_nested_delimiter": "_", "env_nested_max_split": 1}
            use: Use = Use()
        """,
    "a group of environ-config": """\
        import environ


        @environ.config(prefix="USE")
        class Settings:
            @environ.config
            class Hera:
                sdk = environ.bool_var(False)

            hera = environ.group(Hera)
        """,
    "an option of click": """\
        import click


        @click.command(context_settings={"auto_envvar_prefix": "USE"})
        @click.option("--hera-sdk/--no-hera-sdk")
        def main(hera_sdk):
            return hera_sdk
        """,
    "a prefix by default": """\
        import os


        def setting(name, prefix="USE_"):
            return os.environ[prefix + name]


        ON = setting("HERA_SDK")
        """,
    "a prefix joined": """\
        import os


        def setting(name):
            return os.environ["_".join(["USE", name])]
        """,
}


@pytest.mark.parametrize("code", PARTED.values(), ids=PARTED)
def test_a_second_reader_by_parts_keeps_the_variable(tmp_path: Path, code: str) -> None:
    plan = planned(tmp_path, READER | {"worker/settings.py": code, "deploy/deployment.yaml": DEPLOYMENT})
    assert not changed(plan, "deploy/deployment.yaml")
    places = left_at(plan)
    assert "may still read it" in places["deploy/deployment.yaml:9"]
    assert any(place.startswith("worker/settings.py:") for place in places)


@pytest.mark.parametrize(
    ("file", "text", "lines"),
    [
        (
            ".github/workflows/a.yml",
            "jobs:\n  t:\n    strategy:\n      matrix:\n        env: [USE_HERA_SDK=true, USE_HERA_SDK=false]\n",
            {5},
        ),
        (
            ".github/workflows/a.yml",
            "jobs:\n  t:\n    strategy:\n      matrix:\n        env:\n        - USE_HERA_SDK=true\n        - A=b\n",
            {6},
        ),
        (
            ".gitlab-ci.yml",
            "t:\n  parallel:\n    matrix:\n    - variables: [USE_HERA_SDK=true]\n      A: b\n",
            {4},
        ),
        (".travis.yml", "env:\n- USE_HERA_SDK=true\n- USE_HERA_SDK=false\nscript: pytest\n", {2, 3}),
        (
            "bitbucket-pipelines.yml",
            "pipelines:\n  custom:\n    a:\n    - variables:\n      - name: USE_HERA_SDK\n    - step: {script: [x]}\n",
            {5},
        ),
    ],
)
def test_what_makes_jobs_or_would_leave_an_empty_entry_is_by_hand(
    tmp_path: Path, file: str, text: str, lines: set[int]
) -> None:
    plan = planned(tmp_path, READER | {file: text})
    assert not changed(plan, file)
    assert left_at(plan).keys() == {f"{file}:{line}" for line in lines}


def test_a_list_that_a_patch_counts_keeps_its_entry(tmp_path: Path) -> None:
    patch = "- op: replace\n  path: /spec/template/spec/containers/0/env/1/value\n  value: c\n"
    plan = planned(tmp_path, READER | {"deploy/deployment.yaml": DEPLOYMENT, "deploy/patch.yaml": patch})
    assert not changed(plan, "deploy/deployment.yaml")
    assert "deploy/patch.yaml:2" in left_at(plan)["deploy/deployment.yaml:9"]
