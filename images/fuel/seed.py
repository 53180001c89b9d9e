"""Writes the rows that the first version is trained on: the first quarter of kind A. A file that is there is left alone."""

import argparse
import os

import digits
import rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    path = parser.parse_args().path
    if os.path.exists(path):
        print(f"{path} is there already")
        return
    inputs, labels = digits.part("A", 0)
    rows.append(path, "".join(rows.line(row, label, "A") for row, label in zip(inputs, labels)))
    print(f"{path}: {len(labels)} rows of kind A")


if __name__ == "__main__":
    main()
