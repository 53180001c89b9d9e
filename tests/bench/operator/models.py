"""What users and the cluster write about one model: its pipeline and deployment, a run that ends well, Pods that get ready.

In place of a controller manager, a scheduler and kubelets: objects are made here in the state that those would bring them to.
"""

import copy
import json

START, END = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"
IMAGE = "registry.example.com/models/{}@sha256:" + "1" * 64
PREFIX = {"jobs": "/apis/batch/v1", "deployments": "/apis/apps/v1", "services": "/api/v1", "pods": "/api/v1"}


def path(ns, resource, name="", subresource=""):
    base = f"{PREFIX.get(resource, '/apis/reprise.dev/v1alpha1')}/namespaces/{ns}/{resource}"
    return "/".join(part for part in (base, name, subresource) if part)


def pipeline(name):
    spec = {
        "model": name,
        "environment": {"image": IMAGE.format(name)},
        "params": {"epochs": "20", "rate": "0.01"},
        "train": {"command": ["python", "train.py", "--epochs", "$(REPRISE_PARAM_EPOCHS)"]},
        "artifact": {"store": {"persistentVolumeClaim": {"claimName": "models"}}},
        "gates": [{"metric": "accuracy", "min": "0.5"}],
        "backoffLimit": 0,
    }
    return {"apiVersion": "reprise.dev/v1alpha1", "kind": "TrainingPipeline", "metadata": {"name": name}, "spec": spec}


def deployment(name):
    server = {
        "name": "server",
        "command": ["python", "serve.py", "--port", "8080"],
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8080}},
    }
    spec = {"model": name, "version": {"auto": {}}, "replicas": 1, "template": {"spec": {"containers": [server]}}}
    return {"apiVersion": "reprise.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": name}, "spec": spec}


def version(name, run=None):
    """As `reprise-agent publish` makes it."""
    digest = name.encode().hex().ljust(64, "0")[:64]
    lineage = {"pipeline": name, "run": f"{name}-1", "trigger": "Initial"} if run else {}
    spec = {
        "model": name,
        "artifact": {"uri": f"pvc://models/sha256/{digest}", "sha256": digest, "bytes": 1},
        "environment": {"image": IMAGE.format(name), "python": "3.11.2", "packages": {"numpy": "2.1.3", "scikit-learn": "1.5.2"}, "platform": "linux/amd64"},
        "metrics": {"accuracy": "0.9"},
        "lineage": lineage,
    }
    labels = {"reprise.dev/model": name}
    return {"apiVersion": "reprise.dev/v1alpha1", "kind": "ModelVersion", "metadata": {"name": f"{name}-1", "labels": labels}, "spec": spec}


def _post(ns, resource, thing):
    return ["POST", path(ns, resource), "application/json", json.dumps(thing)]


def _status(ns, resource, name, status):
    return ["PATCH", path(ns, resource, name, "status"), "application/merge-patch+json", json.dumps({"status": status})]


def _pod(owner, kind, labels):
    """Of a Job or a ReplicaSet, from the template of what the operator made."""
    template = copy.deepcopy(owner["spec"]["template"])
    meta, name = template.setdefault("metadata", {}), owner["metadata"]["name"]
    meta.pop("creationTimestamp", None)
    api = {"Job": "batch/v1", "ReplicaSet": "apps/v1"}[kind]
    of = name if kind == "Job" else f"{name}-5d8c7b9f4"
    meta["name"] = f"{of}-x7k2p"
    meta.setdefault("labels", {}).update(labels)
    meta["ownerReferences"] = [{"apiVersion": api, "kind": kind, "name": of, "uid": owner["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


def _container(name, image, state, ready):
    digest = "sha256:" + "1" * 64
    return {"name": name, "image": image, "imageID": f"registry.example.com/x@{digest}", "containerID": f"containerd://{digest[7:]}", "restartCount": 0, "ready": ready} | {"state": state}


def _containers(pod, which, state, ready):
    return [_container(one["name"], one["image"], state, ready) for one in pod["spec"].get(which, [])]


def run_ends(ns, job):
    """Requests: the Pod of that Job ran and published, and the Job is complete."""
    name = job["metadata"]["name"]
    pod = _pod(job, "Job", {"batch.kubernetes.io/job-name": name, "job-name": name})
    done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": START, "finishedAt": END}}
    seen = {"initContainerStatuses": _containers(pod, "initContainers", done, True), "containerStatuses": _containers(pod, "containers", done, False)}
    conditions = [{"type": kind, "status": "True", "lastProbeTime": END, "lastTransitionTime": END} for kind in ("SuccessCriteriaMet", "Complete")]
    status = {"startTime": START, "completionTime": END, "succeeded": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {}, "conditions": conditions}
    return [
        _post(ns, "pods", pod),
        _status(ns, "pods", pod["metadata"]["name"], {"phase": "Succeeded", "startTime": START, **seen}),
        _post(ns, "modelversions", version(job["metadata"]["labels"]["reprise.dev/model"], run=name)),
        _status(ns, "jobs", name, status),
    ]


def server_is_ready(ns, made):
    """Requests: the Pod of that Deployment is ready, and the Deployment says so."""
    pod = _pod(made, "ReplicaSet", {"pod-template-hash": "5d8c7b9f4"})
    ended, runs = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": START, "finishedAt": END}}, {"running": {"startedAt": START}}
    seen = {"initContainerStatuses": _containers(pod, "initContainers", ended, True), "containerStatuses": _containers(pod, "containers", runs, True)}
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": START} for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")]
    # No address: there is no monitor to be asked.
    pod_status = {"phase": "Running", "startTime": START, "conditions": conditions, **seen}
    told = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "Deployment has minimum availability."}
    progress = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "ReplicaSet has successfully progressed."}
    times = {"lastTransitionTime": START, "lastUpdateTime": START}
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
    status = {"observedGeneration": made["metadata"]["generation"], "conditions": [told | times, progress | times], **counts}
    return [
        _post(ns, "pods", pod),
        _status(ns, "pods", pod["metadata"]["name"], pod_status),
        _status(ns, "deployments", made["metadata"]["name"], status),
    ]
