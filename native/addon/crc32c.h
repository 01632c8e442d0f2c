// CRC32C (Castagnoli), the checksum of the capture's frames.
#pragma once

#include <napi.h>

namespace fuse_rig {

// crc32c(bytes: Uint8Array, seed = 0): number
void Crc32cInit(Napi::Env env, Napi::Object exports);

}  // namespace fuse_rig
