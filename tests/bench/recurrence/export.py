#!/usr/bin/env python3
"""export.py <folder>: the data sets that scikit-learn's package carries, as CSV: label, group, features.

A set is cut in thirds by its group, which is no feature; so is what it was made of."""
import csv
import pathlib
import sys

import numpy
from sklearn import datasets


def slant(images):
    """How far the ink leans: its covariance of column and row over its variance of rows."""
    rows, columns = numpy.mgrid[0:8, 0:8]
    out = []
    for image in images:
        weight = image / image.sum()
        row, column = (weight * rows).sum(), (weight * columns).sum()
        lean = (weight * (rows - row) * (columns - column)).sum()
        out.append(lean / max(1e-9, (weight * (rows - row) ** 2).sum()))
    return out


def write(path, labels, group, names, rows):
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["label", "group", *names])
        for label, value, row in zip(labels, group, rows):
            out.writerow([label, repr(float(value)), *(repr(float(x)) for x in row)])


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    digits = datasets.load_digits()
    write(folder / "digits.csv", [f"d{x}" for x in digits.target], slant(digits.images),
          [f"p{i}" for i in range(64)], digits.data)
    for name, column, load in (("breast_cancer", "mean texture", datasets.load_breast_cancer),
                               ("wine", "magnesium", datasets.load_wine),
                               ("diabetes", "age", datasets.load_diabetes)):
        data = load()
        names = list(data.feature_names)
        at = names.index(column)
        target = data.target
        if name == "diabetes":   # progression above the median
            target = (target > numpy.median(target)).astype(int)
        rest = [i for i in range(len(names)) if i != at]
        write(folder / f"{name}.csv", [f"c{x}" for x in target], data.data[:, at],
              [names[i].replace(" ", "_") for i in rest], data.data[:, rest])


if __name__ == "__main__":
    main()
