// Servers that serve over a ring as they should, by rare means.
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "ring_asking.h"

namespace fuse_rig {
namespace {

// Commands that succeed have no CQE: of a request only the buffers tell.
class Quiet : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    for (const auto& entry : entries_) Register(entry.get());
    while (held_ > 0) {
      ring_.Submit(0);
      usleep(200);
      const unsigned before = held_;
      TakeAll();
      ends_ += before - held_;
      for (const auto& entry : entries_) Look(entry.get());
    }
    Say("%u requests, %u of them with a CQE, %u ends", requests_, told_, ends_);
    return failed_;
  }

 protected:
  // Its header was or will be looked at: the command counts as held until then.
  void Serve(RingEntry*) override {
    ++told_;
    ++held_;
  }

 private:
  // The header is written last, and its unique is that of the commit.
  void Look(RingEntry* entry) {
    const uint64_t unique = Request(entry).unique;
    if (unique == 0 || unique >> 32 != 0 || unique == entry->commit_id) return;
    if (entry->headers->ring_ent_in_out.commit_id != unique) return;
    entry->commit_id = unique;
    ++requests_;
    --held_;
    Fill(entry);
    Commit(entry);
  }

  unsigned requests_ = 0, told_ = 0, ends_ = 0;
};

// Signals rain on the thread that waits in io_uring_enter, as Go's SIGURG does.
class Rained : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    sigaction(SIGURG, &action, nullptr);
    std::atomic<bool> over{false};
    std::thread rain([&over, tid = gettid()] {
      for (; !over; usleep(500)) syscall(SYS_tgkill, getpid(), tid, SIGURG);
    });
    const int failed = RingLoop::Run();
    over = true;
    rain.join();
    return failed;
  }
};

// The mount waits for INIT, and the first commands wait for the mount.
int SyncInit(const Arguments& a) {
  const int fd = OpenDevice(02000002);  // O_RDWR | O_CLOEXEC
  if (ioctl(fd, kIocSyncInit) != 0) {
    Say("SYNC_INIT %s", strerrorname_np(errno));
    return 1;
  }
  RingLoop loop(fd, {}, AllQueues());
  int failed = 0, run = 0;
  std::thread ring([&] {
    loop.Open();
    run = loop.Run();
  });
  std::thread device([&] {
    std::vector<char> init;
    const long n = Read(fd, &init);
    if (n > 0) Answer(fd, init.data(), static_cast<size_t>(n), true);
    failed = ServeDevice(fd);
  });
  MountDevice(fd, a.target);
  device.join();
  ring.join();
  return failed != 0 || run != 0;
}

}  // namespace

const std::vector<Mode> kRingRareModes = {
    {"ring-sync-init", SyncInit},
    {"ring-rain", [](const Arguments& a) { return OneLoop<Rained>(a, AllQueues(), Plan(2)); }},
    {"ring-quiet", [](const Arguments& a) {
       RingPlan plan = Plan(2);
       plan.sqe_flags = IOSQE_CQE_SKIP_SUCCESS;
       return OneLoop<Quiet>(a, AllQueues(), plan);
     }},
};

}  // namespace fuse_rig
