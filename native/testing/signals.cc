// Signals that reach threads in held calls. Each mode prints what the calls returned.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "tiny.h"

namespace fuse_rig {
namespace {

std::atomic<int> handled{0};

void Count(int) { ++handled; }

void Handle(int number, int flags) {
  struct sigaction action {};
  action.sa_handler = Count;
  action.sa_flags = flags;
  sigaction(number, &action, nullptr);
}

void Nap() { usleep(2000); }

// Until the thread sleeps in the call: the signal must meet it there.
void AwaitSleep(pid_t tid) {
  char path[64], state[512];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  for (;;) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = read(fd, state, sizeof state - 1);
    close(fd);
    state[n > 0 ? n : 0] = 0;
    const char* paren = strrchr(state, ')');
    if (paren != nullptr && paren[2] == 'S') return;
    Nap();
  }
}

int Initialised(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  std::vector<char> request;
  const long n = Read(fd, &request);
  Answer(fd, request.data(), static_cast<size_t>(n));
  return fd;
}

// A read held when a signal comes: with SA_RESTART it goes on, without it ends with EINTR. INIT is in
// hand meanwhile, so that no request can come instead.
int Interrupted(const Arguments& a) {
  Handle(SIGUSR1, 0);
  Handle(SIGUSR2, SA_RESTART);
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  std::vector<char> init, other;
  const long n = Read(fd, &init);
  const pid_t self = gettid();
  std::thread([self] {
    for (const int number : {SIGUSR2, SIGUSR1}) {
      const int before = handled;
      AwaitSleep(self);
      syscall(SYS_tgkill, getpid(), self, number);
      while (handled == before) Nap();
    }
  }).detach();
  const long interrupted = Read(fd, &other);
  Say("read %s after %d signals", strerrorname_np(static_cast<int>(-interrupted)), handled.load());
  Answer(fd, init.data(), static_cast<size_t>(n));
  const int error = Serve(fd);
  Say("read %s", strerrorname_np(error));
  return error == ENODEV ? 0 : 1;
}

// Signals rain on a thread that reads with SA_RESTART, as Go's SIGURG does: nothing is lost.
int Rain(const Arguments& a) {
  Handle(SIGURG, SA_RESTART);
  const int fd = Initialised(a);
  const pid_t self = gettid();
  std::thread([self] {
    for (;;) {
      syscall(SYS_tgkill, getpid(), self, SIGURG);
      usleep(1000);
    }
  }).detach();
  const int error = Serve(fd);
  Say("read %s", strerrorname_np(error));
  return handled > 0 ? 0 : 1;
}

// A recvmsg without a message, interrupted: the placeholder exists, so the rig looks at it.
int InterruptedReceive(const Arguments& a, bool with_room) {
  Handle(SIGUSR1, 0);
  const int fd = Initialised(a);
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
  const pid_t self = gettid();
  std::thread([self] {
    AwaitSleep(self);
    syscall(SYS_tgkill, getpid(), self, SIGUSR1);
  }).detach();
  char byte;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  // Room for a descriptor: the rig must look at every message that may bring one.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  if (with_room) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
  }
  const ssize_t n = recvmsg(pair[0], &message, 0);
  Say("recvmsg %s", n < 0 ? strerrorname_np(errno) : "ok");
  timeval limit{0, 20000};
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const ssize_t late = recvmsg(pair[0], &message, 0);
  Say("recvmsg timed %s", late < 0 ? strerrorname_np(errno) : "ok");
  close(pair[1]);
  Say("recvmsg closed %zd", recvmsg(pair[0], &message, 0));
  return Serve(fd) == ENODEV ? 0 : 1;
}


// SIGTERM with the default of many servers: a handler without SA_RESTART sets a flag.
std::atomic<bool> stop{false};
void Stop(int) { stop = true; }

int Flagged(const Arguments& a) {
  struct sigaction action {};
  action.sa_handler = Stop;
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaction(number, &action, nullptr);
  const int fd = Initialised(a);
  std::vector<char> request;
  while (!stop) {
    const long n = Read(fd, &request);
    if (n > 0) Answer(fd, request.data(), static_cast<size_t>(n));
    else if (n != -EINTR && n != -ENOENT) break;
  }
  Say(stop ? "stopped" : "gone");
  return stop ? 7 : 0;
}

}  // namespace

const std::vector<Mode> kSignalModes = {
    {"interrupted", Interrupted}, {"rain", Rain}, {"flagged", Flagged},
    {"interrupted-receive", [](const Arguments& a) { return InterruptedReceive(a, false); }},
    {"interrupted-handover", [](const Arguments& a) { return InterruptedReceive(a, true); }},
};

}  // namespace fuse_rig
