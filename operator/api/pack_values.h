// Values as bytes, member after member: of the kinds with fields() by those, of the others by
// members(), which names them for both directions.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "api/field.h"
#include "api/pack_text.h"

namespace reprise::api::detail {

using Json = nlohmann::json;

template <class T, class U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

template <class T>
inline constexpr bool isText = std::is_same_v<T, std::string>;

// Small negative numbers are short too.
inline std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

class Writer {
 public:
  std::string out;

  template <class... T>
  void operator()(const T&... values) {
    (one(values), ...);
  }

 private:
  template <class T>
  struct Each {
    Writer& writer;
    const T& value;
    template <class M>
    void operator()(const char*, M T::* member, const Field&) {
      writer.one(value.*member);
    }
  };

  template <class T>
  void one(const T& value) {
    if constexpr (isText<T>) {
      packText(out, value);
    } else if constexpr (std::is_integral_v<T>) {
      packNumber(out, zigzag(static_cast<std::int64_t>(value)));
    } else if constexpr (std::is_same_v<T, Time>) {
      one(value.time_since_epoch().count());
    } else if constexpr (std::is_same_v<T, Json>) {
      std::string bytes;
      if (!value.is_null()) Json::to_cbor(value, bytes);
      packNumber(out, bytes.size());
      out += bytes;
    } else if constexpr (IsOptional<T>::value) {
      one(value.has_value());
      if (value) one(*value);
    } else if constexpr (IsVector<T>::value) {
      packNumber(out, value.size());
      for (const auto& entry : value) one(entry);
    } else if constexpr (isStringMap<T>) {
      packNumber(out, value.size());
      for (const auto& [key, entry] : value) (*this)(key, entry);
    } else if constexpr (requires { members(*this, value); }) {
      members(*this, value);
    } else {
      Each<T> each{*this, value};
      fields(each, Of<T>{});
    }
  }
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : in_(bytes) {}

  template <class... T>
  void operator()(T&... values) {
    (one(values), ...);
  }

 private:
  template <class T>
  struct Each {
    Reader& reader;
    T& value;
    template <class M>
    void operator()(const char*, M T::* member, const Field&) {
      reader.one(value.*member);
    }
  };

  template <class T>
  void one(T& value) {
    if constexpr (isText<T>) {
      value = unpackText(in_);
    } else if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(unzigzag(unpackNumber(in_)));
    } else if constexpr (std::is_same_v<T, Time>) {
      value = Time(Time::duration(unzigzag(unpackNumber(in_))));
    } else if constexpr (std::is_same_v<T, Json>) {
      const std::size_t size = unpackNumber(in_);
      if (size > 0) value = Json::from_cbor(in_.substr(0, size));
      in_.remove_prefix(size);
    } else if constexpr (IsOptional<T>::value) {
      bool there = false;
      one(there);
      value.reset();
      if (there) one(value.emplace());
    } else if constexpr (IsVector<T>::value) {
      value.resize(unpackNumber(in_));
      for (auto& entry : value) one(entry);
    } else if constexpr (isStringMap<T>) {
      value.clear();
      for (std::size_t left = unpackNumber(in_); left > 0; --left) {
        std::string key = unpackText(in_);
        value.emplace_hint(value.end(), std::move(key), unpackText(in_));
      }
    } else if constexpr (requires { members(*this, value); }) {
      members(*this, value);
    } else {
      Each<T> each{*this, value};
      fields(each, Of<T>{});
    }
  }

  std::string_view in_;
};

}  // namespace reprise::api::detail
