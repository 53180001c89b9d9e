"""The chart's rights on a real API server: what the operator does is allowed, what it must not do is refused."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

from chart_test import CHART, ROOT, find, template

CLUSTER = ROOT / "tests" / "cluster"
OPERATOR = "system:serviceaccount:reprise-system:reprise"
PUBLISHER = "system:serviceaccount:models:fuel-publish"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def namespace(name, labels=None):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}}


def child(api_version, kind, name, **rest):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "models"}, **rest}


POD = {"containers": [{"name": "server", "image": "registry.example.com/fuel:1"}]}
PIPELINE = child(
    "reprise.dev/v1alpha1",
    "TrainingPipeline",
    "fuel",
    spec={
        "model": "fuel",
        "environment": {"image": "registry.example.com/fuel:1"},
        "train": {"command": ["python", "train.py"]},
        "artifact": {"store": {"persistentVolumeClaim": {"claimName": "models"}}},
    },
)


class OnAnApiServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(lambda: subprocess.run([CLUSTER / "control-plane", "stop", cls.folder.name], check=False, capture_output=True))
        subprocess.run([CLUSTER / "control-plane", "start", cls.folder.name], check=True)
        cls.must("apply", "--server-side", "-f", str(CHART / "crds"))
        cls.must("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        for name in ("models", "elsewhere"):
            cls.must("apply", "-f", "-", of=namespace(name))
        cls.must("apply", "-f", "-", of=namespace("reprise-system", RESTRICTED))
        cls.objects = template()
        cls.must("apply", "-f", "-", of=cls.objects)
        cls.must("apply", "-f", "-", of=PIPELINE)

    @classmethod
    def kubectl(cls, *arguments, who=None, of=None):
        command = [CLUSTER / "kubectl", *(["--as", who] if who else []), *arguments]
        documents = of if isinstance(of, list) else [of]
        text = yaml.safe_dump_all(documents) if of else None
        environment = os.environ | {"KUBECONFIG": str(pathlib.Path(cls.folder.name) / "kubeconfig")}
        return subprocess.run([str(part) for part in command], input=text, capture_output=True, text=True, env=environment, check=False)

    @classmethod
    def must(cls, *arguments, **more):
        done = cls.kubectl(*arguments, **more)
        if done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def forbidden(self, *arguments, **more):
        done = self.kubectl(*arguments, **more)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stderr, "(?i)forbidden")

    def may(self, who, verb, resource, where="models", name=""):
        resource, _, sub = resource.partition("/")
        more = ["--subresource", sub] if sub else []
        done = self.kubectl("auth", "can-i", verb, resource + (f"/{name}" if name else ""), *more, "-n", where, who=who)
        self.assertIn(done.stdout.strip(), ("yes", "no"), done.stderr)
        return done.stdout.strip() == "yes"

    def request(self, who, method, path, thing):
        """Exactly what the operator sends; kubectl reads before it writes. The HTTP status."""
        folder = pathlib.Path(self.folder.name)
        port = re.search(r"API_PORT=(\d+)", (folder / "env").read_text())[1]
        pki = folder / "pki"
        done = subprocess.run(
            ["curl", "-s", "-o", folder / "answer", "-w", "%{http_code}", "-X", method, "--data-binary", "@-", "--noproxy", "*"]
            + ["--cacert", pki / "ca.crt", "--cert", pki / "admin.crt", "--key", pki / "admin.key"]
            + ["-H", f"Impersonate-User: {who}", "-H", "Content-Type: application/apply-patch+yaml", f"https://127.0.0.1:{port}{path}"],
            input=json.dumps(thing),
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout)

    def apply(self, thing):
        return self.must("apply", "--server-side", "--field-manager=reprise", "--force-conflicts", "-f", "-", who=OPERATOR, of=thing)

    def binding(self, name, role):
        return child(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            name,
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            subjects=[{"kind": "ServiceAccount", "name": "fuel-publish", "namespace": "models"}],
        )

    def test_the_operator_makes_and_changes_its_children(self):
        labels = {"app": "fuel"}
        pod = {"metadata": {"labels": labels}, "spec": POD}
        for thing in (
            child("v1", "ServiceAccount", "fuel-publish"),
            child("v1", "Service", "fuel", spec={"selector": labels, "ports": [{"port": 80}]}),
            child("apps/v1", "Deployment", "fuel-fuel-1", spec={"selector": {"matchLabels": labels}, "template": pod}),
        ):
            self.apply(thing)
            self.apply(thing | {"metadata": thing["metadata"] | {"labels": {"changed": "yes"}}})
        self.must("delete", "deployment", "fuel-fuel-1", "-n", "models", "--wait=false", who=OPERATOR)
        job = child("batch/v1", "Job", "fuel-1", spec={"template": {"spec": POD | {"restartPolicy": "Never"}}})
        self.must("create", "-f", "-", who=OPERATOR, of=job)
        self.must("delete", "job", "fuel-1", "-n", "models", "--wait=false", who=OPERATOR)

    def test_the_operator_writes_status_and_no_spec(self):
        path = "/apis/reprise.dev/v1alpha1/namespaces/models/trainingpipelines/fuel"
        how = "?fieldManager=reprise&force=true"
        thing = {"apiVersion": "reprise.dev/v1alpha1", "kind": "TrainingPipeline", "metadata": {"name": "fuel", "namespace": "models"}}
        self.assertEqual(self.request(OPERATOR, "PATCH", path + "/status" + how, thing | {"status": {"observedGeneration": 1}}), 200)
        self.assertEqual(self.must("get", "trainingpipeline", "fuel", "-n", "models", "-o", "jsonpath={.status.observedGeneration}"), "1")
        self.assertEqual(self.request(OPERATOR, "PATCH", path + how, thing | {"spec": {"suspend": True}}), 403)
        self.forbidden("patch", "trainingpipeline", "fuel", "-n", "models", "--type=merge", "-p", '{"spec":{"suspend":true}}', who=OPERATOR)
        self.forbidden("delete", "trainingpipeline", "fuel", "-n", "models", who=OPERATOR)

    def test_the_operator_gives_away_the_publishers_role_and_no_right_beyond_its_own(self):
        self.apply(self.binding("fuel-publish", "reprise-publisher"))
        for role in ("cluster-admin", "system:aggregate-to-edit", "reprise-edit"):
            self.forbidden("apply", "--server-side", "-f", "-", who=OPERATOR, of=self.binding("more", role))

    def test_the_operator_records_events(self):
        about = {"apiVersion": "reprise.dev/v1alpha1", "kind": "TrainingPipeline", "name": "fuel", "namespace": "models"}
        event = child("v1", "Event", "fuel.1", involvedObject=about, reason="RunDecided", message="x", type="Normal")
        self.must("create", "-f", "-", who=OPERATOR, of=event)
        self.assertTrue(self.may(OPERATOR, "patch", "events"))

    def test_the_operator_holds_one_lease_in_its_own_namespace(self):
        self.assertTrue(self.may(OPERATOR, "create", "leases.coordination.k8s.io", "reprise-system"))
        for verb in ("get", "update"):
            self.assertTrue(self.may(OPERATOR, verb, "leases.coordination.k8s.io", "reprise-system", "reprise-operator"))
            self.assertFalse(self.may(OPERATOR, verb, "leases.coordination.k8s.io", "reprise-system", "other"))
            self.assertFalse(self.may(OPERATOR, verb, "leases.coordination.k8s.io", "models", "reprise-operator"))

    def test_the_operator_watches_what_it_caches(self):
        for kind in ("trainingpipelines", "modelversions", "modeldeployments"):
            self.assertTrue(self.may(OPERATOR, "watch", kind + ".reprise.dev", "elsewhere"), kind)
        for kind in ("jobs.batch", "deployments.apps", "pods", "services", "serviceaccounts", "rolebindings.rbac.authorization.k8s.io"):
            self.assertTrue(self.may(OPERATOR, "watch", kind, "elsewhere"), kind)

    def test_the_operator_gets_its_own_kinds_by_name(self):
        kinds = "customresourcedefinitions.apiextensions.k8s.io"
        self.assertTrue(self.may(OPERATOR, "get", kinds, name="modeldeployments.reprise.dev"))
        self.assertFalse(self.may(OPERATOR, "get", kinds, name="others.example.com"))
        self.assertFalse(self.may(OPERATOR, "list", kinds))

    def test_the_operator_may_not_do_more(self):
        for verb, what in (
            ("get", "secrets"),
            ("list", "secrets"),
            ("get", "configmaps"),
            ("create", "pods"),
            ("delete", "pods"),
            ("create", "pods/exec"),
            ("get", "pods/log"),
            ("create", "serviceaccounts/token"),
            ("delete", "services"),
            ("delete", "modelversions.reprise.dev"),
            ("create", "roles.rbac.authorization.k8s.io"),
            ("create", "clusterrolebindings.rbac.authorization.k8s.io"),
            ("list", "nodes"),
        ):
            self.assertFalse(self.may(OPERATOR, verb, what), f"{verb} {what}")

    def test_with_the_webhook_it_asks_who_a_caller_is_and_senders_hold_one_right(self):
        self.assertFalse(self.may(OPERATOR, "create", "tokenreviews.authentication.k8s.io"))
        self.must("apply", "-f", "-", of=[one for one in template(webhook__enabled="true") if one["metadata"]["name"].endswith(("-webhook", "-drift-sender"))])
        for what in ("tokenreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io"):
            self.assertTrue(self.may(OPERATOR, "create", what), what)
        sender = "system:serviceaccount:models:mes"
        binding = self.binding("senders", "reprise-drift-sender") | {"subjects": [{"kind": "ServiceAccount", "name": "mes", "namespace": "models"}]}
        self.must("apply", "-f", "-", of=binding)
        self.assertTrue(self.may(sender, "create", "modeldeployments.reprise.dev/drift"))
        self.assertFalse(self.may(sender, "create", "modeldeployments.reprise.dev/drift", "elsewhere"))
        self.assertFalse(self.may(sender, "create", "modeldeployments.reprise.dev"))
        self.assertFalse(self.may(sender, "get", "modeldeployments.reprise.dev"))

    def test_the_publisher_records_versions_in_its_namespace_and_nothing_else(self):
        self.apply(self.binding("fuel-publish", "reprise-publisher"))
        for verb in ("create", "get"):
            self.assertTrue(self.may(PUBLISHER, verb, "modelversions.reprise.dev"), verb)
            self.assertFalse(self.may(PUBLISHER, verb, "modelversions.reprise.dev", "elsewhere"), verb)
        for verb, what in (
            ("list", "modelversions.reprise.dev"),
            ("update", "modelversions.reprise.dev"),
            ("patch", "modelversions.reprise.dev"),
            ("delete", "modelversions.reprise.dev"),
            ("patch", "modelversions.reprise.dev/status"),
            ("get", "trainingpipelines.reprise.dev"),
            ("get", "secrets"),
            ("get", "pods"),
        ):
            self.assertFalse(self.may(PUBLISHER, verb, what), f"{verb} {what}")

    def test_the_operators_pod_is_admitted_as_restricted(self):
        spec = find(self.objects, "Deployment")["spec"]["template"]["spec"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator", "namespace": "reprise-system"}, "spec": spec}
        self.must("create", "--dry-run=server", "-f", "-", of=pod)
        loose = json.loads(json.dumps(pod))
        loose["spec"]["containers"][0]["securityContext"].pop("capabilities")
        self.forbidden("create", "--dry-run=server", "-f", "-", of=loose)


if __name__ == "__main__":
    unittest.main()
