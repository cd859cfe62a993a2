"""A folder of small files (a mounted ConfigMap), looked at again at most every 0.2 s."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

INTERVAL = 0.2


class WatchedFolder:
    """The folder's files as a mapping of name to stripped text; a missing folder is an empty one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._entries: Mapping[str, str] = {}

    def entries(self) -> Mapping[str, str]:
        """The folder's content, at most 0.2 s old."""
        with self._lock:
            if time.monotonic() - self._read_at >= INTERVAL:
                self._entries = self._read()
                self._read_at = time.monotonic()
            return self._entries

    def _read(self) -> Mapping[str, str]:
        try:
            # Names that start with a dot are the kubelet's own links (..data).
            files = [file for file in self._folder.iterdir() if not file.name.startswith(".")]
            return {file.name: file.read_text("utf-8").strip() for file in sorted(files) if file.is_file()}
        except (OSError, UnicodeDecodeError):
            # Absent, or swapped under our hands by the kubelet: the next look sees the new content.
            return {} if not self._folder.is_dir() else self._entries
