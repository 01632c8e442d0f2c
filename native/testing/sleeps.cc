// Processes that sleep in one way each, below a parent that stands for the keeper. They say `ready`
// before they sleep; what they sleep in is judged from outside.
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <ctime>
#include <thread>

#include "tiny.h"

namespace fuse_rig {
namespace {

const timespec kLong{3600, 0};

template <typename Sleep>
int Below(Sleep sleep) {
  if (fork() == 0) {
    Say("ready");
    sleep();
    _exit(0);
  }
  wait(nullptr);
  return 0;
}

void Futex(const timespec* limit) {
  uint32_t word = 0;
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, limit, nullptr, 0);
}

void Epoll(int limit, bool timer) {
  const int epoll = epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  if (timer) {
    const int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    const itimerspec at{{0, 0}, kLong};
    timerfd_settime(fd, 0, &at, nullptr);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
  epoll_wait(epoll, &event, 1, limit);
}

void PipeRead() {
  int ends[2];
  char byte;
  if (pipe(ends) == 0) (void)!read(ends[0], &byte, 1);
}

// Two threads that pass a token to each other for ever: each look finds them asleep more often than not.
void Busy() {
  int there[2], back[2];
  if (pipe(there) != 0 || pipe(back) != 0) _exit(1);
  char byte = 0;
  std::thread other([&] {
    for (char b;;) {
      if (read(there[0], &b, 1) == 1) (void)!write(back[1], &b, 1);
    }
  });
  for (;;) {
    (void)!write(there[1], &byte, 1);
    (void)!read(back[0], &byte, 1);
  }
}

// A thread is born and dies, for ever, while its maker sleeps.
void Births() {
  for (;;) std::thread([] {}).join();
}

// A process is born and dies, likewise.
void Forks() {
  for (;;) {
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    waitpid(pid, nullptr, 0);
  }
}

int Eventfd(const Arguments&) {
  return Below([] {
    uint64_t n;
    (void)!read(eventfd(0, 0), &n, sizeof n);
  });
}
int Timerfd(const Arguments&) {
  return Below([] {
    const int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    const itimerspec at{{0, 0}, kLong};
    timerfd_settime(fd, 0, &at, nullptr);
    uint64_t n;
    (void)!read(fd, &n, sizeof n);
  });
}
// A peer outside: nothing inside the tree can wake this.
int Inet(const Arguments&) {
  return Below([] {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (listen(fd, 1) == 0) accept(fd, nullptr, nullptr);
  });
}
int EpollInet(const Arguments&) {
  return Below([] {
    const int fd = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    epoll_event event{};
    event.events = EPOLLIN;
    listen(fd, 1);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    epoll_wait(epoll, &event, 1, -1);
  });
}
int Socket(const Arguments&) {
  return Below([] {
    int pair[2];
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) (void)!read(pair[0], &byte, 1);
  });
}
int Two(const Arguments&) {
  return Below([] {
    std::thread other([] { Futex(nullptr); });
    PipeRead();
  });
}

}  // namespace

const std::vector<Mode> kSleepModes = {
    {"sleep-futex", [](const Arguments&) { return Below([] { Futex(nullptr); }); }},
    {"sleep-futex-timed", [](const Arguments&) { return Below([] { Futex(&kLong); }); }},
    {"sleep-epoll", [](const Arguments&) { return Below([] { Epoll(-1, false); }); }},
    {"sleep-epoll-timed", [](const Arguments&) { return Below([] { Epoll(3'600'000, false); }); }},
    {"sleep-epoll-timerfd", [](const Arguments&) { return Below([] { Epoll(-1, true); }); }},
    {"sleep-poll", [](const Arguments&) { return Below([] { poll(nullptr, 0, -1); }); }},
    {"sleep-poll-timed", [](const Arguments&) { return Below([] { poll(nullptr, 0, 3'600'000); }); }},
    {"sleep-ppoll", [](const Arguments&) { return Below([] { ppoll(nullptr, 0, nullptr, nullptr); }); }},
    {"sleep-ppoll-timed", [](const Arguments&) { return Below([] { ppoll(nullptr, 0, &kLong, nullptr); }); }},
    {"sleep-select", [](const Arguments&) { return Below([] { select(0, nullptr, nullptr, nullptr, nullptr); }); }},
    {"sleep-nanosleep", [](const Arguments&) { return Below([] { nanosleep(&kLong, nullptr); }); }},
    {"sleep-pause", [](const Arguments&) { return Below([] { pause(); }); }},
    {"sleep-pipe", [](const Arguments&) { return Below(PipeRead); }},
    {"sleep-eventfd", Eventfd},
    {"sleep-socket", Socket},
    {"sleep-timerfd", Timerfd},
    {"sleep-inet", Inet},
    {"sleep-epoll-inet", EpollInet},
    {"sleep-stopped", [](const Arguments&) { return Below([] { raise(SIGSTOP); }); }},
    {"sleep-two", Two},
    {"busy-token", [](const Arguments&) { return Below(Busy); }},
    {"busy-births", [](const Arguments&) { return Below(Births); }},
    {"busy-forks", [](const Arguments&) { return Below(Forks); }},
};

}  // namespace fuse_rig
