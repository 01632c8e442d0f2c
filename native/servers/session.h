// One connection being served: its handles, its threads, its file system, and how it ends.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "channel.h"
#include "filesystem.h"
#include "mount.h"
#include "negotiate.h"
#include "ring.h"
#include "worker.h"

namespace fuse_rig {

// kAsked: by SIGTERM, in the thread that reads.
enum class EndReason { kGone, kStopped, kAsked, kFailed };

// Of --io spill: data that is in place, with the structures before it.
constexpr size_t kInPlace = kPage;

// What a thread reads into.
struct ReadBuffer {
  std::vector<char> bytes;        // a request, or what is in place of one
  char* spill = nullptr;          // of --io spill: the rest; it goes with its request
  size_t spill_size = 0;
};

class Session {
 public:
  // `ended` is called by every thread that leaves on its own account: `reason` has changed then.
  Session(const Options& options, Mounted mounted, std::unique_ptr<FileSystem> fs,
          std::function<void()> ended);
  ~Session();

  // Opens the clones and starts the threads. 0 or an errno.
  int Start();
  // Unmounts, wakes every thread and joins it. Call once, from outside the session's threads.
  void Finish();
  EndReason reason() const { return reason_; }

  // Every request, before it is looked at: where --crash-after strikes. False: it is one of
  // --unanswered.
  bool TakeUp(uint32_t opcode);
  // Of --bug dma-size-ignored: from now on nothing is taken up.
  void Wedge() { wedged_ = true; }
  // Who carries it out instead of the thread that received it, or null.
  Worker* WorkerFor(uint32_t opcode, bool ring);

  // session_ring.cc. Before the INIT reply is written: sets up the ring that `out` may promise. False
  // and a line in `problem` if there is none.
  bool SetUpRing(const fuse_init_out& out, std::string* problem);
  // After it was: other threads may read, and meet what it settled; the ring's entries are
  // registered.
  void InitAnswered();
  // Whether the INTERRUPT of a request is to come again: of --interrupt-again, the first time.
  bool InterruptAgain(uint64_t unique);
  // The server cannot go on: says so, and ends.
  void Fail(const std::string& what);

  FileSystem& fs() { return *fs_; }
  Negotiated& negotiated() { return negotiated_; }
  const Options& options() const { return options_; }
  const Sizes& sizes() const { return sizes_; }
  Channel& first() { return *channels_[0]; }

 private:
  void StartThreads();  // throws std::system_error
  void Run(unsigned index);
  EndReason Loop(Channel* channel);
  ReadBuffer MakeBuffer() const;
  EndReason ReadAll(Channel* channel, ReadBuffer* in, std::vector<char>* reply);
  void Serve(Channel* channel, ReadBuffer* in, size_t size, char* reply, size_t capacity);
  void Defer(Worker* worker, Channel* channel, ReadBuffer* in, size_t size,
             const Incoming& request);
  void SetReady();
  bool WaitReady();
  // The first reason is the one.
  void End(EndReason reason);
  void SayCounts() const;

  const Options& options_;
  Mounted mounted_;
  std::unique_ptr<FileSystem> fs_;
  std::function<void()> ended_;
  Negotiated negotiated_;
  Sizes sizes_;

  StopFlag stop_{0};
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<std::thread> threads_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Ring> ring_;  // once INIT has settled it
  bool ring_missing_ = false;
  std::atomic<bool> wedged_{false};
  std::atomic<uint64_t> on_device_{0};
  std::atomic<uint64_t> silent_{0};  // of those FORGET, BATCH_FORGET and INTERRUPT
  std::atomic<EndReason> reason_{EndReason::kStopped};

  std::mutex interrupted_mutex_;
  std::set<uint64_t> interrupted_;

  std::mutex ready_mutex_;
  std::condition_variable ready_changed_;
  bool ready_ = false;
};

}  // namespace fuse_rig
