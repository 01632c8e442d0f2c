// One io_uring on raw system calls. Used by one thread at a time: the one that opened it.
#pragma once

#include <cstdint>

#include "fd.h"
#include "io_uring_abi.h"

namespace fuse_rig {

class Uring {
 public:
  Uring() = default;
  ~Uring();
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  // With IORING_SETUP_SQE128 and `flags`, for `entries` commands under way at a time. 0 or an errno;
  // nothing is left behind then.
  int Open(unsigned entries, unsigned flags);
  // `fd` becomes the registered file 0. 0 or an errno.
  int RegisterFile(int fd);

  // A zeroed SQE, which the next Enter submits. The caller never has more under way than `entries`.
  io_uring_sqe* Next();
  // Submits, and waits for `wait` completions. 0 or an errno; also 0 if a signal or a lack of memory
  // came between: what was not submitted goes with the next call.
  int Enter(unsigned wait);
  // The next completion, if there is one.
  bool Take(io_uring_cqe* out);

 private:
  int Map(const io_uring_params& params);
  uint32_t* At(uint32_t offset) const {
    return reinterpret_cast<uint32_t*>(static_cast<char*>(rings_) + offset);
  }

  Fd fd_;
  void* rings_ = nullptr;  // both queues: IORING_FEAT_SINGLE_MMAP
  size_t rings_size_ = 0;
  char* sqes_ = nullptr;
  size_t sqes_size_ = 0;
  uint32_t *sq_tail_ = nullptr, *cq_head_ = nullptr, *cq_tail_ = nullptr;
  io_uring_cqe* cqes_ = nullptr;
  uint32_t sq_mask_ = 0, cq_mask_ = 0;
  uint32_t tail_ = 0, submitted_ = 0, head_ = 0;
};

}  // namespace fuse_rig
