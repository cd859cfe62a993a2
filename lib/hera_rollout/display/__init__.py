"""What an operator sees: tables, banners, live progress and plots. Every output also carries its evidence as data."""

from hera_rollout.display.banners import banner, header, note
from hera_rollout.display.live import Live, has_front_end, offered, watched
from hera_rollout.display.outputs import EVIDENCE_KEY, show
from hera_rollout.display.palette import COLORS
from hera_rollout.display.plots import durations_by_path, resources_by_path, times_by_path
from hera_rollout.display.tables import checks_frame, diff, rows, table
from hera_rollout.display.telling import PROGRESS_VARIABLE

__all__ = [
    "COLORS",
    "EVIDENCE_KEY",
    "PROGRESS_VARIABLE",
    "Live",
    "banner",
    "checks_frame",
    "diff",
    "durations_by_path",
    "has_front_end",
    "header",
    "note",
    "offered",
    "resources_by_path",
    "rows",
    "show",
    "table",
    "times_by_path",
    "watched",
]
