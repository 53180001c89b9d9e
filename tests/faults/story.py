"""The API-level part of the main job's story, and what it leaves behind in a form that two plays of it can be compared in."""

import re
import time

from kubelet import Kubelet
from world import condition, until

IMAGE = "registry.example.com/fuel@sha256:" + "1" * 64
PIPELINE = {
    "apiVersion": "reprise.dev/v1alpha1",
    "kind": "TrainingPipeline",
    "metadata": {"name": "fuel"},
    "spec": {
        "model": "fuel",
        "environment": {"image": IMAGE},
        "train": {"command": ["python", "train.py"]},
        "artifact": {"store": {"persistentVolumeClaim": {"claimName": "models"}}},
        "gates": [{"metric": "accuracy", "min": "0.5"}],
        "backoffLimit": 0,
    },
}
DEPLOYMENT = {
    "apiVersion": "reprise.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "fuel"},
    "spec": {
        "model": "fuel",
        "version": {"auto": {}},
        "replicas": 1,
        "template": {"spec": {"containers": [{"name": "server", "command": ["python", "serve.py"]}]}},
    },
}
KINDS = ("trainingpipelines", "modelversions", "modeldeployments", "jobs", "deployments", "services", "serviceaccounts", "rolebindings")
# Counted by the server, or drawn by it; never what somebody decided.
FORGOTTEN = {
    "uid", "resourceVersion", "generation", "observedGeneration", "creationTimestamp", "managedFields", "clusterIP", "clusterIPs",
    "reprise.dev/applied", "controller-uid", "batch.kubernetes.io/controller-uid", "deployment.kubernetes.io/revision", "pod-template-hash",
    "time", "blindSpot", "since", "uncountedTerminatedPods",
}  # fmt: skip
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def normal(thing, namespace):
    """Without uids, times, versions and the namespace's name."""
    if isinstance(thing, dict):
        return {key: normal(value, namespace) for key, value in sorted(thing.items()) if key not in FORGOTTEN}
    if isinstance(thing, list):
        return [normal(value, namespace) for value in thing]
    if isinstance(thing, str):
        return "<time>" if TIME.match(thing) else thing.replace(namespace, "<namespace>")
    return thing


class Story:
    """One play of it in one namespace. The operator may be killed and started at any time meanwhile."""

    def __init__(self, world, namespace, limit=400):
        self._api, self._namespace, self._limit = world.api, namespace, limit
        self.kubelet = Kubelet(world.api, namespace, failing=["fuel-3"])
        self.steps = {}  # name -> seconds

    async def _until(self, what, probe):
        await until(f"{what} in {self._namespace}", probe, self._limit)

    async def _annotate(self, name, value):
        await self._api.patch(self._namespace, "trainingpipelines", "fuel", {"metadata": {"annotations": {name: value}}})

    async def _spec(self, patch):
        await self._api.patch(self._namespace, "modeldeployments", "fuel", {"spec": patch})

    async def _serves(self, version, replicas=1):
        """It alone, at rest."""

        async def probe():
            status = (await self._api.get(self._namespace, "modeldeployments", "fuel")).get("status", {})
            if status.get("active") != version or status.get("target") or status.get("replicas") != replicas:
                return False
            service = await self._api.get(self._namespace, "services", "fuel")
            children = [child["metadata"]["name"] for child in await self._api.list(self._namespace, "deployments")]
            record = await self._api.get(self._namespace, "modelversions", version)
            served = record["status"].get("servedBy") == ["fuel"]
            return service["spec"]["selector"].get("reprise.dev/version") == version and children == [f"fuel-{version}"] and served

        await self._until(f"{version} to serve alone", probe)

    async def _run_is(self, name, phase):
        async def probe():
            pipeline = await self._api.get(self._namespace, "trainingpipelines", "fuel")
            runs = {run["name"]: run["phase"] for run in pipeline.get("status", {}).get("runs", [])}
            return runs.get(name) == phase and condition(pipeline, "Reconciling").get("status") == "False"

        await self._until(f"run {name} to be {phase}", probe)

    async def _step(self, name, *waits):
        begun = time.monotonic()
        for wait in waits:
            await wait
        self.steps[name] = round(time.monotonic() - begun, 1)

    async def play(self):
        """Up to what is compared."""
        self.kubelet.start()
        await self._api.create(self._namespace, "trainingpipelines", PIPELINE)
        await self._api.create(self._namespace, "modeldeployments", DEPLOYMENT)
        await self._step("first version", self._run_is("fuel-1", "Succeeded"), self._serves("fuel-1"))
        await self._annotate("reprise.dev/run-at", "1")
        await self._step("second version", self._run_is("fuel-2", "Succeeded"), self._serves("fuel-2"))
        await self._spec({"version": {"auto": None, "name": "fuel-1"}})
        await self._step("named version", self._serves("fuel-1"))
        await self._spec({"version": {"auto": {}, "name": None}})
        await self._annotate("reprise.dev/run-at", "2")
        await self._step("a run that fails", self._run_is("fuel-3", "Failed"))
        await self._spec({"replicas": 2})
        await self._step("two replicas", self._serves("fuel-1", 2), self.at_rest())

    async def at_rest(self):
        """Nothing is left to be observed."""

        async def probe():
            for resource in ("trainingpipelines", "modeldeployments"):
                thing = await self._api.get(self._namespace, resource, "fuel")
                if thing["status"].get("observedGeneration") != thing["metadata"]["generation"]:
                    return False
                if condition(thing, "Reconciling").get("status") != "False":
                    return False
            return True

        await self._until("everything to be observed", probe)

    async def delete(self):
        for resource in ("modeldeployments", "trainingpipelines"):
            await self._api.delete(self._namespace, resource, "fuel")

        async def gone():
            for resource in ("modeldeployments", "trainingpipelines", "jobs", "deployments", "services", "rolebindings", "pods"):
                if await self._api.list(self._namespace, resource):
                    return False
            return True

        await self._step("deletion", self._until("all children to be collected", gone))

    async def end(self):
        await self.kubelet.stop()

    async def state(self):
        """Everything that is there, comparable."""
        out = {}
        for resource in KINDS:
            for thing in await self._api.list(self._namespace, resource):
                out[f"{resource}/{thing['metadata']['name']}"] = normal(thing, self._namespace)
        pods = await self._api.list(self._namespace, "pods", "app.kubernetes.io/managed-by=reprise")
        served = [pod["metadata"]["labels"].get("reprise.dev/version") or pod["metadata"]["labels"]["reprise.dev/run"] for pod in pods]
        out["pods"] = sorted(served)
        out["pods of Jobs"] = {job: len(uids) for job, uids in sorted(self.kubelet.job_pods.items())}
        return out


def differences(reference, other, where=""):
    """Lines that say where two states differ."""
    if isinstance(reference, dict) and isinstance(other, dict):
        out = []
        for key in sorted(set(reference) | set(other)):
            if key not in reference or key not in other:
                out.append(f"{where}/{key}: only in the {'reference' if key in reference else 'replay'}")
            else:
                out += differences(reference[key], other[key], f"{where}/{key}")
        return out
    if isinstance(reference, list) and isinstance(other, list) and len(reference) == len(other):
        return [line for i, pair in enumerate(zip(reference, other, strict=True)) for line in differences(*pair, f"{where}[{i}]")]
    return [] if reference == other else [f"{where}: {reference!r} != {other!r}"]
