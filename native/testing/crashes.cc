// Servers that die of a signal with a request in hand, each in a way whose address and stack are known.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "tiny.h"

namespace fuse_rig {
namespace {

// Where nothing is mapped, and a page that may not be written.
constexpr unsigned long kNowhere = 0x18;
constexpr unsigned long kReadOnly = 0x7000000;

int Mounted(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  return fd;
}

// Up to the third request, which is never answered.
void TakeThree(int fd) {
  std::vector<char> request;
  for (int left = 3; left > 0;) {
    const long n = Read(fd, &request);
    if (n > 0 && --left > 0) Answer(fd, request.data(), static_cast<size_t>(n));
  }
}

[[gnu::noinline]] void StoreAt(unsigned long address) { *reinterpret_cast<volatile int*>(address) = 1; }

[[gnu::noinline]] int Null(const Arguments& a) {
  TakeThree(Mounted(a));
  StoreAt(kNowhere);
  return 0;
}

int Forbidden(const Arguments& a) {
  void* const page = reinterpret_cast<void*>(kReadOnly);
  if (mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page) return 3;
  TakeThree(Mounted(a));
  StoreAt(kReadOnly);
  return 0;
}

// In a thread that is not the first, while others wait.
[[gnu::noinline]] void ServeAndAbort(int fd) {
  TakeThree(fd);
  abort();
}

int AbortThread(const Arguments& a) {
  const int fd = Mounted(a);
  std::thread other([] {
    for (;;) pause();
  });
  std::thread server([fd] { ServeAndAbort(fd); });
  server.join();
  return 0;
}

// Nobody's stack is so large.
[[gnu::noinline]] int Deeper(volatile char* above, long left) {
  volatile char here[512];
  here[0] = *above;
  return left == 0 ? 0 : Deeper(here, left - 1) + here[0];
}

int Overflow(const Arguments& a) {
  TakeThree(Mounted(a));
  volatile char top = 1;
  return Deeper(&top, 1l << 40);
}

// Says what it has to say of its death, and dies of it.
int Handled(const Arguments& a) {
  signal(SIGSEGV, [](int number) {
    Say("caught %d", number);
    signal(number, SIG_DFL);
    raise(number);
  });
  TakeThree(Mounted(a));
  StoreAt(kNowhere);
  return 0;
}

// A daemon: who dies is not the process the rig has started.
int Daemon(const Arguments& a) {
  const int fd = Mounted(a);
  if (fork() != 0) return 0;
  setsid();
  TakeThree(fd);
  StoreAt(kNowhere);
  return 0;
}

// Beside 50 children that outlive it, and a thread that writes what is no reply.
int Among(const Arguments& a) {
  const int fd = Mounted(a);
  for (int i = 0; i < 50; ++i) {
    if (fork() != 0) continue;
    close(fd);
    for (;;) pause();
  }
  std::thread([fd] {
    for (unsigned i = 0;; ++i) (void)!write(fd, "garbage", 1 + i % 7);
  }).detach();
  ServeAndAbort(fd);
  return 0;
}

// Only the first time: where the file named is not there yet.
int Once(const Arguments& a) {
  const int fd = Mounted(a);
  const int mark = a.rest.empty() || a.rest[0] == nullptr ? -1 : open(a.rest[0], O_CREAT | O_EXCL | O_RDWR, 0600);
  if (mark < 0) return Serve(fd), 0;
  TakeThree(fd);
  StoreAt(kNowhere);
  return 0;
}

}  // namespace

const std::vector<Mode> kCrashModes = {
    {"crash-null", Null},     {"crash-forbidden", Forbidden}, {"crash-abort", AbortThread},
    {"crash-deep", Overflow}, {"crash-handled", Handled},     {"crash-daemon", Daemon},
    {"crash-among", Among},   {"crash-once", Once},
};

}  // namespace fuse_rig
