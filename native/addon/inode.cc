#include "inode.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

namespace fuse_rig {
namespace {

// Bytes of argument `i`, or false with a TypeError pending. A NUL would silently cut a path short.
bool BytesArg(const Napi::CallbackInfo& info, size_t i, const char* call, std::string* out,
              bool path = true) {
  if (info.Length() > i && info[i].IsTypedArray() &&
      info[i].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    Napi::Uint8Array bytes = info[i].As<Napi::Uint8Array>();
    out->assign(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength());
    if (!path || out->find('\0') == std::string::npos) return true;
  }
  Napi::TypeError::New(info.Env(), std::string(call) + ": argument " + std::to_string(i + 1) +
                                       " must be a Uint8Array" + (path ? " without NUL" : ""))
      .ThrowAsJavaScriptException();
  return false;
}

bool NumberArg(const Napi::CallbackInfo& info, size_t i, const char* call, int64_t* out) {
  if (info.Length() > i && info[i].IsNumber()) {
    *out = info[i].ToNumber().Int64Value();
    return true;
  }
  Napi::TypeError::New(info.Env(),
                       std::string(call) + ": argument " + std::to_string(i + 1) +
                           " must be a number")
      .ThrowAsJavaScriptException();
  return false;
}

bool TimeArg(const Napi::CallbackInfo& info, size_t i, timespec* out) {
  bool lossless = false;
  if (info.Length() > i && info[i].IsBigInt()) {
    int64_t ns = info[i].As<Napi::BigInt>().Int64Value(&lossless);
    // tv_nsec counts forward from tv_sec, so times before 1970 round their seconds down.
    out->tv_sec = ns / 1000000000 - (ns % 1000000000 < 0 ? 1 : 0);
    out->tv_nsec = ns - out->tv_sec * 1000000000;
  }
  if (lossless) return true;
  Napi::TypeError::New(info.Env(), "utimens: times must be bigint nanoseconds of 64 bits")
      .ThrowAsJavaScriptException();
  return false;
}

Napi::Value Result(Napi::Env env, int64_t result) {
  return Napi::Number::New(env, static_cast<double>(result < 0 ? -errno : result));
}

// Calls `read(buffer, size)` with room for what it says it needs; the need may grow in between.
template <typename Read>
Napi::Value Grow(Napi::Env env, Read read) {
  std::vector<char> buffer(1024);
  for (;;) {
    ssize_t n = read(buffer.data(), buffer.size());
    if (n >= 0) {
      return Napi::Buffer<uint8_t>::Copy(env, reinterpret_cast<uint8_t*>(buffer.data()),
                                         static_cast<size_t>(n));
    }
    // 64 KiB bounds a list and a value (XATTR_LIST_MAX, XATTR_SIZE_MAX of linux/limits.h).
    if (errno != ERANGE || buffer.size() >= 65536) return Result(env, n);
    buffer.resize(65536);
  }
}

Napi::Value ListXattr(const Napi::CallbackInfo& info) {
  std::string path;
  if (!BytesArg(info, 0, "listxattr", &path)) return info.Env().Undefined();
  return Grow(info.Env(),
              [&](char* to, size_t size) { return llistxattr(path.c_str(), to, size); });
}

Napi::Value GetXattr(const Napi::CallbackInfo& info) {
  std::string path, name;
  if (!BytesArg(info, 0, "getxattr", &path) || !BytesArg(info, 1, "getxattr", &name)) {
    return info.Env().Undefined();
  }
  return Grow(info.Env(), [&](char* to, size_t size) {
    return lgetxattr(path.c_str(), name.c_str(), to, size);
  });
}

Napi::Value SetXattr(const Napi::CallbackInfo& info) {
  std::string path, name, value;
  if (!BytesArg(info, 0, "setxattr", &path) || !BytesArg(info, 1, "setxattr", &name) ||
      !BytesArg(info, 2, "setxattr", &value, false)) {
    return info.Env().Undefined();
  }
  return Result(info.Env(),
                lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0));
}

Napi::Value RemoveXattr(const Napi::CallbackInfo& info) {
  std::string path, name;
  if (!BytesArg(info, 0, "removexattr", &path) || !BytesArg(info, 1, "removexattr", &name)) {
    return info.Env().Undefined();
  }
  return Result(info.Env(), lremovexattr(path.c_str(), name.c_str()));
}

Napi::Value Utimens(const Napi::CallbackInfo& info) {
  std::string path;
  timespec times[2];
  if (!BytesArg(info, 0, "utimens", &path) || !TimeArg(info, 1, &times[0]) ||
      !TimeArg(info, 2, &times[1])) {
    return info.Env().Undefined();
  }
  return Result(info.Env(), utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW));
}

Napi::Value Mknod(const Napi::CallbackInfo& info) {
  std::string path;
  int64_t mode, major_number, minor_number;
  if (!BytesArg(info, 0, "mknod", &path) || !NumberArg(info, 1, "mknod", &mode) ||
      !NumberArg(info, 2, "mknod", &major_number) ||
      !NumberArg(info, 3, "mknod", &minor_number)) {
    return info.Env().Undefined();
  }
  dev_t dev = makedev(static_cast<unsigned>(major_number), static_cast<unsigned>(minor_number));
  return Result(info.Env(), mknod(path.c_str(), static_cast<mode_t>(mode), dev));
}

Napi::Value DataExtent(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int64_t fd, from;
  if (!NumberArg(info, 0, "dataExtent", &fd) || !NumberArg(info, 1, "dataExtent", &from)) {
    return env.Undefined();
  }
  off_t start = lseek(static_cast<int>(fd), from, SEEK_DATA);
  if (start < 0) return Result(env, start);
  off_t end = lseek(static_cast<int>(fd), start, SEEK_HOLE);
  if (end < 0) return Result(env, end);
  Napi::Array extent = Napi::Array::New(env, 2);
  extent.Set(0u, Napi::Number::New(env, static_cast<double>(start)));
  extent.Set(1u, Napi::Number::New(env, static_cast<double>(end)));
  return extent;
}

}  // namespace

void InodeInit(Napi::Env env, Napi::Object exports) {
  exports.Set("listxattr", Napi::Function::New(env, ListXattr, "listxattr"));
  exports.Set("getxattr", Napi::Function::New(env, GetXattr, "getxattr"));
  exports.Set("setxattr", Napi::Function::New(env, SetXattr, "setxattr"));
  exports.Set("removexattr", Napi::Function::New(env, RemoveXattr, "removexattr"));
  exports.Set("utimens", Napi::Function::New(env, Utimens, "utimens"));
  exports.Set("mknod", Napi::Function::New(env, Mknod, "mknod"));
  exports.Set("dataExtent", Napi::Function::New(env, DataExtent, "dataExtent"));
}

}  // namespace fuse_rig
