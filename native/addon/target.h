// The server's memory, descriptors and signals, from outside.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "fd.h"

namespace fuse_rig {

// Bytes copied, or -errno. Fewer than asked when the target's memory ends or faults midway.
ssize_t ReadTarget(pid_t tid, uint64_t addr, void* to, size_t n);
ssize_t WriteTarget(pid_t tid, uint64_t addr, const void* from, size_t n);
// Gathers from / scatters to the target's iovec array.
ssize_t ReadTargetIov(pid_t tid, const iovec* iov, size_t count, void* to, size_t n);
ssize_t WriteTargetIov(pid_t tid, const iovec* iov, size_t count, const void* from, size_t n);
// A NUL-terminated string of at most `max` bytes; false on EFAULT. Longer ones are cut.
bool ReadTargetString(pid_t tid, uint64_t addr, size_t max, std::string* out);

// Whether a signal would interrupt the thread's sleep right now. Perhaps: one waits for the process,
// and any of its threads may have been chosen to take it.
enum class Pending { kNone, kYes, kPerhaps };
Pending PendingSignals(pid_t tid);

// Thread group of a thread; 0 when it is gone.
pid_t ThreadGroup(pid_t tid);

// pidfd_getfd with the pidfds kept.
class Descriptors {
 public:
  // A descriptor of ours for descriptor `fd` of thread `tid`; -errno on failure.
  int Get(pid_t tid, int fd);
  void Forget(pid_t pid);
  void Clear() {
    pidfds_.clear();
    tgids_.clear();
  }

 private:
  std::unordered_map<pid_t, Fd> pidfds_;    // by thread group
  std::unordered_map<pid_t, pid_t> tgids_;  // by thread
};

}  // namespace fuse_rig
