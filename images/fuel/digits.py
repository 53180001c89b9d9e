"""The data of the example: handwritten digits of real people, cut in two by how the writing leans.

Source: the digits that ship inside scikit-learn (UCI "Optical Recognition of Handwritten Digits", 1,797 images of
8 x 8 pixels, values 0..16). An input of the model is one image summed over blocks of 2 x 2 pixels: 16 numbers in
0..64. A label is the digit.

Kind A are the 40 % of the images that lean furthest to the one side, kind B those that lean furthest to the other;
the images in between are left out. Kind R has the images of A, and numbers the digits otherwise: its inputs look like A's, and
only labels tell the two apart. How much an image leans is computed from its pixels alone, not from its label,
and is no feature of the model. docs/examples/fuel/README.md says why this cut was chosen.
"""

import hashlib

import numpy as np
from sklearn.datasets import load_digits

FEATURES = [f"block_{row}{column}" for row in range(4) for column in range(4)]
KINDS = ("A", "B", "R")
RENUMBERED = 5  # added to the digits of kind R, modulo 10
PARTS = 4  # disjoint quarters of a kind, so that no version is judged by rows that it was trained on
SHARE = 0.4


def blocks(images):
    """Images (n, 8, 8) to inputs (n, 16)."""
    return images.reshape(-1, 4, 2, 4, 2).sum(axis=(2, 4)).reshape(-1, len(FEATURES))


def slant(images):
    """Horizontal offset per row of height, in pixels per pixel: the covariance of ink in x and y over its variance in y."""
    y, x = np.mgrid[0:8, 0:8]
    ink = images.sum(axis=(1, 2))
    dx = x - ((images * x).sum(axis=(1, 2)) / ink)[:, None, None]
    dy = y - ((images * y).sum(axis=(1, 2)) / ink)[:, None, None]
    return (images * dx * dy).sum(axis=(1, 2)) / (images * dy**2).sum(axis=(1, 2))


def _order(index):
    # A shuffle that no version of numpy changes.
    return hashlib.sha256(str(index).encode()).digest()


def part(kind, number):
    """Inputs (n, 16) and labels (n,) of one quarter (0 <= number < PARTS) of a kind."""
    if kind not in KINDS:
        raise ValueError(f"kind is '{kind}', it must be one of {', '.join(KINDS)}")
    if not 0 <= number < PARTS:
        raise ValueError(f"part is {number}, it must be 0 to {PARTS - 1}")
    data = load_digits()
    lean = slant(data.images)
    low, high = np.quantile(lean, [SHARE, 1 - SHARE])
    rows = np.flatnonzero(lean > high) if kind == "B" else np.flatnonzero(lean <= low)
    rows = sorted(rows.tolist(), key=_order)[number::PARTS]
    labels = data.target[rows]
    return blocks(data.images)[rows], (labels + RENUMBERED) % 10 if kind == "R" else labels
