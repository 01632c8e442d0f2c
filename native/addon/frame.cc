#include "frame.h"

#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "crc32c.h"

namespace fuse_rig {
namespace {

// HEADER_BYTES and CRC_AT of recorder/capture/frame.ts, which owns the layout.
constexpr size_t kHeaderBytes = 24;
constexpr size_t kLengthAt = 8;
constexpr size_t kCrcAt = 12;

uint32_t U32(const uint8_t* p) {
  uint32_t value;
  memcpy(&value, p, sizeof value);
  return value;
}

// soundFrames(bytes, from, to): where the frames end that begin at `from`, are whole before `to` and
// carry the right checksum.
Napi::Value SoundFrames(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 3 || !info[0].IsTypedArray() || !info[1].IsNumber() || !info[2].IsNumber()) {
    Napi::TypeError::New(env, "soundFrames(bytes, from, to): wrong arguments")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  int64_t from = info[1].As<Napi::Number>().Int64Value();
  int64_t to = info[2].As<Napi::Number>().Int64Value();
  if (from < 0 || to < from || to > static_cast<int64_t>(bytes.ByteLength())) {
    Napi::RangeError::New(env, "soundFrames: not within bytes").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const uint8_t* p = bytes.Data();
  while (to - from >= static_cast<int64_t>(kHeaderBytes)) {
    const uint8_t* frame = p + from;
    const size_t length = kHeaderBytes + U32(frame + kLengthAt);
    if (static_cast<int64_t>(length) > to - from) break;
    // The checksum was made with its own field zero.
    uint8_t head[kHeaderBytes];
    memcpy(head, frame, kHeaderBytes);
    memset(head + kCrcAt, 0, 4);
    uint32_t crc = Crc32c(head, kHeaderBytes, 0);
    if (Crc32c(frame + kHeaderBytes, length - kHeaderBytes, crc) != U32(frame + kCrcAt)) break;
    from += static_cast<int64_t>(length);
  }
  return Napi::Number::New(env, static_cast<double>(from));
}

// Writes all of head and body at the descriptor's position. Returns the bytes written or -errno; a
// frame that could not be written whole is cut off again, so that the file ends with a whole frame
// and what stands before stays readable without repair.
int64_t WriteWhole(int fd, uint8_t* head, size_t head_length, uint8_t* body, size_t body_length) {
  iovec iov[2] = {{head, head_length}, {body, body_length}};
  iovec* next = iov;
  int64_t left = static_cast<int64_t>(head_length + body_length);
  int64_t written = 0;
  while (left > 0) {
    ssize_t n = writev(fd, next, static_cast<int>(iov + 2 - next));
    if (n < 0 && errno == EINTR) continue;
    // A write of nothing cannot happen to a regular file; as an error it cannot loop for ever.
    int error = n > 0 ? 0 : n == 0 ? EIO : errno;
    if (error != 0) {
      off_t at = written > 0 ? lseek(fd, 0, SEEK_CUR) : -1;
      if (at >= written && ftruncate(fd, at - written) == 0) lseek(fd, at - written, SEEK_SET);
      return -error;
    }
    written += n;
    left -= n;
    size_t skip = static_cast<size_t>(n);
    for (; next < iov + 2 && skip >= next->iov_len; ++next) skip -= next->iov_len;
    if (next < iov + 2) {
      next->iov_base = static_cast<uint8_t*>(next->iov_base) + skip;
      next->iov_len -= skip;
    }
  }
  return written;
}

Napi::Value AppendFrame(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 4 || !info[0].IsNumber() || !info[1].IsTypedArray() ||
      !info[2].IsNumber() || !info[3].IsTypedArray()) {
    Napi::TypeError::New(env, "appendFrame(fd, head, headLength, body): wrong arguments")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Uint8Array head = info[1].As<Napi::Uint8Array>();
  Napi::Uint8Array body = info[3].As<Napi::Uint8Array>();
  int64_t head_length = info[2].As<Napi::Number>().Int64Value();
  if (head_length < static_cast<int64_t>(kHeaderBytes) ||
      head_length > static_cast<int64_t>(head.ByteLength())) {
    Napi::RangeError::New(env, "appendFrame: headLength is not within head")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  uint8_t* h = head.Data();
  memset(h + kCrcAt, 0, 4);
  uint32_t crc = Crc32c(h, static_cast<size_t>(head_length), 0);
  crc = Crc32c(body.Data(), body.ByteLength(), crc);
  memcpy(h + kCrcAt, &crc, 4);  // x86-64 is little-endian, as the format is
  int fd = info[0].As<Napi::Number>().Int32Value();
  int64_t result =
      WriteWhole(fd, h, static_cast<size_t>(head_length), body.Data(), body.ByteLength());
  return Napi::Number::New(env, static_cast<double>(result));
}

}  // namespace

void FrameInit(Napi::Env env, Napi::Object exports) {
  exports.Set("soundFrames", Napi::Function::New(env, SoundFrames, "soundFrames"));
  exports.Set("appendFrame", Napi::Function::New(env, AppendFrame, "appendFrame"));
}

}  // namespace fuse_rig
