"""The kit: what notebooks and the command `hera-rollout` are made of; ARCHITECTURE.md has its layers."""
