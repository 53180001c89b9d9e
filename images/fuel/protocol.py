"""Open Inference Protocol, version 2 (REST): the little of it that this model needs."""

import math

import numpy as np

INPUT = "blocks"


def request(inputs):
    """Inputs (n, d) as the body of POST /v2/models/<name>/infer."""
    n, d = inputs.shape
    tensor = {"name": INPUT, "shape": [n, d], "datatype": "FP64", "data": [float(v) for v in inputs.ravel()]}
    return {"inputs": [tensor]}


def outputs(labels, scores):
    """Labels (n,) and scores (n, classes) as the outputs of the answer."""
    return [
        {"name": "label", "shape": [len(labels)], "datatype": "INT64", "data": [int(v) for v in labels]},
        {"name": "score", "shape": list(scores.shape), "datatype": "FP64", "data": [float(v) for v in scores.ravel()]},
    ]


def _flat(data):
    if not isinstance(data, list):
        return [data]
    return [value for item in data for value in _flat(item)] if any(isinstance(i, list) for i in data) else data


def parse(body, width):
    """A decoded body to inputs (n, width). ValueError is a sentence for the client."""
    if not isinstance(body, dict) or not isinstance(body.get("inputs"), list):
        raise ValueError("the body must be an object with a list 'inputs'")
    tensors = [t for t in body["inputs"] if isinstance(t, dict) and t.get("name") == INPUT]
    if len(tensors) != 1 or len(body["inputs"]) != 1:
        raise ValueError(f"'inputs' must hold one tensor, named '{INPUT}'")
    shape, data = tensors[0].get("shape"), tensors[0].get("data")
    if not isinstance(shape, list) or len(shape) != 2 or not all(type(n) is int and n > 0 for n in shape):
        raise ValueError(f"inputs[0].shape must be [rows, {width}] with at least one row")
    if shape[1] != width:
        raise ValueError(f"inputs[0].shape is {shape}, the model takes {width} features a row")
    values = _flat(data)
    if len(values) != shape[0] * shape[1]:
        raise ValueError(f"inputs[0].data has {len(values)} numbers, its shape asks for {shape[0] * shape[1]}")
    if not all(type(v) in (int, float) and math.isfinite(v) for v in values):
        raise ValueError("inputs[0].data must hold finite numbers only")
    return np.array(values, dtype=float).reshape(shape)
