// The bugs of who serves one session after the other: what each keeps of one that is over.
#pragma once

namespace fuse_rig {

// To be called after every session.
void LeakOfSession();

}  // namespace fuse_rig
