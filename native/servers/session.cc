// Threads of one connection: reading, ending, and waking each other.
#include "session.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "bugs.h"
#include "dispatch.h"

namespace fuse_rig {
namespace {

constexpr unsigned kRingWorkers = 4;  // several, so that replies overtake each other

// What the first bytes of the buffer say.
long LengthOf(const std::vector<char>& request) {
  uint32_t length;
  memcpy(&length, request.data(), sizeof length);
  return length;
}

}  // namespace

Session::Session(const Options& options, Mounted mounted, std::unique_ptr<FileSystem> fs,
                 std::function<void()> ended)
    : options_(options),
      mounted_(std::move(mounted)),
      fs_(std::move(fs)),
      ended_(std::move(ended)),
      sizes_(Sizes::For(options)) {
  channels_.push_back(
      std::make_unique<Channel>(std::move(mounted_.fd), options_, &stop_, sizes_.pipe));
}

Session::~Session() = default;

int Session::Start() {
  const uint32_t source = static_cast<uint32_t>(first().fd());
  for (unsigned i = 1; options_.clone && i < options_.threads; ++i) {
    Fd fd(open(kDevice, O_RDWR | O_CLOEXEC));
    if (!fd.ok() || ioctl(fd.get(), kIocClone, &source) < 0) {
      fprintf(stderr, "fuse-rig-server: clone: %s\n", strerror(errno));
      return errno;
    }
    channels_.push_back(std::make_unique<Channel>(std::move(fd), options_, &stop_, sizes_.pipe));
  }
  try {
    StartThreads();
  } catch (const std::system_error& error) {
    fprintf(stderr, "fuse-rig-server: thread: %s\n", error.what());
    return error.code().value();
  }
  return 0;
}

void Session::StartThreads() {
  const bool ring_works = options_.ring.use && options_.ring.replies == RingReplies::kWorker;
  if (ring_works || !options_.deferred.empty()) {
    worker_ = std::make_unique<Worker>(ring_works ? kRingWorkers : 1, sizes_.reply,
                                       options_.defer_batch);
  }
  for (unsigned i = 0; i < options_.threads; ++i) threads_.emplace_back([this, i] { Run(i); });
}

void Session::Run(unsigned index) {
  // Until INIT is answered one thread reads: what it settles is then seen by all.
  if (index == 0 || WaitReady()) {
    const EndReason reason = Loop(channels_[index % channels_.size()].get());
    // The others may sleep in a read of a handle that lives: Finish wakes them.
    if (reason != EndReason::kStopped) End(reason);
  }
  SetReady();
}

EndReason Session::Loop(Channel* channel) {
  ReadBuffer in = MakeBuffer();
  std::vector<char> reply(sizes_.reply);
  const EndReason reason = ReadAll(channel, &in, &reply);
  delete[] in.spill;
  return reason;
}

ReadBuffer Session::MakeBuffer() const {
  ReadBuffer in;
  const bool spills = options_.receive == ReceiveBy::kSpill;
  size_t in_place = kInPlace + sizeof(fuse_in_header) + sizeof(fuse_write_in);
  if (Bug(bug::kSpilloverMisaligned)) in_place = kInPlace;
  in.bytes.resize(spills ? in_place : sizes_.request);
  if (spills) in.spill_size = sizes_.request;
  return in;
}

EndReason Session::ReadAll(Channel* channel, ReadBuffer* in, std::vector<char>* reply) {
  while (stop_ == 0) {
    if (in->spill == nullptr) in->spill = new char[in->spill_size];
    long n = channel->Receive(in->bytes.data(), in->bytes.size(), {in->spill, in->spill_size});
    if (Bug(bug::kEnodevAsData)) n = std::max<long>(n, LengthOf(in->bytes));
    if (n > 0) {
      Serve(channel, in, static_cast<size_t>(n), reply->data(), reply->size());
      continue;
    }
    switch (-n) {
      case EINTR:   // woken: the loop looks at the stop flag
      case ENOENT:  // the request went away while it was handed over
      case EAGAIN: continue;
      case ECANCELED: return EndReason::kAsked;
      case 0:  // the other end of a socket was closed
      case ENODEV:
      case ECONNABORTED: return EndReason::kGone;
      default:
        fprintf(stderr, "fuse-rig-server: reading a request: %s\n", strerror(static_cast<int>(-n)));
        return EndReason::kFailed;
    }
  }
  return EndReason::kStopped;
}

void Session::Serve(Channel* channel, ReadBuffer* in, size_t size, char* reply, size_t capacity) {
  Incoming request{};
  if (!ParseMessage(in->bytes.data(), size, &request, in->bytes.size(), in->spill)) return;
  ReadBuffer joined;  // only a WRITE is taken in two pieces
  if (size > in->bytes.size() && request.head.opcode != op::kWrite) {
    joined.bytes = in->bytes;
    joined.bytes.insert(joined.bytes.end(), in->spill, in->spill + (size - in->bytes.size()));
    ParseMessage(joined.bytes.data(), size, &request);
    in = &joined;
  }
  ++on_device_;
  const uint32_t opcode = request.head.opcode;
  if (opcode == op::kForget || opcode == op::kBatchForget || opcode == op::kInterrupt) ++silent_;
  if (!TakeUp(opcode)) return;
  Worker* worker = WorkerFor(opcode, false);
  if (worker == nullptr) {
    return Dispatch(*this, request, channel, channel, Reply(reply, capacity));
  }
  Defer(worker, channel, in, size, request);
}

// The buffer receives the next request meanwhile: what is in place is copied, the rest changes hands.
void Session::Defer(Worker* worker, Channel* channel, ReadBuffer* in, size_t size,
                    const Incoming& request) {
  const size_t here = std::min(size, in->bytes.size());
  std::shared_ptr<char[]> spill;
  if (size > here) {
    spill.reset(in->spill, Bug(bug::kSpilloverKept) ? [](char*) {} : [](char* p) { delete[] p; });
    if (Bug(bug::kSpilloverFreedTwice)) delete[] in->spill;
    if (!Bug(bug::kSpilloverKept)) in->spill = nullptr;
  }
  const std::vector<char> copy(in->bytes.begin(), in->bytes.begin() + static_cast<long>(here));
  worker->Add([this, channel, request, copy, spill, size](char* scratch, size_t room) {
    Incoming again = request;
    if (!Bug(bug::kSharedRequestBuffer)) {
      ParseMessage(copy.data(), size, &again, copy.size(), spill.get());
    }
    Dispatch(*this, again, channel, channel, Reply(scratch, room));
  });
}

bool Session::TakeUp(uint32_t opcode) {
  static std::atomic<uint64_t> requests{0};
  if (++requests == options_.crash_after) {
    signal(options_.crash_signal, SIG_DFL);
    raise(options_.crash_signal);
  }
  if (opcode == op::kDestroy && Bug(bug::kDestroyUnanswered)) return false;
  return !wedged_ && options_.unanswered.count(opcode) == 0;
}

bool Session::InterruptAgain(uint64_t unique) {
  if (!options_.interrupt_again) return false;
  std::lock_guard<std::mutex> hold(interrupted_mutex_);
  return interrupted_.insert(unique).second;
}

Worker* Session::WorkerFor(uint32_t opcode, bool ring) {
  const bool all = ring && options_.ring.replies == RingReplies::kWorker;
  return all || options_.deferred.count(opcode) != 0 ? worker_.get() : nullptr;
}

void Session::End(EndReason reason) {
  EndReason none = EndReason::kStopped;
  reason_.compare_exchange_strong(none, reason);
  ended_();
}

void Session::Fail(const std::string& what) {
  fprintf(stderr, "fuse-rig-server: %s\n", what.c_str());
  End(EndReason::kFailed);
}

void Session::SetReady() {
  {
    std::lock_guard<std::mutex> hold(ready_mutex_);
    ready_ = true;
  }
  ready_changed_.notify_all();
}

bool Session::WaitReady() {
  std::unique_lock<std::mutex> hold(ready_mutex_);
  ready_changed_.wait(hold, [this] { return ready_; });
  return stop_ == 0;
}

void Session::Finish() {
  const bool gone = reason_ == EndReason::kGone || first().Dead();
  // The threads still serve: whoever is in the mount, or on the way into it, gets answers
  // meanwhile.
  if (Bug(bug::kTeardownCircular) && ring_ != nullptr) ring_->Stop(true);
  if (!gone || Bug(bug::kDoubleUnmount)) Unmount(mounted_);
  if (Bug(bug::kFdClosedInUse)) close(first().fd());
  if (!Bug(bug::kReplyAfterTeardown)) fs_->Stop(!gone);
  stop_ = 1;
  SetReady();
  for (std::thread& thread : threads_) {
    if (!Bug(bug::kExitNobodyWoken)) pthread_kill(thread.native_handle(), kWakeSignal);
  }
  for (std::thread& thread : threads_) thread.join();
  // From here on nobody makes a ring any more. Its commands hold the device: it ends before the
  // handles are closed.
  if (Bug(bug::kReplyAfterTeardown)) {
    ring_.reset();
    fs_->Stop(!gone);
  }
  if (ring_ != nullptr) ring_->Drain();
  worker_.reset();
  if (ring_ != nullptr) ring_->Stop(first().Dead());
  if (options_.stats) SayCounts();
}

void Session::SayCounts() const {
  const uint64_t ring = ring_ == nullptr ? 0 : ring_->requests();
  const uint64_t device = on_device_, silent = silent_;
  printf("fuse-rig-server: requests: ring %" PRIu64 ", device %" PRIu64 " (%" PRIu64
         " of them forgets and interrupts)\n",
         ring, device, silent);
  fflush(stdout);
}

}  // namespace fuse_rig
