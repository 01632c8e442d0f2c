// What the rig sleeps in: the next call, or whatever else has something to say.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper_protocol.h"
#include "seam.h"
#include "seam_header.h"
#include "seccomp_abi.h"

namespace fuse_rig {

// wait(timeoutMs): EventKind. Sleeps until the server, the keeper, a watched descriptor or wake()
// has something; -1 waits for ever.
Napi::Value Seam::Wait(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int timeout = info[0].ToNumber().Int32Value();
  auto* h = reinterpret_cast<Header*>(header_);
  // What is decided natively is no event: a server that opens files all the time must not keep us.
  double deadline = timeout > 0 ? MonotonicNs() + timeout * 1e6 : 0;
  rings_.messages.Flush();
  for (;;) {
    if (!turn_.empty()) {
      h->t = MonotonicNs();
      if (NextOfTurn()) return Napi::Number::New(env, kTrap);
      continue;
    }
    // While calls wait for their turn nobody is idle.
    if (deadline > 0 && gathered_.empty() && MonotonicNs() > deadline) {
      h->t = MonotonicNs();
      return Napi::Number::New(env, kTimeout);
    }
    if (rings_.messages.Received()) ready_.push_front(MakeTag(kTagMessages, 0));
    if (ready_.empty()) {
      // What the keeper has to say of the time before the turn comes before it.
      bool due = !gathered_.empty() && Due();
      int n = Poll(due ? 0 : timeout);
      if (n == 0 && !due && !gathered_.empty()) continue;
      h->t = MonotonicNs();
      if (n == 0) return Napi::Number::New(env, due ? kSettled : kTimeout);
    }
    uint64_t tag = ready_.front();
    ready_.pop_front();
    uint32_t value = static_cast<uint32_t>(tag);
    h->t = MonotonicNs();
    switch (tag >> 32) {
      case kTagListener:
        if (in_turns_ != 0) Gather();
        else if (NextTrap()) return Napi::Number::New(env, kTrap);
        break;
      case kTagKeeper:
        return Napi::Number::New(env, KeeperEvent());
      case kTagWake: {
        uint64_t n;
        (void)!read(wake_.get(), &n, sizeof n);
        return Napi::Number::New(env, kControl);
      }
      case kTagWatched:
        h->size = static_cast<int32_t>(value);
        return Napi::Number::New(env, kWatched);
      case kTagMessages:
        h->size = LinkedCommands();
        if (h->size > 0) return Napi::Number::New(env, kLinked);
        break;
      case kTagSlot:
        // The tag may have been queued before its call was answered.
        if (value < slots_.size() && slots_[value].socket_watched && Decide(static_cast<int>(value))) {
          return Napi::Number::New(env, kTrap);
        }
        break;
    }
  }
}

// The next trapped call, in a slot; -1: it is gone.
int Seam::ReceiveCall() {
  memset(notif_.data(), 0, notif_.size());
  auto* req = reinterpret_cast<seccomp_notif*>(notif_.data());
  // ENOENT: the thread died or was taken out of the call between poll and here.
  if (ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, req) != 0) {
    // The last process under the filter is gone: the listener only polls HUP from now on.
    pollfd p = {listener_.get(), POLLIN, 0};
    if (poll(&p, 1, 0) == 1 && (p.revents & POLLHUP)) {
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.get(), nullptr);
    }
    return -1;
  }
  int slot = TakeSlot();
  Slot& s = slots_[slot];
  s.id = req->id;
  s.tid = static_cast<pid_t>(req->pid);
  s.nr = req->data.nr;
  s.shown = false;
  memcpy(s.args, req->data.args, sizeof s.args);
  return slot;
}

bool Seam::NextTrap() {
  int slot = ReceiveCall();
  return slot >= 0 && Decide(slot);
}

int Seam::KeeperEvent() {
  auto* h = reinterpret_cast<Header*>(header_);
  KeeperMessage m{};
  ssize_t n = recv(keeper_.get(), &m, sizeof m, MSG_DONTWAIT);
  if (n < static_cast<ssize_t>(kKeeperHead)) {
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return kTimeout;
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, keeper_.get(), nullptr);
    return kKeeperGone;
  }
  if (m.type == kExit) descriptors_.Forget(m.pid);
  h->nr = static_cast<int>(m.type);
  h->tid = m.pid;
  h->size = m.status;
  size_t text = static_cast<size_t>(n) - kKeeperHead;
  memcpy(data_, m.text, text);
  h->filled = static_cast<int>(text);
  return kKeeper;
}

}  // namespace fuse_rig
