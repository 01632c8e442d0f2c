#include "leaks.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "bugs.h"
#include "fuse_abi.h"

namespace fuse_rig {
namespace {

constexpr size_t kPool = 64 << 10;    // of what a ring and its queues share
constexpr size_t kBuffers = 8 << 20;  // of a session with a few threads

}  // namespace

void LeakOfSession() {
  // What its threads were woken by.
  if (Bug(bug::kFdLeakPerSession)) (void)!eventfd(0, EFD_CLOEXEC);
  if (Bug(bug::kMappingLeakPerSession)) {
    (void)!mmap(nullptr, kPool, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  }
  if (Bug(bug::kMemoryLeakPerSession)) {
    auto* buffers = static_cast<volatile char*>(malloc(kBuffers));
    for (size_t at = 0; buffers != nullptr && at < kBuffers; at += kPage) buffers[at] = 1;
  }
  // What looked after it, and is not told of its end.
  if (Bug(bug::kThreadLeakPerSession)) {
    std::thread([] {
      for (;;) pause();
    }).detach();
  }
}

}  // namespace fuse_rig
