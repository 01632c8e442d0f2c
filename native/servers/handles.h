// Numbers for open files: the lowest free one is taken, so equal runs give equal numbers. An object
// lives on while an operation uses it, even if a RELEASE comes in between.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace fuse_rig {

template <class T>
class Handles {
 public:
  uint64_t Add(std::shared_ptr<T> object) {
    std::lock_guard<std::mutex> hold(mutex_);
    if (free_.empty()) {
      slots_.push_back(std::move(object));
      return slots_.size();
    }
    const uint64_t number = *free_.begin();
    free_.erase(free_.begin());
    slots_[number - 1] = std::move(object);
    return number;
  }

  std::shared_ptr<T> Find(uint64_t number) const {
    std::lock_guard<std::mutex> hold(mutex_);
    return number - 1 < slots_.size() ? slots_[number - 1] : nullptr;
  }

  std::shared_ptr<T> Remove(uint64_t number) {
    std::lock_guard<std::mutex> hold(mutex_);
    if (number - 1 >= slots_.size() || slots_[number - 1] == nullptr) return nullptr;
    free_.insert(number);
    return std::move(slots_[number - 1]);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<T>> slots_;
  std::set<uint64_t> free_;
};

}  // namespace fuse_rig
