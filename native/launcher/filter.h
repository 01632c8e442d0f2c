// The seccomp filter of the seam: which system calls of the server come to the rig.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace fuse_rig {

// Descriptors the rig hands out lie in [base, base + count); `extra` are single descriptors that
// must be watched too (a server that inherits the device as /dev/fd/N).
struct FdRange {
  unsigned base;
  unsigned count;
  std::vector<unsigned> extra;
  std::vector<int> calls;
};

std::vector<sock_filter> BuildFilter(const FdRange& range);

}  // namespace fuse_rig
