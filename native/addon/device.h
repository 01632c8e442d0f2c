// System calls on the real /dev/fuse and its mounts, for the relay.
#pragma once

#include <napi.h>

namespace fuse_rig {

void DeviceInit(Napi::Env env, Napi::Object exports);

}  // namespace fuse_rig
