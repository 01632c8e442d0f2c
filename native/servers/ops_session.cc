// Rows of the connection itself: INIT, forgets, interrupts, statfs.
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "bugs.h"
#include "dispatch.h"
#include "session.h"

namespace fuse_rig {

const Options& OptionsOf(const Call& call) { return call.session.options(); }

void Validity(const Options& options, uint64_t* seconds, uint32_t* nanoseconds) {
  *seconds = static_cast<uint64_t>(options.timeout_s);
  *nanoseconds = static_cast<uint32_t>((options.timeout_s - static_cast<double>(*seconds)) * 1e9);
}

namespace {

// A ring that cannot be set up is not promised: the kernel would wait for its entries.
int SettleRing(Session& session, fuse_init_out* out) {
  const RingOptions& options = session.options().ring;
  Negotiated& negotiated = session.negotiated();
  std::string problem;
  if (!options.use || !negotiated.ready || session.SetUpRing(*out, &problem)) return 0;
  if (Bug(bug::kRingAdvertised)) return 0;
  negotiated.flags &= ~init::kOverIoUring;
  out->flags2 = static_cast<uint32_t>(negotiated.flags >> 32);
  fprintf(stderr, "fuse-rig-server: ring: %s%s\n", problem.c_str(),
          options.required ? "" : "; going on on /dev/fuse");
  if (!options.required) return 0;
  negotiated.ready = false;
  return EOPNOTSUPP;
}

// Of --bug init-echo-past-end: a whole fuse_init_in is copied from a message of `size` bytes, which lies
// as an allocator lays it that guards what is behind.
fuse_init_in WholeInit(const fuse_init_in& message, size_t size) {
  void* pages = mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* guard = static_cast<char*>(pages) + kPage;
  mprotect(guard, kPage, PROT_NONE);
  memcpy(guard - size, &message, size);
  fuse_init_in whole;
  memcpy(&whole, guard - size, sizeof whole);
  munmap(pages, 2 * kPage);
  return whole;
}

}  // namespace

namespace ops {

// From 7.1 on the body has at least major and minor; everything later is absent, not zero, in a
// short one.
int Init(Call& call) {
  fuse_init_in in;
  const size_t size = call.body.left() < sizeof in ? call.body.left() : sizeof in;
  if (size < 8 || !call.body.Take(&in, size)) return kMalformed;
  if (Bug(bug::kInitPastEnd)) in = WholeInit(in, size);
  if (in.major < kKernelVersion) return EPROTO;
  if (call.negotiated.ready) return EIO;  // the kernel never asks twice
  fuse_init_out out;
  const size_t taken = Negotiate(call.session.options(), in, &call.session.negotiated(), &out);
  if (const int error = SettleRing(call.session, &out); error != 0) return error;
  call.reply.Put(out, taken);
  return 0;
}

int Destroy(Call&) { return 0; }

int Forget(Call& call) {
  fuse_forget_in in;
  if (call.body.Take(&in)) call.fs.Forget(call.in.nodeid, in.nlookup);
  return kNoReply;
}

int BatchForget(Call& call) {
  fuse_batch_forget_in in;
  if (!call.body.Take(&in)) return kNoReply;
  fuse_forget_one one;
  for (uint32_t i = 0; i < in.count && call.body.Take(&one); ++i)
    call.fs.Forget(one.nodeid, one.nlookup);
  return kNoReply;
}

int Interrupt(Call& call) {
  fuse_interrupt_in in;
  if (Bug(bug::kFdLeakOnInterrupt)) (void)eventfd(0, EFD_CLOEXEC);  // what it would wait on
  if (!call.body.Take(&in)) return kNoReply;
  if (call.session.InterruptAgain(in.unique)) return EAGAIN;
  if (!Bug(bug::kInterruptTwice)) call.fs.Interrupt(in.unique);
  return kNoReply;
}

int NotifyReply(Call& call) {
  fuse_notify_retrieve_in in;
  const char* data = nullptr;
  if (call.body.Take(&in) && call.body.Data(&data, in.size)) {
    call.fs.NotifyReply(call.in.nodeid, in.offset, data, in.size);
  }
  return kNoReply;
}

int Statfs(Call& call) {
  fuse_kstatfs out{};
  if (const int error = call.fs.Statfs(call.in, &out); error != 0) return error;
  call.reply.Put(out, call.negotiated.minor < 4 ? kCompatStatfsOut : sizeof out);
  return 0;
}

int Syncfs(Call& call) {
  fuse_syncfs_in in;
  if (!call.body.Take(&in)) return kMalformed;
  return call.fs.Syncfs(call.in);
}

}  // namespace ops
}  // namespace fuse_rig
