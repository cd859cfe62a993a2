"""The two mends, on the real module."""

from __future__ import annotations

import filecmp
from pathlib import Path

from rollout_lab import mends, recipes, toolchain


def test_mends_add_two_files_and_change_none(tmp_path: Path) -> None:
    go = toolchain.ensure()
    original = mends.download(go, recipes.ARGO.mended)
    mends.mended_copy(go, recipes.ARGO.mended, tmp_path / "upstream")
    added, changed = [], []
    for path in (tmp_path / "upstream").rglob("*"):
        if path.is_file():
            name = path.relative_to(tmp_path / "upstream")
            if not (original / name).exists():
                added.append(str(name))
            elif not filecmp.cmp(path, original / name, shallow=False):
                changed.append(str(name))
    assert sorted(added) == ["ui/dist/app/index.html", "workflow/executor/osspecific/signal_linux.go"]
    assert changed == []
