"""Golden trees are compared, never collected: the cleaned backend's tests run in a copy of their own."""

collect_ignore_glob = ["cleaned_backend/*"]
