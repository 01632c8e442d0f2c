// One request as it is taken apart, and its reply as it is put together. Both live in the buffers
// of the thread that read the request; nothing here owns memory.
#pragma once

#include <cstring>

#include "fuse_abi.h"

namespace fuse_rig {

class Channel;
class ReplyPort;

// What an operation may return beside 0 and a positive errno: nothing is written now, since the
// opcode has no reply or since something else will answer (locks.h).
constexpr int kNoReply = -1;
// The body does not parse. EIO, as libfuse answers such a request.
constexpr int kMalformed = 5;

// Who asks, about which node, and where the answer goes.
struct Context {
  uint64_t unique, nodeid;
  uint32_t uid, gid, pid;
  Channel* channel;  // of its connection: for notifications and ioctls
  ReplyPort* back;
};

// The bytes after fuse_in_header, taken from the front. Every call says whether there was enough.
// A ring delivers them in two pieces, the operation's structure and the rest; no item of a body
// crosses from one to the other.
class Body {
 public:
  Body() : Body(nullptr, 0) {}
  Body(const char* at, size_t size) : Body(at, size, nullptr, 0) {}
  Body(const char* first, size_t first_size, const char* second, size_t second_size)
      : at_(first), here_(first_size), next_(second), later_(second_size) {
    Skip(0);
  }

  // Copies `size` bytes, at most the structure; the rest of it becomes zero (older layouts).
  template <class T>
  bool Take(T* out, size_t size = sizeof(T)) {
    if (size > here_) return false;
    memset(static_cast<void*>(out), 0, sizeof(T));
    memcpy(static_cast<void*>(out), at_, size < sizeof(T) ? size : sizeof(T));
    Skip(size);
    return true;
  }

  // A string with its NUL, pointing into the request.
  bool Text(const char** out) {
    const void* nul = memchr(at_, 0, here_);
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
    if (size > here_) return false;
    *out = at_;
    Skip(size);
    return true;
  }

  // The same of what may lie in two pieces: `here` bytes at `first`, the others at `rest`.
  bool Pieces(size_t size, const char** first, size_t* here, const char** rest) {
    if (size > left()) return false;
    *first = at_;
    *here = size < here_ ? size : here_;
    Skip(*here);
    *rest = at_;
    Skip(size - *here);
    return true;
  }

  size_t left() const { return here_ + later_; }
  // Takes bytes away from the end. False if there are fewer.
  bool Cut(size_t size) {
    size_t& last = later_ > 0 ? later_ : here_;
    if (size > last) return false;
    last -= size;
    return true;
  }

 private:
  void Skip(size_t n) {
    at_ += n;
    here_ -= n;
    if (here_ > 0) return;
    at_ = later_ > 0 ? next_ : at_;
    here_ = later_;
    later_ = 0;
  }
  const char* at_;
  size_t here_;
  const char* next_;
  size_t later_;
};

// One request out of its transport's buffers.
struct Incoming {
  fuse_in_header head;  // a copy
  Body body;
  bool well_formed;  // the lengths agree
};

// fuse_out_header and the bytes after it, in one buffer or in two.
class Reply {
 public:
  Reply(char* buffer, size_t capacity)
      : Reply(buffer, buffer + sizeof(fuse_out_header), capacity - sizeof(fuse_out_header)) {}
  Reply(char* head, char* body, size_t capacity)
      : head_(head), body_(body), capacity_(capacity) {}

  // Appends the first `size` bytes of a structure; the caller knows that they fit (fixed sizes).
  template <class T>
  void Put(const T& value, size_t size = sizeof(T)) {
    memcpy(body_ + used_, &value, size);
    used_ += size;
  }

  // Free bytes for a body of variable size; `Grow` says how many were filled.
  char* space() { return body_ + used_; }
  size_t room() const { return capacity_ - used_; }
  void Grow(size_t n) { used_ += n; }

  // Writes the header of the finished message. Of an error there is no body.
  void Finish(uint64_t unique, int error) {
    if (error != 0) used_ = 0;
    const auto length = static_cast<uint32_t>(sizeof(fuse_out_header) + used_);
    const fuse_out_header head{length, -error, unique};
    memcpy(head_, &head, sizeof head);
  }
  const char* head() const { return head_; }
  const char* body() const { return body_; }
  size_t body_size() const { return used_; }

 private:
  char* head_;
  char* body_;
  size_t capacity_;
  size_t used_ = 0;
};

}  // namespace fuse_rig
