"""Questions at the terminal, each with the answer that is taken if nobody has another one."""

from dataclasses import dataclass

import click

from hera_rollout.errors import Missing, Refused


@dataclass(frozen=True)
class Questions:
    """`silent` takes every default and asks nothing."""

    silent: bool

    def ask(self, what: str, *, given: str | None, default: str, option: str, seen: str) -> str:
        """One answer: what the command line gave, else the default or what is typed.

        Args:
            what: is asked for.
            given: what the option said.
            default: taken on an empty line; empty where nothing is known.
            option: gives the answer on the command line.
            seen: why there is no default, told where one is needed.

        Raises:
            Missing: there is no default, and nobody may be asked.
        """
        if given is not None:
            return given
        if self.silent:
            if default:
                return default
            raise Missing(seen, expected=f"{what}.", todo=f"Give it with {option}; nothing was written.")
        if not default:
            click.echo(seen, err=True)
        return self._typed(what, default, option)

    def may_be_none(self, what: str, *, given: str | None, default: str, option: str) -> str:
        """As `ask`, for what a target can do without; empty is none."""
        if given is not None or self.silent:
            return default if given is None else given
        typed = self._typed(f"{what} (- for none)", default or "-", option)
        return "" if typed == "-" else typed

    def _typed(self, what: str, default: str, option: str) -> str:
        try:
            return str(click.prompt(what, default=default or None, err=True)).strip()
        except click.Abort:
            raise Refused(
                f"Nobody answered: {what}?",
                expected="an answer on each line of standard input.",
                todo=f"Say --yes for the defaults, or give {option}; nothing was written.",
            ) from None
