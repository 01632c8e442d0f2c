// What an enter is about to submit: FUSE commands are taken out of it.
#include <string.h>

#include "server_ring.h"
#include "target.h"

namespace fuse_rig {
namespace {

// struct fuse_uring_cmd_req, in the command area.
constexpr size_t kFlagsAt = 48, kCommitIdAt = 56, kQidAt = 64;
constexpr uint8_t kLinks = IOSQE_IO_LINK | IOSQE_IO_HARDLINK;
// How many slots of a file table one call may name (IORING_MAX_FIXED_FILES).
constexpr uint32_t kMaxFiles = 1U << 20;

uint32_t Load(const uint32_t* p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

bool Drains(const io_uring_sqe& sqe) { return (sqe.flags & IOSQE_IO_DRAIN) != 0; }

}  // namespace

// Null where the server's array names no SQE: the kernel drops such a one and ends the batch there.
io_uring_sqe* ServerRing::Sqe(uint32_t position, uint32_t* slot) const {
  *slot = position & mask_;
  if (array_) *slot = Load(array_ + *slot);
  if (*slot > mask_) return nullptr;
  const int shift = (params_.flags & IORING_SETUP_SQE128) ? 7 : 6;
  return reinterpret_cast<io_uring_sqe*>(sqes_ + (static_cast<size_t>(*slot) << shift));
}

// The first SQE that was not looked at. Those an enter did not come to (it failed, or one of the batch
// did) stay in the queue; they have been carried out.
uint32_t ServerRing::Begin() {
  const uint32_t head = Load(head_), tail = Load(tail_);
  if (looked_until_ - head > mask_ + 1) return head;
  if (static_cast<int32_t>(tail - looked_until_) < 0) looked_until_ = tail;
  return looked_until_;
}

int ServerRing::DeviceOf(const io_uring_sqe& sqe, const std::function<int(int)>& device) const {
  switch (sqe.opcode) {  // those whose fd is none, or no file that is read or written
    case IORING_OP_NOP: case IORING_OP_TIMEOUT: case IORING_OP_TIMEOUT_REMOVE: case IORING_OP_CLOSE:
    case IORING_OP_POLL_ADD: case IORING_OP_POLL_REMOVE: case IORING_OP_ASYNC_CANCEL:
    case IORING_OP_LINK_TIMEOUT: case IORING_OP_MSG_RING: case IORING_OP_FILES_UPDATE:
    case IORING_OP_OPENAT: case IORING_OP_OPENAT2: case IORING_OP_STATX:
      return -1;
  }
  if (sqe.flags & IOSQE_FIXED_FILE) {
    auto found = files_.find(static_cast<uint32_t>(sqe.fd));
    return found == files_.end() ? -1 : found->second;
  }
  return device(sqe.fd);
}

// A slot whose SQE is as we left it, or partly so, is submitted again: what the server has not written
// since becomes what it was.
void ServerRing::Restore(io_uring_sqe* sqe, uint32_t slot, const std::function<int(int)>& device) {
  Mark& mark = marks_[slot];
  if (!mark.used) return;
  mark.used = false;
  auto found = before_.find(slot);
  const uint8_t opcode = found == before_.end() ? static_cast<uint8_t>(IORING_OP_NOP) : static_cast<uint8_t>(IORING_OP_MSG_RING);
  const bool ours = sqe->opcode == opcode && sqe->flags == ((mark.flags & kLinks) | IOSQE_CQE_SKIP_SUCCESS);
  if (ours) {
    io_uring_sqe again;
    memcpy(static_cast<void*>(&again), sqe, sizeof again);
    if (found != before_.end()) {
      // Fields have 2, 4 or 8 bytes.
      auto* now = reinterpret_cast<uint8_t*>(&again);
      for (size_t at = 2; at < 64; at += 2) {
        if (memcmp(now + at, found->second.left + at, 2) == 0) memcpy(now + at, found->second.sqe + at, 2);
      }
    }
    again.opcode = mark.opcode;
    again.flags = mark.flags;
    // A NOP of the server's own has no command in it.
    if (again.cmd_op != 0 && DeviceOf(again, device) >= 0) memcpy(static_cast<void*>(sqe), &again, sizeof again);
  }
  if (found != before_.end()) before_.erase(found);
}

RingCommand ServerRing::Command(const io_uring_sqe& sqe, int index, pid_t tid, uint32_t number) const {
  const bool big = (params_.flags & IORING_SETUP_SQE128) != 0;
  RingCommand c{};
  c.ring = number;
  c.index = index;
  c.opcode = sqe.opcode;
  c.tid = tid;
  c.user_data = sqe.user_data;
  c.flags = (big ? kSqe128 : 0) | (sqe.flags & kLinks ? kLinksOn : 0) | (Drains(sqe) ? kDrain : 0) |
            (sqe.flags & IOSQE_CQE_SKIP_SUCCESS ? kQuiet : 0);
  if (sqe.opcode != IORING_OP_URING_CMD) return c;
  c.cmd_op = sqe.cmd_op;
  c.len = sqe.len;
  c.addr = sqe.addr;
  if (!big) return c;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&sqe);
  uint16_t qid;
  memcpy(&c.cmd_flags, bytes + kFlagsAt, 8);
  memcpy(&c.commit_id, bytes + kCommitIdAt, 8);
  memcpy(&qid, bytes + kQidAt, 2);
  c.qid = qid;
  return c;
}

// A NOP takes the command's place, or a message to us, which comes when the predecessors are done. A
// failed one cancels it, and the server gets -ECANCELED as from the command itself. As little as
// possible is written: the server may submit the SQE again.
void ServerRing::Exchange(io_uring_sqe* sqe, uint32_t slot, const RingCommand& c, bool waits, const Taken& to) {
  const int messages = waits ? to.messages() : -1;
  marks_[slot] = {true, sqe->opcode, sqe->flags};
  const uint8_t flags = static_cast<uint8_t>((sqe->flags & kLinks) | IOSQE_CQE_SKIP_SUCCESS);
  if (messages < 0) {
    sqe->opcode = IORING_OP_NOP;
    sqe->flags = flags;
    sqe->rw_flags = 0;  // nop_flags; a command with any is refused (io_uring_cmd_prep())
    to.now->push_back(c);
    return;
  }
  Before& before = before_[slot];
  memcpy(before.sqe, sqe, 64);
  const uint64_t token = *to.next_token, user_data = sqe->user_data;
  *to.next_token += kTokenStep;
  memset(static_cast<void*>(sqe), 0, kCommitIdAt);
  sqe->opcode = IORING_OP_MSG_RING;
  sqe->flags = flags;
  sqe->fd = messages;
  sqe->off = token;
  sqe->user_data = user_data;
  memcpy(before.left, sqe, 64);
  (*to.linked)[token] = c;
}

// IORING_OP_FILES_UPDATE: the table changes by an SQE.
void ServerRing::LearnFiles(const io_uring_sqe& sqe, pid_t tid, const Taken& to) {
  std::vector<int32_t> fds(sqe.len <= kMaxFiles ? sqe.len : 0);
  const auto size = static_cast<ssize_t>(fds.size() * sizeof(int32_t));
  if (size > 0 && ReadTarget(tid, sqe.addr, fds.data(), static_cast<size_t>(size)) == size) {
    UpdateTable(static_cast<uint32_t>(sqe.off), fds, to.device);
  }
}

void ServerRing::Take(uint32_t n, pid_t tid, uint32_t number, const Taken& to) {
  own_.Settle();
  if (polls_) {
    // Not looked at: the kernel refuses every FUSE command there (io_uring_cmd()).
    *to.asked = ~0ULL;
    return;
  }
  const uint32_t end = from_ + n;
  uint32_t at = Begin(), slot;
  bool follows = false;  // the SQE before this one is linked to it
  if (at != Load(head_)) {
    const io_uring_sqe* before = Sqe(at - 1, &slot);
    follows = before && (before->flags & kLinks) != 0;
  }
  for (; static_cast<int32_t>(end - at) > 0; ++at) {
    io_uring_sqe* sqe = Sqe(at, &slot);
    if (!sqe) {
      ++at;
      break;
    }
    Restore(sqe, slot, to.device);
    const bool waits = follows;
    follows = (sqe->flags & kLinks) != 0;
    const int index = DeviceOf(*sqe, to.device);
    if (index < 0) {
      if (sqe->opcode == IORING_OP_FILES_UPDATE) LearnFiles(*sqe, tid, to);
      own_.Submitted(*sqe, tid);
      *to.asked |= 1ULL << (sqe->opcode & 63);
      if (!Drains(*sqe) || !carries_) continue;
      RingCommand c = Command(*sqe, -1, tid, number);
      c.flags |= kDrainBeside;
      to.now->push_back(c);
      continue;
    }
    const RingCommand c = Command(*sqe, index, tid, number);
    carries_ = true;
    Exchange(sqe, slot, c, waits, to);
  }
  if (static_cast<int32_t>(at - looked_until_) > 0 || looked_until_ - Load(head_) > mask_ + 1) looked_until_ = at;
}

}  // namespace fuse_rig
