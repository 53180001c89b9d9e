// A buffer of cpprestsdk's of which nothing is asked but what a class made of it answers: the
// library asks for reads or writes of many bytes alone, and never goes back.
#pragma once

#include <cpprest/astreambuf.h>

namespace reprise::http {

class PlainStreambuf : public concurrency::streams::details::streambuf_state_manager<uint8_t> {
 protected:
  using Manager = concurrency::streams::details::streambuf_state_manager<uint8_t>;
  explicit PlainStreambuf(std::ios_base::openmode mode) : Manager(mode) {}

 private:
  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(size_t, std::ios_base::openmode) override {}
  size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return traits::eof(); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return traits::eof(); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return traits::eof();
  }
  bool acquire(uint8_t*&, size_t&) override { return false; }
  void release(uint8_t*, size_t) override {}
  uint8_t* _alloc(size_t) override { return nullptr; }
  void _commit(size_t) override {}
  pplx::task<int_type> _putc(uint8_t) override { return end(); }
  pplx::task<size_t> _putn(const uint8_t*, size_t) override { return none(); }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  pplx::task<int_type> _bumpc() override { return end(); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return end(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return end(); }
  pplx::task<int_type> _ungetc() override { return end(); }
  pplx::task<size_t> _getn(uint8_t*, size_t) override { return none(); }
  size_t _scopy(uint8_t*, size_t) override { return 0; }

  static pplx::task<int_type> end() { return pplx::task_from_result<int_type>(traits::eof()); }
  static pplx::task<size_t> none() { return pplx::task_from_result<size_t>(0); }
};

}  // namespace reprise::http
