// Messages between the rig and the keeper (launcher/), one SOCK_SEQPACKET datagram each.
#pragma once

#include <cstdint>

namespace fuse_rig {

enum KeeperType : uint32_t {
  // keeper or server child -> rig
  kListener = 1,   // pid of the server, parent: its keeper; SCM_RIGHTS carries the seccomp listener
  kExecFailed = 2, // execve failed: status = errno
  kExit = 3,       // a process of the server was reaped: pid, status as of waitpid(2)
  kEmpty = 4,      // no process of the server is left
  kNoted = 5,      // acknowledges kNoteMount
  kSetupFailed = 6, // the seam could not be set up: status = errno, text = the call
  kScratch = 7,    // answers kMakeScratch: text = the directory, or status = errno
  kCrash = 8,      // a watched thread would die now and is held: pid = tid, status = signal; text = siginfo_t
                   // and user_regs_struct
  kWatchBegun = 9, // answers kWatch: status = errno
  // rig -> keeper
  kGo = 16,        // the rig serves the listener: exec the server
  kNoteMount = 17, // text = a path about to be mounted on; what appears there later is ours to detach
  kKill = 18,      // SIGKILL every process of the server
  kMakeScratch = 19, // text = a mkdtemp pattern; what is made is removed when the rig is gone
  kNoteShared = 20,  // text = a path about to be mounted on itself, which is ours to undo as well
  kWatch = 21,       // text = pids of the server and of the rig, before kGo: tell of threads that are about to die (kCrash)
  kStart = 22,       // to the keeper of a scratch directory: a child becomes another server's keeper.
                     // status = how many arguments (launcher/launch.h) there are before the environment
};

// Descriptors that come with kStart, in their order; without the last one stdin is /dev/null.
enum StartFd : int {
  kStartArgs,  // a file with arguments and environment, each string with its NUL
  kStartSock,  // the new keeper's end of its socket
  kStartGone,  // a pipe: the rig sees its end when the new keeper has been reaped
  kStartOut,
  kStartErr,
  kStartIn,
  kStartMost,
};

struct KeeperMessage {
  uint32_t type;
  int32_t pid;
  int32_t status;
  int32_t parent;
  char text[4096];  // NUL-terminated path or call name; only used bytes are sent
};

constexpr unsigned kKeeperHead = 16;

}  // namespace fuse_rig
