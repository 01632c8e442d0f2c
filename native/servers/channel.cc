// Waiting, receiving and replying with plain calls; channel_splice.cc has the spliced way.
#include "channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "bugs.h"
#include "fuse_abi.h"

namespace fuse_rig {

Channel::Channel(Fd fd, const Options& options, const StopFlag* stop, size_t pipe_size)
    : fd_(std::move(fd)), options_(options), stop_(stop), pipe_size_(pipe_size) {
  if (options.wait == WaitBy::kBlock) return;
  fcntl(fd_.get(), F_SETFL, fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
  if (options.wait == WaitBy::kPoll) return;
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd_.get(), &event);
  if (options.wait != WaitBy::kSignalfd) return;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);  // blocked in every thread
  signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  event.data.u64 = 1;
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, signals_.get(), &event);
}

// Both may be due at once.
long Channel::EventsOf(const epoll_event* events, long count) {
  long device = 0;
  bool asked = false;
  for (long i = 0; i < count; ++i) {
    if (events[i].data.u64 == 0) {
      device = static_cast<long>(events[i].events);
      continue;
    }
    signalfd_siginfo info;
    asked |= read(signals_.get(), &info, sizeof info) == sizeof info;
  }
  if (Bug(bug::kExitEventLost) && device != 0) asked = false;
  return asked ? -ECANCELED : device;
}

long Channel::WaitReadable() {
  if (epoll_.ok()) {
    epoll_event events[2]{};
    const long n = fuse_rig_interruptible(stop_, SYS_epoll_wait, epoll_.get(),
                                          reinterpret_cast<long>(events), 2, -1, 0, 0);
    return n < 0 ? n : EventsOf(events, n);
  }
  pollfd one{fd_.get(), POLLIN, 0};
  const long n =
      fuse_rig_interruptible(stop_, SYS_poll, reinterpret_cast<long>(&one), 1, -1, 0, 0, 0);
  return n < 0 ? n : one.revents;
}

long Channel::Receive(char* buffer, size_t size, const iovec& spill) {
  if (options_.wait == WaitBy::kBlock) return ReceiveOnce(buffer, size, spill);
  for (;;) {
    const long events = WaitReadable();
    if (events < 0) return events;
    if (Bug(bug::kPollerrSpin) && (events & POLLIN) == 0) continue;
    const long n = ReceiveOnce(buffer, size, spill);
    if (n != -EAGAIN) return n;
    // Another thread was faster. But a dead handle stays ready for ever: never wait on it again.
    if ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0) return -ENODEV;
  }
}

long Channel::ReceiveOnce(char* buffer, size_t size, const iovec& spill) {
  const long fd = fd_.get();
  switch (options_.receive) {
    case ReceiveBy::kRead:
      return fuse_rig_interruptible(stop_, SYS_read, fd, reinterpret_cast<long>(buffer),
                                    static_cast<long>(size), 0, 0, 0);
    case ReceiveBy::kTurns: {
      std::lock_guard<std::mutex> turn(turn_);
      // The flag may have changed since the turn was waited for: it is looked at right before the
      // call, by who makes it.
      static const StopFlag kNever{0};
      return fuse_rig_interruptible(Bug(bug::kSignalBetween) ? &kNever : stop_, SYS_read, fd,
                                    reinterpret_cast<long>(buffer), static_cast<long>(size), 0, 0,
                                    0);
    }
    case ReceiveBy::kReadv: {
      // The header apart from the rest, as servers do that look at it first.
      iovec parts[2] = {{buffer, sizeof(fuse_in_header)},
                        {buffer + sizeof(fuse_in_header), size - sizeof(fuse_in_header)}};
      return fuse_rig_interruptible(stop_, SYS_readv, fd, reinterpret_cast<long>(parts), 2, 0, 0,
                                    0);
    }
    case ReceiveBy::kSpill: {
      iovec parts[2] = {{buffer, size}, spill};
      return fuse_rig_interruptible(stop_, SYS_readv, fd, reinterpret_cast<long>(parts), 2, 0, 0,
                                    0);
    }
    default: return ReceiveSpliced(buffer, size);
  }
}

int Channel::Send(const char* head, size_t head_size, const char* body, size_t body_size) {
  iovec parts[2] = {{const_cast<char*>(head), head_size}, {const_cast<char*>(body), body_size}};
  const size_t total = head_size + body_size;
  int count = body_size > 0 ? 2 : 1;
  SendBy by = options_.send;
  // One buffer needs no vector; two that do not touch cannot go with write(2).
  if (by == SendBy::kWrite && count == 2) {
    if (head + head_size == body) {
      parts[0].iov_len = total;
      count = 1;
    } else {
      by = SendBy::kWritev;
    }
  }
  for (;;) {
    if (by == SendBy::kSplice) return SendSpliced(parts, count, total);
    const ssize_t n = by == SendBy::kWritev ? writev(fd_.get(), parts, count)
                                            : write(fd_.get(), parts[0].iov_base, total);
    if (n >= 0) return 0;
    if (errno == EAGAIN && options_.wait != WaitBy::kBlock) {
      // Only a socket can be full: a device takes every reply at once.
      pollfd one{fd_.get(), POLLOUT, 0};
      if (poll(&one, 1, -1) < 0 && errno != EINTR) return errno;
      if ((one.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0) continue;
      return ENODEV;
    }
    if (errno != EINTR) return errno;
  }
}

bool ParseMessage(const char* bytes, size_t size, Incoming* out, size_t here, const char* spill) {
  if (size < offsetof(fuse_in_header, nodeid)) return false;
  out->head = {};
  memcpy(&out->head, bytes, std::min(size, sizeof out->head));
  const bool whole = size >= sizeof out->head;
  here = std::min(here, size);
  out->body = Body(bytes + sizeof out->head, whole ? here - sizeof out->head : 0, spill,
                   size - here);
  out->well_formed = whole && out->head.len == size;
  return true;
}

bool Channel::Dead() const {
  pollfd one{fd_.get(), 0, 0};
  return poll(&one, 1, 0) > 0 && (one.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace fuse_rig
