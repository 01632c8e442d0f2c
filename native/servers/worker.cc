// The queue of --defer: first in, first out.
#include "worker.h"

#include <utility>

namespace fuse_rig {

Worker::Worker(Serve serve, size_t reply_size)
    : serve_(std::move(serve)), reply_(reply_size), thread_([this] { Run(); }) {}

Worker::~Worker() {
  {
    std::lock_guard<std::mutex> hold(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Worker::Add(Channel* channel, const char* bytes, size_t size) {
  {
    std::lock_guard<std::mutex> hold(mutex_);
    queue_.push_back({channel, std::vector<char>(bytes, bytes + size)});
  }
  changed_.notify_one();
}

void Worker::Run() {
  std::unique_lock<std::mutex> hold(mutex_);
  for (;;) {
    changed_.wait(hold, [this] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Work work = std::move(queue_.front());
    queue_.pop_front();
    hold.unlock();
    serve_(work.channel, work.bytes.data(), work.bytes.size(), reply_.data(), reply_.size());
    hold.lock();
  }
}

}  // namespace fuse_rig
