"""Properties are about values, not about time: a busy machine must not fail them, and each run draws the same cases."""

from hypothesis import settings

settings.register_profile("gates", deadline=None, derandomize=True)
settings.load_profile("gates")
