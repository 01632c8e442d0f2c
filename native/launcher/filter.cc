// Three classes of calls: those the rig always looks at (a native check decides most of them), those
// it looks at when a descriptor argument is one of its own, and prctl(PR_SET_DUMPABLE, 0), which
// would close the server's memory to an unprivileged rig. Everything else runs at full speed.
#include "filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#define SYS_io_uring_register 427
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif

namespace fuse_rig {
namespace {

const int kAlways[] = {
    SYS_open,  SYS_openat,  SYS_openat2, SYS_execve,   SYS_execveat, SYS_recvmsg,
    SYS_mount, SYS_umount2, SYS_fsopen,  SYS_fsconfig, SYS_fsmount,  SYS_move_mount,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
};

// Calls whose first argument is a descriptor.
const int kByFd[] = {
    SYS_read,    SYS_write,    SYS_readv,    SYS_writev, SYS_preadv, SYS_pwritev, SYS_preadv2, SYS_pwritev2,
    SYS_pread64, SYS_pwrite64, SYS_sendfile,
    SYS_ioctl, SYS_splice, SYS_dup,   SYS_dup2,   SYS_dup3,   SYS_fcntl,   SYS_close,
};

class Program {
 public:
  void Load(unsigned offset) { Add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }
  void Return(unsigned value) { Add(BPF_STMT(BPF_RET | BPF_K, value)); }

  // Notify if the low word of argument `arg` is in the range. File descriptors are 32-bit ints:
  // the kernel ignores the upper word, so do we.
  void NotifyIfFd(unsigned arg, const FdRange& range) {
    Load(offsetof(seccomp_data, args) + 8 * arg);
    Add(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, range.base, 0, 2));
    Add(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, range.base + range.count, 1, 0));
    Return(SECCOMP_RET_USER_NOTIF);
    for (unsigned fd : range.extra) {
      Add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, fd, 0, 1));
      Return(SECCOMP_RET_USER_NOTIF);
    }
  }

  // Runs `body` only for system call `nr`; expects nr in the accumulator and leaves it reloaded.
  template <typename Body>
  void For(int nr, Body body) {
    Program inner;
    body(inner);
    inner.Return(SECCOMP_RET_ALLOW);
    Add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(nr), 0,
                 static_cast<unsigned char>(inner.code.size())));
    code.insert(code.end(), inner.code.begin(), inner.code.end());
  }

  std::vector<sock_filter> code;

 private:
  void Add(sock_filter f) { code.push_back(f); }
};

}  // namespace

std::vector<sock_filter> BuildFilter(const FdRange& range) {
  Program p;
  p.Load(offsetof(seccomp_data, arch));
  // A 32-bit call of a 64-bit process cannot be a transport call we understand: let it run.
  p.code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
  p.Return(SECCOMP_RET_ALLOW);
  p.Load(offsetof(seccomp_data, nr));
  for (int nr : kByFd) {
    // Of any descriptor where this run looks at the call anyway: see below.
    if (std::find(range.calls.begin(), range.calls.end(), nr) != range.calls.end()) continue;
    p.For(nr, [&](Program& q) {
      q.NotifyIfFd(0, range);
      if (nr == SYS_splice) q.NotifyIfFd(2, range);
      if (nr == SYS_sendfile) q.NotifyIfFd(1, range);
      if (nr == SYS_dup2 || nr == SYS_dup3) q.NotifyIfFd(1, range);
    });
  }
  for (int nr : kAlways) {
    p.For(nr, [](Program& q) { q.Return(SECCOMP_RET_USER_NOTIF); });
  }
  for (int nr : range.calls) {
    p.For(nr, [](Program& q) { q.Return(SECCOMP_RET_USER_NOTIF); });
  }
  p.For(SYS_prctl, [](Program& q) {
    q.Load(offsetof(seccomp_data, args));
    q.code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_DUMPABLE, 0, 3));
    q.Load(offsetof(seccomp_data, args) + 8);
    q.code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1));
    q.Return(SECCOMP_RET_USER_NOTIF);
  });
  p.Return(SECCOMP_RET_ALLOW);
  return p.code;
}

}  // namespace fuse_rig
