"""Moves a tag in an OCI registry: the manifest under another name, the layers stay where they are."""

import re
import urllib.error
import urllib.request

from kube import StoryError

TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
# The registry is next door: no proxy stands between.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def split(reference):
    """"host:5000/team/fuel@sha256:…" -> ("host:5000", "team/fuel", "sha256:…"); a tag, or "latest", instead of a digest."""
    match = re.fullmatch(r"([^/]+)/([^@]+?)(?::([^:/@]+))?(?:@(sha256:[0-9a-f]{64}))?", reference)
    if not match:
        raise StoryError(f"'{reference}' is no image reference with a registry, such as host:5000/fuel:1.0")
    host, repository, tag, digest = match.groups()
    return host, repository, digest or tag or "latest"


def _call(method, url, **more):
    try:
        return _opener.open(urllib.request.Request(url, method=method, **more), timeout=20)
    except urllib.error.URLError as error:
        raise StoryError(f"registry: {method} {url}: {error}") from error


def digest(reference):
    host, repository, name = split(reference)
    with _call("HEAD", f"http://{host}/v2/{repository}/manifests/{name}", headers={"Accept": TYPES}) as answer:
        return answer.headers["Docker-Content-Digest"]


def move_tag(reference, tag):
    """Lets `tag` of the same repository name what `reference` names. Returns the digest."""
    host, repository, name = split(reference)
    url = f"http://{host}/v2/{repository}/manifests/"
    with _call("GET", url + name, headers={"Accept": TYPES}) as answer:
        manifest, kind = answer.read(), answer.headers["Content-Type"]
    with _call("PUT", url + tag, data=manifest, headers={"Content-Type": kind}) as answer:
        return answer.headers["Docker-Content-Digest"]
