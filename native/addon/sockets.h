// Sockets and pipes between the rig and its own processes.
#pragma once

#include <napi.h>

namespace fuse_rig {

void SocketsInit(Napi::Env env, Napi::Object exports);

}  // namespace fuse_rig
