// A loop that makes single commands and says what their CQEs are.
#pragma once

#include <unistd.h>

#include <cstring>

#include "ring_loop.h"

namespace fuse_rig {

inline const char* Name(int result) { return result >= 0 ? "ok" : strerrorname_np(-result); }

inline RingPlan Plan(unsigned depth, unsigned flags = IORING_SETUP_SQE128) {
  RingPlan plan;
  plan.depth = depth;
  plan.raw = {64, 0, flags};
  return plan;
}

// A held command has no CQE.
class Asking : public RingLoop {
 public:
  using RingLoop::RingLoop;
  io_uring_sqe* Single(RingEntry* entry, uint32_t op) {
    io_uring_sqe* sqe = Command(entry, op);
    if (op == uring_cmd::kRegister) sqe->addr = reinterpret_cast<uint64_t>(entry->buffers);
    if (op == uring_cmd::kRegister) sqe->len = 2;
    sqe->user_data = kSingle;
    --held_;
    return sqe;
  }
  // Submits what was made, and says its result. With a bound: a held command has no CQE.
  void Tell(const char* what) {
    ring_.Submit(0);
    for (int looks = 0; looks < 200; ++looks) {
      for (io_uring_cqe cqe; ring_.Take(&cqe);) {
        if (cqe.user_data == kSingle) return Say("%s %s", what, Name(cqe.res));
        Completed(cqe);
      }
      ring_.Enter(0, 0, IORING_ENTER_GETEVENTS);
      usleep(1000);
    }
    Say("%s held", what);
  }

 protected:
  static constexpr uint64_t kSingle = 7;
};

}  // namespace fuse_rig
