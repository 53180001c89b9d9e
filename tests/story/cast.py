"""Who takes part: the namespace with its manifests, and what the cluster says about the versions in it."""

import json

import kube
import registry
import table
import volumes

EXAMPLE = kube.ROOT / "docs" / "examples" / "fuel"
PLACEHOLDER = "registry.example.com/fuel:stable"
CLAIMS = ("fuel-data", "fuel-models")


class Cast:
    """One namespace in which the example runs. `tag` is its own: it may move without touching another namespace."""

    def __init__(self, namespace, variants, switch, replicas=1, header=None):
        self.namespace, self.variants, self.switch, self.replicas, self.header = namespace, variants, switch, replicas, header
        host, repository, _ = registry.split(variants["1.0"])
        self.tag = f"story-{namespace}"
        self.image = f"{host}/{repository}:{self.tag}"
        self._kinds = {}

    def move_tag(self, variant):
        digest = registry.move_tag(self.variants[variant], self.tag)
        kube.say(f"  the tag {self.image} is now {variant}: {digest[:19]}")
        return digest

    def apply(self, name):
        text = (EXAMPLE / f"{name}.yaml").read_text().replace(PLACEHOLDER, self.image)
        # A Pod that only sends requests need not follow the tag.
        if name in ("traffic", "seed"):
            text = text.replace(self.image, self.variants["1.0"])
        if name == "deployment":
            made = json.loads(kube.kubectl("create", "-n", self.namespace, "--dry-run=client", "-o", "json", "-f", "-", input=text))
            made["spec"]["replicas"] = self.replicas
            if self.header:
                made["spec"]["routing"] = {"byContext": {"header": self.header, "key": "kind"}}
            if not self.switch:
                made["spec"]["drift"]["onDrift"].pop("switch")
            text = json.dumps(made)
        kube.kubectl("apply", "-n", self.namespace, "-f", "-", input=text)

    def begin(self):
        """An empty, restricted namespace with volumes and the first rows."""
        kube.say(f"namespace {self.namespace}, from nothing")
        kube.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", timeout=300)
        self.move_tag("1.0")
        volumes.provide(self.namespace, CLAIMS, self.variants["1.0"])
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": labels}}
        kube.kubectl("apply", "-f", "-", input=json.dumps(space))
        for name in ("pvc", "seed", "traffic"):
            self.apply(name)
        self._wait_available()

    def _wait_available(self):
        def seeded():
            job = kube.get(self.namespace, "job", "fuel-seed")
            return kube.condition(job, "Complete").get("status") == "True", f"status of the Job: {job and job.get('status')}"

        kube.wait("the first rows (Job fuel-seed)", self.namespace, seeded, limit=180)

        def sending():
            pod = kube.get(self.namespace, "deployment", "fuel-traffic")
            return kube.condition(pod, "Available").get("status") == "True", "the Deployment fuel-traffic is not available"

        kube.wait("the Pod that sends requests", self.namespace, sending, limit=180)

    def pipeline(self):
        return kube.get(self.namespace, "trainingpipelines.reprise.dev", "fuel")

    def deployment(self):
        return kube.get(self.namespace, "modeldeployments.reprise.dev", "fuel")

    def version(self, name):
        return kube.get(self.namespace, "modelversions.reprise.dev", name)

    def versions(self):
        return kube.list_all(self.namespace, "modelversions.reprise.dev")

    def jobs(self, purpose):
        """Names of the Jobs that there are: purpose is train or check."""
        found = kube.list_all(self.namespace, "jobs", f"reprise.dev/purpose={purpose}")
        return sorted(job["metadata"]["name"] for job in found)

    def kinds(self, names):
        """version -> kind of data that it was trained on, for all of `names` that are versions."""
        for name in names:
            if name and name not in self._kinds:
                version = self.version(name)
                if version:
                    self._kinds[name] = table.kind_of(version["spec"].get("metrics", {}))
        return self._kinds

    def wait_quiet(self, limit=300):
        """Until the deployment is Ready, and neither a version is on its way nor a training asked for."""

        def probe():
            thing = self.deployment()
            status = (thing or {}).get("status", {})
            busy = [f"{key} {status[key]}" for key in ("target", "retrain") if status.get(key)]
            ready = kube.condition(thing, "Ready").get("status") == "True"
            return ready and not busy and status.get("active"), "; ".join([kube.told(thing), *busy])

        return kube.wait("the ModelDeployment to be Ready and at rest", self.namespace, probe, limit=limit)
