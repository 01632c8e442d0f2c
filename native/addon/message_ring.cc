#include "message_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace fuse_rig {
namespace {

constexpr uint32_t kEntries = 256;
constexpr uint32_t kCompletions = 8192;
// Of our own SQEs: only failures have a CQE. Tokens count up from 1 and never come near it.
constexpr uint64_t kPost = ~0ULL;

uint32_t Load(const uint32_t* p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

}  // namespace

void MessageRing::Close() {
  if (ring_) munmap(ring_, ring_size_);
  if (sqes_) munmap(sqes_, kEntries * sizeof(io_uring_sqe));
  ring_ = nullptr;
  sqes_ = nullptr;
  fd_.Reset();
  pending_ = 0;
}

bool MessageRing::Is(int fd) const {
  struct stat a, b;
  return fd >= 0 && fstat(fd, &a) == 0 && fstat(fd_.get(), &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int MessageRing::Open() {
  io_uring_params p{};
  p.flags = IORING_SETUP_CQSIZE;
  p.cq_entries = kCompletions;
  Fd fd(static_cast<int>(syscall(SYS_io_uring_setup, kEntries, &p)));
  if (!fd.ok()) return -errno;
  size_t cq_end = p.cq_off.cqes + p.cq_entries * sizeof(io_uring_cqe);
  size_t sq_end = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
  ring_size_ = cq_end > sq_end ? cq_end : sq_end;
  const int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_POPULATE;
  void* ring = mmap(nullptr, ring_size_, prot, flags, fd.get(), IORING_OFF_SQ_RING);
  if (ring == MAP_FAILED) return -errno;
  ring_ = static_cast<uint8_t*>(ring);
  void* sqes = mmap(nullptr, kEntries * sizeof(io_uring_sqe), prot, flags, fd.get(), IORING_OFF_SQES);
  if (sqes == MAP_FAILED) return -errno;
  sqes_ = static_cast<io_uring_sqe*>(sqes);
  auto at = [&](uint32_t offset) { return reinterpret_cast<uint32_t*>(ring_ + offset); };
  sq_head_ = at(p.sq_off.head);
  sq_tail_ = at(p.sq_off.tail);
  sq_flags_ = at(p.sq_off.flags);
  cq_head_ = at(p.cq_off.head);
  cq_tail_ = at(p.cq_off.tail);
  cqes_ = reinterpret_cast<io_uring_cqe*>(ring_ + p.cq_off.cqes);
  sq_mask_ = p.sq_entries - 1;
  cq_mask_ = p.cq_entries - 1;
  for (uint32_t i = 0; i < p.sq_entries; ++i) at(p.sq_off.array)[i] = i;
  fd_ = std::move(fd);
  return 0;
}

void MessageRing::Post(int target, uint64_t user_data, int32_t res) {
  if (pending_ == kEntries) Flush();
  const uint32_t tail = *sq_tail_;
  io_uring_sqe& sqe = sqes_[tail & sq_mask_];
  memset(&sqe, 0, sizeof sqe);
  sqe.opcode = IORING_OP_MSG_RING;
  sqe.flags = IOSQE_CQE_SKIP_SUCCESS;
  sqe.fd = target;
  sqe.len = static_cast<uint32_t>(res);
  sqe.off = user_data;
  sqe.user_data = kPost;
  __atomic_store_n(sq_tail_, tail + 1, __ATOMIC_RELEASE);
  ++pending_;
}

void MessageRing::Flush() {
  while (pending_ > 0) {
    long n = syscall(SYS_io_uring_enter, fd_.get(), pending_, 0, 0, nullptr, 0);
    if (n > 0) pending_ -= static_cast<uint32_t>(n);
    else if (n < 0 && errno == EBUSY) Receive(&received_);  // our CQ overflowed: make room
    else if (n < 0 && errno != EINTR && errno != EAGAIN) break;
  }
}

void MessageRing::Receive(std::vector<uint64_t>* tokens) {
  if (tokens != &received_) {
    tokens->insert(tokens->end(), received_.begin(), received_.end());
    received_.clear();
  }
  if (Load(sq_flags_) & IORING_SQ_CQ_OVERFLOW) {
    syscall(SYS_io_uring_enter, fd_.get(), 0, 0, IORING_ENTER_GETEVENTS, nullptr, 0);
  }
  uint32_t head = *cq_head_;
  while (head != Load(cq_tail_)) {
    const io_uring_cqe& cqe = cqes_[head & cq_mask_];
    if (cqe.user_data == kPost) ++failed_;
    else tokens->push_back(cqe.user_data);
    __atomic_store_n(cq_head_, ++head, __ATOMIC_RELEASE);
  }
}

}  // namespace fuse_rig
