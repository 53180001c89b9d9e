#include "agent/monitor/http_head.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <boost/beast/http/basic_parser.hpp>

namespace reprise::agent::monitor {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;
using error_code = boost::beast::error_code;
using view = boost::beast::string_view;

std::string_view std_view(view text) { return {text.data(), text.size()}; }
bool same(std::string_view a, view b) { return iequals(view(a.data(), a.size()), b); }

template <class Each>
void eachToken(std::string_view list, Each each) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view token = list.substr(0, comma);
    list.remove_prefix(comma == list.npos ? list.size() : comma + 1);
    while (!token.empty() && (token.front() == ' ' || token.front() == '\t'))
      token.remove_prefix(1);
    while (!token.empty() && (token.back() == ' ' || token.back() == '\t')) token.remove_suffix(1);
    if (!token.empty()) each(token);
  }
}

// What is the same for both directions. The parser checks each character and the framing rules; on
// top of them, whatever two servers could read in two ways is refused: it is how requests are
// smuggled.
template <bool isRequest>
class Parser : public http::basic_parser<isRequest> {
 public:
  Parser() {
    this->header_limit(1 << 20);  // the reader of the connection has a lower limit
    this->body_limit(std::numeric_limits<std::uint64_t>::max());  // bodies stream; "none" refuses
                                                                  // all of them in 1.74
    this->eager(false);
  }

  int version = 11;
  std::vector<HeadField>* fields = nullptr;
  Framing* framing = nullptr;
  bool close = false, keepAlive = false, upgradeToken = false, upgradeField = false;
  const char* refused = nullptr;

  bool run(std::string_view head, std::string& problem) {
    fields->clear();
    *framing = {};
    error_code error;
    this->put(boost::asio::const_buffer(head.data(), head.size()), error);
    if (refused)
      problem = refused;
    else if (error && error != http::error::need_more)
      problem = error.message();
    else if (!this->is_header_done())
      problem = "the head is not complete";
    return problem.empty();
  }

 protected:
  void common(http::field field, view nameView, view valueView) {
    const std::string_view name = std_view(nameView), value = std_view(valueView);
    switch (field) {
      case http::field::connection:
        eachToken(value, [&](std::string_view token) {
          if (same(token, "close"))
            close = true;
          else if (same(token, "keep-alive"))
            keepAlive = true;
          else if (same(token, "upgrade"))
            upgradeToken = true;
        });
        break;
      case http::field::upgrade: upgradeField = true; break;
      case http::field::content_length: {
        std::uint64_t length = 0;
        const auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), length);
        if (bad != std::errc() || end != value.data() + value.size() || framing->length) {
          refused = "Content-Length must be there once and be a number";
        }
        framing->length = length;
        break;
      }
      case http::field::transfer_encoding:
        if (!same(value, "chunked") || framing->chunked || version < 11) {
          refused = "the only Transfer-Encoding that is passed on is 'chunked', in HTTP/1.1";
        }
        framing->chunked = true;
        break;
      default: break;
    }
    if (framing->chunked && framing->length)
      refused = "Transfer-Encoding and Content-Length together are refused";
    fields->push_back({name, value});
  }

  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, view body, error_code&) override {
    return body.size();
  }
  void on_finish_impl(error_code&) override {}
};

class RequestParser final : public Parser<true> {
 public:
  RequestParser(RequestHead& out, std::string_view contextHeader)
      : out_(out), contextHeader_(contextHeader) {
    fields = &out.fields;
    framing = &out.framing;
  }

 private:
  void on_request_impl(http::verb, view method, view target, int v, error_code&) override {
    out_.method = std_view(method);
    out_.target = std_view(target);
    out_.version = version = v;
  }
  void on_response_impl(int, view, int, error_code&) override {}
  void on_field_impl(http::field field, view name, view value, error_code&) override {
    common(field, name, value);
    if (field == http::field::content_encoding)
      out_.contentEncoding = std_view(value);
    else if (same("x-request-id", name))
      out_.requestId = std_view(value);
    else if (same("x-reprise-routed", name))
      out_.routed = true;
    if (!contextHeader_.empty() && same(contextHeader_, name)) out_.context = std_view(value);
  }

  RequestHead& out_;
  std::string_view contextHeader_;
};

class ResponseParser final : public Parser<false> {
 public:
  explicit ResponseParser(ResponseHead& out) : out_(out) {
    fields = &out.fields;
    framing = &out.framing;
    this->skip(true);  // whether there is a body depends on the request: the caller knows
  }

 private:
  void on_request_impl(http::verb, view, view, int, error_code&) override {}
  void on_response_impl(int status, view reason, int v, error_code&) override {
    out_.status = status;
    out_.reason = std_view(reason);
    out_.version = version = v;
  }
  void on_field_impl(http::field field, view name, view value, error_code&) override {
    common(field, name, value);
    if (field == http::field::content_encoding) out_.contentEncoding = std_view(value);
  }

  ResponseHead& out_;
};

// Folded lines have been deprecated for a decade, and servers disagree about them.
bool folded(std::string_view head) {
  for (auto at = head.find('\n'); at != head.npos && at + 1 < head.size();
       at = head.find('\n', at + 1)) {
    if (head[at + 1] == ' ' || head[at + 1] == '\t') return true;
  }
  return false;
}

bool isHop(std::string_view name) {
  switch (name.size()) {
    case 10: return same(name, "connection") || same(name, "keep-alive");
    case 16: return same(name, "proxy-connection");
    default: return false;
  }
}

// Names that Connection lists beside the well-known three; rare, so they are looked up one by one.
bool named(const std::vector<HeadField>& fields, std::string_view name) {
  // what frames and routes a message is never taken out, whatever a client lists
  if (same(name, "content-length") || same(name, "transfer-encoding") || same(name, "host"))
    return false;
  bool found = false;
  for (const auto& field : fields) {
    if (!same(field.name, "connection")) continue;
    eachToken(field.value, [&](std::string_view token) {
      found =
          found || (token.size() == name.size() && same(name, view(token.data(), token.size())));
    });
  }
  return found;
}

bool namesOthers(const std::vector<HeadField>& fields) {
  bool found = false;
  for (const auto& field : fields) {
    if (!same(field.name, "connection")) continue;
    eachToken(field.value, [&](std::string_view token) {
      found =
          found || !(same(token, "close") || same(token, "keep-alive") || same(token, "upgrade"));
    });
  }
  return found;
}

void line(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::size_t headEnd(std::string_view text, std::size_t from) {
  const auto at = text.find("\r\n\r\n", from > 3 ? from - 3 : 0);
  return at == text.npos ? 0 : at + 4;
}

bool parseRequest(std::string_view head, std::string_view contextHeader, RequestHead& out,
                  std::string& problem) {
  problem.clear();
  out.requestId = out.contentEncoding = out.context = {};
  out.routed = false;
  if (folded(head)) {
    problem = "folded header lines are refused";
    return false;
  }
  RequestParser parser(out, contextHeader);
  if (!parser.run(head, problem)) return false;
  out.keepAlive = out.version == 11 ? !parser.close : parser.keepAlive && !parser.close;
  out.upgrade = parser.upgradeToken && parser.upgradeField && out.version == 11;
  return true;
}

bool parseResponse(std::string_view head, ResponseHead& out, std::string& problem) {
  problem.clear();
  out.contentEncoding = {};
  if (folded(head)) {
    problem = "folded header lines";
    return false;
  }
  ResponseParser parser(out);
  if (!parser.run(head, problem)) return false;
  out.keepAlive = out.version == 11 ? !parser.close : parser.keepAlive && !parser.close;
  return true;
}

void writeRequest(const RequestHead& head, std::string& to, std::string_view routedId) {
  to.append(head.method).append(" ").append(head.target);
  to.append(head.version == 10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  const bool others = namesOthers(head.fields);
  for (const auto& field : head.fields) {
    if (isHop(field.name)) continue;
    if (same(field.name, "upgrade") && !head.upgrade) continue;
    if (others && !same(field.name, "upgrade") && named(head.fields, field.name)) continue;
    if (!routedId.empty() && same(field.name, "x-request-id")) continue;
    line(to, field.name, field.value);
  }
  if (!routedId.empty()) {
    line(to, "x-request-id", routedId);
    line(to, "x-reprise-routed", "1");
  }
  if (head.upgrade) to.append("Connection: Upgrade\r\n");
  to.append("\r\n");
}

void writeResponse(const ResponseHead& head, const ResponseExtra& extra, std::string& to) {
  to.append("HTTP/1.1 ");
  char status[8];
  to.append(status, std::to_chars(status, status + sizeof status, head.status).ptr);
  to.append(" ").append(head.reason).append("\r\n");
  const bool others = namesOthers(head.fields);
  for (const auto& field : head.fields) {
    if (isHop(field.name)) continue;
    if (same(field.name, "upgrade") && !extra.upgrade && head.status != 426) continue;
    if (others && !same(field.name, "upgrade") && named(head.fields, field.name)) continue;
    if (same(field.name, "x-request-id")) continue;
    if (same(field.name, "x-reprise-version") && !extra.routed) continue;
    line(to, field.name, field.value);
  }
  if (extra.upgrade)
    line(to, "Connection", "Upgrade");
  else if (extra.close)
    line(to, "Connection", "close");
  else if (extra.keepAlive10)
    line(to, "Connection", "keep-alive");
  if (!extra.version.empty() && !extra.routed) line(to, "x-reprise-version", extra.version);
  if (!extra.requestId.empty()) line(to, "x-request-id", extra.requestId);
  to.append("\r\n");
}

bool plainName(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

}  // namespace reprise::agent::monitor
