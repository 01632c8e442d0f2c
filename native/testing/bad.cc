// Servers that do not end as they should, or end what they should not.
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "tiny.h"

namespace fuse_rig {
namespace {

int Mounted(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  return fd;
}

[[noreturn]] void PauseForEver() {
  for (;;) pause();
}

// Serves N requests, the INIT counted.
void ServeSome(int fd, int count) {
  std::vector<char> request;
  for (; count > 0; --count) {
    const long n = Read(fd, &request);
    if (n > 0) Answer(fd, request.data(), static_cast<size_t>(n));
  }
}

// Deaf, and after the end every thread waits for another: proven.
int Hang(const Arguments& a) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signal(number, SIG_IGN);
  Serve(Mounted(a));
  std::mutex mutex;
  std::condition_variable never;
  std::thread other([] { PauseForEver(); });
  std::unique_lock<std::mutex> hold(mutex);
  for (;;) never.wait(hold);
}

// After the end it looks every 50 ms for something that never comes: stalled.
int Tick(const Arguments& a) {
  Serve(Mounted(a));
  const timespec tick{0, 50'000'000};
  for (;;) nanosleep(&tick, nullptr);
}

// ENODEV is taken for something that passes.
int SpinRead(const Arguments& a) {
  const int fd = Mounted(a);
  for (;;) Serve(fd);
}

// What a read that failed left in the buffer is taken for a request: the one before, again and again.
int SpinAnswer(const Arguments& a) {
  const int fd = Mounted(a);
  std::vector<char> request;
  long size = 0;
  for (;;) {
    const long n = Read(fd, &request);
    if (n > 0) size = n;
    Answer(fd, request.data(), static_cast<size_t>(size));
  }
}

// Computes for ever after the end.
int SpinCompute(const Arguments& a) {
  Serve(Mounted(a));
  for (std::atomic<unsigned> n{0};;) ++n;
}

// Prints for ever after the end.
int Print(const Arguments& a) {
  Serve(Mounted(a));
  for (;;) Say("and so on");
}

// Loses the device in the middle and goes on living; `0` for N: everything from 0 on.
int CloseDevice(const Arguments& a) {
  const int fd = Mounted(a);
  ServeSome(fd, 3);
  close(fd);
  PauseForEver();
}

int CloseAll(const Arguments& a) {
  ServeSome(Mounted(a), 3);
  syscall(SYS_close_range, 0u, ~0u, 0u);
  PauseForEver();
}

// Loses the device in the middle, and ends properly.
int CloseAndExit(const Arguments& a) {
  const int fd = Mounted(a);
  ServeSome(fd, 3);
  close(fd);
  return 0;
}

int StopItself(const Arguments& a) {
  ServeSome(Mounted(a), 3);
  raise(SIGSTOP);
  return 0;
}

// 50 children that outlive it.
int ForkBomb(const Arguments& a) {
  const int fd = Mounted(a);
  for (int i = 0; i < 50; ++i) {
    if (fork() == 0) {
      close(fd);
      PauseForEver();
    }
  }
  Serve(fd);
  return 0;
}

// Writes what is no reply, for ever, beside serving.
int Garbage(const Arguments& a) {
  const int fd = Mounted(a);
  std::thread([fd] {
    char noise[64];
    for (unsigned i = 0;; ++i) {
      for (char& byte : noise) byte = static_cast<char>(i * 7 + 13);
      (void)!write(fd, noise, 1 + i % sizeof noise);
    }
  }).detach();
  Serve(fd);
  PauseForEver();
}

// Dies with a request in hand.
int Crash(const Arguments& a) {
  const int fd = Mounted(a);
  ServeSome(fd, 3);
  std::vector<char> request;
  while (Read(fd, &request) <= 0) {
  }
  abort();
}

int NeverOpens(const Arguments&) { PauseForEver(); }
int NeverMounts(const Arguments&) {
  OpenDevice(O_RDWR | O_CLOEXEC);
  return 3;
}

}  // namespace

const std::vector<Mode> kBadModes = {
    {"hang", Hang},         {"tick", Tick},          {"spin-read", SpinRead}, {"spin-answer", SpinAnswer},
    {"spin-compute", SpinCompute}, {"print", Print},
    {"close-device", CloseDevice}, {"close-all", CloseAll}, {"close-and-exit", CloseAndExit},
    {"stop-itself", StopItself}, {"fork-bomb", ForkBomb}, {"garbage", Garbage}, {"crash", Crash},
    {"never-opens", NeverOpens}, {"never-mounts", NeverMounts},
};

}  // namespace fuse_rig
