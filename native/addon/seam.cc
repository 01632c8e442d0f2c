#include "seam.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "keeper_protocol.h"
#include "seccomp_abi.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

namespace fuse_rig {
namespace {

// The event header shared with TypeScript: rig/seam/traps.ts reads it by these offsets.
struct Header {
  int32_t slot;    // 0
  int32_t tid;     // 4
  int32_t nr;      // 8
  int32_t fd;      // 12: index in the range, or -1
  int32_t size;    // 16: length asked for, clipped to 2^31-1
  int32_t filled;  // 20: bytes in data, or -errno
  int32_t second;  // 24: splice into the device: index of the device; else -1
  int32_t flags;   // 28
  double t;        // 32: CLOCK_MONOTONIC, ns
  uint64_t args[6];  // 40
};
static_assert(sizeof(Header) == 88, "rig/seam/traps.ts knows these offsets");

bool IsFusermount(const std::string& path) {
  size_t slash = path.rfind('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  return name == "fusermount" || name == "fusermount3" || name == "mergerfs-fusermount";
}

}  // namespace

double MonotonicNs() {
  timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<double>(ts.tv_sec) * 1e9 + static_cast<double>(ts.tv_nsec);
}

uint64_t SlotTag(int slot) { return MakeTag(kTagSlot, static_cast<uint32_t>(slot)); }

// new Seam(listenerFd, keeperFd, base, count, data, commands): takes the two descriptors over; messages lie in
// `data`, FUSE commands of rings in `commands`.
Seam::Seam(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Seam>(info) {
  Napi::Env env = info.Env();
  listener_.Reset(info[0].ToNumber().Int32Value());
  keeper_.Reset(info[1].ToNumber().Int32Value());
  base_ = info[2].ToNumber().Uint32Value();
  count_ = info[3].ToNumber().Uint32Value();
  Napi::ArrayBuffer data = info[4].As<Napi::ArrayBuffer>();
  data_size_ = data.ByteLength();
  Napi::ArrayBuffer header = Napi::ArrayBuffer::New(env, sizeof(Header));
  data_ = static_cast<uint8_t*>(data.Data());
  header_ = static_cast<uint8_t*>(header.Data());
  data_ref_ = Napi::Persistent(data);
  header_ref_ = Napi::Persistent(header);
  Napi::ArrayBuffer commands = info[5].As<Napi::ArrayBuffer>();
  max_commands_ = commands.ByteLength() / sizeof(RingCommand);
  commands_ = static_cast<uint8_t*>(commands.Data());
  commands_ref_ = Napi::Persistent(commands);
  Value().Set("commands", commands);
  Value().Set("data", data);
  Value().Set("header", header);

  seccomp_notif_sizes sizes{};
  syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
  notif_.resize(sizes.seccomp_notif);
  resp_.resize(sizes.seccomp_notif_resp);
  // Wakes the server on this CPU when it is answered: a third of the latency (Linux 6.6).
  ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
  epoll_.Reset(epoll_create1(EPOLL_CLOEXEC));
  wake_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  Value().Set("wakeFd", Napi::Number::New(env, wake_.get()));
  int err = EpollAdd(epoll_.get(), listener_.get(), EPOLLIN, MakeTag(kTagListener, 0));
  if (err == 0) err = EpollAdd(epoll_.get(), keeper_.get(), EPOLLIN, MakeTag(kTagKeeper, 0));
  if (err == 0) err = EpollAdd(epoll_.get(), wake_.get(), EPOLLIN, MakeTag(kTagWake, 0));
  if (err != 0) {
    Napi::Error::New(env, std::string("seam: epoll: ") + strerror(-err)).ThrowAsJavaScriptException();
  }
}

Seam::~Seam() = default;

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

// What needs no policy is continued here. A call that a plan asks for comes up first of all.
bool Seam::Decide(int slot) {
  return armed_.count(slots_[slot].nr) != 0 || NeedsPolicy(slot) ? Show(slot) : false;
}

// The native check; false: continued.
bool Seam::NeedsPolicy(int slot) {
  Slot& s = slots_[slot];
  switch (s.nr) {
    case SYS_open: return DecidePath(slot, s.args[0]);
    case SYS_openat:
    case SYS_openat2:
    case SYS_execveat: return DecidePath(slot, s.args[1]);
    case SYS_execve: return DecidePath(slot, s.args[0]);
    case SYS_recvmsg: return DecideHandover(slot);
    case SYS_io_uring_enter: return DecideEnter(slot);
  }
  return true;
}

// Fills the event header.
bool Seam::Show(int slot) {
  Slot& s = slots_[slot];
  auto* h = reinterpret_cast<Header*>(header_);
  h->slot = slot;
  h->tid = s.tid;
  h->nr = s.nr;
  auto index = [&](uint64_t fd) {
    return static_cast<uint32_t>(fd) - base_ < count_ ? static_cast<int32_t>(fd - base_) : -1;
  };
  h->fd = index(s.args[0]);
  h->second = s.nr == SYS_splice ? index(s.args[2]) : s.nr == SYS_sendfile ? index(s.args[1]) : -1;
  h->size = 0;
  h->filled = 0;
  memcpy(h->args, s.args, sizeof h->args);
  if (s.nr == SYS_io_uring_enter) h->size = ShowCommands();
  else if (h->fd >= 0 || armed_.count(s.nr) == 0) Prefetch(slot);
  return true;
}

bool Seam::DecidePath(int slot, uint64_t path_addr) {
  Slot& s = slots_[slot];
  std::string path;
  bool readable = ReadTargetString(s.tid, path_addr, 4096, &path);
  bool policy = false;
  if (readable && (s.nr == SYS_execve || s.nr == SYS_execveat)) {
    policy = IsFusermount(path);
  } else if (readable) {
    policy = path == "/dev/fuse";
    for (const std::string& p : paths_) {
      if (policy) break;
      policy = path.compare(0, p.size(), p) == 0 && (path.size() == p.size() || path[p.size()] == '/');
    }
  }
  if (policy) return true;
  Send(slot, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
  return false;
}

// Gathers the arguments every transport call has: sizes, iovecs, and for writes the bytes.
void Seam::Prefetch(int slot) {
  Slot& s = slots_[slot];
  auto* h = reinterpret_cast<Header*>(header_);
  bool vector = s.nr == SYS_readv || s.nr == SYS_writev || s.nr == SYS_preadv ||
                s.nr == SYS_pwritev || s.nr == SYS_preadv2 || s.nr == SYS_pwritev2;
  bool plain = s.nr == SYS_read || s.nr == SYS_write || s.nr == SYS_pread64 || s.nr == SYS_pwrite64;
  bool write = s.nr == SYS_write || s.nr == SYS_writev || s.nr == SYS_pwritev || s.nr == SYS_pwritev2 ||
               s.nr == SYS_pwrite64;
  s.iov.clear();
  if (plain) {
    s.iov.push_back({reinterpret_cast<void*>(s.args[1]), s.args[2]});
  } else if (vector) {
    // import_iovec: more than UIO_MAXIOV is EINVAL, an unreadable array EFAULT.
    size_t count = s.args[2];
    if (count > 1024) {
      h->filled = -EINVAL;
      return;
    }
    s.iov.resize(count);
    ssize_t want = static_cast<ssize_t>(count * sizeof(iovec));
    if (count > 0 && ReadTarget(s.tid, s.args[1], s.iov.data(), want) != want) {
      s.iov.clear();
      h->filled = -EFAULT;
      return;
    }
  } else {
    return;
  }
  uint64_t total = 0;
  for (const iovec& v : s.iov) total += v.iov_len;
  h->size = total > 0x7ffff000 ? 0x7ffff000 : static_cast<int32_t>(total);
  if (!write) return;
  size_t n = total < data_size_ ? total : data_size_;
  ssize_t got = n == 0 ? 0 : ReadTargetIov(s.tid, s.iov.data(), s.iov.size(), data_, n);
  h->filled = got < 0 ? (got == -EFAULT ? 0 : static_cast<int>(got)) : static_cast<int>(got);
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

int Seam::TakeSlot() {
  if (!free_slots_.empty()) {
    int slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot].used = true;
    return slot;
  }
  slots_.emplace_back();
  slots_.back().used = true;
  return static_cast<int>(slots_.size()) - 1;
}

// The server's descriptor keeps the socket in the epoll set after ours is closed: take it out.
void Seam::UnwatchSocket(Slot* s) {
  if (s->socket_watched) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, s->socket.get(), nullptr);
  s->socket_watched = false;
}

void Seam::FreeSlot(int slot) {
  Slot& s = slots_[slot];
  s.used = false;
  s.deadline = 0;
  UnwatchSocket(&s);
  s.socket.Reset();
  free_slots_.push_back(slot);
}

// Answers and frees the slot; in turns, when every other thread has come to rest. 0, or -ENOENT when the call is gone (its thread died).
int Seam::Send(int slot, int64_t value, int error, uint32_t flags) {
  if (in_turns_ != 0) Rest();
  memset(resp_.data(), 0, resp_.size());
  auto* resp = reinterpret_cast<seccomp_notif_resp*>(resp_.data());
  resp->id = slots_[slot].id;
  resp->val = value;
  resp->error = error;
  resp->flags = flags;
  int r = ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, resp) == 0 ? 0 : -errno;
  FreeSlot(slot);
  return r;
}

Napi::Function Seam::Define(Napi::Env env) {
  return DefineClass(
      env, "Seam",
      {InstanceMethod<&Seam::Wait>("wait"), InstanceMethod<&Seam::Busy>("busy"), InstanceMethod<&Seam::Watch>("watch"),
       InstanceMethod<&Seam::WatchNext>("watchNext"),
       InstanceMethod<&Seam::Unwatch>("unwatch"), InstanceMethod<&Seam::KeeperSend>("keeperSend"),
       InstanceMethod<&Seam::Close>("close"), InstanceMethod<&Seam::Turns>("turns"), InstanceMethod<&Seam::Turn>("turn"),
       InstanceMethod<&Seam::Settle>("settle"), InstanceMethod<&Seam::AllowPath>("allowPath"), InstanceMethod<&Seam::Arm>("arm"), InstanceMethod<&Seam::Checked>("checked"),
       InstanceMethod<&Seam::Respond>("respond"), InstanceMethod<&Seam::Continue>("continue"),
       InstanceMethod<&Seam::Deliver>("deliver"), InstanceMethod<&Seam::DeliverPipe>("deliverPipe"),
       InstanceMethod<&Seam::InstallFd>("installFd"),
       InstanceMethod<&Seam::InterruptSignalled>("interruptSignalled"),
       InstanceMethod<&Seam::InterruptReceives>("interruptReceives"),
       InstanceMethod<&Seam::Waits>("waits"),
       InstanceMethod<&Seam::AddPlaceholder>("addPlaceholder"),
       InstanceMethod<&Seam::AliasFd>("aliasFd"), InstanceMethod<&Seam::SetReadable>("setReadable"),
       InstanceMethod<&Seam::SetDead>("setDead"), InstanceMethod<&Seam::SetAlive>("setAlive"), InstanceMethod<&Seam::Alive>("alive"),
       InstanceMethod<&Seam::ReadMemory>("readMemory"),
       InstanceMethod<&Seam::WriteMemory>("writeMemory"),
       InstanceMethod<&Seam::ReadString>("readString"), InstanceMethod<&Seam::GetFd>("getFd"),
       InstanceMethod<&Seam::RingMake>("ringMake"), InstanceMethod<&Seam::RingFiles>("ringFiles"),
       InstanceMethod<&Seam::RingPost>("ringPost"), InstanceMethod<&Seam::RingDefers>("ringDefers"), InstanceMethod<&Seam::RingsOwn>("ringsOwn"), InstanceMethod<&Seam::RingsAsked>("ringsAsked"), InstanceMethod<&Seam::RingsGone>("ringsGone"),
       InstanceMethod<&Seam::ThreadLives>("threadLives"),
       InstanceMethod<&Seam::PipeRoom>("pipeRoom"), InstanceMethod<&Seam::PipeTake>("pipeTake")});
}

}  // namespace fuse_rig
