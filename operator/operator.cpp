#include "operator.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <utility>

#include "controllers/drift_hook.h"
#include "controllers/schema_check.h"
#include "controllers/serving_controller.h"
#include "controllers/training_controller.h"
#include "controllers/version_controller.h"
#include "controllers/wakeups.h"
#include "http/beast_transport.h"
#include "json/view.h"
#include "kube/http_client.h"
#include "runtime/elector.h"
#include "runtime/events.h"
#include "runtime/health.h"
#include "runtime/manager.h"
#include "runtime/metered_client.h"
#include "runtime/server_tls.h"

namespace reprise {
namespace {

constexpr Milliseconds kScoreInterval{1'000};  // labels come late anyway

std::string hostName() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

// The Pod's name and something random: a container that restarts keeps its host name, and must not
// take its own old lease for its own.
std::string identity() {
  std::random_device random;
  return hostName() + "_" + std::to_string(random()) + std::to_string(random());
}

runtime::HttpServer::Options onPort(std::uint16_t port) {
  runtime::HttpServer::Options out;
  out.port = port;
  return out;
}

// Something with start() and stop() as the manager runs it.
template <class T>
class Background final : public runtime::Runnable {
 public:
  Background(std::string name, T& inner) : name_(std::move(name)), inner_(inner) {}
  std::string name() const override { return name_; }
  void start() override { inner_.start(); }
  bool stop() override {
    inner_.stop();
    return true;
  }

 private:
  const std::string name_;
  T& inner_;
};

runtime::Controller::Options controllerOptions(const char* name, std::size_t workers) {
  runtime::Controller::Options out;
  out.name = name;
  out.workers = workers;
  return out;
}

[[noreturn]] void endAtOnce(const std::string& why) {
  spdlog::critical("{}; ending at once, so that nothing is written without the lease", why);
  spdlog::shutdown();
  std::_Exit(1);
}

}  // namespace

// In the order in which they depend on each other.
struct Operator::Parts {
  Parts(const Options& given, kube::Access access, const http::TransportFactory& transports,
        std::shared_ptr<runtime::ServerTls> webhookTls)
      : options(given),
        connection(std::move(access), transports),
        http(connection),
        client(http, metrics, clock),
        leaseClient(connection, Milliseconds(5'000)),
        caches(options.watchNamespace),
        events(client, clock, eventOptions()),
        actor(client, events, seen,
              [](const kube::Json& object) {
                return api::decodeChild(JsonText(object)).contentHash;
              }),
        registry(transports({}), options.insecureRegistries),
        images(
            registry, clock,
            [this](const std::string& image) { controllers::wakeForImage(caches, all(), image); }),
        monitors(transports({}), options.monitorInterval,
                 [this](const std::string& owner) { wakeServing(owner); }),
        shadows(transports({}), kScoreInterval,
                [this](const std::string& owner) { wakeServing(owner); }),
        // Not the library that follows redirections: a token would go with them.
        prometheusPoll(http::makeBeastTransport, clock, prometheusHooks()),
        reviews(connection, Milliseconds(5'000)),
        meteredReviews(reviews, metrics, clock),
        schema(meteredReviews),
        secrets(meteredReviews, clock),
        hook({meteredReviews, secrets, inbox, clock,
              [this](const runtime::Key& key) {
                return caches.modelDeployments.get(key.ns, key.name);
              },
              [this] { return manager.ready() && (!elector || elector->leads()); },
              [this](const runtime::Key& key) { serving.enqueue(key); },
              [this](int status) { countHook(status); }}),
        context{caches,
                actor,
                [this] { return !elector || elector->leads(); },
                images,
                monitors,
                shadows,
                prometheusPoll,
                inbox,
                secrets,
                options.webhookPort != 0,
                clock,
                {options.agentImage, options.agentPullPolicy}},
        training(clock, controllerOptions("trainingpipeline", options.workers),
                 controllers::trainingHooks(context), &metrics),
        versions(clock, controllerOptions("modelversion", options.workers),
                 controllers::versionHooks(context), &metrics),
        serving(clock, controllerOptions("modeldeployment", options.workers),
                controllers::servingHooks(context), &metrics),
        health(onPort(options.healthPort)),
        exposition(onPort(options.metricsPort)),
        webhook(webhookOptions(std::move(webhookTls))),
        manager(clock) {
    caches.addTo(seen);
    controllers::wakeOnChanges(caches, all());
    exposeCaches();
    // One that could write no status must not take the place of one that can: the Deployment goes
    // on only when the kinds are there.
    runtime::handleHealth(health, manager, [this] { return schema.problem(); });
    exposeSchema();
    runtime::handleMetrics(exposition, metrics);
    hook.serveOn(webhook);
    if (options.leaderElect) elect();
    runInOrder();
  }

  // `owner`: "namespace/name" of a ModelDeployment.
  void wakeServing(const std::string& owner) {
    const auto slash = owner.find('/');
    serving.enqueue({owner.substr(0, slash), owner.substr(slash + 1)});
  }

  controllers::Controllers all() { return {training, versions, serving}; }

  signals::PrometheusPoll::Hooks prometheusHooks() {
    signals::PrometheusPoll::Hooks out;
    out.secret = [this](const auto& ns, const auto& name, const auto& key) {
      return secrets.read(ns, name, key);
    };
    out.changed = [this](const std::string& owner) { wakeServing(owner); };
    out.counted = [this](const std::string& result) {
      queries.Add({{"result", result}}).Increment();
    };
    return out;
  }

  void countHook(int status) {
    webhookRequests.Add({{"code", std::to_string(status)}}).Increment();
  }

  runtime::HttpServer::Options webhookOptions(std::shared_ptr<runtime::ServerTls> tls) const {
    auto out = controllers::DriftHook::serverOptions(options.webhookPort);
    out.tls = std::move(tls);
    return out;
  }

  static runtime::EventRecorder::Options eventOptions() {
    runtime::EventRecorder::Options out;
    out.instance = hostName();
    return out;
  }

  void elect() {
    runtime::Elector::Options lease;
    lease.ns = options.leaseNamespace.empty() ? connection.access().ns : options.leaseNamespace;
    lease.name = options.leaseName;
    lease.identity = identity();
    elector = std::make_unique<runtime::Elector>(
        leaseClient, clock, lease,
        runtime::Elector::Callbacks{[this] {
                                      metrics.leader(true);
                                      manager.elected();
                                    },
                                    endAtOnce},
        [random = std::mt19937_64(std::random_device()())]() mutable {
          return std::uniform_real_distribution<>()(random);
        });
    manager.setElection(*elector);
  }

  void exposeSchema() {
    auto& outdated = prometheus::BuildGauge()
                         .Name("reprise_crd_outdated")
                         .Help("1 where the cluster's kind lacks fields of this operator")
                         .Register(metrics.registry());
    metrics.beforeText([this, &outdated] {
      for (const auto& [name, is] : schema.outdated())
        outdated.Add({{"resource", name}}).Set(is ? 1 : 0);
    });
  }

  void exposeCaches() {
    auto& objects = prometheus::BuildGauge()
                        .Name("reprise_cache_objects")
                        .Help("objects in a cache")
                        .Register(metrics.registry());
    auto& relists = prometheus::BuildGauge()
                        .Name("reprise_cache_relists")
                        .Help("full pictures of a kind that were begun")
                        .Register(metrics.registry());
    auto& failed = prometheus::BuildGauge()
                       .Name("reprise_cache_watch_failures")
                       .Help("watches that ended in an error")
                       .Register(metrics.registry());
    auto& undecodable = prometheus::BuildGauge()
                            .Name("reprise_cache_undecodable")
                            .Help("objects that could not be read, each time they came")
                            .Register(metrics.registry());
    metrics.beforeText([this, &objects, &relists, &failed, &undecodable] {
      for (const auto& [name, stats] : caches.stats()) {
        objects.Add({{"resource", name}}).Set(static_cast<double>(stats.objects));
        relists.Add({{"resource", name}}).Set(static_cast<double>(stats.relists));
        failed.Add({{"resource", name}}).Set(static_cast<double>(stats.restarts));
        undecodable.Add({{"resource", name}}).Set(static_cast<double>(stats.undecodable));
      }
    });
  }

  void runInOrder() {
    manager.addServer(health);
    manager.addServer(exposition);
    manager.addServer(schemaRunnable);  // who does not lead looks, too
    if (options.webhookPort != 0) manager.addServer(webhook);
    for (auto& cache : cacheRunnables = caches.runnables(connection)) manager.addCache(*cache);
    manager.addSink(events);
    manager.addSink(imagesRunnable);
    manager.addSink(monitorsRunnable);
    manager.addSink(shadowsRunnable);
    manager.addSink(prometheusRunnable);
    for (auto* controller : {&training, &versions, &serving}) manager.addController(*controller);
  }

  const Options options;
  const SystemClock clock;
  runtime::Metrics metrics;
  kube::ApiConnection connection;
  kube::HttpClient http;
  runtime::MeteredClient client;
  kube::HttpClient leaseClient;
  controllers::Caches caches;
  runtime::CacheSet seen;
  runtime::EventRecorder events;
  runtime::Actor actor;
  registry::OciRegistry registry;
  registry::ImageWatch images;
  signals::MonitorPoll monitors;
  signals::ShadowScores shadows;
  prometheus::Family<prometheus::Counter>& queries =
      prometheus::BuildCounter()
          .Name("reprise_drift_queries_total")
          .Help("queries of spec.drift.source.prometheus that ended")
          .Register(metrics.registry());
  prometheus::Family<prometheus::Counter>& webhookRequests =
      prometheus::BuildCounter()
          .Name("reprise_drift_webhook_requests_total")
          .Help("requests to the webhook of drift signals, by HTTP status")
          .Register(metrics.registry());
  signals::PrometheusPoll prometheusPoll;
  kube::HttpClient reviews;  // of tokens and rights, and for Secrets: what waits for it is short
  runtime::MeteredClient meteredReviews;
  controllers::SchemaCheck schema;
  controllers::Secrets secrets;
  signals::Inbox inbox;
  controllers::DriftHook hook;
  std::unique_ptr<runtime::Elector> elector;
  const controllers::Context context;
  runtime::Controller training, versions, serving;
  runtime::HttpServer health, exposition, webhook;
  runtime::Manager manager;
  Background<controllers::SchemaCheck> schemaRunnable{"check of the kinds", schema};
  Background<registry::ImageWatch> imagesRunnable{"image watch", images};
  Background<signals::MonitorPoll> monitorsRunnable{"monitor poll", monitors};
  Background<signals::ShadowScores> shadowsRunnable{"shadow scores", shadows};
  Background<signals::PrometheusPoll> prometheusRunnable{"Prometheus poll", prometheusPoll};
  std::vector<std::unique_ptr<runtime::Runnable>> cacheRunnables;
};

Operator::Operator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Operator::~Operator() = default;

Expected<std::unique_ptr<Operator>> Operator::make(const Options& options,
                                                   http::TransportFactory transports) {
  std::shared_ptr<runtime::ServerTls> webhookTls;
  if (!options.webhookCert.empty()) {
    auto read = runtime::ServerTls::load({"--webhook-tls-cert", options.webhookCert},
                                         {"--webhook-tls-key", options.webhookKey});
    if (!read) return tl::unexpected(read.error());
    webhookTls = std::move(*read);
  }
  auto access = kube::findAccess(options.kubeconfig);
  if (!access) return tl::unexpected(access.error());
  spdlog::info("API server {} ({})", access->server, access->source);
  auto parts =
      std::make_unique<Parts>(options, std::move(*access), transports, std::move(webhookTls));
  for (auto* server : {&parts->health, &parts->exposition}) {
    if (auto bound = server->listen(); !bound) return tl::unexpected(bound.error());
  }
  if (options.webhookPort != 0) {
    if (auto bound = parts->webhook.listen(); !bound) return tl::unexpected(bound.error());
  }
  return std::unique_ptr<Operator>(new Operator(std::move(parts)));
}

bool Operator::run(std::stop_token stop) { return parts_->manager.run(stop); }

}  // namespace reprise
