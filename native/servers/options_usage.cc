// What --help and a wrong command line say.
#include "options.h"

namespace fuse_rig {

const char kUsage[] =
    R"(Usage: fuse-rig-server [options] MOUNTPOINT
  --fs passthrough=DIR|memory     what is served (default memory)
  --threads N  --clone            threads; with --clone each has its own handle
  --nonblock[=poll|epoll|signalfd]  O_NONBLOCK handles (default epoll); signalfd: an epoll that
                                  SIGTERM comes by, too
  --io read|readv|turns|spill|splice   how requests are received; turns: by one thread at a time;
                                  spill: what is long in two buffers
  --reply write|writev|splice     how replies are sent
  --defer OPCODE[,...]            carry these out on another thread, on an own copy
  --defer-batch N                 begin with them when N have come, or after a while
  --mount direct|newapi|fusermount|fd|none   (/dev/fd/N as MOUNTPOINT means fd)
  --fd N                          with --mount none: a SOCK_SEQPACKET socket that carries the messages
  --mounts 2                      two MOUNTPOINTs, two connections
  --sessions N                    mount again when the mount is gone, N times in all
  --daemon                        go into the background once mounted
  --allow-other  --default-permissions
  --max-write BYTES  --max-pages N  --buffer BYTES  --minor N  --timeout SECONDS
  --no-readdirplus  --readdirplus-always  --writeback  --passthrough-io
  --clock                         memory: wall clock times instead of a count of changes
  --interrupt-again               have every INTERRUPT come again before it counts
  --notify inval,store,retrieve,poll   memory: the file .control sends these
  --transport device|ring         ring: FUSE over io_uring, where the kernel offers it
  --ring-depth N                  entries a queue (default 8)
  --ring-threads per-queue|one    a thread for each queue (default) or one for all
  --ring-replies inline|worker    made by the ring's thread (default) or by others
  --ring-flags FLAG[,...]         submit_all, coop_taskrun, taskrun_flag, single_issuer,
                                  defer_taskrun, no_sqarray
  --ring-pin  --ring-fixed-file   buffers locked into memory; the device as a registered file
  --ring-required                 end with an error rather than without a ring
  --stats                         say at the end how many requests came which way
  --capacity BYTES                memory: what all files may have together (default 256 MiB)
  --descriptors N                 no more than these once it serves
  --bug NAME|list                 behave wrongly in one way; list: names and what each does
  --crash-after N[:segv|abort]    die of a signal with the N-th request in hand
  --unanswered OPCODE[,...]       never answer these
  --ignore-sigterm                SIGTERM, SIGINT and SIGHUP do nothing
  --exit-on-signal                leave at once at a signal, without unmounting
)";

}  // namespace fuse_rig
