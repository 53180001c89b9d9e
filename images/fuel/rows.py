"""The file of labelled rows that traffic appends to and training reads: CSV with a header, oldest first."""

import collections
import csv
import os

import numpy as np

from digits import FEATURES

HEADER = [*FEATURES, "label", "kind"]


def line(values, label, kind):
    return ",".join([*(f"{v:g}" for v in values), str(int(label)), kind]) + "\n"


def append(path, text):
    # One write with O_APPEND: a reader sees whole lines, but perhaps the last.
    with open(path, "a", encoding="ascii") as file:
        if file.tell() == 0:
            text = ",".join(HEADER) + "\n" + text
        file.write(text)


def newest(path, count):
    """The last `count` rows: inputs (n, 16), labels (n,), kinds [n]. ValueError names the line that is wrong."""
    if not os.path.exists(path):
        raise ValueError(f"{path}: there is no such file; run the Job fuel-seed first, or mount the volume with the rows")
    kept = collections.deque(maxlen=count)
    with open(path, encoding="ascii", newline="") as file:
        lines = file.readlines()
    if lines and not lines[-1].endswith("\n"):
        lines.pop()  # still being written
    reader = csv.reader(lines)
    if next(reader, None) != HEADER:
        raise ValueError(f"{path}, line 1: the header must be {','.join(HEADER)}")
    for number, row in enumerate(reader, start=2):
        if len(row) != len(HEADER):
            raise ValueError(f"{path}, line {number}: {len(row)} fields, there must be {len(HEADER)}")
        kept.append((number, row))
    if not kept:
        raise ValueError(f"{path}: there are no rows yet")
    try:
        inputs = np.array([[float(v) for v in row[:-2]] for _, row in kept])
        labels = np.array([int(row[-2]) for _, row in kept])
    except ValueError as error:
        raise ValueError(f"{path}, lines {kept[0][0]} to {kept[-1][0]}: {error}") from error
    return inputs, labels, [row[-1] for _, row in kept]
