// Getting a /dev/fuse handle that is mounted somewhere, and unmounting it again.
#pragma once

#include <string>

#include "fd.h"
#include "options.h"

namespace fuse_rig {

struct Mounted {
  Fd fd;
  std::string mountpoint;      // absolute; empty if somebody else mounted
  bool by_fusermount = false;  // then it is unmounted that way too
};

// False and one line in `problem` if it failed; nothing is left behind then.
bool Mount(const Options& options, const std::string& mountpoint, Mounted* out,
           std::string* problem);
// Detaches the mount. Best effort: at the end of a server nobody can act on a failure.
void Unmount(const Mounted& mounted);

// mount_new.cc: fsopen, fsconfig, fsmount, move_mount.
bool MountNewApi(const Options& options, const std::string& mountpoint, Fd* fd,
                 std::string* problem);
// mount_fusermount.cc: `fusermount3` from PATH does it and passes the descriptor back.
bool MountFusermount(const Options& options, const std::string& mountpoint, Fd* fd,
                     std::string* problem);
void UnmountFusermount(const std::string& mountpoint);

// "<what>: <strerror(errno)>"
std::string SystemProblem(const std::string& what);

constexpr char kDevice[] = "/dev/fuse";
constexpr char kSource[] = "fuse-rig-server";
constexpr char kSubtype[] = "fuse-rig";

}  // namespace fuse_rig
