// fuse-rig-odd-server MODE MOUNTPOINT [...]: servers that get at the device in rare ways or behave
// badly, one a mode, and processes that sleep in every way. Subjects of the rig's own tests.
#include <cstdio>
#include <cstring>

#include "tiny.h"

int main(int argc, char** argv) {
  using namespace fuse_rig;
  const auto lists = {&kTransportModes, &kBadModes, &kSignalModes, &kSleepModes,
                      &kRingModes, &kRingShapeModes,
                      &kRingRefusedModes, &kRingBadModes, &kRingLeaveModes, &kRingOwnerModes,
                      &kRingRareModes, &kRingHostileModes, &kUnkillableModes, &kProfileModes, &kCrashModes,
                      &kUnsteadyModes, &kAgainModes};
  for (const auto* list : lists) {
    for (const Mode& mode : *list) {
      if (argc < 2 || strcmp(argv[1], mode.name) != 0) continue;
      Arguments arguments;
      if (argc > 2) arguments.target = argv[2];
      for (int i = 3; i < argc; ++i) arguments.rest.push_back(argv[i]);
      arguments.rest.push_back(nullptr);
      return mode.run(arguments);
    }
  }
  fprintf(stderr, "Usage: fuse-rig-odd-server MODE MOUNTPOINT; modes:\n");
  for (const auto* list : lists) {
    for (const Mode& mode : *list) fprintf(stderr, "  %s\n", mode.name);
  }
  return 2;
}
