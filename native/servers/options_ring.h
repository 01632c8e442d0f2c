// The options of FUSE over io_uring, apart from the others.
#pragma once

#include "option_values.h"
#include "options.h"

namespace fuse_rig {

// In the order of the table in options.cc.
enum RingOptionId {
  kTransport = 512,
  kRingDepth,
  kRingThreads,
  kRingReplies,
  kRingFlags,
  kRingPin,
  kRingFixedFile,
  kRingRequired
};

// One option; on a mistake false and a line in the parser's problem.
bool ParseRingOption(int id, const char* text, ValueParser* values, RingOptions* out);
// What does not go together, once all are parsed.
bool CheckRingOptions(const Options& options, ValueParser* values);

}  // namespace fuse_rig
