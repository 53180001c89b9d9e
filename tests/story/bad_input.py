#!/usr/bin/env python3
"""Bad input on a cluster in which the operator is installed: each ends in a condition with a reason and a message that names
the mend, never in a loop or a crash, and the version that served goes on serving.

FUEL_IMAGES names the file that `images/fuel/build --json` wrote; without it the images are built (or found) first.
"""

import copy
import json
import os
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import kube  # noqa: E402
from cast import EXAMPLE, Cast  # noqa: E402

NAMESPACE = "reprise-bad-input"
LIMIT = 300


def variants():
    """variant -> image reference with its digest."""
    file = os.environ.get("FUEL_IMAGES")
    if file:
        with open(file, encoding="utf-8") as text:
            return json.load(text)
    built = subprocess.run([str(kube.ROOT / "images" / "fuel" / "build"), "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(built.stdout)


def manifest(name):
    text = (EXAMPLE / f"{name}.yaml").read_text()
    return json.loads(kube.kubectl("create", "-n", NAMESPACE, "--dry-run=client", "--validate=false", "-o", "json", "-f", "-", input=text))


def apply(thing):
    kube.kubectl("apply", "-n", NAMESPACE, "-f", "-", input=json.dumps(thing))


def pipeline(name, image, script):
    """A pipeline of a model of its own whose one step runs `script`."""
    made = manifest("pipeline")
    made["metadata"]["name"] = name
    spec = made["spec"]
    spec["model"] = name
    spec["environment"] = {"image": image}
    spec["train"]["command"] = ["python", "-c", script]
    for field in ("evaluate", "gates", "check", "template", "data", "triggers"):
        spec.pop(field, None)
    spec["backoffLimit"] = 0
    return made


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        images = variants()
        cls.image = images["1.0"]
        cls.cast = Cast(NAMESPACE, images, True)
        cls.cast.begin()
        cls.cast.apply("pipeline")
        cls.cast.apply("deployment")

        def made():
            return cls.cast.version("fuel-1"), kube.told(cls.cast.pipeline())

        kube.wait("the first version", NAMESPACE, made, limit=LIMIT)
        active = cls.cast.wait_quiet(LIMIT)
        if active != "fuel-1":
            raise kube.StoryError(f"{active} serves, it must be fuel-1")
        cls.restarts = cls.operator_restarts()

    @staticmethod
    def operator_restarts():
        pods = kube.list_all(kube.SYSTEM, "pods", kube.OPERATOR)
        return {p["metadata"]["uid"]: sum(c["restartCount"] for c in p["status"].get("containerStatuses", [])) for p in pods}

    def tearDown(self):
        """Whatever was wrong: requests are answered by the version that served, and the operator has not ended."""
        self.assertEqual(self.operator_restarts(), self.restarts, "the operator's container was restarted")
        self.assertEqual(self.answered_by(), {"fuel-1"})

    def answered_by(self):
        address = kube.get(NAMESPACE, "service", "fuel")["spec"]["clusterIP"]
        command = ["exec", "-n", NAMESPACE, "deploy/fuel-traffic", "--", "python", "traffic.py", "--url", f"http://{address}"]
        lines = kube.kubectl(*command, "--kind", "A", "--rows", "3").splitlines()
        records = [json.loads(line) for line in lines]
        self.assertEqual(len(records), 3)
        return {record["version"] for record in records}

    def stalled(self, kind, name, reason):
        """Waits for Stalled=True with that reason; its message."""

        def probe():
            thing = kube.get(NAMESPACE, kind, name)
            said = kube.condition(thing, "Stalled")
            return said.get("status") == "True" and said.get("reason") == reason and said["message"], kube.told(thing)

        return kube.wait(f"{name} to be Stalled: {reason}", NAMESPACE, probe, limit=LIMIT)

    def runs(self, name):
        thing = kube.get(NAMESPACE, "trainingpipelines.reprise.dev", name)
        jobs = [j for j in kube.list_all(NAMESPACE, "jobs") if j["metadata"]["name"].startswith(f"{name}-")]
        return len(thing["status"].get("runs", [])), len(jobs)

    def failed_run(self, name, script, reason):
        """The message of a pipeline whose run fails; and that it is not run again for nothing."""
        apply(pipeline(name, self.image, script))
        message = self.stalled("trainingpipelines.reprise.dev", name, reason)
        self.assertEqual(self.runs(name), (1, 1))
        # An edit that asks for nothing new makes it be looked at again.
        kube.kubectl("label", "-n", NAMESPACE, "trainingpipelines.reprise.dev", name, "looked=again", "--overwrite")
        kube.kubectl("patch", "-n", NAMESPACE, "trainingpipelines.reprise.dev", name, "--type=merge", "-p", '{"spec":{"failedRunsHistoryLimit":7}}')

        def observed():
            thing = kube.get(NAMESPACE, "trainingpipelines.reprise.dev", name)
            return thing["status"].get("observedGeneration") == thing["metadata"]["generation"], kube.told(thing)

        kube.wait("the edit to be seen", NAMESPACE, observed, limit=LIMIT)
        self.assertEqual(self.runs(name), (1, 1))
        self.assertIn("reprise.dev/run-at", message)  # the mend
        return message

    def test_a_pipeline_without_an_image_is_refused_with_the_field_and_the_mend(self):
        made = pipeline("no-image", self.image, "pass")
        made["spec"]["environment"] = {}
        with self.assertRaisesRegex(kube.StoryError, r"spec\.environment\.image is required: name the image that trains"):
            apply(made)

    def test_an_image_that_does_not_exist_is_named_and_nothing_is_started(self):
        missing = self.image.split("@")[0] + ":not-there"
        apply(pipeline("missing-image", missing, "pass"))
        message = self.stalled("trainingpipelines.reprise.dev", "missing-image", "ImageNotFound")
        self.assertIn(missing, message)
        self.assertIn("spec.environment.image", message)
        self.assertEqual(self.runs("missing-image"), (0, 0))

    def test_a_step_that_exits_1_is_told_with_its_last_words(self):
        message = self.failed_run("exits", "import sys; print('table loads has no rows'); sys.exit(1)", "StepFailed")
        self.assertIn("step train ended with exit status 1", message)
        self.assertIn("table loads has no rows", message)

    def test_metrics_that_are_no_json_are_told_with_file_and_line(self):
        script = (
            "import os, pathlib; out = pathlib.Path(os.environ['REPRISE_OUTPUT_DIR']); (out / 'model').mkdir();"
            "(out / 'model' / 'weights').write_text('1'); (out / 'metrics.json').write_text('{\\n  \"accuracy\": high\\n}\\n')"
        )
        message = self.failed_run("metrics", script, "MetricsMalformed")
        self.assertIn("metrics.json", message)
        self.assertRegex(message, r"line 2")

    def named(self, name, version):
        made = manifest("deployment")
        made["metadata"]["name"] = name
        made["spec"]["version"] = {"name": version}
        made["spec"].pop("drift")
        return made

    def test_an_artifact_whose_bytes_were_changed_is_never_served(self):
        artifact = self.cast.version("fuel-1")["spec"]["artifact"]
        script = (
            f"p = '/models/sha256/{artifact['sha256']}'; import os; os.chmod(p, 0o644); f = open(p, 'r+b'); f.seek(600);"
            "b = f.read(1); f.seek(600); f.write(bytes([b[0] ^ 1])); f.close()"
        )
        self.on_the_volume("change", script)
        try:
            apply(self.named("changed", "fuel-1"))
            message = self.stalled("modeldeployments.reprise.dev", "changed", "ArtifactCorrupt")
            self.assertIn(artifact["sha256"], message)
            ready = kube.condition(kube.get(NAMESPACE, "modeldeployments.reprise.dev", "changed"), "Ready")
            self.assertEqual(ready["status"], "False")
        finally:
            self.on_the_volume("mend", script)
        # Mended and asked again, it is served.
        kube.kubectl("annotate", "-n", NAMESPACE, "modeldeployments.reprise.dev", "changed", f"reprise.dev/retry={time.time_ns()}", "--overwrite")

        def serves():
            thing = kube.get(NAMESPACE, "modeldeployments.reprise.dev", "changed")
            return kube.condition(thing, "Ready").get("status") == "True", kube.told(thing)

        kube.wait("changed to serve the mended artifact", NAMESPACE, serves, limit=LIMIT)
        kube.kubectl("delete", "-n", NAMESPACE, "modeldeployments.reprise.dev", "changed", "--wait=true")

    def on_the_volume(self, name, script):
        """Runs Python on the volume of the artifacts."""
        job = copy.deepcopy(manifest("seed"))
        job["metadata"]["name"] = f"volume-{name}"
        spec = job["spec"]["template"]["spec"]
        spec["containers"][0].update(image=self.image, command=["python", "-c", script], volumeMounts=[{"name": "data", "mountPath": "/models"}])
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "fuel-models"}}]
        apply(job)

        def done():
            thing = kube.get(NAMESPACE, "job", f"volume-{name}")
            return kube.condition(thing, "Complete").get("status") == "True", f"{thing and thing.get('status')}"

        kube.wait(f"Job volume-{name}", NAMESPACE, done, limit=LIMIT)

    def test_a_deployment_that_names_an_unknown_version_says_where_versions_are_listed(self):
        apply(self.named("unknown", "fuel-99"))
        message = self.stalled("modeldeployments.reprise.dev", "unknown", "VersionNotFound")
        self.assertIn("spec.version.name", message)
        self.assertIn("fuel-99", message)
        self.assertIn("kubectl get mv", message)
        kube.kubectl("delete", "-n", NAMESPACE, "modeldeployments.reprise.dev", "unknown")

    def test_an_edit_to_an_unknown_version_leaves_what_serves_and_can_be_taken_back(self):
        thing = self.cast.deployment()
        patch = {"spec": {"version": {"auto": None, "name": "fuel-99"}}}
        kube.kubectl("patch", "-n", NAMESPACE, "modeldeployments.reprise.dev", "fuel", "--type=merge", "-p", json.dumps(patch))
        message = self.stalled("modeldeployments.reprise.dev", "fuel", "VersionNotFound")
        self.assertIn("fuel-1 goes on serving", message)
        ready = kube.condition(self.cast.deployment(), "Ready")
        self.assertEqual((ready["status"], ready["reason"]), ("True", "Serving"))
        self.assertEqual(self.answered_by(), {"fuel-1"})
        back = {"spec": {"version": {"auto": {}, "name": None}}}
        kube.kubectl("patch", "-n", NAMESPACE, "modeldeployments.reprise.dev", "fuel", "--type=merge", "-p", json.dumps(back))

        def well():
            now = self.cast.deployment()
            return kube.condition(now, "Stalled").get("status") == "False", kube.told(now)

        kube.wait("fuel not to be Stalled any more", NAMESPACE, well, limit=LIMIT)
        self.assertEqual(self.cast.deployment()["metadata"]["uid"], thing["metadata"]["uid"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
