"""One palette for every notebook: Okabe and Ito's, which the colour-blind can tell apart."""

from typing import Final

COLORS: Final[dict[str, str]] = {
    "yaml": "#0072B2",
    "hera": "#E69F00",
    "PASS": "#007A5A",
    "FAIL": "#C43E00",
    "HOLD": "#5B6770",
    "limit": "#CC79A7",
    "ink": "#222222",
}
"""Colour by meaning. ``yaml`` and ``hera`` keep theirs in every plot; PASS and FAIL are darkened until white text on
them reads (contrast above 4.5)."""
