// FUSE over io_uring: a queue of entries for every possible CPU, served by threads with an io_uring
// each. INIT, FORGET, BATCH_FORGET, INTERRUPT and all notifications stay on the device.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "possible_cpus.h"
#include "ring_memory.h"
#include "ring_thread.h"

namespace fuse_rig {

class Ring {
 public:
  explicit Ring(Session* session) : session_(session) {}
  ~Ring();

  // Memory, threads and their io_urings; nothing is registered yet. `payload_size` is what the
  // kernel wants of an entry, in bytes. False and a line in `problem` if something failed; then the
  // object is only good for being destroyed.
  bool SetUp(size_t payload_size, std::string* problem);
  // The INIT reply has been written: the kernel takes entries.
  void Register();
  // No request is taken up any more; returns when all that were are given back.
  void Drain();
  // Ends the threads; then every buffer is ours. `gone`: the connection is.
  void Stop(bool gone);
  // Delivered so far.
  uint64_t requests() const;

  // Of the threads. Every request taken up (false: none is any more) is given back once.
  bool TakeUp();
  void GiveBack();
  // Of requests that are kept for later: never all entries of a queue, else what would end their
  // wait could not come in. False: no more.
  bool Keep(uint16_t qid);
  void Unkeep(uint16_t qid) { --kept_[qid]; }
  // The server cannot go on.
  void Fail(const std::string& what);
  // A line on stderr, the first time.
  void Note(const std::string& what);

 private:
  bool MapMemory(size_t queues, size_t payload_size, std::string* problem);

  Session* session_;
  RingMemory memory_;
  std::vector<std::unique_ptr<RingThread>> threads_;

  std::vector<std::atomic<unsigned>> kept_;  // by queue

  std::atomic<unsigned> in_flight_{0};
  std::atomic<bool> draining_{false};
  std::atomic<bool> noted_{false};
  std::mutex mutex_;
  std::condition_variable idle_;
};

}  // namespace fuse_rig
