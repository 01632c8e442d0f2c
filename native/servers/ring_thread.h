// A thread with an io_uring of its own: submits the commands of its entries and takes up what they
// deliver. Nobody else touches its submission queue: replies made elsewhere are handed to it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "ring_entry.h"
#include "uring.h"

namespace fuse_rig {

class Ring;
class Session;

class RingThread {
 public:
  // Runs on `cpu`; anywhere if it is negative.
  RingThread(Ring* ring, Session* session, int cpu) : ring_(ring), session_(session), cpu_(cpu) {}
  ~RingThread();

  // Before Start. The memory stays the caller's.
  void Add(uint16_t qid, char* headers, char* payload, size_t payload_size);
  // Begins to set up.
  void Start();
  // Waits until it is set up: 0, or an errno and in `what` what failed.
  int WaitSetUp(const char** what);
  // Registers the entries.
  void Register();
  // Makes it end, and waits. If the connection is `gone` the kernel gives every command back first;
  // else it does so while the thread exits. Either way no buffer is the kernel's afterwards.
  void Stop(bool gone);

  // The entry's reply is in its buffers. Any thread.
  void GiveBack(RingEntry* entry);
  // Any thread. See Ring.
  bool Keep(uint16_t qid);
  void Unkeep(uint16_t qid);
  // Requests delivered so far.
  uint64_t requests() const { return requests_; }

 private:
  enum class Order { kWait, kRegister, kStop };

  void Run();
  int SetUp();
  bool WaitOrder();
  void Loop();
  void TakeBack();
  void Completed(const io_uring_cqe& cqe);
  void Refused(RingEntry* entry, int error);
  void Serve(RingEntry* entry);
  void WriteBehind(RingEntry* entry, const Incoming& request);
  void Submit(RingEntry* entry);
  void Commit(RingEntry* entry);
  void PollWake();
  void Woken();
  void Wake();
  bool Left() const;

  Ring* ring_;
  Session* session_;
  int cpu_;
  std::vector<RingEntry> entries_;
  Uring uring_;
  Fd wake_;  // eventfd
  std::vector<char> scratch_;
  size_t held_ = 0;  // commands the kernel has
  std::atomic<uint64_t> requests_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_up_ = false;
  int error_ = 0;  // of setting up
  const char* failed_at_ = "";
  Order order_ = Order::kWait;
  bool gone_ = false;
  std::vector<RingEntry*> given_back_;

  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace fuse_rig
