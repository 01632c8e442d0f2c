// Whether every thread of the server waits, all at one moment.
#pragma once

#include <napi.h>

namespace fuse_rig {

void QuietInit(Napi::Env env, Napi::Object exports);

}  // namespace fuse_rig
