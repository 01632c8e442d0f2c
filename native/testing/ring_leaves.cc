// Servers that leave a ring with entries in it, or take its requests and answer none.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "ring_asking.h"

namespace fuse_rig {
namespace {

constexpr unsigned kDefer = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

// Goes away in some way when some requests are answered, with entries in the kernel.
enum class Way { kCloseRing, kExit, kKill, kForkAndExit };
template <Way way>
class Leaves : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    for (const auto& entry : entries_) Register(entry.get());
    while (held_ > 0 && !left_) {
      Wait();
      for (io_uring_cqe cqe; !left_ && ring_.Take(&cqe);) Completed(cqe);
    }
    if (left_ && way == Way::kCloseRing) ring_.Close();
    return 0;
  }

 protected:
  void Serve(RingEntry* entry) override {
    if (count_++ < 5) return RingLoop::Serve(entry);
    if (way == Way::kExit) _exit(0);
    if (way == Way::kKill) raise(SIGKILL);
    // The parent's entries go with it; the child serves the device, and nothing else.
    if (way == Way::kForkAndExit && fork() != 0) _exit(0);
    if (way == Way::kForkAndExit) _exit(ServeDevice(fd_));
    left_ = true;
  }

 private:
  unsigned count_ = 0;
  bool left_ = false;
};

// The thread that registered ends; another one looks what became of its entries.
int ThreadExits(const Arguments& a, unsigned flags) {
  const int fd = MountForRing(a);
  Asking loop(fd, Plan(2, IORING_SETUP_SQE128 | flags), AllQueues());
  std::thread([&loop] {
    loop.Open();
    for (const auto& entry : loop.entries()) loop.Register(entry.get());
    loop.ring().Submit(0);
  }).join();
  unsigned dead = 0;
  for (int looks = 0; looks < 200 && dead < loop.entries().size(); ++looks) {
    for (io_uring_cqe cqe; loop.ring().Take(&cqe);) dead += cqe.res == -ENOTCONN;
    usleep(1000);
  }
  Say("%u entries ended", dead);
  return ServeDevice(fd);
}

// Requests are taken and never answered. `Own`: what of the server's own is in the ring.
enum class Own { kNothing, kTimer, kPoll, kTimedWait };
template <Own own>
class Deaf : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    io_uring_sqe* sqe = own == Own::kTimer || own == Own::kPoll ? Next() : nullptr;
    if (own == Own::kTimer) {
      sqe->opcode = IORING_OP_TIMEOUT;
      sqe->fd = -1;
      sqe->addr = reinterpret_cast<uint64_t>(&hour_);
      sqe->len = 1;
    } else if (own == Own::kPoll) {
      sqe->opcode = IORING_OP_POLL_ADD;
      sqe->fd = eventfd(0, EFD_CLOEXEC);
      sqe->poll32_events = POLLIN;
    }
    if (sqe != nullptr) sqe->user_data = 1;
    for (const auto& entry : entries_) Register(entry.get());
    for (;;) {
      Wait();
      for (io_uring_cqe cqe; ring_.Take(&cqe);) {
      }
    }
  }

 protected:
  void Wait() override {
    if (own != Own::kTimedWait) return RingLoop::Wait();
    io_uring_getevents_arg argument{};
    argument.ts = reinterpret_cast<uint64_t>(&hour_);
    ring_.Publish();
    ring_.Enter(ring_.Unsubmitted(), 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
  }

 private:
  struct { int64_t s, ns; } hour_{3600, 0};
};

// Registers, and never looks at the ring again: completions wait for a task that does not come.
class Asleep : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    for (const auto& entry : entries_) Register(entry.get());
    ring_.Submit(0);
    for (;;) pause();
  }
};

}  // namespace

const std::vector<Mode> kRingLeaveModes = {
    {"ring-closed", [](const Arguments& a) { return OneLoop<Leaves<Way::kCloseRing>>(a, AllQueues(), Plan(2)); }},
    {"ring-exit", [](const Arguments& a) { return OneLoop<Leaves<Way::kExit>>(a, AllQueues(), Plan(2)); }},
    {"ring-kill", [](const Arguments& a) { return OneLoop<Leaves<Way::kKill>>(a, AllQueues(), Plan(2)); }},
    {"ring-fork", [](const Arguments& a) { return OneLoop<Leaves<Way::kForkAndExit>>(a, AllQueues(), Plan(2)); }},
    {"ring-thread-exits", [](const Arguments& a) { return ThreadExits(a, 0); }},
    {"ring-thread-exits-defer", [](const Arguments& a) { return ThreadExits(a, kDefer); }},
    {"ring-deaf", [](const Arguments& a) { return OneLoop<Deaf<Own::kNothing>>(a, AllQueues(), Plan(2)); }},
    {"ring-deaf-timer", [](const Arguments& a) { return OneLoop<Deaf<Own::kTimer>>(a, AllQueues(), Plan(2)); }},
    {"ring-deaf-poll", [](const Arguments& a) { return OneLoop<Deaf<Own::kPoll>>(a, AllQueues(), Plan(2)); }},
    {"ring-deaf-timed", [](const Arguments& a) { return OneLoop<Deaf<Own::kTimedWait>>(a, AllQueues(), Plan(2)); }},
    {"ring-asleep-defer", [](const Arguments& a) { return OneLoop<Asleep>(a, AllQueues(), Plan(2, IORING_SETUP_SQE128 | kDefer)); }},
};

}  // namespace fuse_rig
