// Requests of the server's own in one of its rings: timers, polls, file I/O. One that is under way may
// wake the server by itself, so a hang is only proven where there is none.
#pragma once

#include <linux/io_uring.h>

#include <cstdint>
#include <unordered_map>

namespace fuse_rig {

struct OwnRequest {
  uint8_t opcode;
  bool fixed;  // `fd` is a slot of the ring's file table
  int32_t fd;
  int32_t tid;  // who submitted it
};

class OwnRequests {
 public:
  // The completion queue: where it lies in the mapping, and the size of its entries.
  void Map(const uint8_t* cqes, const uint32_t* tail, uint32_t entries, uint32_t size);
  // An SQE is about to be submitted.
  void Submitted(const io_uring_sqe& sqe, int32_t tid);
  // A CQE of ours goes into the ring: it must not be taken for the end of one of these.
  void Posted(uint64_t user_data) {
    if (under_way_.count(user_data) != 0) unsure_ = true;
  }
  // Takes away what has completed since the last call.
  void Settle();
  const std::unordered_multimap<uint64_t, OwnRequest>& under_way() const { return under_way_; }
  // Completions may have been missed, or mistaken.
  bool unsure() const { return unsure_; }

 private:
  const uint8_t* cqes_ = nullptr;
  const uint32_t* tail_ = nullptr;
  uint32_t entries_ = 0, size_ = 0, seen_ = 0;
  bool unsure_ = false;
  std::unordered_multimap<uint64_t, OwnRequest> under_way_;
};

}  // namespace fuse_rig
