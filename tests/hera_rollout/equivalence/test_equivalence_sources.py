"""Program texts: what may differ, and what looks as if it might but may not."""

import pytest

from hera_rollout.equivalence import compare, shell, sources

PYTHON = [
    ("print(1)", "print(1)  # one\n", True),
    ("x = 'a'\n", 'x = "a"\n\n\n', True),
    ("if a:\n  b()\n", "if a:\n    b()\n", True),
    ("x = 1\n", "x = True\n", False),
    ("x = 1\n", "x = 1.0\n", False),
    ("'''doc'''\nx = 1", "x = 1", False),
    ("a()\nb()", "b()\na()", False),
    ("not python (", "not python ( ", False),
    ("print({{inputs.parameters.n}})", "print( {{inputs.parameters.n}} ) # n", True),
    ("print('{{inputs.parameters.n}}')", 'print("{{inputs.parameters.n}}")', False),  # n may hold a quote
    ("x = 1  # {{inputs.parameters.n}}", "x = 1", False),  # n may hold a line
    ("print({{=1+1}})", "print({{=1+2}})", False),
    ("print(__file__)", "\nprint(__file__)", True),
]


@pytest.mark.parametrize(("one", "other", "same"), PYTHON)
def test_python_by_its_syntax_tree(one, other, same):
    if "__file__" in one:
        same = False  # a text that looks at itself is left alone
    assert (sources.same(one, other, "python") == "python-source") is same
    assert (sources.same(other, one, "python") == "python-source") is same


SHELL = [
    ("# a\necho 1\n", "echo 1", True),
    ("if x; then\n  # why\n  echo 1  \nfi", "if x; then\n  echo 1\nfi\n", True),
    ('echo "a\n# b\n"', 'echo "a\n"', False),
    ("echo 'a\n\n'", "echo 'a\n'", False),
    ("cat <<E\n# a\nE", "cat <<E\nE", False),
    ("echo a \\\n# b\n", "echo a \\\n", False),
    ('x="$(echo "\n# a\n")"', 'x="$(echo "\n")"', False),
    ("echo it  # don't\n# a\necho 'b'", "echo it  # don't\necho 'b'", True),
    ("echo ${x//,/ }\n# a", "echo ${x//,/ }", True),
    ("echo {{inputs.parameters.n}}\n# a", "echo {{inputs.parameters.n}}", False),
    ("echo {{workflow.name}}\n# a", "echo {{workflow.name}}", True),
    ("echo $LINENO\n# a\necho $LINENO", "echo $LINENO\necho $LINENO", False),
    ("echo a", "echo b", False),
    ("echo a\\ ", "echo a\\", False),
    ("echo `a\n# b\n`", "echo `a\n`", False),
    ("echo $'it\\'s\n# a\n'", "echo $'it\\'s\n'", False),
]


@pytest.mark.parametrize(("one", "other", "same"), SHELL)
def test_shell_without_comments_only_where_that_is_sound(one, other, same):
    assert (sources.same(one, other, "shell") == "shell-comments") is same


def test_shell_text_keeps_every_line_that_does_something():
    assert shell.stripped("set -e\n\n  # a\n  echo 'x\n  # kept\n  '\n") == "set -e\necho 'x\n  # kept\n  '"


@pytest.mark.parametrize(
    ("command", "spoken"),
    [
        (["python"], "python"),
        (["/usr/bin/python3.11", "-u"], "python"),
        (["/usr/bin/env", "python3"], "python"),
        (["bash"], "shell"),
        (["node"], ""),
        (["pythonista"], ""),
        ([], ""),
        (None, ""),
    ],
)
def test_only_a_command_names_an_interpreter(command, spoken):
    assert sources.language(command) == spoken


def script(source, command, image="python:3.11"):
    template = {"name": "main", "script": {"image": image, "command": command, "source": source}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "x-"},
        "spec": {"entrypoint": "main", "templates": [template]},
    }


def test_a_script_by_its_interpreter():
    assert compare(script("a = 1", ["python"]), script("a = 1 # x", ["python"])).same
    assert not compare(script("a = 1", ["node"]), script("a = 1 # x", ["node"])).same
    assert not compare(script("a = 1", []), script("a = 1 # x", [])).same, "an image is no interpreter"
    assert not compare(script("a = 1", ["python"]), script("a = 1 # x", ["bash"])).same


def test_code_in_a_containers_arguments(workflow):
    def code(text, *command):
        return workflow(command=list(command), args=[text])

    assert compare(code("a = 1", "python", "-c"), code("a = 1 # x", "python", "-c")).same
    assert compare(code("echo 1", "sh", "-ec"), code("# x\necho 1", "sh", "-ec")).same
    assert not compare(code("a = 1", "node", "-c"), code("a = 1 # x", "node", "-c")).same
    assert not compare(code("a = '$(X)'", "python", "-c"), code('a = "$(X)"', "python", "-c")).same, (
        "the kubelet's text"
    )
    assert not compare(code("a = 1", "python", "run.py", "-c"), code("a = 1 # x", "python", "run.py", "-c")).same
