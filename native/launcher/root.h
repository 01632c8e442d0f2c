// A root file system of its own for the server.
#pragma once

#include <string>
#include <vector>

namespace fuse_rig {

struct RootError {
  int error;         // errno; 0: it worked
  std::string what;  // the call that failed, and on what
};

// Gives the calling process, which has one thread, a mount namespace of its own whose root is `dir` with
// this machine's /proc, /sys and /dev, and with every path of `shared` as it is here. What is written
// elsewhere below the root is written beside it and gone with the last process: `dir` never changes.
// Needs CAP_SYS_ADMIN or, as an ordinary user, permission to make user namespaces.
RootError EnterRoot(const char* dir, const std::vector<std::string>& shared);

}  // namespace fuse_rig
