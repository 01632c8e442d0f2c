// An io_uring on raw system calls, everything of it open to the modes that misuse it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fd.h"
#include "io_uring_abi.h"

namespace fuse_rig {

struct RawSetup {
  unsigned entries = 8;
  unsigned completions = 0;  // 0: the kernel's choice
  unsigned flags = IORING_SETUP_SQE128;
};

class RawRing {
 public:
  RawRing() = default;
  ~RawRing() { Close(); }
  RawRing(const RawRing&) = delete;
  RawRing& operator=(const RawRing&) = delete;

  // 0 or an errno.
  int Open(const RawSetup& setup);
  void Close();
  int fd() const { return fd_.get(); }
  int Register(unsigned opcode, const void* argument, unsigned count) const;

  // A zeroed SQE; it counts as made from the next Publish on.
  io_uring_sqe* Next();
  // The SQE at a slot, as it was left.
  io_uring_sqe* At(uint32_t slot) const { return reinterpret_cast<io_uring_sqe*>(sqes_ + (slot & sq_mask_) * sqe_size_); }
  // Puts the SQE of a slot into the queue once more.
  void Again(uint32_t slot);
  void Publish() { __atomic_store_n(sq_tail_, tail_, __ATOMIC_RELEASE); }
  // io_uring_enter. What it returns, or -errno.
  int Enter(unsigned submit, unsigned wait, unsigned flags, const void* argument = nullptr, size_t size = 0) const;
  // Publishes, submits all of it and waits for `wait` completions. SQEs taken, or -errno.
  int Submit(unsigned wait);
  // SQEs made and not taken yet.
  unsigned Unsubmitted() const { return tail_ - __atomic_load_n(sq_head_, __ATOMIC_ACQUIRE); }
  bool Take(io_uring_cqe* out);
  // The completion queue had no room for all: the kernel keeps the others until the next enter.
  bool Overflowed() const { return (__atomic_load_n(sq_flags_, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW) != 0; }

  uint32_t *sq_head_ = nullptr, *sq_tail_ = nullptr, *array_ = nullptr;
  uint32_t sq_mask_ = 0;

 private:
  uint32_t* Word(uint32_t offset) const { return reinterpret_cast<uint32_t*>(rings_ + offset); }

  Fd fd_;
  char *rings_ = nullptr, *sqes_ = nullptr;
  size_t rings_size_ = 0, sqes_size_ = 0, sqe_size_ = 64, cqe_size_ = 16;
  uint32_t *cq_head_ = nullptr, *cq_tail_ = nullptr, *sq_flags_ = nullptr;
  char* cqes_ = nullptr;
  uint32_t cq_mask_ = 0, tail_ = 0;
};

}  // namespace fuse_rig
