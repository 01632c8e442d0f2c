// The queue of jobs: first in, first out.
#include "worker.h"

#include <chrono>
#include <system_error>
#include <utility>

#include "bugs.h"

namespace fuse_rig {

namespace {

constexpr std::chrono::milliseconds kBatchWait(20);

}  // namespace

Worker::Worker(unsigned threads, size_t scratch_size, unsigned batch)
    : scratch_size_(scratch_size), batch_(batch) {
  for (unsigned i = 0; i < threads; ++i) {
    try {
      threads_.emplace_back([this] { Run(); });
    } catch (const std::system_error&) {
      if (i == 0) throw;
      return;  // fewer will do
    }
  }
}

Worker::~Worker() {
  {
    std::lock_guard<std::mutex> hold(mutex_);
    stop_ = true;
  }
  if (!Bug(bug::kExitNobodyWokenWorker)) changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Worker::Add(Job job) {
  {
    std::lock_guard<std::mutex> hold(mutex_);
    queue_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void Worker::Run() {
  std::vector<char> scratch(scratch_size_);
  std::unique_lock<std::mutex> hold(mutex_);
  for (;;) {
    changed_.wait(hold, [this] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    if (due_ == 0) {
      if (batch_ > 1) {
        changed_.wait_for(hold, kBatchWait, [this] { return stop_ || queue_.size() >= batch_; });
      }
      due_ = static_cast<unsigned>(queue_.size());
      if (due_ == 0) continue;
    }
    --due_;
    const Job job = std::move(queue_.front());
    queue_.pop_front();
    hold.unlock();
    job(scratch.data(), scratch.size());
    hold.lock();
  }
}

}  // namespace fuse_rig
