// A tiny server's ring: entries of one or more queues on one io_uring, and the loop that serves them.
// A mode changes what it does differently by overriding it.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "fuse_abi.h"
#include "raw_ring.h"
#include "tiny.h"

namespace fuse_rig {

// Bytes of a payload: the least that what AnswerTo() negotiates allows (fuse_uring_create()).
constexpr size_t kRingPayload = 8192;

struct RingEntry {
  fuse_uring_req_header* headers = nullptr;
  char* payload = nullptr;
  iovec buffers[2];
  uint16_t qid = 0;
  uint64_t commit_id = 0;
  bool registered = false;  // its last command was no REGISTER
};

struct RingPlan {
  RawSetup raw;
  unsigned depth = 4;
  bool fixed = false;       // commands name slot 0 of the ring's file table
  uint8_t sqe_flags = 0;    // of every command
};

class RingLoop {
 public:
  // `fd`: what commands are made on. `qids`: the queues it serves.
  RingLoop(int fd, const RingPlan& plan, std::vector<uint16_t> qids);
  virtual ~RingLoop() = default;

  // Makes the ring; ends the program when that fails.
  virtual void Open();
  // Registers all entries and serves until none is left in the kernel. 0, or 1 if a CQE was unexpected.
  virtual int Run();

  RawRing& ring() { return ring_; }
  std::vector<std::unique_ptr<RingEntry>>& entries() { return entries_; }

  virtual void Register(RingEntry* entry);
  void Commit(RingEntry* entry);
  // The reply to what lies in the entry goes there.
  static void Fill(RingEntry* entry);
  static void Fill(RingEntry* entry, const Answered& answered);
  static fuse_in_header Request(const RingEntry* entry);
  // The body of the request in the entry: op_in and payload joined.
  static std::string BodyOf(const RingEntry* entry);

 protected:
  // An SQE, submitting others first when there is no room.
  virtual io_uring_sqe* Next();
  io_uring_sqe* Command(RingEntry* entry, uint32_t op);
  // Submits, and waits for a completion.
  virtual void Wait();
  // A request has come.
  virtual void Serve(RingEntry* entry);
  // A CQE whose user_data is no entry's.
  virtual void Other(uint64_t, int) {}
  // A result that is neither a request nor the end.
  virtual void Unexpected(RingEntry* entry, int result);
  void Completed(const io_uring_cqe& cqe);
  // Looks at what is there.
  void TakeAll();
  // Serves until no command is left in the kernel.
  void Drain();
  RingEntry* Find(uint64_t user_data) const;

  int fd_;
  RingPlan plan_;
  RawRing ring_;
  std::vector<std::unique_ptr<RingEntry>> entries_;
  std::atomic<unsigned> held_{0};  // commands without a CQE
  int failed_ = 0;
};

// Memory that a forked process shares.
char* SharedBytes(size_t size);

unsigned ConfiguredCpus();
std::vector<uint16_t> AllQueues();
// Binds the calling thread to a CPU and says so if that does not work.
bool BindTo(unsigned cpu);

// Opens and mounts the device and answers INIT; the device's descriptor.
int MountForRing(const Arguments& arguments);
// Serves the device until it ends: ENODEV is good.
int ServeDevice(int fd);
// A thread a loop, each bound to its queue's CPU if there is a queue a loop; the device meanwhile.
// The exit status.
int RunLoops(int fd, std::vector<std::unique_ptr<RingLoop>>* loops);

// One loop for these queues.
template <typename Loop = RingLoop>
int OneLoop(const Arguments& arguments, const std::vector<uint16_t>& qids, const RingPlan& plan = {}) {
  const int fd = MountForRing(arguments);
  std::vector<std::unique_ptr<RingLoop>> loops;
  loops.push_back(std::make_unique<Loop>(fd, plan, qids));
  return RunLoops(fd, &loops);
}

}  // namespace fuse_rig
