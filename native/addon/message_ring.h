// The rig's own ring: puts CQEs into the server's rings (IORING_OP_MSG_RING), and receives the tokens
// of FUSE commands that waited for a linked predecessor.
#pragma once

#include <linux/io_uring.h>

#include <cstdint>
#include <vector>

#include "fd.h"

namespace fuse_rig {

class MessageRing {
 public:
  ~MessageRing() { Close(); }
  // 0 or -errno.
  int Open();
  bool open() const { return fd_.ok(); }
  int fd() const { return fd_.get(); }
  // Whether this descriptor of ours is the ring too.
  bool Is(int fd) const;
  void Close();

  // A CQE with this user_data and res for the ring behind `target` (a descriptor of ours): sent by
  // the next Flush.
  void Post(int target, uint64_t user_data, int32_t res);
  // Sends what was posted. Errors of single posts (the target is gone, or was never enabled) are
  // counted: there is nobody left who would want to know.
  void Flush();
  // A flush came upon tokens, of which no event will tell.
  bool Received() const { return !received_.empty(); }
  // Tokens that have arrived.
  void Receive(std::vector<uint64_t>* tokens);
  uint32_t failed() const { return failed_; }

 private:
  uint32_t Submit(uint32_t n);
  Fd fd_;
  uint8_t* ring_ = nullptr;
  size_t ring_size_ = 0;
  io_uring_sqe* sqes_ = nullptr;
  io_uring_cqe* cqes_ = nullptr;
  uint32_t *sq_head_ = nullptr, *sq_tail_ = nullptr, *cq_head_ = nullptr, *cq_tail_ = nullptr;
  uint32_t *sq_flags_ = nullptr;
  uint32_t sq_mask_ = 0, cq_mask_ = 0, pending_ = 0, failed_ = 0;
  std::vector<uint64_t> received_;
};

}  // namespace fuse_rig
