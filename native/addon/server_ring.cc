#include "server_ring.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

namespace fuse_rig {
namespace {

// What decides over the layout of a ring's memory.
constexpr uint32_t kLayoutFlags =
    IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | kSetupNoSqArray;

// A thread that was let go takes a few microseconds to the kernel's look at the ring; one that was
// preempted longer. One that died never comes.
constexpr int kAwaitSpins = 20000;

uint32_t Load(const uint32_t* p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

}  // namespace

// The offsets are those of a ring of our own made with the same parameters (io_uring_fill_params).
ServerRing* ServerRing::Map(Fd fd, const io_uring_params& asked, uint64_t inode) {
  std::unique_ptr<ServerRing> r(new ServerRing);
  io_uring_params& p = r->params_;
  p.flags = asked.flags & kLayoutFlags;
  p.cq_entries = asked.cq_entries;
  Fd twin(static_cast<int>(syscall(SYS_io_uring_setup, asked.sq_entries, &p)));
  if (!twin.ok()) return nullptr;
  twin.Reset();
  const bool array = (p.flags & kSetupNoSqArray) == 0;
  const size_t cqe = (p.flags & IORING_SETUP_CQE32) ? 32 : 16;
  const size_t cq_end = p.cq_off.cqes + p.cq_entries * cqe;
  const size_t sq_end = array ? p.sq_off.array + p.sq_entries * sizeof(uint32_t) : 0;
  r->ring_size_ = cq_end > sq_end ? cq_end : sq_end;
  r->sqes_size_ = static_cast<size_t>(p.sq_entries) << ((p.flags & IORING_SETUP_SQE128) ? 7 : 6);
  auto map = [&](size_t size, off_t at) {
    void* m = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), at);
    return m == MAP_FAILED ? nullptr : static_cast<uint8_t*>(m);
  };
  r->ring_ = map(r->ring_size_, IORING_OFF_SQ_RING);
  r->sqes_ = map(r->sqes_size_, IORING_OFF_SQES);
  if (!r->ring_ || !r->sqes_) return nullptr;
  r->head_ = reinterpret_cast<uint32_t*>(r->ring_ + p.sq_off.head);
  r->tail_ = reinterpret_cast<uint32_t*>(r->ring_ + p.sq_off.tail);
  r->array_ = array ? reinterpret_cast<uint32_t*>(r->ring_ + p.sq_off.array) : nullptr;
  r->mask_ = p.sq_entries - 1;
  r->fd_ = std::move(fd);
  r->inode_ = inode;
  // A ring of other parameters: its own numbers say so.
  const uint32_t sq = Load(reinterpret_cast<uint32_t*>(r->ring_ + p.sq_off.ring_entries));
  const uint32_t cq = Load(reinterpret_cast<uint32_t*>(r->ring_ + p.cq_off.ring_entries));
  return sq == p.sq_entries && cq == p.cq_entries ? r.release() : nullptr;
}

ServerRing::~ServerRing() {
  if (ring_) munmap(ring_, ring_size_);
  if (sqes_) munmap(sqes_, sqes_size_);
}

uint32_t ServerRing::Ready() const { return Load(tail_) - Load(head_); }

void ServerRing::Await(pid_t tid) const {
  if (tid == submitter_) return;
  for (int i = 0; i < kAwaitSpins && static_cast<int32_t>(Load(head_) - expected_head_) < 0; ++i) {
    if (i > 100) sched_yield();
  }
}

void ServerRing::Submitting(pid_t tid, uint32_t n) {
  if (submitter_ != 0 && submitter_ != tid) shared_ = true;
  submitter_ = tid;
  expected_head_ = Load(head_) + n;
}

void ServerRing::SetFile(uint32_t slot, int index) {
  if (index >= 0) files_[slot] = index;
  else files_.erase(slot);
}

// Null where the server's array names no SQE: the kernel drops such a one.
io_uring_sqe* ServerRing::Sqe(uint32_t position) const {
  uint32_t at = position & mask_;
  if (array_) at = Load(array_ + at);
  if (at > mask_) return nullptr;
  const int shift = (params_.flags & IORING_SETUP_SQE128) ? 7 : 6;
  return reinterpret_cast<io_uring_sqe*>(sqes_ + (static_cast<size_t>(at) << shift));
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

void ServerRing::Take(uint32_t n, pid_t tid, uint32_t number, const std::function<int(int)>& device,
                      const Taken& to) {
  const bool big = (params_.flags & IORING_SETUP_SQE128) != 0;
  const uint32_t head = Load(head_);
  bool follows = false;  // the SQE before this one is linked to it
  for (uint32_t i = 0; i < n; ++i) {
    io_uring_sqe* sqe = Sqe(head + i);
    if (!sqe) continue;
    const uint8_t links = sqe->flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
    const bool waits = follows;
    follows = links != 0;
    const int index = DeviceOf(*sqe, device);
    if (index < 0) continue;
    RingCommand c{};
    c.ring = number;
    c.index = index;
    c.opcode = sqe->opcode;
    c.tid = tid;
    c.user_data = sqe->user_data;
    c.flags = (big ? kSqe128 : 0) | (links ? kLinksOn : 0) | (sqe->flags & IOSQE_IO_DRAIN ? kDrain : 0);
    if (sqe->opcode != IORING_OP_URING_CMD) {
      to.now->push_back(c);
      continue;
    }
    c.cmd_op = sqe->cmd_op;
    c.len = sqe->len;
    c.addr = sqe->addr;
    if (big) {  // struct fuse_uring_cmd_req, at byte 48
      const uint8_t* cmd = reinterpret_cast<const uint8_t*>(sqe) + 48;
      uint16_t qid;
      memcpy(&c.cmd_flags, cmd, 8);
      memcpy(&c.commit_id, cmd + 8, 8);
      memcpy(&qid, cmd + 16, 2);
      c.qid = qid;
    }
    const uint64_t user_data = sqe->user_data;
    int messages = waits ? to.messages() : -1;
    memset(sqe, 0, big ? 128 : 64);
    sqe->user_data = user_data;
    sqe->flags = links | IOSQE_CQE_SKIP_SUCCESS;
    if (messages < 0) {
      sqe->opcode = IORING_OP_NOP;
      to.now->push_back(c);
      continue;
    }
    // It acts in its turn: when its predecessors are done the kernel sends us the token. A failed one
    // cancels it, and the server gets -ECANCELED as from the command itself.
    const uint64_t token = (*to.next_token)++;
    sqe->opcode = IORING_OP_MSG_RING;
    sqe->fd = messages;
    sqe->off = token;
    (*to.linked)[token] = c;
  }
}

}  // namespace fuse_rig
