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
CGROUP=/reprise-node
REGISTRY_ADDRESS=$NODE_IP:$REGISTRY_PORT

tool_path() {                 # directories of all tools, for PATH
  printf '%s' "$TOOLS/kubernetes-$KUBERNETES:$TOOLS/etcd-$ETCD:$TOOLS/containerd-$CONTAINERD:$TOOLS/runc-$RUNC:$TOOLS/registry-$REGISTRY:$TOOLS/helm-$HELM"
}
export PATH="$(tool_path):/usr/local/go/bin:$PATH"

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

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

is_up() { [ -e "$STATE/init.pid" ] && kill -0 "$(cat "$STATE/init.pid")" 2> /dev/null; }
in_node() { nsenter -t "$(cat "$STATE/init.pid")" -m -n -p -- "$@"; }

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
  mkdir -p "$1" && cd "$1" && [ ! -e done ] || exit 0
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
  touch done
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
