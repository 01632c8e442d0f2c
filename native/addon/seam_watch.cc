// What the seam watches beside the trapped calls: descriptors of the session, the keeper; and its end.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "keeper_protocol.h"
#include "seam.h"

namespace fuse_rig {

int EpollAdd(int epoll, int fd, uint32_t events, uint64_t tag) {
  epoll_event ev{};
  ev.events = events;
  ev.data.u64 = tag;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

// close(): gives everything up; the keeper then ends what is left of the server.
Napi::Value Seam::Close(const Napi::CallbackInfo& info) {
  listener_.Reset();
  keeper_.Reset();
  epoll_.Reset();
  wake_.Reset();
  slots_.clear();
  free_slots_.clear();
  gathered_.clear();
  turn_.clear();
  placeholders_.clear();
  server_ends_.clear();
  rings_.Clear();
  descriptors_.Clear();
  message_fds_.clear();
  return info.Env().Undefined();
}

// busy(): whether wait() would return something at once.
Napi::Value Seam::Busy(const Napi::CallbackInfo& info) {
  pollfd p = {epoll_.get(), POLLIN, 0};
  bool busy = !ready_.empty() || !gathered_.empty() || !turn_.empty() || poll(&p, 1, 0) != 0;
  return Napi::Boolean::New(info.Env(), busy);
}

// watchNext(fd, tag): of a watched fd, only the next time it becomes readable, or now if it is. A wake
// up that finds nobody reading costs two switches; this call costs a tenth of one.
Napi::Value Seam::WatchNext(const Napi::CallbackInfo& info) {
  epoll_event ev{};
  ev.events = EPOLLIN | EPOLLET | EPOLLONESHOT;
  ev.data.u64 = MakeTag(kTagWatched, info[1].ToNumber().Uint32Value());
  int fd = info[0].ToNumber().Int32Value();
  int r = epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &ev);
  return Napi::Number::New(info.Env(), r == 0 ? 0 : -errno);
}

// watch(fd, tag): edge-triggered; Wait() returns kWatched with the tag when fd becomes readable.
Napi::Value Seam::Watch(const Napi::CallbackInfo& info) {
  int r = EpollAdd(epoll_.get(), info[0].ToNumber().Int32Value(), EPOLLIN | EPOLLET,
              MakeTag(kTagWatched, info[1].ToNumber().Uint32Value()));
  return Napi::Number::New(info.Env(), r);
}

Napi::Value Seam::Unwatch(const Napi::CallbackInfo& info) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, info[0].ToNumber().Int32Value(), nullptr);
  return info.Env().Undefined();
}

// keeperSend(type, text): 0 or -errno.
Napi::Value Seam::KeeperSend(const Napi::CallbackInfo& info) {
  KeeperMessage m{};
  m.type = info[0].ToNumber().Uint32Value();
  std::string text = info[1].ToString().Utf8Value();
  strncpy(m.text, text.c_str(), sizeof m.text - 1);
  ssize_t n = send(keeper_.get(), &m, kKeeperHead + text.size() + 1, MSG_NOSIGNAL);
  return Napi::Number::New(info.Env(), n < 0 ? -errno : 0);
}

// allowPath(prefix): opens of the prefix or below it come to policy.
Napi::Value Seam::AllowPath(const Napi::CallbackInfo& info) {
  paths_.push_back(info[0].ToString().Utf8Value());
  return info.Env().Undefined();
}

// arm(nr): every such call comes to policy; the filter must have it.
Napi::Value Seam::Arm(const Napi::CallbackInfo& info) {
  armed_.insert(info[0].ToNumber().Int32Value());
  return info.Env().Undefined();
}

// checked(slot): an armed call goes on as if it were not. True: it needs policy for itself; false: it was
// continued.
Napi::Value Seam::Checked(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  bool policy = s && NeedsPolicy(static_cast<int>(s - slots_.data()));
  return Napi::Boolean::New(info.Env(), policy);
}

}  // namespace fuse_rig
