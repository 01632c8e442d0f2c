#include "seam.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "keeper_protocol.h"
#include "seam_header.h"
#include "seccomp_abi.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

namespace fuse_rig {

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
