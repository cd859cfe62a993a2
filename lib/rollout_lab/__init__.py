"""A real Kubernetes and Argo Workflows on one Linux machine, without Docker."""
