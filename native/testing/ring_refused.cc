// Servers that use of a ring what the rig cannot stand in front of: it is refused, or named.
#include <cerrno>
#include <cstring>

#include "ring_loop.h"

namespace fuse_rig {
namespace {

enum Own : uint64_t { kRead = 3, kWrite };

// Asks for a ring of this kind, and takes a plain one where that is refused.
template <unsigned flags>
class Refused : public RingLoop {
 public:
  using RingLoop::RingLoop;
  void Open() override {
    RawRing other;
    Say("io_uring_setup %s", strerrorname_np(other.Open({8, 0, IORING_SETUP_SQE128 | flags})));
    RingLoop::Open();
    constexpr unsigned kResizeRings = 33, kRestrictions = 11;  // IORING_REGISTER_RESIZE_RINGS, Linux 6.13
    io_uring_params params{};
    params.sq_entries = 16;
    Say("resize %s", strerrorname_np(-ring_.Register(kResizeRings, &params, 1)));
    io_uring_restriction none{};
    RawRing disabled;
    disabled.Open({8, 0, IORING_SETUP_SQE128 | IORING_SETUP_R_DISABLED});
    Say("restrictions %s", strerrorname_np(-disabled.Register(kRestrictions, &none, 1)));
  }
};

// Reads the device by its ring, first of all.
class ReadsDevice : public RingLoop {
 public:
  using RingLoop::RingLoop;
  void Open() override {
    RingLoop::Open();
    io_uring_sqe* sqe = ring_.Next();
    sqe->opcode = IORING_OP_READ;
    sqe->fd = fd_;
    sqe->addr = reinterpret_cast<uint64_t>(buffer_);
    sqe->len = sizeof buffer_;
    ring_.Submit(1);
    io_uring_cqe cqe;
    while (!ring_.Take(&cqe)) ring_.Enter(0, 1, IORING_ENTER_GETEVENTS);
    Say("read by the ring %s", cqe.res < 0 ? strerrorname_np(-cqe.res) : "ok");
  }

 private:
  char buffer_[16384];
};

// Every command waits for all before it, or has something linked behind it.
class WithFlags : public RingLoop {
 public:
  WithFlags(int fd, const RingPlan& plan, std::vector<uint16_t> qids) : RingLoop(fd, plan, std::move(qids)) {}

 protected:
  void Serve(RingEntry* entry) override {
    Fill(entry);
    Command(entry, uring_cmd::kCommitAndFetch)->flags |= IOSQE_IO_LINK;
    io_uring_sqe* sqe = Next();
    sqe->opcode = IORING_OP_NOP;
    sqe->user_data = kRead;
  }
};
class Drains : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    io_uring_sqe* sqe = Next();
    sqe->opcode = IORING_OP_NOP;
    sqe->flags = IOSQE_IO_DRAIN;
    sqe->user_data = kRead;
    return RingLoop::Run();
  }

 protected:
  void Serve(RingEntry* entry) override {
    RingLoop::Serve(entry);
    if (said_) return;
    io_uring_sqe* sqe = Next();
    sqe->opcode = IORING_OP_NOP;
    sqe->flags = IOSQE_IO_DRAIN;
    sqe->user_data = kWrite;
  }
  void Other(uint64_t what, int result) override {
    if (what == kWrite && !said_) Say("drain %s", result < 0 ? strerrorname_np(-result) : "ok");
    said_ = said_ || what == kWrite;
  }

 private:
  bool said_ = false;
};

}  // namespace

const std::vector<Mode> kRingRefusedModes = {
    {"ring-sqpoll", [](const Arguments& a) { return OneLoop<Refused<IORING_SETUP_SQPOLL>>(a, AllQueues()); }},
    {"ring-no-mmap", [](const Arguments& a) { return OneLoop<Refused<IORING_SETUP_NO_MMAP>>(a, AllQueues()); }},
    {"ring-reads-device", [](const Arguments& a) { return OneLoop<ReadsDevice>(a, AllQueues()); }},
    {"ring-link-on", [](const Arguments& a) { return OneLoop<WithFlags>(a, AllQueues(), RingPlan{{16, 0, IORING_SETUP_SQE128}, 2}); }},
    {"ring-drain", [](const Arguments& a) { return OneLoop<Drains>(a, AllQueues()); }},
};

}  // namespace fuse_rig
