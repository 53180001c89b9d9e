#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <yaml-cpp/yaml.h>

#include "kube/config.h"
#include "kube/environment.h"
#include "kube/exec_plugin.h"
#include "kube/pem.h"

namespace reprise::kube {
namespace {

// One entry of clusters, users or contexts, with the file that it is from.
struct Part {
  YAML::Node node;  // what is under "cluster:", "user:", "context:"
  std::string file;
  std::string where;  // "<file>: users[admin].user"

  std::string text(const char* field) const {
    const YAML::Node value = node[field];
    return value && value.IsScalar() ? value.as<std::string>() : std::string();
  }
  std::string name(const char* field) const { return where + "." + field; }
  // Paths are relative to the file that they are written in.
  std::string path(const char* field) const {
    const std::string value = text(field);
    if (value.empty() || value.front() == '/') return value;
    return (std::filesystem::absolute(file).parent_path() / value).lexically_normal().string();
  }
};

struct File {
  std::string path;
  YAML::Node root;
};

Expected<std::vector<File>> load(const std::vector<std::string>& paths) {
  std::vector<File> out;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) continue;
    auto content = readFile(path);
    if (!content) return tl::unexpected(content.error());
    YAML::Node root = YAML::Load(*content);
    if (!root.IsMap())
      return fail(ErrorCode::InvalidArgument,
                  path + ": is not a kubeconfig; it needs clusters, users and contexts");
    out.push_back({path, root});
  }
  if (!out.empty()) return out;
  std::string all;
  for (const std::string& path : paths) all += (all.empty() ? "" : ", ") + path;
  return fail(ErrorCode::InvalidArgument,
              all + ": there is no such file; set KUBECONFIG to a kubeconfig file");
}

Expected<Part> find(const std::vector<File>& files, const char* list, const char* member,
                    const std::string& name, const std::string& wanted) {
  for (const File& file : files) {
    const YAML::Node entries = file.root[list];
    if (!entries || !entries.IsSequence()) continue;
    for (const YAML::Node& entry : entries) {
      if (!entry.IsMap() || !entry["name"] || entry["name"].as<std::string>() != name) continue;
      Part part;
      part.node =
          entry[member] && entry[member].IsMap() ? entry[member] : YAML::Node(YAML::NodeType::Map);
      part.file = file.path;
      part.where = file.path + ": " + list + "[" + name + "]." + member;
      return part;
    }
  }
  return fail(ErrorCode::InvalidArgument, files.front().path + ": " + wanted + " names '" + name +
                                              "', which is not in " + list +
                                              "; add it or name another");
}

// Inline data wins over a file, as with kubectl; "" where there is neither.
Expected<std::string> pem(const Part& part, const char* dataField, const char* fileField) {
  if (const std::string data = part.text(dataField); !data.empty()) {
    auto bytes = decodeBase64(data, part.name(dataField));
    return bytes ? checkPem(std::move(*bytes), part.name(dataField)) : bytes;
  }
  const std::string path = part.path(fileField);
  if (path.empty()) return std::string();
  auto bytes = readFile(path);
  if (!bytes) {
    bytes.error().message = part.name(fileField) + ": " + bytes.error().message;
    return bytes;
  }
  return checkPem(std::move(*bytes), part.name(fileField) + " (" + path + ")");
}

Expected<http::TlsOptions> readTls(const Part& cluster, const Part& user) {
  http::TlsOptions tls;
  auto ca = pem(cluster, "certificate-authority-data", "certificate-authority");
  if (!ca) return tl::unexpected(ca.error());
  auto certificate = pem(user, "client-certificate-data", "client-certificate");
  if (!certificate) return tl::unexpected(certificate.error());
  auto key = pem(user, "client-key-data", "client-key");
  if (!key) return tl::unexpected(key.error());
  if (certificate->empty() != key->empty()) {
    return fail(ErrorCode::InvalidArgument,
                user.where + ": has only one of client-certificate and client-key; set both");
  }
  tls.caPem = std::move(*ca);
  tls.certPem = std::move(*certificate);
  tls.keyPem = std::move(*key);
  tls.serverName = cluster.text("tls-server-name");
  tls.insecureSkipVerify = cluster.text("insecure-skip-tls-verify") == "true";
  return tls;
}

Expected<std::shared_ptr<Credentials>> execOf(const Part& user) {
  const Part exec{user.node["exec"], user.file, user.where + ".exec"};
  ExecPlugin plugin;
  plugin.where = exec.where;
  plugin.command = exec.text("command");
  if (plugin.command.empty())
    return fail(ErrorCode::InvalidArgument,
                exec.name("command") + ": is empty; name the program that gives the token");
  if (plugin.command.find('/') != std::string::npos) plugin.command = exec.path("command");
  plugin.apiVersion = exec.text("apiVersion");
  if (plugin.apiVersion.rfind("client.authentication.k8s.io/v1", 0) != 0) {
    return fail(ErrorCode::InvalidArgument, exec.name("apiVersion") + ": is '" + plugin.apiVersion +
                                                "'; set client.authentication.k8s.io/v1");
  }
  if (exec.text("interactiveMode") == "Always") {
    return fail(
        ErrorCode::InvalidArgument,
        exec.name("interactiveMode") + ": is Always, but nobody is here to ask; use another user");
  }
  plugin.installHint = exec.text("installHint");
  if (const YAML::Node args = exec.node["args"]; args && args.IsSequence())
    plugin.args = args.as<std::vector<std::string>>();
  if (const YAML::Node env = exec.node["env"]; env && env.IsSequence()) {
    for (const YAML::Node& one : env)
      plugin.env.emplace_back(one["name"].as<std::string>(), one["value"].as<std::string>());
  }
  return execCredentials(std::move(plugin));
}

Expected<std::shared_ptr<Credentials>> credentialsOf(const Part& user) {
  for (const char* field : {"auth-provider", "as", "as-uid", "as-groups"}) {
    if (user.node[field])
      return fail(
          ErrorCode::InvalidArgument,
          user.name(field) + ": is not supported; use exec, a token or a client certificate");
  }
  // The order is that of client-go.
  if (const std::string path = user.path("tokenFile"); !path.empty())
    return tokenFileCredentials(path);
  if (const std::string token = user.text("token"); !token.empty())
    return fixedCredentials("Bearer " + token);
  if (user.node["exec"] && user.node["exec"].IsMap()) return execOf(user);
  if (const std::string name = user.text("username"); !name.empty()) {
    return fixedCredentials("Basic " + encodeBase64(name + ":" + user.text("password")));
  }
  return fixedCredentials("");
}

Expected<std::string> serverOf(const Part& cluster) {
  std::string server = cluster.text("server");
  if (server.rfind("https://", 0) != 0 && server.rfind("http://", 0) != 0) {
    return fail(ErrorCode::InvalidArgument,
                cluster.name("server") + ": is '" + server + "'; set https://<host>:<port>");
  }
  if (server.find("//[") != std::string::npos) {
    return fail(ErrorCode::InvalidArgument,
                cluster.name("server") + ": is a literal of IPv6; set a name that resolves to it");
  }
  if (cluster.node["proxy-url"]) {
    return fail(ErrorCode::InvalidArgument,
                cluster.name("proxy-url") +
                    ": is not supported; remove it and reach the API server directly");
  }
  while (server.back() == '/') server.pop_back();
  return server;
}

Expected<Access> build(const std::vector<std::string>& paths, std::string context) {
  const auto files = load(paths);
  if (!files) return tl::unexpected(files.error());
  for (const File& file : *files) {
    const YAML::Node current = file.root["current-context"];
    if (context.empty() && current && current.IsScalar()) context = current.as<std::string>();
  }
  if (context.empty())
    return fail(ErrorCode::InvalidArgument,
                files->front().path + ": current-context is empty; set it, or name a context");
  const auto chosen = find(*files, "contexts", "context", context, "current-context");
  if (!chosen) return tl::unexpected(chosen.error());
  const auto cluster = find(*files, "clusters", "cluster", chosen->text("cluster"),
                            "contexts[" + context + "].context.cluster");
  if (!cluster) return tl::unexpected(cluster.error());
  Part user{YAML::Node(YAML::NodeType::Map), chosen->file, chosen->file};
  if (const std::string name = chosen->text("user"); !name.empty()) {
    auto found = find(*files, "users", "user", name, "contexts[" + context + "].context.user");
    if (!found) return tl::unexpected(found.error());
    user = std::move(*found);
  }
  Access access;
  auto server = serverOf(*cluster);
  if (!server) return tl::unexpected(server.error());
  access.server = std::move(*server);
  if (const std::string ns = chosen->text("namespace"); !ns.empty()) access.ns = ns;
  access.source = cluster->file;
  auto credentials = credentialsOf(user);
  if (!credentials) return tl::unexpected(credentials.error());
  access.credentials = std::move(*credentials);
  // A node of yaml-cpp is not for many threads: ApiConnection calls this under its lock.
  access.tls = [cluster = *cluster, user] { return readTls(cluster, user); };
  if (auto tls = access.tls(); !tls) return tl::unexpected(tls.error());
  return access;
}

std::vector<std::string> splitPaths(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(':', begin), text.size());
    if (end > begin) out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

}  // namespace

Expected<Access> kubeconfigAccess(const std::vector<std::string>& files,
                                  const std::string& context) {
  try {
    return build(files, context);
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::InvalidArgument,
                (files.empty() ? std::string("kubeconfig") : files.front()) +
                    ": is not YAML that a kubeconfig may hold: " + error.what());
  }
}

// Here and not beside inClusterAccess: a program that only ever runs in a Pod needs no YAML.
Expected<Access> findAccess(const std::string& file, const std::string& context) {
  if (!file.empty()) return kubeconfigAccess({file}, context);
  if (const auto paths = splitPaths(environment("KUBECONFIG")); !paths.empty())
    return kubeconfigAccess(paths, context);
  if (!environment("KUBERNETES_SERVICE_HOST").empty() && context.empty()) return inClusterAccess();
  const std::string home = environment("HOME");
  if (home.empty())
    return fail(ErrorCode::InvalidArgument,
                "no API server is known: set KUBECONFIG to a kubeconfig file");
  return kubeconfigAccess({home + "/.kube/config"}, context);
}

}  // namespace reprise::kube
