"""The bare client, and the operator's own writes as a form that it can fill in for another object."""

import asyncio
import dataclasses
import json

# Of the model that is recorded: nothing else in a request may contain these words.
NAMESPACE, MODEL = "recorded-namespace", "recorded-model"
SUBJECTS = {"TrainingPipeline": "trainingpipelines", "ModelDeployment": "modeldeployments", "ModelVersion": "modelversions"}


@dataclasses.dataclass
class Form:
    """What the operator writes about one object of a kind in one phase."""

    kind: str
    requests: list  # [method, target, content type, body as an object]

    def fill(self, ns, name, twin):
        """A line for the bare client: the same about `twin`, an object of that kind as the server has it."""
        line, first = [], True
        for method, target, kind, body in self.requests:
            if "/status?" in target:
                body["metadata"]["resourceVersion"] = twin["metadata"]["resourceVersion"] if first else "$RV"
                first = False
            text = json.dumps(body).replace("$UID", twin["metadata"]["uid"])
            line.append([method, *(part.replace(NAMESPACE, ns).replace(MODEL, name) for part in (target, kind, text))])
        return line


def _about(body):
    """(kind, uid) of the user's object that a written one is about."""
    if body["kind"] in SUBJECTS:
        return body["kind"], body["metadata"]["uid"]
    owner = body["metadata"]["ownerReferences"][0]
    return owner["kind"], owner["uid"]


def forms(requests):
    """One for each kind, from requests that a proxy saw while one model went through a phase."""
    out = {}
    for request in requests:
        if not request.writes or request.resource == "events":
            continue
        if not 200 <= request.status < 300:
            raise RuntimeError(f"a write was refused while it was recorded: {request.method} {request.target}: {request.status}")
        body = json.loads(request.body)
        kind, uid = _about(body)
        if body["kind"] not in SUBJECTS:
            body["metadata"].pop("uid", None)  # of a child: the twin has one with another uid
        body = json.loads(json.dumps(body).replace(uid, "$UID"))
        form = out.setdefault(kind, Form(kind, []))
        form.requests.append([request.method, request.target, request.headers.get("content-type", "application/json"), body])
    return out


class Bare:
    """operator_bench_bare, against one API server."""

    def __init__(self, program, port, pki):
        self._command = [str(program), str(port), str(pki / "ca.crt"), str(pki / "admin.crt"), str(pki / "admin.key")]

    async def play(self, lines, connections):
        """Its result; any refusal is an error."""
        process = await asyncio.create_subprocess_exec(*self._command, str(connections), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate("".join(json.dumps(line) + "\n" for line in lines).encode())
        result = json.loads(said) if said else {}
        if process.returncode != 0:
            raise RuntimeError(f"the bare client failed: {result}")
        return result
