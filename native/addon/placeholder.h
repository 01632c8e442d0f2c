// What the server holds instead of /dev/fuse: one end of an AF_UNIX datagram pair, which polls as
// the device would. Nothing: no datagram queued. IN: a token is queued. ERR alone: dead (below).
#pragma once

#include <sys/types.h>

#include <string>

#include "fd.h"

namespace fuse_rig {

class Placeholder {
 public:
  // Creates the pair. `server_end` is the descriptor to install in the server.
  static bool Create(Placeholder* out, Fd* server_end);

  ino_t ino() const { return ino_; }

  // Queues or takes away the token. `server_end` is a descriptor of ours for the server's end.
  void SetReadable(int server_end, bool on);
  bool readable() const { return readable_; }

  // Makes the server's end poll as ERR alone (fuse_dev_poll of a dead connection, or of none yet).
  void SetDead(int server_end);
  // The same undone: a mount has bound the device.
  void SetAlive(int server_end);
  bool dead() const { return dead_; }

  // False when no process holds the server's end any more. Side-effect free for the server: the
  // server's end has an abstract name; connect(2) from a third socket is refused with EPERM while
  // the end lives (it is somebody else's peer) and with ECONNREFUSED once it is gone.
  bool Alive() const;

 private:
  Fd rig_end_;
  Fd third_;  // where a dead server end's send buffer is filled to
  std::string name_;
  ino_t ino_ = 0;
  bool readable_ = false;
  bool dead_ = false;
};

}  // namespace fuse_rig
