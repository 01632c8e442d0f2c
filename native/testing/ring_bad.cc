// Servers that misuse a ring, and say what became of it: what they print is the same in front of the
// real kernel and of the rig. After the misuse they go on as well as they can, until the device ends.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "ring_asking.h"

namespace fuse_rig {
namespace {

// REGISTERs that are refused; then requests come by the device.
class BadRegisters : public Asking {
 public:
  using Asking::Asking;
  int Run() override {
    RingEntry* entry = entries_[0].get();
    auto with = [&](const char* what, auto change) {
      const RingEntry was = *entry;
      change(Single(entry, uring_cmd::kRegister));
      Tell(what);
      *entry = was;
    };
    with("len 1", [](io_uring_sqe* sqe) { sqe->len = 1; });
    with("len 3", [](io_uring_sqe* sqe) { sqe->len = 3; });
    with("address", [](io_uring_sqe* sqe) { sqe->addr = 16; });
    with("headers short", [&](io_uring_sqe*) { entry->buffers[0].iov_len = 287; });
    with("payload short", [&](io_uring_sqe*) { entry->buffers[1].iov_len = kRingPayload - 1; });
    with("kernel address", [&](io_uring_sqe*) { entry->buffers[1].iov_base = reinterpret_cast<void*>(~0xffffULL); });
    with("operation 3", [](io_uring_sqe* sqe) { sqe->cmd_op = 3; });
    with("operation 0", [](io_uring_sqe* sqe) { sqe->cmd_op = 0; });
    for (const unsigned qid : {ConfiguredCpus(), 65535U}) {
      entry->qid = static_cast<uint16_t>(qid);
      Single(entry, uring_cmd::kRegister);
      Tell("queue beyond");
    }
    entry->qid = 0;
    return 0;
  }
};

// Commits of what is not there. The last line is for the queue's own request, held meanwhile.
class BadCommits : public Asking {
 public:
  using Asking::Asking;
  int Run() override {
    RingEntry stray = *entries_[0];
    stray.commit_id = 1ULL << 40;
    Single(&stray, uring_cmd::kCommitAndFetch);
    Tell("no ring");
    for (const auto& entry : entries_) Register(entry.get());
    ring_.Submit(0);
    Single(&stray, uring_cmd::kCommitAndFetch);
    Tell("before any request");
    stray.qid = static_cast<uint16_t>(ConfiguredCpus());
    Single(&stray, uring_cmd::kCommitAndFetch);
    Tell("queue beyond");
    Drain();
    return 0;
  }

 protected:
  void Serve(RingEntry* entry) override {
    Fill(entry);
    if (done_) return Commit(entry);
    done_ = true;
    RingEntry stray = *entry;
    stray.commit_id = entry->commit_id + 1000;
    Single(&stray, uring_cmd::kCommitAndFetch);
    Tell("unknown");
    if (ConfiguredCpus() > 1) {
      stray = *entry;
      stray.qid = static_cast<uint16_t>((entry->qid + 1) % ConfiguredCpus());
      Single(&stray, uring_cmd::kCommitAndFetch);
      Tell("another queue");
    }
    Commit(entry);
    ring_.Submit(0);
    Single(entry, uring_cmd::kCommitAndFetch);
    Tell("twice");
  }

 private:
  bool done_ = false;
};

// Replies the kernel does not take, one a request in turn: clients get an error, entries are armed again.
class BadReplies : public RingLoop {
 public:
  using RingLoop::RingLoop;

 protected:
  void Serve(RingEntry* entry) override {
    Fill(entry);
    fuse_out_header out;
    memcpy(&out, entry->headers->in_out, sizeof out);
    auto& size = entry->headers->ring_ent_in_out.payload_sz;
    switch (count_++ % 6) {
      case 0: out.unique = 0; break;
      case 1: out.error = 5; break;
      case 2: out.error = -600; break;
      case 3: out.unique += 2; out.error = 0; break;
      case 4: out.error = 0; size = 1; break;
      case 5: out.error = 0; size = ~0U; break;
    }
    memcpy(entry->headers->in_out, &out, sizeof out);
    Commit(entry);
  }

 private:
  unsigned count_ = 0;
};

// Two entries a queue with one pair of buffers.
class SameBuffer : public RingLoop {
 public:
  SameBuffer(int fd, const RingPlan& plan, std::vector<uint16_t> qids) : RingLoop(fd, plan, std::move(qids)) {
    for (size_t i = 1; i < entries_.size(); i += 2) {
      entries_[i]->headers = entries_[i - 1]->headers;
      entries_[i]->payload = entries_[i - 1]->payload;
      memcpy(entries_[i]->buffers, entries_[i - 1]->buffers, sizeof entries_[i]->buffers);
    }
  }
};

// The registered memory goes, at once or while a request lies in it. The server has it elsewhere, too.
template <bool at_commit>
class Unmapped : public RingLoop {
 public:
  Unmapped(int fd, const RingPlan& plan, std::vector<uint16_t> qids) : RingLoop(fd, plan, std::move(qids)) {
    for (const auto& entry : entries_) {
      const int file = memfd_create("entry", MFD_CLOEXEC);
      if (ftruncate(file, kSize) != 0) _exit(1);
      char* here = Map(file);
      char* registered = Map(file);
      close(file);
      entry->headers = reinterpret_cast<fuse_uring_req_header*>(here);
      entry->payload = here + kPage;
      entry->buffers[0].iov_base = registered;
      entry->buffers[1].iov_base = registered + kPage;
    }
  }
  int Run() override {
    for (const auto& entry : entries_) Register(entry.get());
    ring_.Submit(0);
    for (const auto& entry : entries_) if (!at_commit) Unmap(entry.get());
    Drain();
    return failed_;
  }

 protected:
  void Serve(RingEntry* entry) override {
    Fill(entry);
    if (at_commit) Unmap(entry);
    Commit(entry);
  }

 private:
  static constexpr size_t kSize = kPage + kRingPayload;
  static char* Map(int file) {
    return static_cast<char*>(mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  }
  static void Unmap(RingEntry* entry) { munmap(entry->buffers[0].iov_base, kSize); }
};

// Other threads enter the same ring all the time, with nothing and with far too much.
class Flooded : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    std::atomic<bool> over{false};
    std::thread none([&] { while (!over) ring_.Enter(0, 0, 0); });
    std::thread many([&] { while (!over) ring_.Enter(~0U, 0, 0); });
    const int failed = RingLoop::Run();
    over = true;
    none.join();
    many.join();
    return failed;
  }

 protected:
  // The others submit, too.
  void Wait() override {
    ring_.Publish();
    ring_.Enter(~0U, 1, IORING_ENTER_GETEVENTS);
  }
};

// Indexes that name no SQE, and a tail far ahead of what there is.
class Garbage : public RingLoop {
 public:
  using RingLoop::RingLoop;
  void Open() override {
    RingLoop::Open();
    RawRing other;
    other.Open({8, 0, IORING_SETUP_SQE128});
    for (uint32_t i = 0; i < 8; ++i) other.array_[i] = i % 2 ? 0xdeadbeef : i;
    __atomic_store_n(other.sq_tail_, *other.sq_head_ + 5, __ATOMIC_RELEASE);
    Say("bad indexes %d", other.Enter(5, 0, 0));
    for (uint32_t i = 0; i < 8; ++i) other.array_[i] = i;
    __atomic_store_n(other.sq_tail_, *other.sq_head_ + 0x7fffffff, __ATOMIC_RELEASE);
    Say("far tail %d", other.Enter(0xffffffff, 0, 0));
    Say("far tail %d", other.Enter(3, 0, 0));
  }
};

// Commands before INIT is answered, and before anything is mounted.
int Early(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  Asking loop(fd, Plan(1), {0});
  loop.Open();
  RingEntry* entry = loop.entries()[0].get();
  loop.Single(entry, uring_cmd::kRegister);
  loop.Tell("unbound");
  MountDevice(fd, a.target);
  loop.Single(entry, uring_cmd::kRegister);
  loop.Tell("before INIT");
  loop.Single(entry, 99);
  loop.Tell("before INIT, unknown");
  std::vector<char> request;
  const long n = Read(fd, &request);
  loop.Single(entry, uring_cmd::kRegister);
  loop.Tell("INIT in hand");
  // As a server without a ring: its requests come by the device.
  Answer(fd, request.data(), static_cast<size_t>(n));
  return ServeDevice(fd);
}

// Commands when all is over.
class Late : public Asking {
 public:
  using Asking::Asking;
  int Run() override {
    RingLoop::Run();
    RingEntry* entry = entries_[0].get();
    for (const auto& other : entries_) if (other->commit_id > entry->commit_id) entry = other.get();
    Single(entry, uring_cmd::kCommitAndFetch);
    Tell("COMMIT after the end");
    Single(entry, uring_cmd::kRegister);
    Tell("REGISTER after the end");
    return 0;
  }
};

// A ring of small SQEs.
class Small : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    io_uring_sqe* sqe = ring_.Next();
    sqe->opcode = IORING_OP_URING_CMD;
    sqe->fd = fd_;
    sqe->cmd_op = uring_cmd::kRegister;
    ring_.Submit(1);
    io_uring_cqe cqe;
    if (ring_.Take(&cqe)) Say("small SQE %s", Name(cqe.res));
    return 0;
  }
};

}  // namespace

const std::vector<Mode> kRingBadModes = {
    {"ring-few", [](const Arguments& a) { return OneLoop(a, {0}, Plan(3)); }},
    {"ring-none", [](const Arguments& a) { return ServeDevice(MountForRing(a)); }},
    {"ring-many", [](const Arguments& a) { return OneLoop(a, AllQueues(), Plan(200)); }},
    {"ring-same-buffer", [](const Arguments& a) { return OneLoop<SameBuffer>(a, AllQueues(), Plan(2)); }},
    {"ring-unmapped", [](const Arguments& a) { return OneLoop<Unmapped<false>>(a, AllQueues(), Plan(2)); }},
    {"ring-unmapped-commit", [](const Arguments& a) { return OneLoop<Unmapped<true>>(a, AllQueues(), Plan(2)); }},
    {"ring-small", [](const Arguments& a) { return OneLoop<Small>(a, {0}, Plan(1, 0)); }},
    {"ring-bad-registers", [](const Arguments& a) { return OneLoop<BadRegisters>(a, {0}, Plan(2)); }},
    {"ring-bad-commits", [](const Arguments& a) { return OneLoop<BadCommits>(a, AllQueues(), Plan(2)); }},
    {"ring-bad-replies", [](const Arguments& a) { return OneLoop<BadReplies>(a, AllQueues(), Plan(2)); }},
    {"ring-flood", [](const Arguments& a) { return OneLoop<Flooded>(a, AllQueues(), Plan(2)); }},
    {"ring-garbage", [](const Arguments& a) { return OneLoop<Garbage>(a, AllQueues(), Plan(2)); }},
    {"ring-early", Early},
    {"ring-late", [](const Arguments& a) { return OneLoop<Late>(a, AllQueues(), Plan(2)); }},
};

}  // namespace fuse_rig
