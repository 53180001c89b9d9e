"""kubectl, and waiting: who waits for what, and on a time-out what the cluster says about it."""

import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SYSTEM = os.environ.get("REPRISE_NAMESPACE", "reprise-system")
OPERATOR = "app.kubernetes.io/name=reprise"  # label of the operator's Pods


class StoryError(Exception):
    """The story cannot go on, or ended otherwise than it should."""


def tool(name):
    """The cluster's own wrapper where it is, else what PATH has."""
    wrapper = ROOT / "tests" / "cluster" / name
    return str(wrapper) if wrapper.exists() and not os.environ.get("KUBECONFIG") else name


def say(text):
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def kubectl(*arguments, input=None, check=True, timeout=120):
    """stdout of kubectl; StoryError with its stderr where it fails."""
    try:
        done = subprocess.run([tool("kubectl"), *arguments], input=input, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise StoryError(f"kubectl {' '.join(arguments)}: no answer within {timeout} s") from error
    if check and done.returncode != 0:
        raise StoryError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def get(namespace, kind, name):
    """The object, or None if there is none."""
    text = kubectl("get", kind, name, "-n", namespace, "-o", "json", "--ignore-not-found")
    return json.loads(text) if text.strip() else None


def list_all(namespace, kind, selector=None):
    more = ["-l", selector] if selector else []
    return json.loads(kubectl("get", kind, "-n", namespace, "-o", "json", *more))["items"]


def condition(thing, name):
    """The condition of an object, or {}."""
    conditions = (thing or {}).get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == name), {})


def told(thing):
    """One line: the conditions that say most about where an object is."""
    if not thing:
        return "it is not there"
    parts = []
    for name in ("Ready", "Reconciling", "Stalled", "EnvironmentAccepted", "Drifted"):
        c = condition(thing, name)
        if c:
            parts.append(f"{name}={c['status']} {c.get('reason', '')}: {c.get('message', '')[:100]}")
    return "; ".join(parts[:3]) or "it has no conditions yet"


def wait(what, namespace, probe, limit=300, step=0.5, progress=5):
    """Calls probe() -> (done, text) until it is done and returns `done`. The limit is generous: reaching it is a failure."""
    begun = time.monotonic()
    said = begun
    text = ""
    while True:
        try:
            done, text = probe()
        except StoryError as error:  # the API server may be away for a moment
            done, text = None, str(error)
        if done:
            return done
        now = time.monotonic()
        if now - begun > limit:
            diagnose(namespace)
            raise StoryError(f"waited {limit} s for {what}, in vain: {text}")
        if now - said >= progress:
            said = now
            say(f"  waiting {now - begun:.0f} s for {what}: {text}")
        time.sleep(step)


def diagnose(namespace, out=sys.stderr):
    """All that a person needs to see why nothing moves."""
    pods = f"pods,jobs,deployments,services,pvc -n {namespace} -o wide"
    for title, command in (
        ("objects", f"get tp,mv,md -n {namespace} -o wide"),
        ("pipelines and deployments", f"get tp,md -n {namespace} -o yaml"),
        ("pods", f"get {pods}"),
        ("descriptions of pods", f"describe pods -n {namespace}"),
        ("events", f"get events -n {namespace} --sort-by=.lastTimestamp"),
        ("operator", f"get pods -n {SYSTEM} -o wide"),
        ("operator's log", f"logs -n {SYSTEM} -l {OPERATOR} --tail=150 --prefix"),
    ):
        try:
            text = kubectl(*command.split(), check=False)
        except StoryError as error:
            text = str(error)
        print(f"--- {title} (kubectl {command})\n{text}", file=out, flush=True)
