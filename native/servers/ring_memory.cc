// Mapped, not allocated: page borders separate the entries, and nothing else ever lies there.
#include "ring_memory.h"

#include <sys/mman.h>

#include <cerrno>

#include "fuse_abi.h"

namespace fuse_rig {

RingMemory::~RingMemory() {
  if (base_ != nullptr) munmap(base_, size_);
}

int RingMemory::Map(size_t entries, size_t payload_size) {
  stride_ = kPage + (payload_size + kPage - 1) / kPage * kPage;
  size_ = entries * stride_;
  void* at = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return errno;
  base_ = static_cast<char*>(at);
  return 0;
}

int RingMemory::Pin() {
  if (mlock(base_, size_) == 0) return 0;
  const int error = errno;
  munlock(base_, size_);  // a failure in the middle leaves the part before it locked
  return error;
}

char* RingMemory::payload(size_t entry) const { return headers(entry) + kPage; }

}  // namespace fuse_rig
