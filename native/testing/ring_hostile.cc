// Servers on a ring that do not end as they should: what bad.cc has of the device.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "ring_asking.h"

namespace fuse_rig {
namespace {

[[noreturn]] void PauseForEver() {
  for (;;) pause();
}

// Serves some requests, and then does this.
enum class Then { kStop, kCloseAll, kPause };
template <Then then>
class Serves : public RingLoop {
 public:
  using RingLoop::RingLoop;

 protected:
  void Serve(RingEntry* entry) override {
    if (count_++ < 5) return RingLoop::Serve(entry);
    if (then == Then::kStop) raise(SIGSTOP);
    if (then == Then::kCloseAll) syscall(SYS_close_range, 0u, ~0u, 0u);
    PauseForEver();
  }

 private:
  unsigned count_ = 0;
};

// SIGTERM and its kin change nothing: the ring is served until the device ends, which it does not.
int Deaf(const Arguments& a) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signal(number, SIG_IGN);
  return OneLoop(a, AllQueues());
}

// 50 children that outlive it.
int ForkBomb(const Arguments& a) {
  for (int i = 0; i < 50; ++i) {
    if (fork() == 0) PauseForEver();
  }
  return OneLoop(a, AllQueues());
}

// Commits what nobody asked, for ever, beside serving, and writes what is no reply to the device.
int Garbage(const Arguments& a) {
  const int fd = MountForRing(a);
  std::thread([fd] {
    Asking loop(fd, Plan(1), {0});
    loop.Open();
    RingEntry* entry = loop.entries()[0].get();
    char noise[48];
    for (uint64_t id = 1;; ++id) {
      entry->commit_id = id * 0x9e3779b97f4a7c15;
      loop.Single(entry, uring_cmd::kCommitAndFetch);
      loop.ring().Submit(0);
      for (io_uring_cqe cqe; loop.ring().Take(&cqe);) {
      }
      for (char& byte : noise) byte = static_cast<char>(id * 7 + 13);
      (void)!write(fd, noise, 1 + id % sizeof noise);
    }
  }).detach();
  std::vector<std::unique_ptr<RingLoop>> loops;
  loops.push_back(std::make_unique<RingLoop>(fd, Plan(4), AllQueues()));
  RunLoops(fd, &loops);
  PauseForEver();
}

// Every thread waits for another after the end.
int Hang(const Arguments& a) {
  OneLoop(a, AllQueues());
  std::thread other([] { PauseForEver(); });
  other.join();
  return 0;
}

template <Then then>
int Some(const Arguments& a) {
  return OneLoop<Serves<then>>(a, AllQueues(), Plan(2));
}

}  // namespace

const std::vector<Mode> kRingHostileModes = {
    {"ring-hang", Hang},
    {"ring-ignores-signals", Deaf},
    {"ring-fork-bomb", ForkBomb},
    {"ring-stop-itself", Some<Then::kStop>},
    {"ring-close-all", Some<Then::kCloseAll>},
    {"ring-pause", Some<Then::kPause>},
    {"ring-noise", Garbage},
};

}  // namespace fuse_rig
