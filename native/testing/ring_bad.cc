#include "ring_loop.h"
namespace fuse_rig {
const std::vector<Mode> kRingBadModes = {};
}
