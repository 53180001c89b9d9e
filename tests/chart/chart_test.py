"""What the chart installs: rights, security contexts, kinds. Rendered by helm, read as objects; no cluster is needed."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "reprise"
IMAGE = "registry.example.com/reprise"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def helm():
    """$HELM, or the test cluster's, or the one in PATH."""
    if os.environ.get("HELM"):
        return os.environ["HELM"]
    wrapper = ROOT / "tests" / "cluster" / "helm"
    if subprocess.run([wrapper, "version"], capture_output=True, check=False).returncode == 0:
        return str(wrapper)
    return shutil.which("helm") or sys.exit("helm is missing: tests/cluster/install-tools builds it, or set HELM")


HELM = helm()


def run(*arguments):
    return subprocess.run([HELM, *map(str, arguments)], capture_output=True, text=True, check=False)


def flags(values):
    # helm that was built from its module takes a Kubernetes of years ago for the cluster's
    version = re.search(r"^KUBERNETES=(\S+)", (ROOT / "tests" / "cluster" / "versions").read_text(), re.MULTILINE)[1]
    return ["--kube-version", version] + [word for key, value in ({"image.repository": IMAGE} | values).items() for word in ("--set", f"{key}={value}")]


def template(release="reprise", **values):
    """Objects that an installation has, CRDs left out. Dots in names are written as two underscores."""
    named = {key.replace("__", "."): value for key, value in values.items()}
    done = run("template", release, CHART, "--namespace", "reprise-system", *flags(named))
    if done.returncode:
        raise AssertionError(f"helm template failed: {done.stderr}")
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def refused(**values):
    """What helm says where it refuses the values."""
    named = {key.replace("__", "."): value for key, value in values.items()}
    done = run("template", "reprise", CHART, *flags(named))
    if done.returncode == 0:
        raise AssertionError(f"helm accepts {named}")
    return done.stderr


def find(objects, kind, name=None):
    found = [one for one in objects if one["kind"] == kind and name in (None, one["metadata"]["name"])]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} of {kind} {name or ''}, there must be one")
    return found[0]


def rights(role):
    """{(group, resource): verbs} of the rules without resourceNames."""
    out = {}
    for rule in role["rules"]:
        if rule.get("resourceNames"):
            continue
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                out.setdefault((group, resource), set()).update(rule["verbs"])
    return out


class Lint(unittest.TestCase):
    def test_is_clean(self):
        with tempfile.TemporaryDirectory() as folder:
            values = pathlib.Path(folder) / "values.yaml"
            values.write_text(yaml.safe_dump({"image": {"repository": IMAGE}}))
            done = run("lint", CHART, "--strict", "--values", values, *flags({}))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Rights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.objects = template()
        cls.roles = [one for one in cls.objects if one["kind"] in ("Role", "ClusterRole")]
        cls.operator = find(cls.objects, "ClusterRole", "reprise-operator")

    def test_no_wildcards(self):
        for role in self.roles:
            for rule in role["rules"]:
                for part in ("apiGroups", "resources", "verbs"):
                    self.assertNotIn("*", rule[part], role["metadata"]["name"])

    def test_nobody_reads_secrets_or_enters_pods(self):
        forbidden = {"secrets", "configmaps", "pods/exec", "pods/attach", "pods/portforward", "pods/log", "nodes", "namespaces"}
        for role in self.roles:
            for rule in role["rules"]:
                self.assertFalse(forbidden & set(rule["resources"]), role["metadata"]["name"])

    def test_nobody_gives_itself_more(self):
        for role in self.roles:
            for rule in role["rules"]:
                self.assertFalse({"escalate", "impersonate"} & set(rule["verbs"]), role["metadata"]["name"])

    def test_only_the_publisher_may_be_bound(self):
        binds = [rule for rule in self.operator["rules"] if "bind" in rule["verbs"]]
        self.assertEqual(
            binds,
            [
                {
                    "apiGroups": ["rbac.authorization.k8s.io"],
                    "resources": ["clusterroles"],
                    "resourceNames": ["reprise-publisher"],
                    "verbs": ["bind"],
                }
            ],
        )

    def test_the_publisher_records_versions_and_nothing_else(self):
        publisher = find(self.objects, "ClusterRole", "reprise-publisher")
        self.assertEqual(rights(publisher), {("reprise.dev", "modelversions"): {"create", "get"}})
        self.assertEqual(len(publisher["rules"]), 1)

    def test_the_operator_never_writes_specs_of_users(self):
        mine = rights(self.operator)
        for kind in ("trainingpipelines", "modelversions", "modeldeployments"):
            self.assertEqual(mine["reprise.dev", kind], {"get", "list", "watch"})
            self.assertEqual(mine["reprise.dev", kind + "/status"], {"patch"})

    def test_of_kinds_it_gets_its_own_by_name(self):
        rules = [rule for rule in self.operator["rules"] if "customresourcedefinitions" in rule["resources"]]
        self.assertEqual([rule["verbs"] for rule in rules], [["get"]])
        defined = {yaml.safe_load(path.read_text())["metadata"]["name"] for path in (CHART / "crds").iterdir()}
        self.assertEqual(set(rules[0]["resourceNames"]), defined)

    def test_pods_are_only_read(self):
        self.assertEqual(rights(self.operator)["", "pods"], {"get", "list", "watch"})

    def test_what_is_deleted(self):
        deletable = {resource for (_, resource), verbs in rights(self.operator).items() if verbs & {"delete", "deletecollection"}}
        self.assertEqual(deletable, {"jobs", "deployments"})

    def test_row31_owners_of_children_may_block_their_deletion(self):
        for kind in ("trainingpipelines", "modeldeployments"):
            self.assertEqual(rights(self.operator)["reprise.dev", kind + "/finalizers"], {"update"})

    def test_leases_only_in_its_own_namespace(self):
        self.assertFalse([resource for _, resource in rights(self.operator) if resource == "leases"])
        role = find(self.objects, "Role", "reprise-leases")
        self.assertEqual(role["metadata"]["namespace"], "reprise-system")
        arguments = find(self.objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
        name = arguments[arguments.index("--lease-name") + 1]
        self.assertEqual([rule.get("resourceNames") for rule in role["rules"] if "update" in rule["verbs"]], [[name]])

    def test_one_namespace_needs_no_rights_elsewhere(self):
        objects = template(watchNamespace="models")
        self.assertFalse([one for one in objects if one["kind"] == "ClusterRoleBinding"])
        binding = find(objects, "RoleBinding", "reprise-operator")
        self.assertEqual(binding["metadata"]["namespace"], "models")
        arguments = find(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertEqual(arguments[arguments.index("--watch-namespace") + 1], "models")

    def test_each_binding_names_roles_and_accounts_that_are_there(self):
        for release in ("reprise", "mine"):
            objects = template(release)
            there = {(one["kind"], one["metadata"]["name"], one["metadata"].get("namespace")) for one in objects}
            bindings = [one for one in objects if one["kind"] in ("RoleBinding", "ClusterRoleBinding")]
            self.assertEqual(len(bindings), 2)
            for binding in bindings:
                role = binding["roleRef"]
                self.assertIn(role["name"], {name for kind, name, _ in there if kind == role["kind"]})
                for subject in binding["subjects"]:
                    self.assertIn(("ServiceAccount", subject["name"], subject["namespace"]), there)


class OperatorPod(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.deployment = find(template(), "Deployment")
        cls.pod = cls.deployment["spec"]["template"]["spec"]

    def test_passes_restricted(self):
        """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
        self.assertIs(self.pod["securityContext"]["runAsNonRoot"], True)
        self.assertEqual(self.pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
            self.assertFalse(self.pod.get(forbidden))
        self.assertFalse([v for v in self.pod.get("volumes", []) if "hostPath" in v])
        for container in self.pod["containers"] + self.pod.get("initContainers", []):
            self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})
            self.assertIs(container["securityContext"]["allowPrivilegeEscalation"], False)
            self.assertIs(container["securityContext"]["readOnlyRootFilesystem"], True)
            self.assertFalse(container["securityContext"].get("privileged"))
            self.assertFalse([port for port in container["ports"] if "hostPort" in port])

    def test_row29_has_longer_to_end_than_its_workers(self):
        source = (ROOT / "operator" / "runtime" / "controller.h").read_text()
        drain = int(re.search(r"drainLimit\{([\d']+)\}", source)[1].replace("'", "")) / 1000
        self.assertGreater(self.pod["terminationGracePeriodSeconds"], drain)

    def test_probes_and_ports_are_those_of_the_options(self):
        container = self.pod["containers"][0]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        self.assertEqual(ports, {"metrics": 8080, "health": 8081})
        arguments = container["args"]
        self.assertEqual(arguments[arguments.index("--metrics-port") + 1], "8080")
        self.assertEqual(arguments[arguments.index("--health-port") + 1], "8081")
        self.assertEqual(container["livenessProbe"]["httpGet"], {"path": "/healthz", "port": "health"})
        self.assertEqual(container["readinessProbe"]["httpGet"], {"path": "/readyz", "port": "health"})

    def test_each_option_is_one_that_the_operator_knows(self):
        known = set(re.findall(r'"(--[a-z-]+)"', (ROOT / "operator" / "options.cpp").read_text()))
        everything = template(watchNamespace="a", webhook__enabled="true", webhook__tls__secretName="c", **{"registries__insecure[0]": "b:5000"})
        arguments = find(everything, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
        used = {argument for argument in arguments if argument.startswith("--")}
        self.assertIn("--insecure-registry", used)
        self.assertLessEqual(used, known)

    def test_elects_a_leader_with_one_replica_too(self):
        self.assertEqual(self.deployment["spec"]["replicas"], 1)
        self.assertIn("--leader-elect", self.pod["containers"][0]["args"])

    def test_the_agent_comes_of_the_same_image_by_digest(self):
        objects = template(image__digest=DIGEST, image__tag="ignored")
        container = find(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual(container["image"], f"{IMAGE}@{DIGEST}")
        arguments = container["args"]
        self.assertEqual(arguments[arguments.index("--agent-image") + 1], container["image"])

    def test_the_selector_finds_the_pods(self):
        labels = self.deployment["spec"]["template"]["metadata"]["labels"]
        self.assertLessEqual(self.deployment["spec"]["selector"]["matchLabels"].items(), labels.items())
        # a Pod with this label would be taken for one of a run or a server
        self.assertNotEqual(labels["app.kubernetes.io/managed-by"], "reprise")


class Webhook(unittest.TestCase):
    def test_is_shut_and_has_no_rights_unless_it_is_asked_for(self):
        objects = template()
        self.assertNotIn("--webhook-port", find(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"])
        self.assertFalse([one for one in objects if "webhook" in one["metadata"]["name"] or "drift" in one["metadata"]["name"]])

    def test_opens_its_port_behind_a_service(self):
        objects = template(webhook__enabled="true")
        container = find(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
        arguments, ports = container["args"], {port["name"]: port["containerPort"] for port in container["ports"]}
        self.assertEqual(int(arguments[arguments.index("--webhook-port") + 1]), ports["webhook"])
        service = find(objects, "Service", "reprise-webhook")
        self.assertEqual(service["spec"]["ports"][0]["targetPort"], "webhook")
        labels = find(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
        self.assertLessEqual(service["spec"]["selector"].items(), labels.items())

    def test_speaks_tls_with_the_secret_that_is_named(self):
        plain = find(template(webhook__enabled="true"), "Deployment")["spec"]["template"]["spec"]
        self.assertNotIn("volumes", plain)
        objects = template(webhook__enabled="true", webhook__tls__secretName="hook-tls")
        self.assertEqual(find(objects, "Service", "reprise-webhook")["spec"]["ports"][0]["port"], 443)
        pod = find(objects, "Deployment")["spec"]["template"]["spec"]
        container = pod["containers"][0]
        self.assertEqual([one["secret"] for one in pod["volumes"]], [{"secretName": "hook-tls"}])
        mount = container["volumeMounts"][0]
        self.assertEqual((mount["name"], mount["readOnly"]), (pod["volumes"][0]["name"], True))
        arguments = container["args"]
        for option, file in (("--webhook-tls-cert", "tls.crt"), ("--webhook-tls-key", "tls.key")):
            self.assertEqual(arguments[arguments.index(option) + 1], f"{mount['mountPath']}/{file}")

    def test_a_certificate_alone_opens_nothing(self):
        pod = find(template(webhook__tls__secretName="hook-tls"), "Deployment")["spec"]["template"]["spec"]
        self.assertNotIn("volumes", pod)
        self.assertNotIn("--webhook-tls-cert", pod["containers"][0]["args"])

    def test_asks_who_callers_are_and_no_more_also_in_one_namespace(self):
        for more in ({}, {"watchNamespace": "models"}):
            objects = template(webhook__enabled="true", **more)
            asked = rights(find(objects, "ClusterRole", "reprise-webhook"))
            self.assertEqual(asked, {("authentication.k8s.io", "tokenreviews"): {"create"}, ("authorization.k8s.io", "subjectaccessreviews"): {"create"}})
            self.assertEqual(find(objects, "ClusterRoleBinding", "reprise-webhook")["roleRef"]["name"], "reprise-webhook")
            self.assertEqual(rights(find(objects, "ClusterRole", "reprise-drift-sender")), {("reprise.dev", "modeldeployments/drift"): {"create"}})

    def test_row35_secrets_are_got_by_name_and_only_where_it_is_asked_for(self):
        self.assertNotIn(("", "secrets"), rights(find(template(webhook__enabled="true"), "ClusterRole", "reprise-operator")))
        self.assertEqual(rights(find(template(secrets__read="true"), "ClusterRole", "reprise-operator"))["", "secrets"], {"get"})


class Options(unittest.TestCase):
    def test_a_budget_with_more_than_one_replica(self):
        self.assertFalse([one for one in template() if one["kind"] == "PodDisruptionBudget"])
        self.assertEqual(find(template(replicas=2), "PodDisruptionBudget")["spec"]["maxUnavailable"], 1)

    def test_a_service_monitor_finds_the_service(self):
        self.assertFalse([one for one in template() if one["kind"] == "ServiceMonitor"])
        objects = template(metrics__serviceMonitor__enabled="true")
        wanted = find(objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
        self.assertLessEqual(wanted.items(), find(objects, "Service")["metadata"]["labels"].items())

    def test_bad_values_are_refused_by_name(self):
        self.assertIn("image.repository", refused(image__repository=""))
        self.assertIn("insecure", refused(**{"registries__insecure[0]": "http://registry:5000"}))
        self.assertIn("digest", refused(image__digest="sha256:abc"))
        self.assertIn("replicas", refused(replicas="two"))
        self.assertIn("logLevel", refused(logLevel="loud"))
        self.assertIn("replica_count", refused(replica_count=1))
        self.assertIn("enabled", refused(webhook__enabled="yes"))
        self.assertIn("secretName", refused(webhook__tls__secretName="not a name"))


class Kinds(unittest.TestCase):
    def test_the_chart_has_those_that_are_generated(self):
        generated = {path.name: path.read_text() for path in (ROOT / "crds").iterdir()}
        packed = {path.name: path.read_text() for path in (CHART / "crds").iterdir()}
        self.assertEqual(sorted(packed), sorted(generated), "run `make generate`")
        for name, text in generated.items():
            self.assertEqual(packed[name], text, f"charts/reprise/crds/{name} is not crds/{name}: run `make generate`")

    def test_every_kind_with_rights_has_a_definition(self):
        defined = {yaml.safe_load(path.read_text())["spec"]["names"]["plural"] for path in (CHART / "crds").iterdir()}
        asked = {resource.split("/")[0] for group, resource in rights(find(template(), "ClusterRole", "reprise-operator")) if group == "reprise.dev"}
        self.assertEqual(asked, defined)


if __name__ == "__main__":
    unittest.main()
