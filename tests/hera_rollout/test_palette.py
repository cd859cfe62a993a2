"""The palette, as the colour-blind see it, and how it reads on white.

Machado, Oliveira and Fernandes 2009 (doi 10.1109/TVCG.2009.113), severity 1.0, on linear sRGB; contrast by WCAG 2.1.
"""

import re
from itertools import combinations
from pathlib import Path

import pytest

import hera_rollout.display
from hera_rollout.display import COLORS

VISION = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
PLOTTED = ("yaml", "hera", "FAIL", "ink")
APART = 20
"""CIE 1976 colour difference; about 2 is just seen, 20 is told apart in a thin line."""

Color = tuple[float, ...]


def linear(code: str) -> Color:
    values = [int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return tuple(one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in values)


def seen(code: str, vision: str) -> Color:
    """CIE L*a*b* of what is seen."""
    red, green, blue = (
        min(1, max(0, sum(a * b for a, b in zip(row, linear(code), strict=True)))) for row in VISION[vision]
    )
    x, y, z = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (
            (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
            0.2126 * red + 0.7152 * green + 0.0722 * blue,
            (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: str, other: str, vision: str) -> float:
    return sum((a - b) ** 2 for a, b in zip(seen(one, vision), seen(other, vision), strict=True)) ** 0.5


def contrast(code: str) -> float:
    red, green, blue = linear(code)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(("one", "other"), [*combinations(PLOTTED, 2), ("PASS", "FAIL")])
def test_what_stands_in_one_plot_is_told_apart(one: str, other: str, vision: str) -> None:
    assert distance(COLORS[one], COLORS[other], vision) >= APART


@pytest.mark.parametrize("name", ["PASS", "FAIL", "HOLD", "ink"])
def test_words_read_on_white(name: str) -> None:
    assert contrast(COLORS[name]) >= 4.5


def test_no_words_are_in_a_paths_colour() -> None:
    """Orange reads on nothing white; the words beside a line are in ink, the line by its marker and its name."""
    folder = Path(hera_rollout.display.__file__).parent
    calls = re.compile(r"annotate\((?:[^()]|\([^()]*\))*")
    words = [call for file in folder.glob("*.py") for call in calls.findall(file.read_text(encoding="utf-8"))]
    assert len(words) > 10
    paths = ('COLORS["hera"]', 'COLORS["yaml"]', "COLORS[path]")
    assert not [call for call in words if any(path in call for path in paths)]
