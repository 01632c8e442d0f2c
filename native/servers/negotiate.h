// What INIT settles, and the buffer sizes that follow from the command line.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fuse_abi.h"
#include "options.h"

namespace fuse_rig {

// Bytes. Fixed before INIT, so that no answer to it can make a buffer too small.
struct Sizes {
  size_t request;  // what a read of the device offers
  size_t reply;
  size_t pipe;  // what either needs when spliced
  static Sizes For(const Options& options);
};

struct Negotiated {
  std::atomic<bool> ready{false};  // INIT was answered with our major
  uint32_t minor = kKernelMinor;
  uint64_t flags = 0;
};

// Settles `in` into `negotiated` and fills the reply; returns how many of its bytes belong to the
// negotiated minor. In a reply to a larger major only the version counts.
size_t Negotiate(const Options& options, const fuse_init_in& in, Negotiated* negotiated,
                 fuse_init_out* out);

}  // namespace fuse_rig
