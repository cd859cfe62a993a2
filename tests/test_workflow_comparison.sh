#!/usr/bin/env bash
# Compare the workflows that the YAML path and the Hera path built for the same tasks.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/test_workflow_comparison.sh [--api-url URL] [--json] [TASK ...]
       tests/test_workflow_comparison.sh --live YAML_WORKFLOW HERA_WORKFLOW [--target NAME]

Compares the manifests of the newest run by each path, of every task that has a run by both
(or of the tasks named). To give a task both: run it, flip USE_HERA_SDK, run it again.
With --live it compares two workflows in the cluster by their names, their runs and logs too.

  --api-url URL   the backend (default: $API_URL, else http://localhost:8000)
  --target NAME   the place, for --live (default: $TARGET, else lab)
  --json          figures for machines
  --help          this text

Exit codes: 0 the same, 1 different, 2 not comparable or nothing to compare.
TEXT
}

fail() { printf '%s\n' "$*" >&2; exit 2; }

api_url="${API_URL:-http://localhost:8000}" target="${TARGET:-lab}" live="" json=()
words=()
while (($#)); do
  case "$1" in
    --help | -h) usage; exit 0 ;;
    --api-url | --target) (($# > 1)) || fail "$1 needs a value. See --help."
      if [[ $1 == --api-url ]]; then api_url="$2"; else target="$2"; fi; shift ;;
    --api-url=*) api_url="${1#*=}" ;;
    --target=*) target="${1#*=}" ;;
    --live) live=1 ;;
    --json) json=(--json) ;;
    -*) fail "There is no option $1. See --help." ;;
    *) words+=("$1") ;;
  esac
  shift
done

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
bin="$root/.venv/bin"
[[ -x $bin/hera-rollout ]] || bin="$(dirname "$(command -v hera-rollout || true)")"
[[ -x $bin/hera-rollout ]] || fail "hera-rollout is not installed: run \`make check\` in $root once."
python="$bin/python"
[[ -x $python ]] || python=python3

if [[ -n $live ]]; then
  ((${#words[@]} == 2)) || fail "--live needs two names of workflows. See --help."
  exec "$bin/hera-rollout" diff "${words[@]}" --live --target "$target" "${json[@]}"
fi

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/yaml" "$folder/hera"
# Which path built a run is what its own manifest says by its label.
"$python" - "$api_url" "$folder" ${words[@]+"${words[@]}"} <<'PY' || exit 2
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

api, folder, *named = sys.argv[1:]


def ask(path):
    try:
        with urllib.request.urlopen(f"{api.rstrip('/')}/api/v1/tasks{path}", timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{api} answered {error.code} to GET /api/v1/tasks{path}: {error.read(256).decode('utf-8', 'replace')}")
    except (OSError, ValueError) as error:
        sys.exit(f"{api} does not answer as the backend does: {error}. Is it up, and is --api-url right?")


tasks = named or [task["id"] for task in ask("")["tasks"] if (task.get("runCount") or 0) > 1]
for task in tasks:
    place = "/" + urllib.parse.quote(task, safe="")
    for run in ask(place)["runs"]:  # newest first
        text = ask(f"{place}/runs/{run['runNumber']}/template")["yaml"]
        label = re.search(r"^\s+hera-rollout/path: [\"']?(yaml|hera)\b", text, re.MULTILINE)
        path = Path(folder, label[1] if label else "unknown", f"{re.sub(r'[^-.A-Za-z0-9]', '_', task)}.yaml")
        if label and not path.exists():
            path.write_text(text)
for task in {path.stem for path in Path(folder).rglob("*.yaml")} - set(named):
    sides = [Path(folder, side, f"{task}.yaml") for side in ("yaml", "hera")]
    if not all(side.exists() for side in sides):  # only a task asked for by name must have both
        [side.unlink(missing_ok=True) for side in sides]
PY
if [[ -z $(find "$folder" -name '*.yaml' -print -quit) ]]; then
  fail "Nothing to compare: no task at $api_url has a run by each path.
Run a task, flip the flag (kubectl set env deployment/backend USE_HERA_SDK=true), and run the same task again."
fi
code=0
(cd "$folder" && "$bin/hera-rollout" diff yaml hera "${json[@]}") || code=$?
exit "$code"
