// Servers that serve over a ring as they should, and make unusual batches: commands beside other
// operations, linked behind them, reused, waited for in other ways.
#include <fcntl.h>
#include <linux/time_types.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "ring_loop.h"

namespace fuse_rig {
namespace {

RingPlan Plan(unsigned entries, unsigned completions, unsigned depth, unsigned flags = 0) {
  RingPlan plan;
  plan.raw = {entries, completions, IORING_SETUP_SQE128 | flags};
  plan.depth = depth;
  return plan;
}

int TextFile() {
  const int fd = memfd_create("text", MFD_CLOEXEC);
  (void)!write(fd, "hello\n", 6);
  return fd;
}

enum Own : uint64_t { kPoll = 1, kTimer, kRead, kWrite };

// Every batch has a read and a write of a file beside its commands; a poll and a timer are always there.
class Mixed : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    for (const auto& entry : entries_) Register(entry.get());
    Poll();
    Timer();
    while (held_ > 0) {
      File(kRead);
      File(kWrite);
      files_ += 2;
      Wait();
      do {
        TakeAll();
      } while (held_ > 0 && files_ > 0 && ring_.Submit(1) >= 0);
    }
    if (polls_ == 0) Say("the poll never came");
    return failed_ != 0 || polls_ == 0;
  }

 protected:
  void Serve(RingEntry* entry) override {
    const uint64_t one = 1;
    (void)!write(event_, &one, sizeof one);
    RingLoop::Serve(entry);
  }
  void Other(uint64_t what, int result) override {
    const bool file = what == kRead || what == kWrite;
    const int wanted = file ? 6 : what == kPoll ? POLLIN : -ETIME;
    if (result != wanted) Say("operation %llu gave %d", static_cast<unsigned long long>(what), result);
    if (result != wanted) failed_ = 1;
    if (file) --files_;
    if (what == kTimer) Timer();
    if (what != kPoll) return;
    ++polls_;
    uint64_t count;
    (void)!read(event_, &count, sizeof count);
    Poll();
  }

 private:
  void Poll() {
    io_uring_sqe* sqe = Next();
    sqe->opcode = IORING_OP_POLL_ADD;
    sqe->fd = event_;
    sqe->poll32_events = POLLIN;
    sqe->user_data = kPoll;
  }
  void Timer() {
    io_uring_sqe* sqe = Next();
    sqe->opcode = IORING_OP_TIMEOUT;
    sqe->fd = -1;
    sqe->addr = reinterpret_cast<uint64_t>(&tick_);
    sqe->len = 1;
    sqe->user_data = kTimer;
  }
  void File(Own what) {
    io_uring_sqe* sqe = Next();
    sqe->opcode = what == kRead ? IORING_OP_READ : IORING_OP_WRITE;
    sqe->fd = text_;
    sqe->addr = reinterpret_cast<uint64_t>(what == kRead ? there_ : here_);
    sqe->len = 6;
    sqe->user_data = what;
  }

  const int event_ = eventfd(0, EFD_CLOEXEC), text_ = TextFile();
  __kernel_timespec tick_{0, 20'000'000};
  char there_[8] = {}, here_[8] = "hello\n";
  int files_ = 0, polls_ = 0;
};

// READs are answered by a read of a file into the payload, with the commit linked behind it.
class Linked : public RingLoop {
 public:
  Linked(int fd, const RingPlan& plan, std::vector<uint16_t> qids, bool fails) : RingLoop(fd, plan, std::move(qids)), fails_(fails) {}

 protected:
  void Serve(RingEntry* entry) override {
    if (Request(entry).opcode != op::kRead) return RingLoop::Serve(entry);
    fuse_read_in in;
    memcpy(&in, entry->headers->op_in, sizeof in);
    Answered answered{false, 0, std::string(in.offset < 6 ? 6 - in.offset : 0, '?')};
    Fill(entry, answered);
    while (ring_.Unsubmitted() + 2 > ring_.sq_mask_ + 1) ring_.Submit(0);
    io_uring_sqe* sqe = Next();
    sqe->opcode = IORING_OP_READ;
    sqe->fd = fails_ ? -1 : text_;
    sqe->flags = static_cast<uint8_t>(IOSQE_IO_LINK | (fails_ ? 0 : IOSQE_ASYNC));
    sqe->off = in.offset;
    sqe->addr = reinterpret_cast<uint64_t>(entry->payload);
    // A short read would break the link.
    sqe->len = static_cast<uint32_t>(answered.body.size());
    sqe->user_data = kRead;
    Commit(entry);
  }
  void Unexpected(RingEntry* entry, int result) override {
    if (!fails_ || result != -ECANCELED) return RingLoop::Unexpected(entry, result);
    ++cancelled_;
    Fill(entry);  // the request is still here
    entry->headers->ring_ent_in_out.payload_sz = 0;
    const fuse_out_header out{16, -EIO, entry->commit_id};
    memcpy(entry->headers->in_out, &out, sizeof out);
    Commit(entry);
  }
  void Other(uint64_t, int result) override {
    if (fails_ ? result != -EBADF : result < 0) Say("the read gave %d", result);
  }

 private:
  const bool fails_;
  const int text_ = TextFile();
  int cancelled_ = 0;
};
class LinkedWell : public Linked {
 public:
  LinkedWell(int fd, const RingPlan& plan, std::vector<uint16_t> qids) : Linked(fd, plan, std::move(qids), false) {}
};
class LinkedBadly : public Linked {
 public:
  LinkedBadly(int fd, const RingPlan& plan, std::vector<uint16_t> qids) : Linked(fd, plan, std::move(qids), true) {}
};

// Each entry has an SQE of its own, prepared once; a commit changes its command and the id, and the
// index array names it again. The kernel leaves SQEs as they were.
class Reused : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    for (uint32_t i = 0; i < entries_.size(); ++i) RingLoop::Register(entries_[i].get());
    Drain();
    return failed_;
  }

 protected:
  void Serve(RingEntry* entry) override {
    Fill(entry);
    uint32_t slot = 0;
    while (entries_[slot].get() != entry) ++slot;
    io_uring_sqe* sqe = ring_.At(slot);
    sqe->cmd_op = uring_cmd::kCommitAndFetch;
    memcpy(reinterpret_cast<char*>(sqe) + 56, &entry->commit_id, 8);
    ring_.Again(slot);
    ++held_;
  }
};

// Waits 5 ms at a time.
class Timed : public RingLoop {
 public:
  using RingLoop::RingLoop;

 protected:
  void Wait() override {
    __kernel_timespec limit{0, 5'000'000};
    io_uring_getevents_arg argument{};
    argument.ts = reinterpret_cast<uint64_t>(&limit);
    ring_.Publish();
    ring_.Enter(ring_.Unsubmitted(), 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
  }
};

// Is told of completions by an eventfd, or by epoll on the ring.
class ByEventfd : public RingLoop {
 public:
  using RingLoop::RingLoop;
  void Open() override {
    RingLoop::Open();
    ring_.Register(IORING_REGISTER_EVENTFD, &event_, 1);
  }

 protected:
  void Wait() override {
    ring_.Submit(0);
    uint64_t count;
    (void)!read(event_, &count, sizeof count);
  }

 private:
  int event_ = eventfd(0, EFD_CLOEXEC);
};
class ByEpoll : public RingLoop {
 public:
  using RingLoop::RingLoop;
  void Open() override {
    RingLoop::Open();
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, ring_.fd(), &event);
  }

 protected:
  void Wait() override {
    ring_.Submit(0);
    epoll_event event;
    epoll_wait(epoll_, &event, 1, -1);
    // With task work that is run on request only, or completions that found no room.
    ring_.Enter(0, 0, IORING_ENTER_GETEVENTS);
  }

 private:
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
};

// Lets completions pile up beyond what the queue can hold.
class Late : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    for (const auto& entry : entries_) Register(entry.get());
    while (held_ > 0) {
      Wait();
      usleep(2000);
      overflowed_ = overflowed_ || ring_.Overflowed();
      TakeAll();
    }
    Say("overflow %s", overflowed_ ? "yes" : "no");
    return failed_;
  }

 private:
  bool overflowed_ = false;
};

}  // namespace

const std::vector<Mode> kRingShapeModes = {
    {"ring-mixed", [](const Arguments& a) { return OneLoop<Mixed>(a, AllQueues(), Plan(16, 0, 4)); }},
    {"ring-linked", [](const Arguments& a) { return OneLoop<LinkedWell>(a, AllQueues()); }},
    {"ring-linked-fails", [](const Arguments& a) { return OneLoop<LinkedBadly>(a, AllQueues()); }},
    {"ring-reused", [](const Arguments& a) { return OneLoop<Reused>(a, AllQueues(), Plan(256, 0, 2)); }},
    {"ring-timed", [](const Arguments& a) { return OneLoop<Timed>(a, AllQueues()); }},
    {"ring-eventfd", [](const Arguments& a) { return OneLoop<ByEventfd>(a, AllQueues()); }},
    {"ring-epoll", [](const Arguments& a) { return OneLoop<ByEpoll>(a, AllQueues()); }},
    {"ring-overflow", [](const Arguments& a) { return OneLoop<Late>(a, AllQueues(), Plan(1, 1, 8)); }},
    {"ring-overflow-defer", [](const Arguments& a) { return OneLoop<Late>(a, AllQueues(), Plan(1, 1, 8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)); }},
};

}  // namespace fuse_rig
