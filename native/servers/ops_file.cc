// Rows of an open file.
#include <algorithm>
#include <cerrno>

#include "apertures.h"
#include "bugs.h"
#include "dispatch.h"
#include "session.h"

namespace fuse_rig::ops {
namespace {

// Of --bug dma-size-ignored: what one transfer can map.
constexpr uint32_t kTransferMax = 16 * kPage;

// `here` bytes at `data`, and the others at `rest`.
int WritePieces(Call& call, const fuse_write_in& in, const char* data, size_t here,
                const char* rest, uint32_t* done) {
  fuse_write_in part = in;
  part.size = static_cast<uint32_t>(here);
  if (const int error = call.fs.Write(call.in, part, data, done); error != 0) return error;
  if (here == in.size || *done < here) return 0;
  // What is in place ends with a page.
  part.offset = in.offset + (Bug(bug::kSpilloverMisaligned) ? kInPlace : here);
  part.size = in.size - part.size;
  uint32_t more = 0;
  // What went before it is written all the same.
  if (call.fs.Write(call.in, part, rest, &more) == 0) *done += more;
  return 0;
}

}  // namespace

int Open(Call& call) {
  fuse_open_in in;
  if (!call.body.Take(&in)) return kMalformed;
  fuse_open_out out{};
  if (const int error = call.fs.Open(call.in, in.flags, &out); error != 0) return error;
  call.reply.Put(out);
  return 0;
}

int Read(Call& call) {
  fuse_read_in in;
  if (!call.body.Take(&in)) return kMalformed;
  if (Bug(bug::kDmaSizeIgnored) && in.size > kTransferMax) return call.session.Wedge(), EIO;
  Apertures held;
  if (Bug(bug::kApertureTable)) held.Take(in.size);
  size_t got = 0;
  const size_t room = std::min<size_t>(in.size, call.reply.room());
  if (const int error = call.fs.Read(call.in, in, call.reply.space(), room, &got); error != 0)
    return error;
  call.reply.Grow(got);
  return 0;
}

int Write(Call& call) {
  fuse_write_in in;
  const char *data, *rest;
  size_t here;
  if (!call.body.Take(&in, call.negotiated.minor < 9 ? kCompatWriteIn : sizeof in) ||
      !call.body.Pieces(in.size, &data, &here, &rest)) {
    return kMalformed;
  }
  fuse_write_out out{};
  int error = WritePieces(call, in, data, here, rest, &out.size);
  if (error == ENOSPC && (Bug(bug::kEnospcLost) || Bug(bug::kEnospcLostShort))) {
    out.size = Bug(bug::kEnospcLost) ? in.size : 0;
    error = 0;
  }
  if (error != 0) return error;
  call.reply.Put(out);
  return 0;
}

int Flush(Call& call) {
  fuse_flush_in in;
  return call.body.Take(&in) ? call.fs.Flush(call.in, in) : kMalformed;
}

int Release(Call& call) {
  fuse_release_in in;
  return call.body.Take(&in) ? call.fs.Release(call.in, in) : kMalformed;
}

int Fsync(Call& call) {
  fuse_fsync_in in;
  if (!call.body.Take(&in)) return kMalformed;
  return call.fs.Fsync(call.in, in.fh, (in.fsync_flags & kFsyncFdatasync) != 0);
}

int Fallocate(Call& call) {
  fuse_fallocate_in in;
  return call.body.Take(&in) ? call.fs.Fallocate(call.in, in) : kMalformed;
}

int Lseek(Call& call) {
  fuse_lseek_in in;
  if (!call.body.Take(&in)) return kMalformed;
  fuse_lseek_out out{};
  if (const int error = call.fs.Lseek(call.in, in, &out.offset); error != 0) return error;
  call.reply.Put(out);
  return 0;
}

// The reply of the older opcode has 32 bits for the length; the file system never copies more.
int CopyFileRange(Call& call) {
  fuse_copy_file_range_in in;
  if (!call.body.Take(&in)) return kMalformed;
  in.len = std::min<uint64_t>(in.len, UINT32_MAX & ~(kPage - 1));
  uint64_t done = 0;
  if (const int error = call.fs.CopyFileRange(call.in, in, &done); error != 0) return error;
  call.reply.Put(fuse_write_out{static_cast<uint32_t>(done), 0});
  return 0;
}

int CopyFileRange64(Call& call) {
  fuse_copy_file_range_in in;
  if (!call.body.Take(&in)) return kMalformed;
  fuse_copy_file_range_out out{};
  if (const int error = call.fs.CopyFileRange(call.in, in, &out.bytes_copied); error != 0)
    return error;
  call.reply.Put(out);
  return 0;
}

int Getlk(Call& call) {
  fuse_lk_in in;
  if (!call.body.Take(&in)) return kMalformed;
  fuse_lk_out out{};
  if (const int error = call.fs.Getlk(call.in, in, &out.lk); error != 0) return error;
  call.reply.Put(out);
  return 0;
}

int Setlk(Call& call) {
  fuse_lk_in in;
  return call.body.Take(&in) ? call.fs.Setlk(call.in, in, false) : kMalformed;
}

int Setlkw(Call& call) {
  fuse_lk_in in;
  return call.body.Take(&in) ? call.fs.Setlk(call.in, in, true) : kMalformed;
}

int Poll(Call& call) {
  fuse_poll_in in;
  if (!call.body.Take(&in)) return kMalformed;
  fuse_poll_out out{};
  if (const int error = call.fs.Poll(call.in, in, &out.revents); error != 0) return error;
  call.reply.Put(out);
  return 0;
}

// No file of ours knows any. ENOTTY, unlike ENOSYS, says so in the way of ioctl(2).
int Ioctl(Call& call) {
  fuse_ioctl_in in;
  return call.body.Take(&in) ? ENOTTY : kMalformed;
}

}  // namespace fuse_rig::ops
