// Setting up, submitting, completing. The kernel reads the tail of the submission queue and writes
// the tail of the completion queue: release and acquire go with those two.
#include "uring.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fuse_rig {
namespace {

void* MapRing(int fd, size_t size, off_t offset) {
  void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
  return at == MAP_FAILED ? nullptr : at;
}

}  // namespace

Uring::~Uring() {
  if (sqes_ != nullptr) munmap(sqes_, sqes_size_);
  if (rings_ != nullptr) munmap(rings_, rings_size_);
}

int Uring::Open(unsigned entries, unsigned flags) {
  io_uring_params params{};
  params.flags = IORING_SETUP_SQE128 | flags;
  fd_ = Fd(UringSetup(entries, &params));
  if (!fd_.ok()) return errno;
  if (const int error = Map(params); error != 0) {
    fd_.Reset();
    return error;
  }
  return 0;
}

int Uring::Map(const io_uring_params& params) {
  const size_t sq_size = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
  const size_t cq_size = params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
  rings_size_ = std::max(sq_size, cq_size);
  rings_ = MapRing(fd_.get(), rings_size_, IORING_OFF_SQ_RING);
  if (rings_ == nullptr) return errno;
  sqes_size_ = params.sq_entries * kSqe128;
  sqes_ = static_cast<char*>(MapRing(fd_.get(), sqes_size_, IORING_OFF_SQES));
  if (sqes_ == nullptr) return errno;

  sq_tail_ = At(params.sq_off.tail);
  sq_mask_ = *At(params.sq_off.ring_mask);
  cq_head_ = At(params.cq_off.head);
  cq_tail_ = At(params.cq_off.tail);
  cq_mask_ = *At(params.cq_off.ring_mask);
  cqes_ = reinterpret_cast<io_uring_cqe*>(At(params.cq_off.cqes));
  if ((params.flags & IORING_SETUP_NO_SQARRAY) == 0) {
    // The indirection is of no use to us: slot i is SQE i.
    uint32_t* array = At(params.sq_off.array);
    for (uint32_t i = 0; i < params.sq_entries; ++i) array[i] = i;
  }
  return 0;
}

int Uring::RegisterFile(int fd) {
  const int failed = UringRegister(fd_.get(), IORING_REGISTER_FILES, &fd, 1);
  return failed < 0 ? errno : 0;
}

io_uring_sqe* Uring::Next() {
  auto* sqe = reinterpret_cast<io_uring_sqe*>(sqes_ + (tail_ & sq_mask_) * kSqe128);
  ++tail_;
  memset(static_cast<void*>(sqe), 0, kSqe128);
  return sqe;
}

int Uring::Enter(unsigned wait) {
  __atomic_store_n(sq_tail_, tail_, __ATOMIC_RELEASE);
  const int n = UringEnter(fd_.get(), tail_ - submitted_, wait, IORING_ENTER_GETEVENTS);
  if (n >= 0) {
    submitted_ += static_cast<uint32_t>(n);
    return 0;
  }
  switch (errno) {
    case EAGAIN:  // no memory for a request
    case EBUSY: sched_yield(); [[fallthrough]];
    case EINTR: return 0;
    default: return errno;
  }
}

bool Uring::Take(io_uring_cqe* out) {
  if (head_ == __atomic_load_n(cq_tail_, __ATOMIC_ACQUIRE)) return false;
  *out = cqes_[head_ & cq_mask_];
  __atomic_store_n(cq_head_, ++head_, __ATOMIC_RELEASE);
  return true;
}

}  // namespace fuse_rig
