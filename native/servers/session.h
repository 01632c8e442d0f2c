// One connection being served: its handles, its threads, its file system, and how it ends.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "channel.h"
#include "filesystem.h"
#include "mount.h"
#include "negotiate.h"
#include "worker.h"

namespace fuse_rig {

enum class EndReason { kGone, kStopped, kFailed };

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

  // Serves one request: sends its reply, if it has one, with `reply` as the space to build it.
  void Serve(Channel* channel, const char* bytes, size_t size, char* reply, size_t capacity);

  FileSystem& fs() { return *fs_; }
  Negotiated& negotiated() { return negotiated_; }
  const Options& options() const { return options_; }
  Channel& first() { return *channels_[0]; }
  // The INIT has been answered: the other threads may read.
  void SetReady();

 private:
  void Run(unsigned index);
  EndReason Loop(Channel* channel);
  bool WaitReady();
  // Before the request is looked at: faults of --crash-after, --unanswered, work for the worker.
  bool Intercept(Channel* channel, const char* bytes, size_t size);

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
  std::atomic<EndReason> reason_{EndReason::kStopped};

  std::mutex ready_mutex_;
  std::condition_variable ready_changed_;
  bool ready_ = false;
};

}  // namespace fuse_rig
