// Threads that carry out requests put aside by the threads that received them. A job owns what it
// needs: a copy of its request, or the ring entry the request lies in.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fuse_rig {

class Worker {
 public:
  // `scratch` is the thread's own space to build a reply in.
  using Job = std::function<void(char* scratch, size_t room)>;

  // Jobs are begun when `batch` have come, or after a while.
  Worker(unsigned threads, size_t scratch_size, unsigned batch = 1);
  // Carries out what is queued, then ends.
  ~Worker();
  void Add(Job job);

 private:
  void Run();

  size_t scratch_size_;
  unsigned batch_, due_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fuse_rig
