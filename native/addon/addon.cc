// The addon's one entry point: each concern registers its functions here and nowhere else.
#include <napi.h>

#include "crc32c.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  fuse_rig::Crc32cInit(env, exports);
  return exports;
}

NODE_API_MODULE(fuse_rig, Init)
