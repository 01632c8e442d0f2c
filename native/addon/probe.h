// What this machine can do, found out by doing it (rig/doctor).
#pragma once

#include <napi.h>

namespace fuse_rig {

Napi::Value ProbeSeam(const Napi::CallbackInfo& info);  // probe_seam.cc
void ProbeInit(Napi::Env env, Napi::Object exports);

}  // namespace fuse_rig
