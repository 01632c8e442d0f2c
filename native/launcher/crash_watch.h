// Sees the server's threads by ptrace(2), so that one that is about to die of a signal can be looked at
// before it does. Only for a run that is made for nothing else.
#pragma once

#include <sys/types.h>

#include <set>

#include "keeper_protocol.h"

namespace fuse_rig {

class CrashWatch {
 public:
  // `pids`: of a child that has not begun yet, whose threads and children are watched, and of the rig: what
  // that sends is no crash. 0 or an errno.
  int Begin(const char* pids);
  // What waitpid(2) said of a thread that has stopped: it goes on, or stays because the signal would end
  // it; then `crash` is what to tell the rig, `size` of it, and the answer is true.
  bool Stopped(pid_t tid, int status, KeeperMessage* crash, size_t* size);
  // Of who has ended: a thread that was not its process.
  bool WasThread(pid_t tid) { return threads_.erase(tid) != 0; }

 private:
  void NoteThread(pid_t tid);

  pid_t rig_ = 0;
  std::set<pid_t> threads_;  // that are not the first of their process
};

}  // namespace fuse_rig
