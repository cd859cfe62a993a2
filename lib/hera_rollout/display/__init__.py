"""What an operator sees: tables, banners, live progress and plots. Every output also carries its evidence as data."""

from hera_rollout.display.banners import banner, header, note
from hera_rollout.display.ladder import ladder_png, share_by_rung, success_over_looks, times_by_rung, watch_png
from hera_rollout.display.live import Live, has_front_end, offered, watched
from hera_rollout.display.monitoring import error_rate_over_time, success_by_path
from hera_rollout.display.outputs import EVIDENCE_KEY, show
from hera_rollout.display.palette import COLORS
from hera_rollout.display.plots import durations_by_path, resources_by_path, times_by_path
from hera_rollout.display.rehearsing import verdict_shares, verdicts_by_rate
from hera_rollout.display.splitting import coin_toss
from hera_rollout.display.tables import checks_frame, diff, rows, table
from hera_rollout.display.telling import PROGRESS_VARIABLE
from hera_rollout.display.window import traffic_by_hour

__all__ = [
    "COLORS",
    "EVIDENCE_KEY",
    "PROGRESS_VARIABLE",
    "Live",
    "banner",
    "checks_frame",
    "coin_toss",
    "diff",
    "durations_by_path",
    "error_rate_over_time",
    "has_front_end",
    "header",
    "ladder_png",
    "note",
    "offered",
    "resources_by_path",
    "rows",
    "share_by_rung",
    "show",
    "success_by_path",
    "success_over_looks",
    "table",
    "times_by_path",
    "times_by_rung",
    "traffic_by_hour",
    "verdict_shares",
    "verdicts_by_rate",
    "watch_png",
    "watched",
]
