// What an event of the seam says of itself.
#pragma once

#include <cstdint>

namespace fuse_rig {

// The event header shared with TypeScript: rig/seam/traps.ts reads it by these offsets.
struct Header {
  int32_t slot;    // 0
  int32_t tid;     // 4
  int32_t nr;      // 8
  int32_t fd;      // 12: index in the range, or -1
  int32_t size;    // 16: length asked for, clipped to 2^31-1
  int32_t filled;  // 20: bytes in data, or -errno
  int32_t second;  // 24: splice into the device: index of the device; else -1
  int32_t flags;   // 28
  double t;        // 32: CLOCK_MONOTONIC, ns
  uint64_t args[6];  // 40
};
static_assert(sizeof(Header) == 88, "rig/seam/traps.ts knows these offsets");

}  // namespace fuse_rig
