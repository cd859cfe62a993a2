"""The development set-up is valid by the Compose specification's schema and fits the backend; it is not run here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from reference_backend.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "docker-compose.dev.yaml"
CHECK = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]


@pytest.fixture
def document():
    return yaml.safe_load(COMPOSE.read_text())


def environment(document):
    return dict(entry.split("=", 1) for entry in document["services"]["backend"]["environment"])


@pytest.mark.slow
def test_valid_by_the_specifications_schema():
    done = subprocess.run([*CHECK, COMPOSE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_schema_check_would_see_a_mistake(tmp_path, document):
    document["services"]["backend"]["enviroment"] = []
    wrong = tmp_path / "docker-compose.dev.yaml"
    wrong.write_text(yaml.safe_dump(document))
    done = subprocess.run([*CHECK, wrong], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "enviroment" in done.stdout


def test_it_has_the_guides_line(guide, document):
    assert "- USE_HERA_SDK=true" in guide
    assert environment(document)["USE_HERA_SDK"] == "true"


def test_each_variable_is_one_that_the_backend_reads(document):
    assert {name.lower() for name in environment(document)} <= Settings.model_fields.keys()


def test_what_it_builds_and_depends_on_is_there(document):
    service = document["services"]["backend"]
    assert (COMPOSE.parent / service["build"]["context"] / service["build"]["dockerfile"]).resolve().is_file()
    assert service["depends_on"].keys() <= document["services"].keys()
    assert "services" in document


def test_no_port_is_published_but_on_loopback(document):
    ports = [port for service in document["services"].values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8000:8000"]


def test_no_secret_is_written_down_and_it_says_that_it_was_not_run(document):
    assert environment(document)["ARGO_TOKEN"].startswith("${ARGO_TOKEN:?")
    assert re.search(r"not run by them", COMPOSE.read_text())
