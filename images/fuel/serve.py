"""Serves the model by the Open Inference Protocol v2 over HTTP, on port 8080."""

import json
import os
import pathlib
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import joblib

import protocol

MAX_BODY = 1 << 20


class Model:
    def __init__(self, directory, name, version):
        path = pathlib.Path(directory) / "model.joblib"
        if not path.is_file():
            raise ValueError(f"{path}: there is no such file; REPRISE_MODEL_DIR must hold what train.py wrote into model/")
        self.estimator = joblib.load(path)
        self.name, self.version = name, version
        self.width = self.estimator.n_features_in_

    def metadata(self):
        return {
            "name": self.name,
            "versions": [self.version],
            "platform": "sklearn",
            "inputs": [{"name": protocol.INPUT, "datatype": "FP64", "shape": [-1, self.width]}],
            "outputs": [
                {"name": "label", "datatype": "INT64", "shape": [-1]},
                {"name": "score", "datatype": "FP64", "shape": [-1, len(self.estimator.classes_)]},
            ],
        }

    def infer(self, body):
        inputs = protocol.parse(body, self.width)
        labels, scores = self.estimator.predict(inputs), self.estimator.decision_function(inputs)
        answer = {"model_name": self.name, "model_version": self.version, "outputs": protocol.outputs(labels, scores)}
        if isinstance(body.get("id"), str):
            answer["id"] = body["id"]
        return answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds that a connection may be idle
    disable_nagle_algorithm = True
    model = None

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        name = f"/v2/models/{self.model.name}"
        if self.path in ("/v2/health/live", "/v2/health/ready", f"{name}/ready"):
            self.answer(200, {})
        elif self.path in (name, f"{name}/versions/{self.model.version}"):
            self.answer(200, self.model.metadata())
        elif self.path == "/v2":
            self.answer(200, {"name": "fuel", "version": "1", "extensions": []})
        else:
            self.answer(404, {"error": f"no such path: {self.path}"})

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True  # the body is not read, so nothing after it can be
            self.answer(413 if length.isdigit() else 411, {"error": f"Content-Length must be given, at most {MAX_BODY}"})
            return
        body = self.rfile.read(int(length))
        name = f"/v2/models/{self.model.name}"
        if self.path not in (f"{name}/infer", f"{name}/versions/{self.model.version}/infer"):
            self.answer(404, {"error": f"no such model or version: {self.path}; this is {self.model.name} {self.model.version}"})
            return
        try:
            answer = self.model.infer(json.loads(body))
        except (ValueError, RecursionError) as error:  # json.JSONDecodeError and UnicodeDecodeError are ValueErrors
            self.answer(400, {"error": str(error)})
            return
        self.answer(200, answer)

    def log_message(self, *_):
        pass  # a line for each request would drown what matters

    def log_error(self, text, *values):
        print("serve:", text % values, file=sys.stderr)


def main():
    variables = ("REPRISE_MODEL_DIR", "REPRISE_MODEL_NAME", "REPRISE_MODEL_VERSION")
    Handler.model = Model(*(os.environ[name] for name in variables))
    server = ThreadingHTTPServer(("", int(os.environ.get("PORT", "8080"))), Handler)
    # shutdown() waits for serve_forever(), which runs in this thread.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"serving {Handler.model.name} {Handler.model.version} on port {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyError as error:
        sys.exit(f"serve: environment variable {error} is not set")
    except ValueError as error:
        sys.exit(f"serve: {error}")
