// CRC32C (Castagnoli), the checksum of the capture's frames.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

namespace fuse_rig {

// CRC32C of n bytes, continuing from crc (0 to begin).
uint32_t Crc32c(const uint8_t* p, size_t n, uint32_t crc);

// crc32c(bytes: Uint8Array, seed = 0): number
void Crc32cInit(Napi::Env env, Napi::Object exports);

}  // namespace fuse_rig
