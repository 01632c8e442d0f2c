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
// Where a request begins, and where the payload of a reply lies; the out_header lies right before it.
constexpr size_t kRequest = 64, kBody = 512, kOutHeader = 16;

uint64_t Address(const Napi::Value& v) { return static_cast<uint64_t>(v.ToNumber().DoubleValue()); }
void* Pointer(uint64_t address) { return reinterpret_cast<void*>(address); }

double Num(const Napi::CallbackInfo& info, size_t i) { return info[i].As<Napi::Number>().DoubleValue(); }

// A request on its way to an entry, and a reply on its way out of one.
class EntryMessages : public Napi::ObjectWrap<EntryMessages> {
 public:
  explicit EntryMessages(const Napi::CallbackInfo& info);
  static Napi::Function Define(Napi::Env env);

 private:
  Napi::Value Put(const Napi::CallbackInfo& info);
  Napi::Value Take(const Napi::CallbackInfo& info);

  size_t size_;
  uint8_t *request_, *reply_;
  Napi::Reference<Napi::ArrayBuffer> request_ref_, reply_ref_;
};

// new EntryMessages(size): `request` holds ring_ent_in_out and from 64 on the message, `reply` the
// headers and from 512 on the payload; `size` bytes of either.
EntryMessages::EntryMessages(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EntryMessages>(info) {
  size_ = static_cast<size_t>(Num(info, 0));
  Napi::ArrayBuffer request = Napi::ArrayBuffer::New(info.Env(), kRequest + size_);
  Napi::ArrayBuffer reply = Napi::ArrayBuffer::New(info.Env(), kBody + size_);
  request_ = static_cast<uint8_t*>(request.Data());
  reply_ = static_cast<uint8_t*>(reply.Data());
  request_ref_ = Napi::Persistent(request);
  reply_ref_ = Napi::Persistent(reply);
  Value().Set("request", request);
  Value().Set("reply", reply);
}

// put(tid, headers, payload, opIn, length): the message of `length` bytes is in_header, `opIn` bytes of
// op_in, and the payload; they go to the entry, and ring_ent_in_out with them, in the kernel's order
// (fuse_uring_copy_to_ring()). 0 or -EFAULT; -ESRCH: there is no such thread.
Napi::Value EntryMessages::Put(const Napi::CallbackInfo& info) {
  const pid_t tid = static_cast<pid_t>(Num(info, 0));
  const uint64_t headers = static_cast<uint64_t>(Num(info, 1)), payload = static_cast<uint64_t>(Num(info, 2));
  const size_t op_in = static_cast<size_t>(Num(info, 3)), size = static_cast<size_t>(Num(info, 4)) - kInHeader - op_in;
  uint8_t* m = request_ + kRequest;
  const iovec from[] = {{m + kInHeader, op_in}, {m + kInHeader + op_in, size}, {request_, kEntSize}, {m, kInHeader}};
  const uint64_t places[] = {headers + kOpIn, payload, headers + kEnt, headers};
  iovec local[4], remote[4];
  size_t count = 0, total = 0;
  for (size_t i = 0; i < 4; ++i) {
    if (from[i].iov_len == 0) continue;
    local[count] = from[i];
    remote[count++] = {Pointer(places[i]), from[i].iov_len};
    total += from[i].iov_len;
  }
  const ssize_t n = process_vm_writev(tid, local, count, remote, count, 0);
  return Napi::Number::New(info.Env(), n == static_cast<ssize_t>(total) ? 0 : n < 0 && errno == ESRCH ? -ESRCH : -EFAULT);
}

// take(tid, headers, payload, payloadSize, guess): the entry's headers, its committed payload, and the
// out_header once more right before that, its len set to what was committed. `guess` bytes of the payload
// are read with the headers, and if there are more they cost a second call. Bytes of the payload; -EFAULT:
// the headers cannot be read, -EIO: the payload cannot, -ESRCH: there is no such thread.
Napi::Value EntryMessages::Take(const Napi::CallbackInfo& info) {
  const pid_t tid = static_cast<pid_t>(Num(info, 0));
  const uint64_t headers = static_cast<uint64_t>(Num(info, 1)), payload = static_cast<uint64_t>(Num(info, 2));
  const size_t room = static_cast<size_t>(Num(info, 3)), guess = static_cast<size_t>(Num(info, 4));
  Napi::Env env = info.Env();
  const iovec local[] = {{reply_, kHeaders}, {reply_ + kBody, guess}};
  const iovec remote[] = {{Pointer(headers), kHeaders}, {Pointer(payload), guess}};
  const size_t count = guess > 0 ? 2 : 1;
  const ssize_t got = process_vm_readv(tid, local, count, remote, count, 0);
  if (got < static_cast<ssize_t>(kHeaders)) return Napi::Number::New(env, got < 0 && errno == ESRCH ? -ESRCH : -EFAULT);
  int32_t error;
  uint32_t size;
  memcpy(&error, reply_ + kOutError, 4);
  memcpy(&size, reply_ + kPayloadSize, 4);
  if (error != 0) size = 0;
  if (size > room) size = static_cast<uint32_t>(room);
  if (size > size_) size = static_cast<uint32_t>(size_);
  const uint32_t len = size + kOutHeader;
  memcpy(reply_ + kBody - kOutHeader, reply_, kOutHeader);
  memcpy(reply_ + kBody - kOutHeader, &len, 4);
  const size_t had = static_cast<size_t>(got) - kHeaders;
  if (size > had && ReadTarget(tid, payload, reply_ + kBody, size) != static_cast<ssize_t>(size)) return Napi::Number::New(env, -EIO);
  return Napi::Number::New(env, size);
}

Napi::Function EntryMessages::Define(Napi::Env env) {
  return DefineClass(env, "EntryMessages",
                     {InstanceMethod<&EntryMessages::Put>("put"), InstanceMethod<&EntryMessages::Take>("take")});
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
  exports.Set("EntryMessages", EntryMessages::Define(env));
  exports.Set("putPoison", Napi::Function::New(env, PutPoison));
  exports.Set("changedPoison", Napi::Function::New(env, ChangedPoisonOf));
  exports.Set("findPoison", Napi::Function::New(env, FindPoisonIn));
}

}  // namespace fuse_rig
