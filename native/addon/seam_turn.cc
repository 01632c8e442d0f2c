// Turns: what threads of the server do at the same time, in one order. Calls are not looked at as they
// come, which is chance, but when every thread is in a call or sleeps; then all of them, in an order that
// does not depend on who was faster. They are answered one by one, each when the thread before has come to
// where it waits again. What several threads that wake each other do is theirs.
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>

#include "seam.h"
#include "seccomp_abi.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

namespace fuse_rig {
namespace {

// How much CPU time the threads that run on get before a turn begins without them, and how much once one
// did: it may do so for ever, or until a call that is held is answered (the Go runtime stops its world by
// spinning). Not a time of the clock: on a loaded machine nobody may run them.
constexpr double kPatienceNs = 50e6;
constexpr double kShortPatienceNs = 5e6;
// Where they do not run either: a disk, a dead machine.
constexpr double kLimitNs = 2e9;
// Between two looks at whether threads sleep.
constexpr long kLookNs = 100000;

// The order of what came together: other calls before it the replies, by request, which make room for
// more; reads last. Within a class by key, then by thread: threads have their numbers in the order of
// their creation.
enum OrderClass : uint64_t { kReply = 0, kEnter, kOther, kRead };
constexpr uint64_t Order(OrderClass c, uint64_t key) { return (c << 62) | (key & ((1ULL << 62) - 1)); }

// Asleep for a disk (D) is not asleep: it goes on by itself. A parent in vfork(2) waits for its child.
bool RunsOn(char state, const Thread& t) {
  if (state != 'D') return state == 'R';
  std::string wchan;
  return !Slurp(TaskPath(t, "wchan"), &wchan) || wchan.find("kernel_clone") == std::string::npos;
}

}  // namespace

// turns(keeperPid): from now on calls are taken in turns.
Napi::Value Seam::Turns(const Napi::CallbackInfo& info) {
  in_turns_ = info[0].ToNumber().Int32Value();
  patience_ = kPatienceNs;
  return info.Env().Undefined();
}

// A reply has the number of its request; what cannot be read has 0.
uint64_t Seam::OrderOf(const Slot& s) const {
  bool device = DeviceIndex(static_cast<int>(s.args[0])) >= 0;
  switch (s.nr) {
    case SYS_io_uring_enter: return Order(kEnter, 0);
    case SYS_read:
    case SYS_readv: return Order(device ? kRead : kOther, 0);
    case SYS_splice:
      if (device) return Order(kRead, 0);
      return Order(DeviceIndex(static_cast<int>(s.args[2])) >= 0 ? kReply : kOther, 0);
    case SYS_write:
    case SYS_writev: break;
    default: return Order(kOther, 0);
  }
  if (!device) return Order(kOther, 0);
  uint64_t at = s.args[1];
  iovec first{};
  if (s.nr == SYS_writev) {
    if (ReadTarget(s.tid, at, &first, sizeof first) != sizeof first) return Order(kReply, 0);
    at = reinterpret_cast<uint64_t>(first.iov_base);
  }
  uint64_t out_header[2] = {};  // len, error; unique
  ReadTarget(s.tid, at, out_header, sizeof out_header);
  return Order(kReply, out_header[1]);
}

// Takes every call that has come. What needs no policy goes on at once, and is no part of a turn.
void Seam::Gather() {
  pollfd p = {listener_.get(), POLLIN, 0};
  while (poll(&p, 1, 0) == 1) {
    int slot = ReceiveCall();
    if (slot < 0) return;
    Slot& s = slots_[slot];
    // An enter's commands lie in a buffer that they share: they are looked at in their turn.
    if (s.nr != SYS_io_uring_enter && armed_.count(s.nr) == 0) {
      if (!NeedsPolicy(slot)) continue;
      slots_[slot].shown = true;
    }
    if (gathered_.empty()) {
      gathering_since_ = MonotonicNs();
      ran_before_ = 0;
    }
    slots_[slot].order = OrderOf(slots_[slot]);
    gathered_.push_back(slot);
  }
}

// turn(): what has come is looked at now.
Napi::Value Seam::Turn(const Napi::CallbackInfo& info) {
  std::sort(gathered_.begin(), gathered_.end(), [this](int a, int b) {
    const Slot &x = slots_[a], &y = slots_[b];
    return x.order != y.order ? x.order < y.order : x.tid < y.tid;
  });
  turn_.assign(gathered_.begin(), gathered_.end());
  gathered_.clear();
  return info.Env().Undefined();
}

// The turn's next call; false: it needs no policy, or is gone.
bool Seam::NextOfTurn() {
  int slot = turn_.front();
  turn_.pop_front();
  uint64_t id = slots_[slot].id;
  if (ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) != 0) {
    FreeSlot(slot);
    return false;
  }
  return slots_[slot].shown ? Show(slot) : Decide(slot);
}

// Whether the thread is in a call that we hold.
bool Seam::InCall(pid_t tid) {
  for (Slot& s : slots_) {
    uint64_t id = s.id;
    if (s.used && s.tid == tid) return ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
  }
  return false;
}

// Whether every thread of the server is in a call that we hold, or sleeps until something wakes it: two
// looks, between which nobody ran and nobody was born.
bool Seam::Settled() {
  std::string last = LastPid();
  bool zombie = false;
  if (last != last_pid_) {
    threads_.clear();
    last_pid_.clear();
    if (!CollectThreads(in_turns_, &threads_, &zombie) || zombie) return false;
    last_pid_ = last;
  }
  for (Thread& t : threads_) {
    t.timeslices.clear();
    if (InCall(t.tid)) continue;
    char state = StateOf(t);
    t.timeslices = TimeslicesOf(t);
    if (state == 0 || state == 'Z' || state == 'X' || t.timeslices.empty()) last_pid_.clear();
    if (last_pid_.empty() || RunsOn(state, t)) return false;
  }
  for (const Thread& t : threads_) {
    if (!t.timeslices.empty() && TimeslicesOf(t) != t.timeslices) return false;
  }
  pollfd p = {listener_.get(), POLLIN, 0};
  if (poll(&p, 1, 0) == 1 && (p.revents & POLLIN)) return false;
  return LastPid() == last;
}

// Whether the turn of what has come may begin.
bool Seam::Due() {
  if (Settled()) {
    patience_ = kPatienceNs;
    return true;
  }
  return RanOn();
}

// Whether threads that run on have had their time since the first look.
bool Seam::RanOn() {
  double ran = 1;
  for (const Thread& t : threads_) ran += RuntimeOf(t);
  if (ran_before_ == 0) ran_before_ = ran;
  if (ran - ran_before_ < patience_ && MonotonicNs() - gathering_since_ < kLimitNs) return false;
  patience_ = kShortPatienceNs;
  return true;
}

// Waits for events; a short while only when calls have come and threads still run. 0: nothing came.
int Seam::Poll(int timeout) {
  epoll_event events[64];
  int n;
  do {
    if (gathered_.empty() || timeout == 0) {
      n = epoll_wait(epoll_.get(), events, 64, timeout);
    } else {
      timespec look = {0, kLookNs};
      n = static_cast<int>(syscall(SYS_epoll_pwait2, epoll_.get(), events, 64, &look, nullptr, 0));
    }
  } while (n < 0 && errno == EINTR);
  for (int i = 0; i < n; ++i) ready_.push_back(events[i].data.u64);
  return n < 0 ? 0 : n;
}

// settle(): waits until every thread is in a call or sleeps. Calls that come meanwhile have their turn
// later. False: somebody runs on.
Napi::Value Seam::Settle(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), in_turns_ == 0 || Rest());
}

bool Seam::Rest() {
  // What goes on without policy is answered while calls are gathered.
  if (settling_) return false;
  settling_ = true;
  rings_.messages.Flush();
  if (gathered_.empty()) gathering_since_ = MonotonicNs();
  ran_before_ = 0;
  bool rest = false;
  for (;;) {
    Gather();
    rest = Settled();
    if (rest || RanOn()) break;
    pollfd p = {listener_.get(), POLLIN, 0};
    timespec look = {0, kLookNs};
    ppoll(&p, 1, &look, nullptr);
  }
  if (rest) patience_ = kPatienceNs;
  settling_ = false;
  return rest;
}

}  // namespace fuse_rig
