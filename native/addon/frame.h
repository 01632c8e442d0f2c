// Appending one frame to a capture: checksum and write in one call (recorder/FORMAT.md).
#pragma once

#include <napi.h>

namespace fuse_rig {

// appendFrame(fd: number, head: Uint8Array, headLength: number, body: Uint8Array): number
void FrameInit(Napi::Env env, Napi::Object exports);

}  // namespace fuse_rig
