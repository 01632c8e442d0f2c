// What the seam reads and writes of a server: its memory, and descriptors of its own.
#include <errno.h>

#include "seam.h"
#include "target.h"

namespace fuse_rig {

// readMemory(tid, addr, n): n bytes into data; bytes read or -errno.
Napi::Value Seam::ReadMemory(const Napi::CallbackInfo& info) {
  bool lossless;
  uint64_t addr = info[1].As<Napi::BigInt>().Uint64Value(&lossless);
  size_t n = info[2].ToNumber().Uint32Value();
  if (n > data_size_) n = data_size_;
  ssize_t r = ReadTarget(info[0].ToNumber().Int32Value(), addr, data_, n);
  return Napi::Number::New(info.Env(), static_cast<double>(r));
}

// writeMemory(tid, addr, bytes): bytes written or -errno.
Napi::Value Seam::WriteMemory(const Napi::CallbackInfo& info) {
  bool lossless;
  uint64_t addr = info[1].As<Napi::BigInt>().Uint64Value(&lossless);
  Napi::Uint8Array bytes = info[2].As<Napi::Uint8Array>();
  ssize_t r = WriteTarget(info[0].ToNumber().Int32Value(), addr, bytes.Data(), bytes.ByteLength());
  return Napi::Number::New(info.Env(), static_cast<double>(r));
}

// readString(tid, addr): a NUL-terminated string of at most a page as Buffer, or null on EFAULT.
Napi::Value Seam::ReadString(const Napi::CallbackInfo& info) {
  bool lossless;
  uint64_t addr = info[1].As<Napi::BigInt>().Uint64Value(&lossless);
  std::string text;
  if (addr == 0 || !ReadTargetString(info[0].ToNumber().Int32Value(), addr, 4096, &text)) {
    return info.Env().Null();
  }
  return Napi::Buffer<char>::Copy(info.Env(), text.data(), text.size());
}

// getFd(tid, fd): a descriptor of ours for the server's (close it), or -errno.
Napi::Value Seam::GetFd(const Napi::CallbackInfo& info) {
  int r = descriptors_.Get(info[0].ToNumber().Int32Value(), info[1].ToNumber().Int32Value());
  return Napi::Number::New(info.Env(), r);
}

}  // namespace fuse_rig
