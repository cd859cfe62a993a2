"""What is known of a repository's names: which constant, helper, field or attribute is the flag in other words."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hera_rollout.cleanup.values import Value


@dataclass
class Facts:
    """Grows while modules are read, until nothing new is found.

    Args:
        constants: Dotted name of a module's name, to its value.
        calls: Dotted name of a function that answers the same whatever it is given.
        converters: Dotted name of a function that turns the flag's text into a value.
        lookups: Dotted name of a function that reads the flag when given its name.
        attributes: Name of an attribute (a settings field, a property).
        methods: Name of a method that answers the same whatever it is given.
        flag_names: Dotted name of a constant that holds the flag's name.
        marks: Dotted name of a skip mark kept in a name, or of a decorator the flag decides, to whether it strikes.
        refused: Names that look like the flag and may not be taken for it, with why.
    """

    constants: dict[str, Value] = field(default_factory=dict)
    calls: dict[str, Value] = field(default_factory=dict)
    converters: dict[str, Value] = field(default_factory=dict)
    lookups: dict[str, Value] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)
    methods: dict[str, Value] = field(default_factory=dict)
    flag_names: set[str] = field(default_factory=set)
    marks: dict[str, bool] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def size(self) -> int:
        """How much is known."""
        return sum(1 for _ in self.names())

    def names(self) -> Iterator[str]:
        """Every name of interest."""
        for table in (
            self.constants,
            self.calls,
            self.converters,
            self.lookups,
            self.attributes,
            self.methods,
            self.marks,
        ):
            yield from table
        yield from self.flag_names
        yield from self.refused

    def values(self) -> Iterator[tuple[str, Value]]:
        """Every name that stands for something the flag decides."""
        for table in (self.constants, self.calls, self.attributes, self.methods):
            yield from table.items()
