// The two buffers of a ring entry in the server: requests into them, replies out of them, poison.
#pragma once

#include <napi.h>

namespace fuse_rig {

void EntryInit(Napi::Env env, Napi::Object exports);

}  // namespace fuse_rig
