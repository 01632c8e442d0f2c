// recvmsg: the one way a device descriptor reaches a server without a call that names it
// (fusermount3 sends it over a socket). The kernel would install it at the lowest free number,
// where the filter does not look; so the rig performs such a recvmsg itself and installs the
// descriptor in its range.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "seam.h"
#include "seccomp_abi.h"

namespace fuse_rig {
namespace {

constexpr size_t kDataMax = 4096;

// What a peek at the socket's next message showed.
struct Peeked {
  char data[kDataMax];
  ssize_t size = 0;
  std::vector<int> fds;
  ~Peeked() {
    for (int fd : fds) close(fd);
  }
};

ssize_t Receive(int sock, int flags, Peeked* out) {
  char control[CMSG_SPACE(sizeof(int) * 16)] = {};
  iovec iov = {out->data, sizeof out->data};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = control;
  msg.msg_controllen = sizeof control;
  out->size = recvmsg(sock, &msg, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (out->size < 0) return -errno;
  for (cmsghdr* c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      out->fds.push_back(fd);
    }
  }
  return out->size;
}

ino_t SocketInode(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? st.st_ino : 0;
}

}  // namespace

// True is never returned: everything about a recvmsg is decided here. False: answered or held. Held
// until there is a message, even before any device is open: a server waits for fusermount's before
// fusermount has opened it.
bool Seam::DecideHandover(int slot) {
  Slot& s = slots_[slot];
  auto go = [&] { Send(slot, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE); };
  msghdr remote{};
  if (ReadTarget(s.tid, s.args[1], &remote, sizeof remote) != sizeof remote) return go(), false;
  if (remote.msg_control == nullptr || remote.msg_controllen < CMSG_LEN(sizeof(int))) return go(), false;
  if (!s.socket.ok()) {
    int got = descriptors_.Get(s.tid, static_cast<int>(s.args[0]));
    if (got < 0) return go(), false;
    s.socket.Reset(got);
    int domain = 0;
    socklen_t len = sizeof domain;
    if (getsockopt(got, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_UNIX) {
      return go(), false;
    }
  }
  bool nonblock = (fcntl(s.socket.get(), F_GETFL) & O_NONBLOCK) || (s.args[2] & MSG_DONTWAIT);
  Peeked peeked;
  ssize_t n = Receive(s.socket.get(), MSG_PEEK, &peeked);
  if (n == -EAGAIN) {
    if (nonblock) return Send(slot, 0, -EAGAIN, 0), false;
    if (!s.socket_watched) {
      epoll_event ev{};
      ev.events = EPOLLIN | EPOLLRDHUP;
      ev.data.u64 = SlotTag(slot);
      s.socket_watched = epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, s.socket.get(), &ev) == 0;
      timeval limit{};
      socklen_t len = sizeof limit;
      getsockopt(s.socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, &len);
      double ns = static_cast<double>(limit.tv_sec) * 1e9 + static_cast<double>(limit.tv_usec) * 1e3;
      s.deadline = ns > 0 ? MonotonicNs() + ns : 0;
      if (!s.socket_watched) return go(), false;
    }
    return false;
  }
  int index = -1;
  for (int fd : peeked.fds) {
    ino_t ino = SocketInode(fd);
    for (const auto& [i, p] : placeholders_) {
      if (ino != 0 && p.ino() == ino) index = i;
    }
  }
  if (n <= 0 || index < 0 || peeked.fds.size() != 1) return go(), false;

  // Install first (without answering), then data, control and msghdr, then the answer; the message
  // leaves the socket last, so a server that dies midway has lost nothing.
  seccomp_notif_addfd a{};
  a.id = s.id;
  a.srcfd = static_cast<uint32_t>(peeked.fds[0]);
  a.flags = SECCOMP_ADDFD_FLAG_SETFD;
  a.newfd = base_ + static_cast<uint32_t>(index);
  a.newfd_flags = (s.args[2] & MSG_CMSG_CLOEXEC) ? O_CLOEXEC : 0;
  int fd = ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &a);
  if (fd < 0) return Send(slot, 0, -errno, 0), false;
  std::vector<iovec> iov(remote.msg_iovlen > 1024 ? 0 : remote.msg_iovlen);
  ReadTarget(s.tid, reinterpret_cast<uint64_t>(remote.msg_iov), iov.data(), iov.size() * sizeof(iovec));
  ssize_t put = WriteTargetIov(s.tid, iov.data(), iov.size(), peeked.data, static_cast<size_t>(n));
  char control[CMSG_SPACE(sizeof(int))] = {};
  auto* c = reinterpret_cast<cmsghdr*>(control);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  size_t control_len = remote.msg_controllen < sizeof control ? remote.msg_controllen : sizeof control;
  WriteTarget(s.tid, reinterpret_cast<uint64_t>(remote.msg_control), control, control_len);
  remote.msg_controllen = control_len;
  remote.msg_flags = 0;
  remote.msg_namelen = 0;
  WriteTarget(s.tid, s.args[1], &remote, sizeof remote);
  UnwatchSocket(&s);
  int sock = s.socket.Release();
  Send(slot, put < 0 ? 0 : put, put < 0 ? static_cast<int>(put) : 0, 0);
  Peeked consumed;
  Receive(sock, 0, &consumed);
  close(sock);
  return false;
}

// interruptReceives(): answers held receives whose threads have a signal to handle, or whose time
// (SO_RCVTIMEO) is over, as unix_stream_read_generic does. Whether any was.
Napi::Value Seam::InterruptReceives(const Napi::CallbackInfo& info) {
  bool answered = false;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].used || !slots_[i].socket_watched) continue;
    int slot = static_cast<int>(i);
    bool over = slots_[i].deadline > 0 && MonotonicNs() >= slots_[i].deadline;
    if (over) Send(slot, 0, -EAGAIN, 0);
    answered = over || Interrupt(slot) || answered;
  }
  return Napi::Boolean::New(info.Env(), answered);
}

}  // namespace fuse_rig
