// Servers that serve over a ring as they should, each made in another way: flags of the ring, of its
// file table, of the commands; how many rings there are, and who has them.
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "ring_loop.h"

namespace fuse_rig {
namespace {

using Loops = std::vector<std::unique_ptr<RingLoop>>;

// A loop for each queue, or one for all.
template <typename Loop = RingLoop, typename... More>
int Serving(const Arguments& a, const RingPlan& plan, bool one, More... more) {
  const int fd = MountForRing(a);
  Loops loops;
  if (one) loops.push_back(std::make_unique<Loop>(fd, plan, AllQueues(), more...));
  else for (const uint16_t qid : AllQueues()) loops.push_back(std::make_unique<Loop>(fd, plan, std::vector<uint16_t>{qid}, more...));
  return RunLoops(fd, &loops);
}

RingPlan Flags(unsigned flags) {
  RingPlan plan;
  plan.raw.flags |= flags;
  return plan;
}

// How the device gets into the ring's file table.
enum class Table { kAtOnce, kUpdated, kUpdated2, kBySqe };

class Fixed : public RingLoop {
 public:
  Fixed(int fd, const RingPlan& plan, std::vector<uint16_t> qids, Table how) : RingLoop(fd, plan, std::move(qids)), how_(how) {
    plan_.fixed = true;
  }
  void Open() override {
    RingLoop::Open();
    int first[3] = {how_ == Table::kAtOnce ? fd_ : -1, -1, -1};
    int result = ring_.Register(IORING_REGISTER_FILES, first, 3);
    if (how_ == Table::kUpdated) {
      io_uring_files_update update{0, 0, reinterpret_cast<uint64_t>(&fd_)};
      result = ring_.Register(IORING_REGISTER_FILES_UPDATE, &update, 1);
    } else if (how_ == Table::kUpdated2) {
      io_uring_rsrc_update2 update{};
      update.data = reinterpret_cast<uint64_t>(&fd_);
      update.nr = 1;
      result = ring_.Register(IORING_REGISTER_FILES_UPDATE2, &update, sizeof update);
    } else if (how_ == Table::kBySqe) {
      io_uring_sqe* sqe = ring_.Next();
      sqe->opcode = IORING_OP_FILES_UPDATE;
      sqe->fd = -1;
      sqe->addr = reinterpret_cast<uint64_t>(&fd_);
      sqe->len = 1;
      ring_.Submit(1);
      io_uring_cqe cqe;
      result = ring_.Take(&cqe) ? cqe.res : -ETIME;
    }
    if (result < 0) Say("file table: %s", strerrorname_np(-result));
    // Refused by the kernel: the table stays as it is.
    int none[1] = {-1};
    if (ring_.Register(IORING_REGISTER_FILES, none, 1) != -EBUSY) Say("a second table was not refused");
  }

 private:
  Table how_;
};

template <Table how>
int FixedFile(const Arguments& a) {
  return Serving<Fixed>(a, {}, false, how);
}

// The ring is made by one thread and enabled by another.
class Disabled : public RingLoop {
 public:
  using RingLoop::RingLoop;
  void Open() override {
    std::thread([this] {
      plan_.raw.flags |= IORING_SETUP_R_DISABLED;
      RingLoop::Open();
    }).join();
    const int result = ring_.Register(IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    if (result < 0) Say("enable: %s", strerrorname_np(-result));
  }
};

// As liburing does it: the ring's own descriptor is registered, and used by its number where it may be.
class RegisteredRing : public RingLoop {
 public:
  using RingLoop::RingLoop;
  void Open() override {
    RingLoop::Open();
    io_uring_rsrc_update update{};
    update.offset = ~0U;
    update.data = static_cast<uint64_t>(ring_.fd());
    if (ring_.Register(IORING_REGISTER_RING_FDS, &update, 1) == 1) number_ = static_cast<int>(update.offset);
  }
  void Wait() override {
    if (number_ < 0) return RingLoop::Wait();
    ring_.Publish();
    const unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING;
    syscall(SYS_io_uring_enter, number_, ring_.Unsubmitted(), 1, flags, nullptr, 0);
  }

 private:
  int number_ = -1;
};

// Commands are made on a clone of the device.
int Clone(const Arguments& a) {
  const int fd = MountForRing(a);
  const int clone = OpenDevice(02000002);  // O_RDWR | O_CLOEXEC
  const auto source = static_cast<uint32_t>(fd);
  if (ioctl(clone, kIocClone, &source) != 0) Say("clone %s", strerrorname_np(errno));
  Loops loops;
  for (const uint16_t qid : AllQueues()) loops.push_back(std::make_unique<RingLoop>(clone, RingPlan{}, std::vector<uint16_t>{qid}));
  return RunLoops(fd, &loops);
}

// Replies are committed by other threads. Each SQE is made under a lock; the enter is under it, or not.
class Shared : public RingLoop {
 public:
  Shared(int fd, const RingPlan& plan, std::vector<uint16_t> qids, bool locked) : RingLoop(fd, plan, std::move(qids)), locked_(locked) {}
  int Run() override {
    std::vector<std::thread> workers;
    for (int i = 0; i < 3; ++i) workers.emplace_back([this] { Work(); });
    const int failed = RingLoop::Run();
    {
      std::lock_guard<std::mutex> hold(mutex_);
      over_ = true;
    }
    some_.notify_all();
    for (std::thread& worker : workers) worker.join();
    return failed;
  }

 protected:
  void Wait() override {
    {
      std::lock_guard<std::mutex> hold(ring_mutex_);
      ring_.Publish();
      if (first_) ring_.Enter(ring_.Unsubmitted(), 0, 0);
      first_ = false;
    }
    ring_.Enter(0, 1, IORING_ENTER_GETEVENTS);
  }
  void Serve(RingEntry* entry) override {
    ++held_;  // until its commit: the loop must not end between
    std::lock_guard<std::mutex> hold(mutex_);
    todo_.push_back(entry);
    some_.notify_one();
  }

 private:
  void Work() {
    for (;;) {
      std::unique_lock<std::mutex> hold(mutex_);
      some_.wait(hold, [this] { return over_ || !todo_.empty(); });
      if (todo_.empty()) return;
      RingEntry* entry = todo_.front();
      todo_.pop_front();
      hold.unlock();
      Fill(entry);
      std::unique_lock<std::mutex> ring(ring_mutex_);
      Commit(entry);
      --held_;
      ring_.Publish();
      if (!locked_) ring.unlock();
      // Others may have submitted it meanwhile: then there is less, or nothing, left to take.
      while (ring_.Unsubmitted() > 0 && ring_.Enter(1, 0, 0) < 0) {
      }
    }
  }

  const bool locked_;
  bool over_ = false, first_ = true;
  std::mutex mutex_, ring_mutex_;
  std::condition_variable some_;
  std::deque<RingEntry*> todo_;
};

// A forked process commits: its task holds the commands, and requests are copied to its memory.
class Forked : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    if (pipe(pipe_) != 0) return 1;
    for (const auto& entry : entries_) Register(entry.get());
    ring_.Submit(0);
    child_ = fork();
    if (child_ == 0) {
      close(pipe_[1]);
      for (RingEntry* entry; read(pipe_[0], &entry, sizeof entry) == sizeof entry;) {
        entry->commit_id = entry->headers->ring_ent_in_out.commit_id;  // ours is what fork() left
        Commit(entry);
        while (ring_.Submit(0) < 0) {
        }
      }
      _exit(0);
    }
    close(pipe_[0]);
    while (held_ > 0) {
      ring_.Enter(0, 1, IORING_ENTER_GETEVENTS);
      TakeAll();
    }
    close(pipe_[1]);
    int status = 0;
    waitpid(child_, &status, 0);
    return failed_ != 0 || status != 0;
  }

 protected:
  void Serve(RingEntry* entry) override {
    Fill(entry);
    ++held_;
    if (write(pipe_[1], &entry, sizeof entry) != sizeof entry) failed_ = 1;
  }

 private:
  int pipe_[2] = {-1, -1};
  pid_t child_ = 0;
};

int ForkShared(const Arguments& a) {
  const int fd = MountForRing(a);
  Forked loop(fd, {}, AllQueues());
  loop.Open();
  int failed = 0;
  std::thread device([&] { failed = ServeDevice(fd); });
  const int run = loop.Run();
  device.join();
  return failed != 0 || run != 0;
}

}  // namespace

const std::vector<Mode> kRingModes = {
    {"ring", [](const Arguments& a) { return Serving(a, {}, false); }},
    {"ring-one", [](const Arguments& a) { return Serving(a, {}, true); }},
    {"ring-fixed", FixedFile<Table::kAtOnce>},
    {"ring-fixed-update", FixedFile<Table::kUpdated>},
    {"ring-fixed-update2", FixedFile<Table::kUpdated2>},
    {"ring-fixed-sqe", FixedFile<Table::kBySqe>},
    {"ring-no-sqarray", [](const Arguments& a) { return Serving(a, Flags(IORING_SETUP_NO_SQARRAY), false); }},
    {"ring-submit-all", [](const Arguments& a) { return Serving(a, Flags(IORING_SETUP_SUBMIT_ALL), false); }},
    {"ring-single-issuer", [](const Arguments& a) { return Serving(a, Flags(IORING_SETUP_SINGLE_ISSUER), false); }},
    {"ring-defer-taskrun", [](const Arguments& a) { return Serving(a, Flags(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN), false); }},
    {"ring-coop-taskrun", [](const Arguments& a) { return Serving(a, Flags(IORING_SETUP_COOP_TASKRUN), false); }},
    {"ring-taskrun-flag", [](const Arguments& a) { return Serving(a, Flags(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG), true); }},
    {"ring-cqe32", [](const Arguments& a) { return Serving(a, Flags(IORING_SETUP_CQE32), false); }},
    {"ring-disabled", [](const Arguments& a) { return Serving<Disabled>(a, Flags(IORING_SETUP_SINGLE_ISSUER), false); }},
    {"ring-registered", [](const Arguments& a) { return Serving<RegisteredRing>(a, {}, false); }},
    {"ring-async", [](const Arguments& a) {
       RingPlan plan;
       plan.sqe_flags = IOSQE_ASYNC;
       return Serving(a, plan, false);
     }},
    {"ring-clone", Clone},
    {"ring-threads", [](const Arguments& a) { return Serving<Shared>(a, {}, true, true); }},
    {"ring-threads-unlocked", [](const Arguments& a) { return Serving<Shared>(a, {}, true, false); }},
    {"ring-forked", ForkShared},
};

}  // namespace fuse_rig
