#include "host_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace fuse_rig {
namespace {

// More commands than this at once are submitted in several goes. Held ones do not count.
constexpr uint32_t kSubmissions = 256, kCompletions = 1024;
constexpr size_t kSqe = 128;

// struct fuse_uring_cmd_req (include/uapi/linux/fuse.h), the command area of an SQE128.
struct UringCmdReq {
  uint64_t flags;
  uint64_t commit_id;
  uint16_t qid;
  uint8_t padding[6];
};
static_assert(sizeof(UringCmdReq) == 24);

uint32_t Load(const uint8_t* p) {
  return __atomic_load_n(reinterpret_cast<const uint32_t*>(p), __ATOMIC_ACQUIRE);
}
void Store(uint8_t* p, uint32_t value) {
  __atomic_store_n(reinterpret_cast<uint32_t*>(p), value, __ATOMIC_RELEASE);
}
uint64_t Long(const Napi::Value& v) {
  bool lossless;
  return v.As<Napi::BigInt>().Uint64Value(&lossless);
}
Napi::Number Num(const Napi::CallbackInfo& info, double v) { return Napi::Number::New(info.Env(), v); }

}  // namespace

// new HostRing(): `fd` signals, edge by edge, that Enter() has something to do; or it is -errno.
// `results` holds pairs of Int32: token and res.
HostRing::HostRing(const Napi::CallbackInfo& info) : Napi::ObjectWrap<HostRing>(info) {
  Napi::Env env = info.Env();
  const int err = Open();
  if (err != 0) Shut();
  Napi::ArrayBuffer results = Napi::ArrayBuffer::New(env, kCompletions * 2 * sizeof(int32_t));
  results_ = static_cast<int32_t*>(results.Data());
  results_ref_ = Napi::Persistent(results);
  Value().Set("results", results);
  Value().Set("fd", Napi::Number::New(env, err != 0 ? err : event_.get()));
}

HostRing::~HostRing() { Shut(); }

// With DEFER_TASKRUN a request waits until we enter: nothing interrupts the rig's thread, and what
// came meanwhile is delivered together.
int HostRing::Open() {
  params_.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                  IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  params_.cq_entries = kCompletions;
  fd_.Reset(static_cast<int>(syscall(SYS_io_uring_setup, kSubmissions, &params_)));
  if (!fd_.ok()) return -errno;
  const io_uring_params& p = params_;
  const size_t cq_end = p.cq_off.cqes + p.cq_entries * sizeof(io_uring_cqe);
  const size_t sq_end = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
  auto map = [&](size_t size, off_t at) {
    void* m = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), at);
    return m == MAP_FAILED ? nullptr : static_cast<uint8_t*>(m);
  };
  ring_size_ = cq_end > sq_end ? cq_end : sq_end;
  sqes_size_ = p.sq_entries * kSqe;
  ring_ = map(ring_size_, IORING_OFF_SQ_RING);
  if (!ring_) return -errno;
  sqes_ = map(sqes_size_, IORING_OFF_SQES);
  if (!sqes_) return -errno;
  auto* array = reinterpret_cast<uint32_t*>(ring_ + p.sq_off.array);
  for (uint32_t i = 0; i < p.sq_entries; ++i) array[i] = i;
  // A poll of the ring is woken by CQEs, not by a request that waits for us to enter (seen on 6.18.44,
  // io_req_local_work_add); an eventfd is signalled for both.
  event_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event_.ok()) return -errno;
  const int event = event_.get();
  const long r = syscall(SYS_io_uring_register, fd_.get(), IORING_REGISTER_EVENTFD, &event, 1);
  return r < 0 ? -errno : 0;
}

// Closing the last reference, which the mappings are too, cancels the commands that are held; from then
// on the kernel touches no memory of ours on their behalf.
void HostRing::Shut() {
  if (ring_) munmap(ring_, ring_size_);
  if (sqes_) munmap(sqes_, sqes_size_);
  ring_ = sqes_ = nullptr;
  fd_.Reset();
  event_.Reset();
}

// queue(token, fd, cmdOp, qid, flags, commitId, addr, len): puts one FUSE command into the submission
// queue, for the next enter. False: the queue is full, or the ring is closed. `token` comes back with
// the result; flags, commitId and addr are BigInts.
Napi::Value HostRing::Queue(const Napi::CallbackInfo& info) {
  if (!ring_ || tail_ - submitted_ >= params_.sq_entries) return Napi::Boolean::New(info.Env(), false);
  auto number = [&](size_t i) { return info[i].ToNumber().Uint32Value(); };
  uint8_t* at = sqes_ + (tail_ & (params_.sq_entries - 1)) * kSqe;
  memset(at, 0, kSqe);
  auto* sqe = reinterpret_cast<io_uring_sqe*>(at);
  sqe->opcode = IORING_OP_URING_CMD;
  sqe->user_data = number(0);
  sqe->fd = info[1].ToNumber().Int32Value();
  sqe->cmd_op = number(2);
  sqe->addr = Long(info[6]);
  sqe->len = number(7);
  UringCmdReq req{};
  req.flags = Long(info[4]);
  req.commit_id = Long(info[5]);
  req.qid = static_cast<uint16_t>(number(3));
  memcpy(at + offsetof(io_uring_sqe, cmd), &req, sizeof req);
  Store(ring_ + params_.sq_off.tail, ++tail_);
  return Napi::Boolean::New(info.Env(), true);
}

bool HostRing::Idle() const {
  const uint32_t work = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
  return tail_ == submitted_ && (Load(ring_ + params_.sq_off.flags) & work) == 0;
}

// Off while we look at everything ourselves: what an enter completes needs no wake.
void HostRing::Signal(bool on) {
  Store(ring_ + params_.cq_off.flags, on ? 0 : IORING_CQ_EVENTFD_DISABLED);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

// What the completion queue holds goes to `results`; how many there are.
uint32_t HostRing::Reap() {
  const uint32_t mask = params_.cq_entries - 1;
  uint32_t head = Load(ring_ + params_.cq_off.head);
  const uint32_t tail = Load(ring_ + params_.cq_off.tail);
  uint32_t n = 0;
  for (; head != tail && n < kCompletions; ++head, ++n) {
    const auto& cqe = reinterpret_cast<const io_uring_cqe*>(ring_ + params_.cq_off.cqes)[head & mask];
    results_[2 * n] = static_cast<int32_t>(cqe.user_data);
    results_[2 * n + 1] = cqe.res;
  }
  Store(ring_ + params_.cq_off.head, head);
  return n;
}

// enter(): submits what was queued, lets the kernel deliver what waits, and puts results into
// `results`. Their number, or -errno. Call it until it is 0: only then is more signalled.
Napi::Value HostRing::Enter(const Napi::CallbackInfo& info) {
  if (!ring_) return Num(info, -EBADF);
  for (;;) {
    if (!Idle()) {
      Signal(false);
      const long n = syscall(SYS_io_uring_enter, fd_.get(), tail_ - submitted_, 0, IORING_ENTER_GETEVENTS,
                             nullptr, 0);
      // EAGAIN: out of memory for now; EBUSY: the completion queue must be emptied first.
      if (n < 0 && errno != EINTR && errno != EAGAIN && errno != EBUSY) return Num(info, -errno);
      if (n > 0) submitted_ += static_cast<uint32_t>(n);
    }
    const uint32_t n = Reap();
    if (n > 0) return Num(info, n);
    Signal(true);
    if (Idle() && Load(ring_ + params_.cq_off.head) == Load(ring_ + params_.cq_off.tail)) return Num(info, 0);
  }
}

// close(): see Shut().
Napi::Value HostRing::Close(const Napi::CallbackInfo& info) {
  Shut();
  return info.Env().Undefined();
}

Napi::Function HostRing::Define(Napi::Env env) {
  return DefineClass(env, "HostRing",
                     {InstanceMethod<&HostRing::Queue>("queue"), InstanceMethod<&HostRing::Enter>("enter"),
                      InstanceMethod<&HostRing::Close>("close")});
}

// new HostPages(size): `address` (0: no memory) and `bytes`.
HostPages::HostPages(const Napi::CallbackInfo& info) : Napi::ObjectWrap<HostPages>(info) {
  Napi::Env env = info.Env();
  const size_t size = static_cast<size_t>(info[0].ToNumber().DoubleValue());
  void* m = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (m != MAP_FAILED) {
    at_ = m;
    size_ = size;
    Napi::ArrayBuffer bytes = Napi::ArrayBuffer::New(env, m, size);
    bytes_ref_ = Napi::Persistent(bytes);
    Value().Set("bytes", bytes);
  }
  Value().Set("address", Napi::Number::New(env, static_cast<double>(reinterpret_cast<uintptr_t>(at_))));
}

HostPages::~HostPages() {
  if (at_) munmap(at_, size_);
}

// free(): the memory is gone; views of it have no length any more.
Napi::Value HostPages::Free(const Napi::CallbackInfo& info) {
  if (at_) {
    bytes_ref_.Value().Detach();
    munmap(at_, size_);
    at_ = nullptr;
  }
  return info.Env().Undefined();
}

Napi::Function HostPages::Define(Napi::Env env) {
  return DefineClass(env, "HostPages", {InstanceMethod<&HostPages::Free>("free")});
}

}  // namespace fuse_rig
