#include "entry.h"

#include <errno.h>
#include <string.h>

#include <vector>

#include "poison.h"
#include "target.h"

namespace fuse_rig {
namespace {

// struct fuse_uring_req_header: in_out 128, op_in 128, ring_ent_in_out 32 (include/uapi/linux/fuse.h).
constexpr size_t kHeaders = 288, kOpIn = 128, kEnt = 256, kEntSize = 32, kInHeader = 40;
constexpr size_t kOutError = 4, kPayloadSize = kEnt + 16;
// Where takeReply puts the payload; the out_header lies right before it.
constexpr size_t kBody = 512, kOutHeader = 16;

uint64_t Address(const Napi::Value& v) { return static_cast<uint64_t>(v.ToNumber().DoubleValue()); }
void* Pointer(uint64_t address) { return reinterpret_cast<void*>(address); }

// putRequest(tid, headers, payload, opIn, message): the message is in_header, `opIn` bytes of op_in, the
// payload, and ring_ent_in_out; they go to the entry in the kernel's order (fuse_uring_copy_to_ring()).
// 0 or -EFAULT.
Napi::Value PutRequest(const Napi::CallbackInfo& info) {
  const pid_t tid = info[0].ToNumber().Int32Value();
  const uint64_t headers = Address(info[1]), payload = Address(info[2]);
  const size_t op_in = info[3].ToNumber().Uint32Value();
  Napi::Uint8Array message = info[4].As<Napi::Uint8Array>();
  uint8_t* m = message.Data();
  const size_t size = message.ByteLength() - kInHeader - op_in - kEntSize;
  const size_t order[][2] = {{kInHeader, op_in}, {kInHeader + op_in, size}, {kInHeader + op_in + size, kEntSize}, {0, kInHeader}};
  const uint64_t places[] = {headers + kOpIn, payload, headers + kEnt, headers};
  iovec local[4], remote[4];
  size_t count = 0, total = 0;
  for (size_t i = 0; i < 4; ++i) {
    if (order[i][1] == 0) continue;
    local[count] = {m + order[i][0], order[i][1]};
    remote[count++] = {Pointer(places[i]), order[i][1]};
    total += order[i][1];
  }
  const ssize_t n = process_vm_writev(tid, local, count, remote, count, 0);
  return Napi::Number::New(info.Env(), n == static_cast<ssize_t>(total) ? 0 : n < 0 && errno == ESRCH ? -ESRCH : -EFAULT);
}

// takeReply(tid, headers, payload, payloadSize, into): the headers to into[0..288), the committed payload
// to into[512..), and the out_header once more right before it, its len set to what was committed. Bytes
// of the payload; -EFAULT: the headers cannot be read, -EIO: the payload cannot.
Napi::Value TakeReply(const Napi::CallbackInfo& info) {
  const pid_t tid = info[0].ToNumber().Int32Value();
  const uint64_t headers = Address(info[1]), payload = Address(info[2]);
  const size_t room = info[3].ToNumber().Uint32Value();
  Napi::Uint8Array into = info[4].As<Napi::Uint8Array>();
  uint8_t* to = into.Data();
  Napi::Env env = info.Env();
  const ssize_t got = ReadTarget(tid, headers, to, kHeaders);
  if (got != static_cast<ssize_t>(kHeaders)) return Napi::Number::New(env, got == -ESRCH ? -ESRCH : -EFAULT);
  int32_t error;
  uint32_t size;
  memcpy(&error, to + kOutError, 4);
  memcpy(&size, to + kPayloadSize, 4);
  if (error != 0) size = 0;
  if (size > room) size = static_cast<uint32_t>(room);
  if (size > into.ByteLength() - kBody) size = static_cast<uint32_t>(into.ByteLength() - kBody);
  const uint32_t len = size + kOutHeader;
  memcpy(to + kBody - kOutHeader, to, kOutHeader);
  memcpy(to + kBody - kOutHeader, &len, 4);
  if (size > 0 && ReadTarget(tid, payload, to + kBody, size) != static_cast<ssize_t>(size)) return Napi::Number::New(env, -EIO);
  return Napi::Number::New(env, size);
}

// putPoison(tid, headers, payload, size, tag): fills the headers and `size` bytes of the payload.
Napi::Value PutPoison(const Napi::CallbackInfo& info) {
  const size_t size = info[3].ToNumber().Uint32Value();
  const uint32_t tag = info[4].ToNumber().Uint32Value();
  static thread_local std::vector<uint8_t> bytes;
  bytes.resize(kHeaders + size);
  FillPoison(bytes.data(), kHeaders, tag, 0);
  FillPoison(bytes.data() + kHeaders, size, tag, kHeaders);
  const iovec remote[] = {{Pointer(Address(info[1])), kHeaders}, {Pointer(Address(info[2])), size}};
  const ssize_t n = WriteTargetIov(info[0].ToNumber().Int32Value(), remote, size > 0 ? 2 : 1, bytes.data(), bytes.size());
  return Napi::Boolean::New(info.Env(), n == static_cast<ssize_t>(bytes.size()));
}

// changedPoison(tid, headers, payload, size, tag): [first, last] byte that changed, counted from the
// headers' start, the payload's bytes behind their 288; null: none did, or the memory is gone.
Napi::Value ChangedPoisonOf(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const size_t size = info[3].ToNumber().Uint32Value();
  const uint32_t tag = info[4].ToNumber().Uint32Value();
  static thread_local std::vector<uint8_t> bytes;
  bytes.resize(kHeaders + size);
  const iovec remote[] = {{Pointer(Address(info[1])), kHeaders}, {Pointer(Address(info[2])), size}};
  const ssize_t n = ReadTargetIov(info[0].ToNumber().Int32Value(), remote, size > 0 ? 2 : 1, bytes.data(), bytes.size());
  if (n != static_cast<ssize_t>(bytes.size())) return env.Null();
  size_t first = 0, last = 0;
  size_t base = 0;
  if (!ChangedPoison(bytes.data(), kHeaders, tag, 0, &first, &last)) {
    base = kHeaders;
    if (!ChangedPoison(bytes.data() + kHeaders, size, tag, kHeaders, &first, &last)) return env.Null();
  }
  Napi::Array out = Napi::Array::New(env, 2);
  out.Set(0U, Napi::Number::New(env, static_cast<double>(base + first)));
  out.Set(1U, Napi::Number::New(env, static_cast<double>(base + last)));
  return out;
}

// findPoison(bytes, from): [at, length, tag, offset] of the first run of poison, or null.
Napi::Value FindPoisonIn(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  FoundPoison f{};
  if (!FindPoison(bytes.Data(), bytes.ByteLength(), info[1].ToNumber().Uint32Value(), &f)) return env.Null();
  Napi::Array out = Napi::Array::New(env, 4);
  const double values[] = {static_cast<double>(f.at), static_cast<double>(f.length), static_cast<double>(f.tag), static_cast<double>(f.offset)};
  for (uint32_t i = 0; i < 4; ++i) out.Set(i, Napi::Number::New(env, values[i]));
  return out;
}

}  // namespace

void EntryInit(Napi::Env env, Napi::Object exports) {
  exports.Set("putRequest", Napi::Function::New(env, PutRequest));
  exports.Set("takeReply", Napi::Function::New(env, TakeReply));
  exports.Set("putPoison", Napi::Function::New(env, PutPoison));
  exports.Set("changedPoison", Napi::Function::New(env, ChangedPoisonOf));
  exports.Set("findPoison", Napi::Function::New(env, FindPoisonIn));
}

}  // namespace fuse_rig
