#include "crc32c.h"

#include <nmmintrin.h>

#include <cstdint>
#include <cstring>

namespace fuse_rig {

// SSE4.2 is part of every x86-64 machine since 2008; package.json says x64 only.
__attribute__((target("sse4.2"))) uint32_t Crc32c(const uint8_t* p, size_t n, uint32_t crc) {
  uint64_t c = ~crc & 0xffffffffu;
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    c = _mm_crc32_u64(c, word);
  }
  uint32_t c32 = static_cast<uint32_t>(c);
  for (; n > 0; ++p, --n) c32 = _mm_crc32_u8(c32, *p);
  return ~c32;
}

static Napi::Value Crc32cCall(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsTypedArray()) {
    Napi::TypeError::New(env, "crc32c(bytes, seed): bytes must be a Uint8Array")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  uint32_t seed = info.Length() > 1 ? info[1].ToNumber().Uint32Value() : 0;
  return Napi::Number::New(env, Crc32c(bytes.Data(), bytes.ByteLength(), seed));
}

void Crc32cInit(Napi::Env env, Napi::Object exports) {
  exports.Set("crc32c", Napi::Function::New(env, Crc32cCall, "crc32c"));
}

}  // namespace fuse_rig
