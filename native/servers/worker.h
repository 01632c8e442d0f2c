// A thread that carries out requests put aside with --defer. Each piece of work owns a copy of its
// request: the buffer it was read into receives the next one meanwhile.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fuse_rig {

class Channel;

class Worker {
 public:
  using Serve =
      std::function<void(Channel*, const char* bytes, size_t size, char* reply, size_t room)>;

  Worker(Serve serve, size_t reply_size);
  // Carries out what is queued, then ends.
  ~Worker();
  void Add(Channel* channel, const char* bytes, size_t size);

 private:
  struct Work {
    Channel* channel;
    std::vector<char> bytes;
  };
  void Run();

  Serve serve_;
  std::vector<char> reply_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> queue_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace fuse_rig
