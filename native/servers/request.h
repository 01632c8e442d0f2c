// One request as it is taken apart, and its reply as it is put together. Both live in the buffers
// of the thread that read the request; nothing here owns memory.
#pragma once

#include <cstring>

#include "fuse_abi.h"

namespace fuse_rig {

class Channel;

// What an operation may return beside 0 and a positive errno: nothing is written now, since the
// opcode has no reply or since something else will answer (locks.h).
constexpr int kNoReply = -1;
// The body does not parse. EIO, as libfuse answers such a request.
constexpr int kMalformed = 5;

// Who asks, about which node, and where the answer goes.
struct Context {
  uint64_t unique, nodeid;
  uint32_t uid, gid, pid;
  Channel* channel;
};

// The bytes after fuse_in_header, taken from the front. Every call says whether there was enough.
class Body {
 public:
  Body(const char* at, size_t left) : at_(at), left_(left) {}

  // Copies `size` bytes, at most the structure; the rest of it becomes zero (older layouts).
  template <class T>
  bool Take(T* out, size_t size = sizeof(T)) {
    if (size > left_) return false;
    memset(static_cast<void*>(out), 0, sizeof(T));
    memcpy(static_cast<void*>(out), at_, size < sizeof(T) ? size : sizeof(T));
    Skip(size);
    return true;
  }

  // A string with its NUL, pointing into the request.
  bool Text(const char** out) {
    const void* nul = memchr(at_, 0, left_);
    if (nul == nullptr) return false;
    *out = at_;
    Skip(static_cast<const char*>(nul) - at_ + 1);
    return true;
  }

  // Text that names one entry of a directory: nothing that would lead out of it.
  bool Name(const char** out) {
    if (!Text(out)) return false;
    const char* name = *out;
    return name[0] != 0 && strchr(name, '/') == nullptr && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
  }

  bool Data(const char** out, size_t size) {
    if (size > left_) return false;
    *out = at_;
    Skip(size);
    return true;
  }

  size_t left() const { return left_; }

 private:
  void Skip(size_t n) {
    at_ += n;
    left_ -= n;
  }
  const char* at_;
  size_t left_;
};

// The bytes after fuse_out_header; room for the header is kept in front of them.
class Reply {
 public:
  Reply(char* buffer, size_t capacity) : buffer_(buffer), capacity_(capacity) {}

  // Appends the first `size` bytes of a structure; the caller knows that they fit (fixed sizes).
  template <class T>
  void Put(const T& value, size_t size = sizeof(T)) {
    memcpy(buffer_ + used_, &value, size);
    used_ += size;
  }

  // Free bytes for a body of variable size; `Grow` says how many were filled.
  char* space() { return buffer_ + used_; }
  size_t room() const { return capacity_ - used_; }
  void Grow(size_t n) { used_ += n; }

  // Writes the header of the finished message and returns it.
  const char* Finish(uint64_t unique, int error) {
    if (error != 0) used_ = sizeof(fuse_out_header);
    fuse_out_header head{static_cast<uint32_t>(used_), -error, unique};
    memcpy(buffer_, &head, sizeof head);
    return buffer_;
  }
  size_t size() const { return used_; }

 private:
  char* buffer_;
  size_t capacity_;
  size_t used_ = sizeof(fuse_out_header);
};

}  // namespace fuse_rig
