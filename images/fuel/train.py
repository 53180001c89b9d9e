"""Trains on the newest labelled rows and writes what a run has to leave behind in REPRISE_OUTPUT_DIR."""

import argparse
import json
import os
import pathlib
import sys
from distutils.version import LooseVersion

import joblib
import sklearn

import protocol
import rows
from digits import FEATURES
from estimator import estimator

GOLDEN = 8  # requests with their answers that a server must give again
QUICK_ROWS = 90


def options(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"a short check: at most {QUICK_ROWS} rows")
    return parser.parse_args(arguments)


def row_count(quick):
    text = os.environ.get("REPRISE_PARAM_ROWS", "180")
    if not text.isdigit() or not 40 <= int(text) <= 200:
        raise ValueError(f"parameter rows is '{text}', it must be a whole number from 40 to 200")
    return min(int(text), QUICK_ROWS) if quick else int(text)


def write(output, model, inputs, labels, kinds):
    (output / "model").mkdir(parents=True, exist_ok=True)
    joblib.dump(model, output / "model" / "model.joblib")
    # What the live inputs are compared with: features only, in the order of a request.
    table = [",".join(FEATURES)] + [",".join(f"{v:g}" for v in row) for row in inputs]
    (output / "data.csv").write_text("\n".join(table) + "\n")
    # What the model answers to them: live answers are compared with it.
    (output / "predictions.csv").write_text("prediction\n" + "".join(f"{int(label)}\n" for label in model.predict(inputs)))
    # For evaluate.py: the same rows with their labels.
    labelled = "".join(rows.line(*row) for row in zip(inputs, labels, kinds))
    (output / "rows.csv").unlink(missing_ok=True)
    rows.append(output / "rows.csv", labelled)
    # What the version is for, by name, where its rows are of one kind: requests that say so may be routed to it.
    kind = max(set(kinds), key=kinds.count)
    if kinds.count(kind) >= 0.9 * len(kinds):
        (output / "context.json").write_text(json.dumps({"kind": kind}) + "\n")
    with open(output / "examples.jsonl", "w", encoding="ascii") as file:
        for row in inputs[:: max(1, len(inputs) // GOLDEN)][:GOLDEN]:
            one = row.reshape(1, -1)
            answer = {"outputs": protocol.outputs(model.predict(one), model.decision_function(one))}
            file.write(json.dumps({"request": protocol.request(one), "response": answer, "tolerance": 1e-6}) + "\n")


def main(arguments):
    quick = options(arguments).quick
    if LooseVersion(sklearn.__version__) < LooseVersion("1.2"):
        raise ValueError(f"scikit-learn {sklearn.__version__} is too old, 1.2 is needed")
    inputs, labels, kinds = rows.newest(os.environ["REPRISE_DATA_URI"], row_count(quick))
    model = estimator().fit(inputs, labels)
    write(pathlib.Path(os.environ["REPRISE_OUTPUT_DIR"]), model, inputs, labels, kinds)
    print(f"trained on the newest {len(labels)} rows of {os.environ['REPRISE_DATA_URI']}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyError as error:
        sys.exit(f"train: environment variable {error} is not set")
    except ValueError as error:
        sys.exit(f"train: {error}")
