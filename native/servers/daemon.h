// Going into the background.
#pragma once

namespace fuse_rig {

// Forks twice: the caller's process exits 0, a session leader exits, and the process that returns
// belongs to no terminal. It works in / with the standard descriptors on /dev/null.
void Daemonize();

}  // namespace fuse_rig
