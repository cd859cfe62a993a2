"""`python -m hera_rollout`: the command where no script `hera-rollout` is installed, as in the kit's image."""

from hera_rollout.cli import main

if __name__ == "__main__":
    main(prog_name="hera-rollout")
