#include "kube/config.h"

#include <filesystem>
#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "kube/exec_plugin.h"
#include "kube/pem.h"

namespace reprise::kube {
namespace {

const std::string kPem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

class Config : public ::testing::Test {
 protected:
  Config() { std::filesystem::create_directories(folder); }
  ~Config() override { std::filesystem::remove_all(folder); }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder / name, std::ios::trunc) << text;
    return folder / name;
  }
  std::string base(const std::string& cluster, const std::string& user) {
    return write("config",
                 "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u, "
                 "namespace: mine}}]\nclusters: [{name: k, cluster: {" +
                     cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n");
  }
  std::string error(const std::string& path) {
    const auto access = kubeconfigAccess({path});
    EXPECT_FALSE(access);
    return access ? "" : access.error().message;
  }
  const std::filesystem::path folder = std::filesystem::temp_directory_path() /
                                       ("config-test-" + std::to_string(std::random_device()()));
};

TEST_F(Config, AllOfAFileIsRead) {
  write("ca.pem", kPem);
  const auto access =
      kubeconfigAccess({base("server: 'https://h:1/', certificate-authority: ca.pem, "
                             "tls-server-name: n, insecure-skip-tls-verify: true",
                             "token: t")});
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://h:1");
  EXPECT_EQ(access->ns, "mine");
  const auto tls = access->tls();
  EXPECT_EQ(tls->caPem, kPem) << "a path is relative to the file it is in";
  EXPECT_EQ(tls->serverName, "n");
  EXPECT_TRUE(tls->insecureSkipVerify);
  EXPECT_EQ(*access->credentials->authorization(), "Bearer t");
}

TEST_F(Config, InlineDataWinsOverAFileAndPasswordsAreBasic) {
  const auto access = kubeconfigAccess(
      {base("server: https://h, certificate-authority: none.pem, certificate-authority-data: " +
                encodeBase64(kPem),
            "username: a, password: b")});
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->tls()->caPem, kPem);
  EXPECT_EQ(*access->credentials->authorization(), "Basic YTpi");
}

TEST_F(Config, Row16_CertificatesAreReadAnewEachTimeAndAnEmptyFileIsAnError) {
  write("ca.pem", kPem);
  const auto access =
      kubeconfigAccess({base("server: https://h, certificate-authority: ca.pem", "")});
  ASSERT_TRUE(access);
  write("ca.pem", kPem + kPem);
  EXPECT_EQ(access->tls()->caPem, kPem + kPem);
  write("ca.pem", "");
  ASSERT_FALSE(access->tls());
  EXPECT_NE(access->tls().error().message.find("ca.pem"), std::string::npos);
}

TEST_F(Config, Row17_FilesAreMergedAndTheFirstThatNamesSomethingWins) {
  const auto first =
      write("first", "current-context: c\nusers: [{name: u, user: {token: from-first}}]\n");
  const auto second = write("second",
                            "current-context: other\ncontexts: [{name: c, context: {cluster: k, "
                            "user: u}}]\nclusters: [{name: k, cluster: {server: "
                            "https://h}}]\nusers: [{name: u, user: {token: from-second}}]\n");
  const auto access = kubeconfigAccess({folder / "missing", first, second});
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(*access->credentials->authorization(), "Bearer from-first");
}

TEST_F(Config, ErrorsNameTheFileTheFieldAndTheMend) {
  EXPECT_NE(error(folder / "missing").find("missing: there is no such file"), std::string::npos);
  EXPECT_NE(error(write("bad", "a: [")).find("bad: is not YAML"), std::string::npos);
  EXPECT_NE(error(write("bad", "just text")).find("is not a kubeconfig"), std::string::npos);
  EXPECT_NE(error(write("bad", "{}")).find("current-context is empty; set it"), std::string::npos);
  EXPECT_NE(error(write("bad", "current-context: x")).find("'x', which is not in contexts"),
            std::string::npos);
  EXPECT_NE(
      error(base("server: h:1", "")).find("clusters[k].cluster.server: is 'h:1'; set https://"),
      std::string::npos);
  EXPECT_NE(error(base("server: https://h, certificate-authority-data: '***'", ""))
                .find("clusters[k].cluster.certificate-authority-data: is not base64"),
            std::string::npos);
  EXPECT_NE(error(base("server: https://h, certificate-authority: nowhere.pem", ""))
                .find("certificate-authority: "),
            std::string::npos);
  EXPECT_NE(error(base("server: https://h", "client-certificate-data: " + encodeBase64(kPem)))
                .find("users[u].user: has only one"),
            std::string::npos);
  EXPECT_NE(error(base("server: https://h, proxy-url: 'http://p'", "")).find("proxy-url"),
            std::string::npos);
  EXPECT_NE(error(base("server: https://h", "exec: {command: x, apiVersion: v0}"))
                .find("users[u].user.exec.apiVersion"),
            std::string::npos);
  EXPECT_NE(error(base("server: https://h",
                       "exec: {command: x, apiVersion: client.authentication.k8s.io/v1, "
                       "interactiveMode: Always}"))
                .find("interactiveMode"),
            std::string::npos);
}

TEST_F(Config, Row15_ATokenFileIsReadAgainEachMinuteAndTheOldOneIsKeptIfThatFails) {
  auto clock = std::make_shared<FakeClock>();
  const auto path = write("token", "one\n");
  auto credentials = tokenFileCredentials(path, clock);
  EXPECT_EQ(*credentials->authorization(), "Bearer one");
  write("token", "two");
  EXPECT_EQ(*credentials->authorization(), "Bearer one");
  clock->advance(std::chrono::minutes(1));
  EXPECT_EQ(*credentials->authorization(), "Bearer two");
  write("token", "three");
  credentials->refused("Bearer one");  // one from before: the new one is not to blame
  EXPECT_EQ(*credentials->authorization(), "Bearer two");
  credentials->refused("Bearer two");
  EXPECT_EQ(*credentials->authorization(), "Bearer three");
  for (int i = 0; i < 2; ++i) {
    i == 0 ? void(write("token", "")) : void(std::filesystem::remove(path));
    clock->advance(std::chrono::minutes(1));
    EXPECT_EQ(*credentials->authorization(), "Bearer three");
  }
  EXPECT_FALSE(tokenFileCredentials(path, clock)->authorization()) << "there is no old one";
}

TEST_F(Config, Row17_APluginsTokenIsKeptUntilItExpiresOrIsRefused) {
  auto clock = std::make_shared<FakeClock>();
  const auto script =
      write("plugin",
            "#!/bin/sh\necho run >> " + (folder / "runs").string() +
                "\nread line && exit 9\ncase $KUBERNETES_EXEC_INFO in *'\"interactive\":false'*) "
                ";; *) exit 8 ;; esac\n"
                "echo '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"'$WHO'-'$(wc -l < " +
                (folder / "runs").string() + ")'\",\"expirationTimestamp\":\"" +
                formatTime(clock->now() + std::chrono::hours(1)) + "\"}}'\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  ExecPlugin plugin;
  plugin.where = "users[u].user.exec";
  plugin.command = script;
  plugin.env = {{"WHO", "me"}};
  plugin.apiVersion = "client.authentication.k8s.io/v1";
  auto credentials = execCredentials(plugin, clock);
  auto first = credentials->authorization();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(*first, "Bearer me-1");
  EXPECT_EQ(*credentials->authorization(), "Bearer me-1");
  credentials->refused("Bearer me-1");
  EXPECT_EQ(*credentials->authorization(), "Bearer me-2");
  clock->advance(std::chrono::hours(2));
  EXPECT_EQ(*credentials->authorization(), "Bearer me-3");
}

TEST_F(Config, Row17_APluginThatFailsSaysWhatItSaid) {
  ExecPlugin plugin;
  plugin.where = "users[u].user.exec";
  plugin.command = write("plugin", "#!/bin/sh\necho 'log in first' >&2\nexit 1\n");
  std::filesystem::permissions(plugin.command, std::filesystem::perms::owner_all);
  auto failed = execCredentials(plugin)->authorization();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("log in first"), std::string::npos)
      << failed.error().message;
  plugin.command = folder / "nowhere";
  plugin.installHint = "get it from your cloud";
  failed = execCredentials(plugin)->authorization();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("get it from your cloud"), std::string::npos)
      << failed.error().message;
  plugin.command = write("plugin", "#!/bin/sh\necho nonsense\n");
  EXPECT_FALSE(execCredentials(plugin)->authorization());
}

TEST_F(Config, OutsideOfAPodItSaysWhatToSet) {
  unsetenv("KUBERNETES_SERVICE_HOST");
  const auto access = inClusterAccess(folder);
  ASSERT_FALSE(access);
  EXPECT_NE(access.error().message.find("set KUBECONFIG"), std::string::npos);
}

TEST(Pem, Base64IsExact) {
  for (const std::string& text :
       {std::string("a"), std::string("ab"), std::string("abc"), std::string("a\0b", 3)}) {
    EXPECT_EQ(*decodeBase64(encodeBase64(text), "f"), text);
  }
  EXPECT_EQ(*decodeBase64("YT\npi \n", "f"), "a:b");
  for (const char* bad : {"", "YTp", "YT*i", "====", "Y=Ep"})
    EXPECT_FALSE(decodeBase64(bad, "f")) << bad;
}

}  // namespace
}  // namespace reprise::kube
