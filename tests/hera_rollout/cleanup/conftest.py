"""A small service in a git repository of its own, with everything a real one has around its code."""

import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

SERVICE = {
    "pyproject.toml": """\
        [project]
        name = "service"
        dependencies = [
            "hera>=7",
            "jinja2>=3",
            "pyyaml>=6",  # templates
        ]
        """,
    "requirements.txt": "hera==7.1.0\npyyaml==6.0.2\n",
    "service/__init__.py": "",
    "service/config.py": """\
        import os

        USE_HERA_SDK = os.getenv("USE_HERA_SDK", "false").lower() == "true"
        """,
    "service/build.py": """\
        from service import by_hera, by_yaml
        from service.config import USE_HERA_SDK


        def build(task):
            if USE_HERA_SDK:
                return by_hera.build(task)
            return by_yaml.build(task)
        """,
    "service/by_hera.py": 'def build(task):\n    return ["hera", task]\n',
    "service/by_yaml.py": """\
        from pathlib import Path

        import yaml


        def build(task):
            return yaml.safe_load(Path(__file__).with_name("task.yaml").read_text()) + [task]
        """,
    "service/task.yaml": "- yaml\n",
    "tests/test_build.py": """\
        from service import build, by_yaml


        def test_build():
            assert build.build(1)[1] == 1


        def test_yaml():
            assert by_yaml.build(1) == ["yaml", 1]
        """,
    "compose.yaml": """\
        services:
          backend:
            image: backend   # ours
            environment:
              - OTHER=1
              # USE_HERA_SDK: the canary
              - USE_HERA_SDK=true
        """,
    "deploy/deployment.yaml": """\
        apiVersion: apps/v1
        kind: Deployment
        spec:
          template:
            spec:
              containers:
              - name: backend
                env:
                - name: USE_HERA_SDK
                  value: "true"
                ports: [{containerPort: 8000}]  # http
        """,
    ".env": "A=1\nUSE_HERA_SDK=true\n",
    "run.sh": "#!/bin/sh\nexport USE_HERA_SDK=true\nexec python -m service\n",
    "README.md": "# Service\n\nSet `USE_HERA_SDK` to choose the path.\n",
}


def run_git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder


def committed(folder: Path, files: dict[str, str]) -> Path:
    written(folder, files)
    run_git(folder, "init", "-q", "-b", "main")
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture
def service(tmp_path: Path) -> Path:
    return committed(tmp_path, SERVICE)
