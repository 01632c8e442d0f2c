// Starts servers for the rig, which is large, and whose fork is dear.
#pragma once

#include <sys/types.h>

#include <map>

#include "keeper_protocol.h"

namespace fuse_rig {

class Starter {
 public:
  Starter();

  // Readable when a keeper has ended: Reap() is to be called.
  int ended() const { return ended_; }
  void Reap();

  // kStart: a child becomes the keeper of another server. `fds`, which are taken over, in the order of
  // kStartFds; `sock` is the rig's and not the child's. A child that cannot be had is one that has ended.
  void Start(int sock, const KeeperMessage& m, const int* fds, int count);

 private:
  int ended_;
  // Of each keeper, what the rig waits for the end of: closed when the keeper has been reaped.
  std::map<pid_t, int> gone_;
};

}  // namespace fuse_rig
