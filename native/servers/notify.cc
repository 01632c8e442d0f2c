// The notifying thread.
#include "notify.h"

#include <cstring>
#include <system_error>
#include <utility>

#include "channel.h"
#include "fuse_abi.h"

namespace fuse_rig {

void Notifier::Post(Notification one) {
  std::lock_guard<std::mutex> hold(mutex_);
  if (stop_) return;
  try {
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    results_ += one.what + ": " + error.what() + "\n";
    return;
  }
  queue_.push_back(std::move(one));
  changed_.notify_one();
}

std::string Notifier::Results() {
  std::lock_guard<std::mutex> hold(mutex_);
  return results_;
}

void Notifier::Stop() {
  {
    std::lock_guard<std::mutex> hold(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Notifier::Run() {
  std::unique_lock<std::mutex> hold(mutex_);
  for (;;) {
    changed_.wait(hold, [this] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Notification one = std::move(queue_.front());
    queue_.pop_front();
    hold.unlock();
    const fuse_out_header head{static_cast<uint32_t>(sizeof head + one.body.size()), one.code, 0};
    const int error = one.channel->Send(reinterpret_cast<const char*>(&head), sizeof head,
                                        one.body.data(), one.body.size());
    hold.lock();
    results_ += one.what + ": " + (error == 0 ? "ok" : strerrorname_np(error)) + "\n";
  }
}

}  // namespace fuse_rig
