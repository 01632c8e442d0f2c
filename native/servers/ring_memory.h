// The buffers of all entries of a ring: one mapping, a page for the headers of an entry and then its
// payload.
#pragma once

#include <cstddef>

namespace fuse_rig {

class RingMemory {
 public:
  RingMemory() = default;
  ~RingMemory();
  RingMemory(const RingMemory&) = delete;
  RingMemory& operator=(const RingMemory&) = delete;

  // `payload_size` in bytes. 0 or an errno.
  int Map(size_t entries, size_t payload_size);
  // Locks it into memory, as far as the limit allows: 0, or an errno and nothing is locked.
  int Pin();

  char* headers(size_t entry) const { return base_ + entry * stride_; }
  char* payload(size_t entry) const;
  size_t size() const { return size_; }

 private:
  char* base_ = nullptr;
  size_t size_ = 0, stride_ = 0;
};

}  // namespace fuse_rig
