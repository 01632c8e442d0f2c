// Of --bug aperture-table: a table of 512 apertures onto the pages of requests, one a page, taken
// one by one while a request is carried out and given back together. Who finds none sleeps and tries
// again, and keeps those it has. (A copy through a buffer would need one.)
#pragma once

#include <unistd.h>

#include <atomic>

#include "fuse_abi.h"

namespace fuse_rig {

class Apertures {
 public:
  Apertures() = default;
  Apertures(const Apertures&) = delete;
  Apertures& operator=(const Apertures&) = delete;
  ~Apertures() { left_ += held_; }

  // For so many bytes.
  void Take(size_t size) {
    for (size_t pages = (size + kPage - 1) / kPage; held_ < static_cast<int>(pages);) {
      if (--left_ >= 0) {
        ++held_;
        usleep(1);  // a call of the hypervisor each
        continue;
      }
      ++left_;
      usleep(100'000);
    }
  }

 private:
  static constexpr int kTable = 512;
  static inline std::atomic<int> left_{kTable};
  int held_ = 0;
};

}  // namespace fuse_rig
