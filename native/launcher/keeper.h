// The keeper: parent of the server, reaps it, and cleans up when the rig is gone.
#pragma once

namespace fuse_rig {

// Serves the rig's socket until it closes; never returns. Ends every process of the server and
// detaches every FUSE mount that appeared on an announced mountpoint. `go` is the pipe that starts the
// server.
[[noreturn]] void Keep(int sock, int go);

}  // namespace fuse_rig
