// Rows of one node: attributes and extended attributes.
#include <algorithm>
#include <cerrno>

#include "dispatch.h"

namespace fuse_rig {

void PutAttr(Call& call, const fuse_attr& attr) {
  fuse_attr_out out{};
  Validity(OptionsOf(call), &out.attr_valid, &out.attr_valid_nsec);
  out.attr = attr;
  call.reply.Put(out, call.negotiated.minor < 9 ? kCompatAttrOut : sizeof out);
}

namespace ops {
namespace {

// The value of an extended attribute, or the list of names, or only their length (`asked` 0).
template <class Get>
int Value(Call& call, uint32_t asked, Get get) {
  size_t length = 0;
  if (asked == 0) {
    if (const int error = get(nullptr, 0, &length); error != 0) return error;
    call.reply.Put(fuse_getxattr_out{static_cast<uint32_t>(length), 0});
    return 0;
  }
  const size_t size = std::min<size_t>(asked, call.reply.room());
  if (const int error = get(call.reply.space(), size, &length); error != 0) return error;
  call.reply.Grow(length);
  return 0;
}

}  // namespace

int Getattr(Call& call) {
  fuse_getattr_in in{};
  // Before 7.9 there was no body.
  if (!call.body.Take(
          &in, call.negotiated.minor < 9 ? std::min(call.body.left(), sizeof in) : sizeof in)) {
    return kMalformed;
  }
  fuse_attr attr{};
  const uint64_t* fh = (in.getattr_flags & kGetattrFh) != 0 ? &in.fh : nullptr;
  if (const int error = call.fs.Getattr(call.in, fh, &attr); error != 0) return error;
  PutAttr(call, attr);
  return 0;
}

int Setattr(Call& call) {
  fuse_setattr_in in;
  if (!call.body.Take(&in)) return kMalformed;
  fuse_attr attr{};
  if (const int error = call.fs.Setattr(call.in, in, &attr); error != 0) return error;
  PutAttr(call, attr);
  return 0;
}

int Statx(Call& call) {
  fuse_statx_in in;
  if (!call.body.Take(&in)) return kMalformed;
  fuse_statx_out out{};
  const uint64_t* fh = (in.getattr_flags & kGetattrFh) != 0 ? &in.fh : nullptr;
  if (const int error = call.fs.Statx(call.in, fh, in, &out.stat); error != 0) return error;
  Validity(OptionsOf(call), &out.attr_valid, &out.attr_valid_nsec);
  call.reply.Put(out);
  return 0;
}

int Readlink(Call& call) {
  size_t length = 0;
  // The kernel takes PATH_MAX - 1 bytes, without a NUL.
  const size_t room = std::min<size_t>(call.reply.room(), kPage - 1);
  if (const int error = call.fs.Readlink(call.in, call.reply.space(), room, &length); error != 0)
    return error;
  call.reply.Grow(length);
  return 0;
}

int Access(Call& call) {
  fuse_access_in in;
  return call.body.Take(&in) ? call.fs.Access(call.in, in.mask) : kMalformed;
}

int Setxattr(Call& call) {
  fuse_setxattr_in in;
  const bool extended = (call.negotiated.flags & init::kSetxattrExt) != 0;
  const char *name, *value;
  if (!call.body.Take(&in, extended ? sizeof in : kCompatSetxattrIn) || !call.body.Text(&name) ||
      !call.body.Data(&value, in.size)) {
    return kMalformed;
  }
  return call.fs.Setxattr(call.in, name, value, in.size, in.flags);
}

int Getxattr(Call& call) {
  fuse_getxattr_in in;
  const char* name;
  if (!call.body.Take(&in) || !call.body.Text(&name)) return kMalformed;
  return Value(call, in.size, [&](char* into, size_t size, size_t* length) {
    return call.fs.Getxattr(call.in, name, into, size, length);
  });
}

int Listxattr(Call& call) {
  fuse_getxattr_in in;
  if (!call.body.Take(&in)) return kMalformed;
  return Value(call, in.size, [&](char* into, size_t size, size_t* length) {
    return call.fs.Listxattr(call.in, into, size, length);
  });
}

int Removexattr(Call& call) {
  const char* name;
  return call.body.Text(&name) ? call.fs.Removexattr(call.in, name) : kMalformed;
}

}  // namespace ops
}  // namespace fuse_rig
