"""What a kubelet does for the Pods of one namespace, as far as an operator can tell: steps end, a version is published, servers get ready.

The control plane has no node. Nothing is drawn at random here, and nothing depends on when something is seen.
"""

import asyncio
import contextlib
import json

from world import Gone, Refused, path

START, END = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"
RUN = "input.reprise.dev/run.json"


def _ended(name, code, message):
    return {"name": name, "image": "i", "imageID": "i", "restartCount": 0, "ready": False, "started": False} | {
        "state": {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else "Error", "startedAt": START, "finishedAt": END, "message": message}}
    }


class Kubelet:
    """`failing`: names of runs whose train step fails."""

    def __init__(self, api, namespace, failing=()):
        self._api, self._namespace, self._failing = api, namespace, set(failing)
        self._task = None
        self.job_pods = {}  # Job -> uids of all Pods that there ever were for it

    def start(self):
        self._task = asyncio.create_task(self._run())

    async def stop(self):
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self):
        while True:
            try:
                listed = await self._api.call("GET", path(self._namespace, "pods"))
                for pod in listed["items"]:
                    await self._see(pod)
                version = listed["metadata"]["resourceVersion"]
                async for event in self._api.events(path(self._namespace, "pods") + f"?watch=true&resourceVersion={version}&timeoutSeconds=600"):
                    if event["type"] == "ERROR":
                        break
                    if event["type"] != "DELETED":
                        await self._see(event["object"])
            except (Refused, Gone, OSError):
                await asyncio.sleep(0.3)

    async def _see(self, pod):
        job = pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name")
        if job:
            self.job_pods.setdefault(job, set()).add(pod["metadata"]["uid"])
        if pod["metadata"].get("deletionTimestamp"):
            return
        phase = pod["status"].get("phase", "Pending")
        if job and phase == "Pending":
            await self._status(pod, {"phase": "Running", "startTime": START})
        elif job and phase == "Running":
            await self._finish(pod, job)
        elif not job and phase == "Pending":
            ready = [{"type": kind, "status": "True", "lastTransitionTime": START} for kind in ("Initialized", "ContainersReady", "Ready", "PodScheduled")]
            await self._status(pod, {"phase": "Running", "startTime": START, "conditions": ready})

    async def _finish(self, pod, job):
        if job in self._failing:
            report = json.dumps({"reason": "StepFailed", "message": "train exited with status 3"})
            await self._status(pod, {"phase": "Failed", "startTime": START, "initContainerStatuses": [_ended("install", 0, ""), _ended("train", 3, report)]})
            return
        await self._publish(json.loads(pod["metadata"]["annotations"][RUN]))
        steps = {"initContainerStatuses": [_ended("install", 0, ""), _ended("train", 0, "")], "containerStatuses": [_ended("publish", 0, "")]}
        await self._status(pod, {"phase": "Succeeded", "startTime": START, **steps})

    async def _publish(self, run):
        """The ModelVersion that `reprise-agent publish` makes."""
        digest = run["version"].encode().hex().ljust(64, "0")
        spec = {
            "model": run["model"],
            "artifact": {"uri": f"{run['storeUri']}/sha256/{digest}", "sha256": digest, "bytes": 1},
            "environment": {"image": run["image"], "python": "3.11.2", "packages": {"numpy": "2.1.3"}, "platform": "linux/amd64"},
            "metrics": {"accuracy": "0.9"},
            "lineage": {key: run["lineage"][key] for key in ("pipeline", "run", "trigger", "parent") if key in run["lineage"]},
        }
        made = {"apiVersion": "reprise.dev/v1alpha1", "kind": "ModelVersion", "metadata": {"name": run["version"], "labels": run["labels"]}, "spec": spec}
        try:
            await self._api.create(self._namespace, "modelversions", made)
        except Refused as refused:
            if refused.status != 409:
                raise

    async def _status(self, pod, status):
        try:
            await self._api.patch(self._namespace, "pods", pod["metadata"]["name"], {"status": status}, "status")
        except Refused as refused:
            if refused.status not in (404, 409):
                raise
