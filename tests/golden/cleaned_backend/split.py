"""Which side of the canary a task is on: a pure function of its id.

The kit has the same function written a second time; golden vectors in tests/ hold the two together.
"""

import hashlib

BUCKETS = 10_000


def bucket(task_id: str) -> int:
    """The task's bucket, 0 to 9,999, the same for ever."""
    digest = hashlib.sha256(task_id.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS
