// Sends requests to an API server as fast as it takes them: no caches, no plans, no decoding.
//
//   operator_bench_bare PORT CA CERTIFICATE KEY CONNECTIONS < requests > result
//
// Each line of the input is one object: a JSON list of its requests [method, path, content type,
// body], which are sent one after the other over one connection. The lines are shared out to as
// many connections as are asked for, each a thread. "$RV" in a body becomes the resourceVersion
// that the last answer to a "/status" request of the same line had. The method WATCH is a GET of a
// streaming list that is read until its initial events are through; it is the last one of its
// connection.
//
// Result: {"seconds", "requests", "bytes" of the answers' bodies, "cpu" of this process in seconds,
// "refused": {"<status> <method> <path without names>": how often}, "answer": of the first
// refused}. The connections are open before the time begins.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;

struct Request {
  std::string method, path, type, body;
};
using Line = std::vector<Request>;

struct Totals {
  std::mutex mutex;
  std::map<std::string, int> refused;
  std::string answer;
  std::atomic<std::uint64_t> requests{0}, bytes{0};
};

double cpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::vector<Line> readLines(std::istream& in) {
  std::vector<Line> out;
  for (std::string text; std::getline(in, text);) {
    Line line;
    for (auto& one : nlohmann::json::parse(text)) {
      line.push_back({one[0].get<std::string>(), one[1].get<std::string>(),
                      one[2].get<std::string>(), one[3].get<std::string>()});
    }
    out.push_back(std::move(line));
  }
  return out;
}

class Connection {
 public:
  Connection(asio::ssl::context& tls, unsigned short port) : stream_(context_, tls), port_(port) {
    Tcp::resolver::results_type at =
        Tcp::resolver(context_).resolve("127.0.0.1", std::to_string(port));
    asio::connect(stream_.next_layer(), at);
    stream_.next_layer().set_option(Tcp::no_delay(true));
    stream_.handshake(asio::ssl::stream_base::client);
  }

  void send(const Line& line, Totals& totals) {
    std::string version;
    for (const Request& request : line) {
      std::string body = request.body;
      if (const auto mark = body.find("$RV"); mark != std::string::npos && !version.empty())
        body.replace(mark, 3, version);
      ++totals.requests;
      if (request.method == "WATCH") {
        follow(request, totals);
        continue;
      }
      const auto answer = exchange(request, std::move(body));
      totals.bytes += answer.body().size();
      if (answer.result_int() >= 300) refused(request, answer, totals);
      if (request.path.find("/status?") != std::string::npos) version = versionIn(answer.body());
    }
  }

 private:
  http::request<http::string_body> messageOf(http::verb verb, const std::string& path) const {
    http::request<http::string_body> message(verb, path, 11);
    message.set(http::field::host, "127.0.0.1:" + std::to_string(port_));
    message.set(http::field::accept, "application/json");
    message.set(http::field::user_agent, "reprise-bench-bare");
    return message;
  }

  void follow(const Request& request, Totals& totals) {
    static const std::string mark = "k8s.io/initial-events-end";
    http::write(stream_, messageOf(http::verb::get, request.path));
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    http::read_header(stream_, buffer_, parser);
    std::vector<char> room(64 << 10);
    std::string end;  // of what was read, for a mark in two pieces
    while (end.find(mark) == std::string::npos) {
      if (parser.is_done()) throw std::runtime_error("a streaming list ended before its mark");
      auto& body = parser.get().body();
      body.data = room.data();
      body.size = room.size();
      boost::system::error_code error;
      http::read_some(stream_, buffer_, parser, error);
      if (error && error != http::error::need_buffer) throw boost::system::system_error(error);
      const std::size_t got = room.size() - body.size;
      totals.bytes += got;
      end.erase(0, end.size() - std::min(end.size(), mark.size())).append(room.data(), got);
    }
  }

  http::response<http::string_body> exchange(const Request& request, std::string body) {
    auto message = messageOf(http::string_to_verb(request.method), request.path);
    if (!request.type.empty()) message.set(http::field::content_type, request.type);
    message.body() = std::move(body);
    message.prepare_payload();
    http::write(stream_, message);
    http::response_parser<http::string_body> parser;
    parser.body_limit(boost::none);
    http::read(stream_, buffer_, parser);
    return parser.release();
  }

  // The first one in an answer is its own.
  static std::string versionIn(const std::string& body) {
    static const std::string mark = "\"resourceVersion\":\"";
    const auto at = body.find(mark);
    if (at == std::string::npos) return {};
    return body.substr(at + mark.size(), body.find('"', at + mark.size()) - at - mark.size());
  }

  static void refused(const Request& request, const http::response<http::string_body>& answer,
                      Totals& totals) {
    const std::lock_guard lock(totals.mutex);
    const std::string plural = request.path.substr(0, request.path.find('?'));
    if (totals.answer.empty())
      totals.answer = request.method + " " + plural + ": " + answer.body().substr(0, 600);
    ++totals.refused[std::to_string(answer.result_int()) + " " + request.method];
  }

  asio::io_context context_;
  asio::ssl::stream<Tcp::socket> stream_;
  const unsigned short port_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 6) {
    std::cerr << "usage: operator_bench_bare PORT CA CERTIFICATE KEY CONNECTIONS < requests\n";
    return 2;
  }
  asio::ssl::context tls(asio::ssl::context::tls_client);
  tls.load_verify_file(argv[2]);
  tls.use_certificate_chain_file(argv[3]);
  tls.use_private_key_file(argv[4], asio::ssl::context::pem);
  tls.set_verify_mode(asio::ssl::verify_peer);
  const auto port = static_cast<unsigned short>(std::stoi(argv[1]));
  const std::vector<Line> lines = readLines(std::cin);
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < std::stoi(argv[5]); ++i)
    connections.push_back(std::make_unique<Connection>(tls, port));

  Totals totals;
  std::atomic<std::size_t> next{0};
  const double cpu = cpuSeconds();
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (auto& connection : connections) {
    threads.emplace_back([&] {
      for (std::size_t i = next++; i < lines.size(); i = next++) connection->send(lines[i], totals);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::cout << nlohmann::json({{"seconds", took.count()},
                               {"requests", totals.requests.load()},
                               {"bytes", totals.bytes.load()},
                               {"cpu", cpuSeconds() - cpu},
                               {"refused", totals.refused},
                               {"answer", totals.answer}})
                   .dump()
            << "\n";
  return totals.refused.empty() ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 2;
}
