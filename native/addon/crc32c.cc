#include "crc32c.h"

#include <nmmintrin.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace fuse_rig {
namespace {

// The polynomial, bits reversed.
constexpr uint32_t kPolynomial = 0x82f63b78;
// One crc32 instruction takes three cycles and one can begin in each: three parts of a block are
// summed side by side. Blocks of these sizes (times three) are; what is left is summed in turn.
constexpr size_t kLong = 8192, kShort = 256;

using Bits = std::array<uint32_t, 32>;  // a linear map over GF(2): the image of each bit

uint32_t Apply(const Bits& map, uint32_t value) {
  uint32_t sum = 0;
  for (size_t i = 0; value != 0; ++i, value >>= 1) sum ^= (value & 1) != 0 ? map[i] : 0;
  return sum;
}

// What `length` zero bytes (a power of two) make of a checksum, a table a byte of it.
class Zeros {
 public:
  explicit Zeros(size_t length) {
    Bits map;
    map[0] = kPolynomial;  // one zero bit
    for (size_t i = 1; i < 32; ++i) map[i] = 1u << (i - 1);
    for (size_t bits = 1; bits < 8 * length; bits *= 2) {
      Bits twice;
      for (size_t i = 0; i < 32; ++i) twice[i] = Apply(map, map[i]);
      map = twice;
    }
    for (uint32_t byte = 0; byte < 256; ++byte) {
      for (size_t at = 0; at < 4; ++at) table_[at][byte] = Apply(map, byte << (8 * at));
    }
  }

  uint32_t operator()(uint64_t crc) const {
    return table_[0][crc & 0xff] ^ table_[1][(crc >> 8) & 0xff] ^ table_[2][(crc >> 16) & 0xff] ^
           table_[3][(crc >> 24) & 0xff];
  }

 private:
  uint32_t table_[4][256];
};

uint64_t Word(const uint8_t* p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

// Sums as many blocks of three times `part` bytes as there are.
__attribute__((target("sse4.2"))) uint64_t Blocks(const uint8_t** p, size_t* n, uint64_t crc, size_t part,
                                                  const Zeros& zeros) {
  for (; *n >= 3 * part; *p += 3 * part, *n -= 3 * part) {
    uint64_t second = 0, third = 0;
    for (const uint8_t* at = *p; at < *p + part; at += 8) {
      crc = _mm_crc32_u64(crc, Word(at));
      second = _mm_crc32_u64(second, Word(at + part));
      third = _mm_crc32_u64(third, Word(at + 2 * part));
    }
    crc = zeros(zeros(crc) ^ second) ^ third;
  }
  return crc;
}

}  // namespace

// SSE4.2 is part of every x86-64 machine since 2008; package.json says x64 only.
__attribute__((target("sse4.2"))) uint32_t Crc32c(const uint8_t* p, size_t n, uint32_t crc) {
  static const Zeros kLongZeros(kLong), kShortZeros(kShort);
  uint64_t c = ~crc & 0xffffffffu;
  c = Blocks(&p, &n, c, kLong, kLongZeros);
  c = Blocks(&p, &n, c, kShort, kShortZeros);
  for (; n >= 8; p += 8, n -= 8) c = _mm_crc32_u64(c, Word(p));
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
