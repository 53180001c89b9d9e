# Sourced by the scripts of this folder: paths, progress, keys and certificates.
# shellcheck shell=bash disable=SC2034
CLUSTER_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$CLUSTER_DIR/versions"

CACHE=${REPRISE_CACHE:-$HOME/.cache/reprise}                        # downloads and builds, keyed by version
STATE=${REPRISE_STATE:-$HOME/.local/state/reprise}/cluster          # the running node
TOOLS=$CACHE/tools

NODE=reprise-node
NODE_IP=10.88.0.1
POD_NET=10.244.0.0/16
SERVICE_NET=10.96.0.0/16
SERVICE_IP=10.96.0.1          # of the API server, inside
API_PORT=6443                 # inside the node's network namespace
REGISTRY_PORT=5000            # inside too
CGROUP=/reprise-node-$(printf %s "$STATE" | cksum | cut -d ' ' -f 1)   # two nodes with a state each do not meet
REGISTRY_ADDRESS=$NODE_IP:$REGISTRY_PORT

# directories of all tools, for PATH
tool_path() {
  printf '%s' "$TOOLS/kubernetes-$KUBERNETES:$TOOLS/etcd-$ETCD:$TOOLS/containerd-$CONTAINERD:$TOOLS/runc-$RUNC:$TOOLS/registry-$REGISTRY:$TOOLS/helm-$HELM"
}
PATH=$(tool_path):/usr/local/go/bin:$PATH
export PATH

say() { printf '%s\n' "reprise: $*" >&2; }
die() { say "$*"; exit 1; }

# progress <log> <what> <command…>: runs the command with its output in the log, and says every 15 s that it is alive.
progress() {
  local log=$1 what=$2 begin=$SECONDS pid
  shift 2
  mkdir -p "$(dirname "$log")"
  say "$what …"
  "$@" > "$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2> /dev/null; do
    for _ in $(seq 75); do kill -0 "$pid" 2> /dev/null || break; sleep 0.2; done
    kill -0 "$pid" 2> /dev/null && say "$what: $((SECONDS - begin)) s so far (log: $log)"
  done
  if ! wait "$pid"; then
    tail -n 30 "$log" >&2
    die "$what failed after $((SECONDS - begin)) s; the whole log is $log"
  fi
  say "$what: done in $((SECONDS - begin)) s"
}

# free_port [preferred]: a loopback port that nobody listens on
free_port() {
  python3 - "${1:-0}" <<'P'
import socket, sys
for port in (int(sys.argv[1]), 0):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            continue
        print(s.getsockname()[1])
        break
P
}

# The pid in the file may be somebody else's by now (the machine was restarted): the command line must name this state.
is_ours() { { tr '\0' ' ' < "/proc/$1/cmdline"; } 2> /dev/null | grep -qF "$2"; }
is_up() { [ -e "$STATE/init.pid" ] && is_ours "$(cat "$STATE/init.pid")" "node-init $STATE"; }
in_node() { nsenter -t "$(cat "$STATE/init.pid")" -m -n -p -- "$@"; }

# buildah with its layers in the cache, not among the machine's own images
buildah() { TMPDIR=$CACHE/tmp command buildah --root "$CACHE/containers" --runroot "$CACHE/containers.run" "$@"; }

# One build at a time: then what is left of a build that failed (working containers, mounts) is nobody else's.
lock_images() {
  mkdir -p "$CACHE/tmp"
  exec 8> "$CACHE/images.lock"
  flock -n 8 || { say "another image is being built: waiting for it"; flock 8; }
}
tidy_images() {
  buildah rm --all > /dev/null 2>&1 || true
  umount "$CACHE/containers/overlay" 2> /dev/null || true
}

# apt_sources <suite>: where this machine gets its Debian packages, as sources of that suite; Debian's own address elsewhere.
apt_sources() {
  local here
  here=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || here=
  if [ -n "$here" ]; then
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
      awk -v here="$here" -v suite="$1" '$2 ~ "^" here "(|-updates|-security)$" && $3 == "main" {sub(here, suite, $2); print "deb", $1, $2, $3}'
  else
    public_sources "$1"
  fi
}
public_sources() {
  printf 'deb http://deb.debian.org/debian %s main\ndeb http://deb.debian.org/debian %s-updates main\n' "$1" "$1"
  printf 'deb http://deb.debian.org/debian-security %s-security main\n' "$1"
}

# lend <suite>: LENT gets buildah's options that lend a build what this machine reaches its packages with: apt's sources and
# settings, pip's, certificates. They are mounted while a step runs: no layer has them. Nothing is lent by other systems
# than Debian, where the image's own sources serve.
lend() {
  local from=$CACHE/lent/$1 bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt} file
  LENT=()
  if grep -q '^ID=debian$' /etc/os-release; then
    rm -rf "$from.new"
    mkdir -p "$from.new"/{apt.conf.d,preferences.d,sources.list.d}
    apt_sources "$1" > "$from.new/sources.list"
    apt-config dump | grep -iE '^Acquire::(http|https|check-|forceipv|retries)[^ ]* ".+"' > "$from.new/apt.conf.d/machine" || true
    if [ -f "$bundle" ]; then
      cp "$bundle" "$from.new/certificates"
      echo 'Acquire::https::CaInfo "/etc/apt/certificates";' >> "$from.new/apt.conf.d/machine"
    fi
    for file in /etc/apt/trusted.gpg.d /etc/apt/auth.conf.d; do [ ! -d $file ] || cp -a $file "$from.new/"; done
    rm -rf "$from"
    mv "$from.new" "$from"
    LENT+=(--volume "$from:/etc/apt:ro")
  fi
}

# lend_pip: the same for pip
lend_pip() {
  local file
  for file in /etc/pip.conf "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}"; do
    [ ! -f "$file" ] || LENT+=(--volume "$file:$file:ro")
  done
}

make_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# make_certificate <name> <subject> <usage> [<alternative names>]: signed by ca.crt of the current folder
make_certificate() {
  make_key "$1.key"
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr" 2> /dev/null
  { echo "keyUsage=critical,digitalSignature"; echo "extendedKeyUsage=$3"; [ -z "${4:-}" ] || echo "subjectAltName=$4"; } > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -extfile "$1.ext" -out "$1.crt" 2> /dev/null
  rm -f "$1.csr" "$1.ext"
}

# make_pki <folder>: all that a control plane and a node need
make_pki() (
  mkdir -p "$1" && cd "$1" && [ ! -e complete ] || exit 0
  make_key ca.key
  openssl req -x509 -new -key ca.key -subj /CN=reprise-test-ca -days 3650 -out ca.crt \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature 2> /dev/null
  make_certificate apiserver /CN=kube-apiserver serverAuth \
    "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost,IP:127.0.0.1,IP:$SERVICE_IP,IP:$NODE_IP"
  make_certificate apiserver-kubelet-client /O=system:masters/CN=apiserver-kubelet-client clientAuth
  make_certificate admin /O=system:masters/CN=admin clientAuth
  make_certificate controller-manager /CN=system:kube-controller-manager clientAuth
  make_certificate scheduler /CN=system:kube-scheduler clientAuth
  make_certificate kubelet "/O=system:nodes/CN=system:node:$NODE" clientAuth
  make_certificate kube-proxy /CN=system:kube-proxy clientAuth
  openssl genrsa -out sa.key 2048 2> /dev/null
  openssl rsa -in sa.key -pubout -out sa.pub 2> /dev/null
  touch complete
)

# write_kubeconfig <file> <pki folder> <who> <port of the API server on 127.0.0.1>
write_kubeconfig() {
  local pki=$2
  cat > "$1" <<Y
apiVersion: v1
kind: Config
clusters: [{name: reprise, cluster: {server: "https://127.0.0.1:$4", certificate-authority-data: $(base64 -w0 < "$pki/ca.crt")}}]
users: [{name: $3, user: {client-certificate-data: $(base64 -w0 < "$pki/$3.crt"), client-key-data: $(base64 -w0 < "$pki/$3.key")}}]
contexts: [{name: reprise, context: {cluster: reprise, user: $3}}]
current-context: reprise
Y
  chmod 600 "$1"
}
