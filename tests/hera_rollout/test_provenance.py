import pytest
from hera.workflows import Container, Script, Workflow, script

from hera_rollout.backend import provenance


def built(*templates) -> dict:
    """A manifest as Hera really writes it."""
    with Workflow(name="w", entrypoint="main") as workflow:
        for kind in templates:
            kind(name="main")
    return workflow.to_dict()


def container(name: str) -> Container:
    return Container(name=name, image="i", command=["python", "-c"], args=["print(1)"])


def labelled(document: dict, path: str | None) -> dict:
    labels = {} if path is None else {"hera-rollout/path": path}
    return {**document, "metadata": {**document.get("metadata", {}), "labels": labels}}


def by_yaml() -> dict:
    return {
        "spec": {"templates": [{"name": "main", "container": {"name": "main", "image": "i", "args": ["print(1)"]}}]}
    }


@pytest.mark.parametrize(
    ("document", "path", "how"),
    [
        (labelled(built(container), "hera"), "hera", "proven"),
        (labelled(by_yaml(), "yaml"), "yaml", "proven"),
        (labelled(by_yaml(), "hera"), "hera", "contradicted"),
        (labelled(by_yaml(), None), "yaml", "inferred"),
        (labelled(built(container), None), "", "unproven"),
        (labelled(built(container), "python"), "", "contradicted"),
        ({}, "", "unproven"),
    ],
)
def test_label_and_manifest_are_judged_together(document, path, how):
    judged = provenance(document)
    assert (judged.path, judged.how) == (path, how)
    assert judged.reason


def test_a_label_that_the_manifest_contradicts_says_what_gave_it_away():
    assert "its container has a name" in provenance(labelled(by_yaml(), "hera")).reason


def test_heras_own_script_is_known_by_its_prelude():
    @script(image="i")
    def main(x: int = 1):
        print(x)

    with Workflow(name="w", entrypoint="main") as workflow:
        main(name="main")
    document = workflow.to_dict()
    assert provenance(document).path == "hera"
    assert provenance(labelled(document, "yaml")).how == "contradicted"


def test_hera_never_names_the_container_which_is_what_the_sign_rests_on():
    with Workflow(name="w", entrypoint="main") as workflow:
        Container(name="main", image="i", command=["true"])
        Script(name="other", image="i", source="1", command=["python"])
    for template in workflow.to_dict()["spec"]["templates"]:
        assert "name" not in (template.get("container") or template.get("script"))


def test_the_empty_name_that_the_argo_server_stores_is_no_name():
    document = built(container)
    document["spec"]["templates"][0]["container"]["name"] = ""
    assert provenance(labelled(document, "hera")).how == "proven"


def test_a_key_that_heras_models_would_have_dropped_is_yamls():
    document = {"spec": {"templates": [{"name": "main", "_env": [], "container": {"image": "i"}}]}}
    assert provenance(labelled(document, "hera")).how == "contradicted"
