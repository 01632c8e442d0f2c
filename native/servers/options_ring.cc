// Parsing of --transport and --ring-*.
#include "options_ring.h"

#include "io_uring_abi.h"

namespace fuse_rig {
namespace {

// IORING_SETUP_*, in lower case. SQE128 is always set; what goes together the kernel decides.
const std::map<std::string, uint32_t> kSetupFlags = {
    {"submit_all", IORING_SETUP_SUBMIT_ALL},       {"coop_taskrun", IORING_SETUP_COOP_TASKRUN},
    {"taskrun_flag", IORING_SETUP_TASKRUN_FLAG},   {"single_issuer", IORING_SETUP_SINGLE_ISSUER},
    {"defer_taskrun", IORING_SETUP_DEFER_TASKRUN}, {"no_sqarray", IORING_SETUP_NO_SQARRAY},
};

bool Flags(const char* text, ValueParser* values, uint32_t* to) {
  for (const std::string& name : ValueParser::Split(text)) {
    uint32_t flag = 0;
    if (!values->Choice("ring-flags", name, kSetupFlags, &flag)) return false;
    *to |= flag;
  }
  return true;
}

}  // namespace

bool ParseRingOption(int id, const char* text, ValueParser* values, RingOptions* out) {
  switch (id) {
    case kTransport:
      return values->Choice<bool>("transport", text, {{"device", false}, {"ring", true}},
                                  &out->use);
    case kRingDepth: return values->Number("ring-depth", text, 1, 1024, &out->depth);
    case kRingThreads:
      return values->Choice<RingThreads>(
          "ring-threads", text,
          {{"per-queue", RingThreads::kPerQueue}, {"one", RingThreads::kOne}}, &out->threads);
    case kRingReplies:
      return values->Choice<RingReplies>(
          "ring-replies", text,
          {{"inline", RingReplies::kInline}, {"worker", RingReplies::kWorker}}, &out->replies);
    case kRingFlags: return Flags(text, values, &out->flags);
    case kRingPin: return out->pin = true;
    case kRingFixedFile: return out->fixed_file = true;
    default: return out->required = true;
  }
}

bool CheckRingOptions(const Options& options, ValueParser* values) {
  if (options.ring.use && options.minor < 42)
    return values->Fail("--transport ring needs --minor 42 or more");
  if (options.ring.required && !options.ring.use)
    return values->Fail("--ring-required needs --transport ring");
  return true;
}

}  // namespace fuse_rig
