// Rows of an open directory.
#include <algorithm>

#include "dispatch.h"

namespace fuse_rig::ops {
namespace {

int ReadEntries(Call& call, bool plus) {
  fuse_read_in in;
  if (!call.body.Take(&in)) return kMalformed;
  uint64_t valid_s;
  uint32_t valid_ns;
  Validity(OptionsOf(call), &valid_s, &valid_ns);
  DirWriter writer(call.reply.space(), std::min<size_t>(in.size, call.reply.room()), plus, valid_s,
                   valid_ns);
  if (const int error = call.fs.Readdir(call.in, in, &writer); error != 0) return error;
  call.reply.Grow(writer.used());
  return 0;
}

}  // namespace

int Opendir(Call& call) {
  fuse_open_in in;
  if (!call.body.Take(&in)) return kMalformed;
  fuse_open_out out{};
  if (const int error = call.fs.Opendir(call.in, in.flags, &out); error != 0) return error;
  call.reply.Put(out);
  return 0;
}

int Readdir(Call& call) { return ReadEntries(call, false); }
int Readdirplus(Call& call) { return ReadEntries(call, true); }

int Releasedir(Call& call) {
  fuse_release_in in;
  return call.body.Take(&in) ? call.fs.Releasedir(call.in, in.fh) : kMalformed;
}

int Fsyncdir(Call& call) {
  fuse_fsync_in in;
  if (!call.body.Take(&in)) return kMalformed;
  return call.fs.Fsyncdir(call.in, in.fh, (in.fsync_flags & kFsyncFdatasync) != 0);
}

}  // namespace fuse_rig::ops
