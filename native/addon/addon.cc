// The addon's one entry point: each concern registers its functions here and nowhere else.
#include <napi.h>

#include "crc32c.h"
#include "frame.h"
#include "device.h"
#include "entry.h"
#include "host_ring.h"
#include "quiet.h"
#include "seam.h"
#include "sockets.h"
#include "there.h"
#include "inode.h"
#include "probe.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  fuse_rig::Crc32cInit(env, exports);
  fuse_rig::FrameInit(env, exports);
  fuse_rig::InodeInit(env, exports);
  fuse_rig::DeviceInit(env, exports);
  fuse_rig::SocketsInit(env, exports);
  fuse_rig::EntryInit(env, exports);
  fuse_rig::ThereInit(env, exports);
  fuse_rig::QuietInit(env, exports);
  fuse_rig::ProbeInit(env, exports);
  exports.Set("Seam", fuse_rig::Seam::Define(env));
  exports.Set("HostRing", fuse_rig::HostRing::Define(env));
  exports.Set("HostPages", fuse_rig::HostPages::Define(env));
  return exports;
}

NODE_API_MODULE(fuse_rig, Init)
