#include "raw_ring.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fuse_rig {

int RawRing::Open(const RawSetup& setup) {
  io_uring_params p{};
  p.flags = setup.flags | (setup.completions != 0 ? IORING_SETUP_CQSIZE : 0);
  p.cq_entries = setup.completions;
  fd_ = Fd(UringSetup(setup.entries, &p));
  if (!fd_.ok()) return errno;
  const bool array = (p.flags & IORING_SETUP_NO_SQARRAY) == 0;
  sqe_size_ = (p.flags & IORING_SETUP_SQE128) != 0 ? kSqe128 : 64;
  cqe_size_ = (p.flags & IORING_SETUP_CQE32) != 0 ? 32 : 16;
  rings_size_ = std::max<size_t>(array ? p.sq_off.array + p.sq_entries * sizeof(uint32_t) : 0,
                                 p.cq_off.cqes + p.cq_entries * cqe_size_);
  sqes_size_ = p.sq_entries * sqe_size_;
  auto map = [this](size_t size, off_t at) {
    void* m = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_.get(), at);
    return m == MAP_FAILED ? nullptr : static_cast<char*>(m);
  };
  rings_ = map(rings_size_, IORING_OFF_SQ_RING);
  sqes_ = map(sqes_size_, IORING_OFF_SQES);
  if (rings_ == nullptr || sqes_ == nullptr) return errno;
  sq_head_ = Word(p.sq_off.head);
  sq_tail_ = Word(p.sq_off.tail);
  sq_flags_ = Word(p.sq_off.flags);
  cq_head_ = Word(p.cq_off.head);
  cq_tail_ = Word(p.cq_off.tail);
  cqes_ = rings_ + p.cq_off.cqes;
  sq_mask_ = p.sq_entries - 1;
  cq_mask_ = p.cq_entries - 1;
  array_ = array ? Word(p.sq_off.array) : nullptr;
  for (uint32_t i = 0; array && i < p.sq_entries; ++i) array_[i] = i;
  return 0;
}

void RawRing::Close() {
  if (sqes_ != nullptr) munmap(sqes_, sqes_size_);
  if (rings_ != nullptr) munmap(rings_, rings_size_);
  sqes_ = rings_ = nullptr;
  fd_.Reset();
}

int RawRing::Register(unsigned opcode, const void* argument, unsigned count) const {
  const int n = UringRegister(fd_.get(), opcode, argument, count);
  return n < 0 ? -errno : n;
}

io_uring_sqe* RawRing::Next() {
  io_uring_sqe* sqe = At(tail_);
  if (array_ != nullptr) array_[tail_ & sq_mask_] = tail_ & sq_mask_;
  ++tail_;
  memset(static_cast<void*>(sqe), 0, sqe_size_);
  return sqe;
}

void RawRing::Again(uint32_t slot) { array_[tail_++ & sq_mask_] = slot; }

int RawRing::Enter(unsigned submit, unsigned wait, unsigned flags, const void* argument, size_t size) const {
  const long n = syscall(SYS_io_uring_enter, fd_.get(), submit, wait, flags, argument, size);
  return n < 0 ? -errno : static_cast<int>(n);
}

int RawRing::Submit(unsigned wait) {
  Publish();
  return Enter(Unsubmitted(), wait, wait > 0 ? IORING_ENTER_GETEVENTS : 0);
}

bool RawRing::Take(io_uring_cqe* out) {
  const uint32_t head = *cq_head_;
  if (head == __atomic_load_n(cq_tail_, __ATOMIC_ACQUIRE)) return false;
  memcpy(static_cast<void*>(out), cqes_ + (head & cq_mask_) * cqe_size_, 16);
  __atomic_store_n(cq_head_, head + 1, __ATOMIC_RELEASE);
  return true;
}

}  // namespace fuse_rig
