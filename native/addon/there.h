// System calls made in the place of a thread of the server.
#pragma once

#include <napi.h>

namespace fuse_rig {

void ThereInit(Napi::Env env, Napi::Object exports);

}  // namespace fuse_rig
