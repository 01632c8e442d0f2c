// The keeper of a scratch directory: it makes it, starts servers that work there, and removes it when the
// rig is gone.
#pragma once

namespace fuse_rig {

// Serves the rig's socket until it closes, then removes the scratch directories it made and that are
// still there. Returns the exit code.
int KeepScratch(int sock);

}  // namespace fuse_rig
