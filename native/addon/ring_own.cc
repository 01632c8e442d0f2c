#include "ring_own.h"

#include <string.h>

namespace fuse_rig {

void OwnRequests::Map(const uint8_t* cqes, const uint32_t* tail, uint32_t entries, uint32_t size) {
  cqes_ = cqes;
  tail_ = tail;
  entries_ = entries;
  size_ = size;
}

void OwnRequests::Submitted(const io_uring_sqe& sqe, int32_t tid) {
  switch (sqe.opcode) {  // those that end at once
    case IORING_OP_NOP: case IORING_OP_TIMEOUT_REMOVE: case IORING_OP_POLL_REMOVE:
    case IORING_OP_ASYNC_CANCEL: case IORING_OP_MSG_RING: case IORING_OP_FILES_UPDATE:
      return;
  }
  under_way_.emplace(sqe.user_data, OwnRequest{sqe.opcode, (sqe.flags & IOSQE_FIXED_FILE) != 0, sqe.fd, tid});
}

// Entries stay in the ring until they are overwritten, whoever has consumed them.
void OwnRequests::Settle() {
  const uint32_t tail = __atomic_load_n(tail_, __ATOMIC_ACQUIRE);
  if (under_way_.empty()) {
    seen_ = tail;
    unsure_ = false;
    return;
  }
  if (tail - seen_ > entries_) {
    unsure_ = true;
    seen_ = tail - entries_;
  }
  for (; seen_ != tail; ++seen_) {
    io_uring_cqe cqe;
    memcpy(static_cast<void*>(&cqe), cqes_ + static_cast<size_t>(seen_ & (entries_ - 1)) * size_, 16);
    auto found = under_way_.find(cqe.user_data);
    if (found != under_way_.end() && (cqe.flags & IORING_CQE_F_MORE) == 0) under_way_.erase(found);
  }
}

}  // namespace fuse_rig
