// What node:fs cannot ask of an inode: extended attributes, nanosecond times, special files, holes.
#pragma once

#include <napi.h>

namespace fuse_rig {

// Paths and attribute names are bytes (no NUL inside); nothing follows a final symbolic link.
// Results are those of the system calls: >= 0, or a negative errno.
//
// listxattr(path): Uint8Array | number       llistxattr(2): names, each ended by NUL
// getxattr(path, name): Uint8Array | number  lgetxattr(2)
// setxattr(path, name, value): number        lsetxattr(2), flags 0
// removexattr(path, name): number            lremovexattr(2)
// utimens(path, atime, mtime): number        utimensat(2); bigint nanoseconds since 1970
// mknod(path, mode, major, minor): number    mknod(2)
// dataExtent(fd, from): [start, end] | number
//   lseek(2) SEEK_DATA and SEEK_HOLE: the next run of data at or after `from`, in bytes;
//   -ENXIO when only holes follow. Moves the descriptor's offset.
void InodeInit(Napi::Env env, Napi::Object exports);

}  // namespace fuse_rig
