"""The service a rollout is practised on: tasks become Argo Workflows, by YAML templates or by the Hera SDK."""
