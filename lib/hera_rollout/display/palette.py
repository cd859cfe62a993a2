"""One palette for every notebook: Okabe and Ito's, which the colour-blind can tell apart."""

from typing import Final

COLORS: Final[dict[str, str]] = {
    "yaml": "#0072B2",
    "hera": "#E69F00",
    "PASS": "#007A5A",
    "FAIL": "#C43E00",
    "HOLD": "#5B6770",
    "ink": "#222222",
}
"""Colour by meaning. ``yaml`` and ``hera`` keep theirs in every plot, and words beside them are in ``ink``; PASS, FAIL
and HOLD are darkened until they read as text on white (contrast above 4.5)."""
