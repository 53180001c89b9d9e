"""Volumes for a cluster that cannot make any, or has none left: directories of its only node."""

import json

import kube

NAMESPACE = "reprise-story-volumes"
HOST = "/var/lib/reprise-story"
DEFAULT = "storageclass.kubernetes.io/is-default-class"


def _default_class():
    """(name, whether it makes volumes by itself) of the default StorageClass; ("", False) if there is none."""
    for found in json.loads(kube.kubectl("get", "storageclass", "-o", "json"))["items"]:
        if found["metadata"].get("annotations", {}).get(DEFAULT) == "true":
            return found["metadata"]["name"], found["provisioner"] != "kubernetes.io/no-provisioner"
    return "", False


def _free(storage_class):
    """Volumes of the class that no claim has had yet."""
    volumes = json.loads(kube.kubectl("get", "pv", "-o", "json"))["items"]
    return sum(v["status"].get("phase") == "Available" and v["spec"].get("storageClassName") == storage_class for v in volumes)


def _volume(namespace, claim, storage_class):
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"story-{namespace}-{claim}"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": storage_class,
            "claimRef": {"namespace": namespace, "name": claim},
            "hostPath": {"path": f"{HOST}/{namespace}/{claim}", "type": "Directory"},
        },
    }


def _preparer(image, directories):
    # Only root may make directories of the node; that stays out of the namespaces that are restricted.
    script = "set -e; umask 0; for d in %s; do rm -rf /node/$d; mkdir -p -m 0777 /node/$d; done" % " ".join(directories)
    mount = {"name": "node", "mountPath": "/node"}
    container = {"name": "prepare", "image": image, "command": ["sh", "-c", script], "volumeMounts": [mount]}
    container["securityContext"] = {"runAsUser": 0}
    volume = {"name": "node", "hostPath": {"path": HOST, "type": "DirectoryOrCreate"}}
    spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container], "volumes": [volume]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "prepare", "namespace": NAMESPACE}, "spec": spec}


def _space():
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def provide(namespace, claims, image):
    """Empty volumes for `claims`. The namespace must be gone or have no claims yet."""
    storage_class, makes = _default_class()
    if makes or (storage_class and _free(storage_class) >= len(claims)):
        return
    volumes = [_volume(namespace, claim, storage_class) for claim in claims]
    kube.kubectl("delete", "pv", "--ignore-not-found", *(v["metadata"]["name"] for v in volumes))
    kube.kubectl("apply", "-f", "-", input=json.dumps(_space()))
    kube.kubectl("delete", "pod", "prepare", "-n", NAMESPACE, "--ignore-not-found", "--grace-period=0", "--force")
    pod = _preparer(image, [f"{namespace}/{claim}" for claim in claims])

    def made():
        kube.kubectl("apply", "-f", "-", input=json.dumps(pod))
        return True, ""

    # The namespace's service account comes a moment after the namespace: until then Pods are refused.
    kube.wait("a Pod to prepare volumes", NAMESPACE, made, limit=60)

    def probe():
        phase = (kube.get(NAMESPACE, "pod", "prepare") or {}).get("status", {}).get("phase")
        return phase == "Succeeded", f"the Pod prepare is {phase}"

    kube.wait("directories on the node", NAMESPACE, probe, limit=120)
    kube.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": volumes}))
