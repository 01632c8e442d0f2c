// Open files of the memory file system.
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "memory.h"

namespace fuse_rig {
namespace {

// A client may ask for 2^63 bytes of a hole; copying less is allowed.
constexpr uint64_t kCopyMax = 16 << 20;

}  // namespace

void Memory::Hand(Inode* inode, fuse_open_out* out) {
  ++inode->opens;
  out->fh = files_.Add(std::make_shared<uint64_t>(inode->ino));
}

int Memory::Open(In in, uint32_t flags, fuse_open_out* out) {
  Held hold(mutex_);
  Inode* inode = Find(in.nodeid);
  if (inode == nullptr) return ENOENT;
  if (!S_ISREG(inode->mode)) return S_ISDIR(inode->mode) ? EISDIR : EINVAL;
  // A command must arrive as it was written, and its results change by themselves.
  if (inode->ino == control_ino_) out->open_flags |= kOpenDirectIo;
  // Otherwise each open drops the pages, and notifications have nothing to do.
  if (inode->ino != control_ino_ && !options_.notify.empty()) out->open_flags |= kOpenKeepCache;
  if ((flags & O_TRUNC) != 0) {
    inode->data.Truncate(0);
    Changed(inode);
  }
  Hand(inode, out);
  return 0;
}

int Memory::Read(In, const fuse_read_in& read, char* into, size_t room, size_t* got) {
  Held hold(mutex_);
  const Inode* inode = FindOpen(read.fh);
  if (inode == nullptr) return EBADF;
  if (inode->ino == control_ino_) {
    const std::string log = control_log_ + notifier_.Results();
    if (read.offset < log.size()) *got = log.copy(into, room, read.offset);
    return 0;
  }
  *got = inode->data.Read(read.offset, into, room);
  return 0;
}

int Memory::Write(In in, const fuse_write_in& write, const char* data, uint32_t* done) {
  Held hold(mutex_);
  Inode* inode = FindOpen(write.fh);
  if (inode == nullptr) return EBADF;
  const int error = inode->ino == control_ino_ ? Command(in, std::string(data, write.size))
                                               : inode->data.Write(write.offset, data, write.size);
  if (error != 0) return error;
  *done = write.size;
  Changed(inode);
  return 0;
}

int Memory::Flush(In in, const fuse_flush_in& flush) {
  {
    Held hold(mutex_);
    if (FindOpen(flush.fh) == nullptr) return EBADF;
  }
  locks_.Unlock(in.nodeid, flush.lock_owner, false);
  return 0;
}

int Memory::Release(In in, const fuse_release_in& release) {
  if ((release.release_flags & kReleaseFlockUnlock) != 0) {
    locks_.Unlock(in.nodeid, release.lock_owner, true);
  }
  Held hold(mutex_);
  const auto ino = files_.Remove(release.fh);
  if (!ino) return EBADF;
  Inode* inode = Find(*ino);
  --inode->opens;
  DropIfUnused(inode);
  return 0;
}

int Memory::Fsync(In, uint64_t fh, bool) {
  Held hold(mutex_);
  return FindOpen(fh) != nullptr ? 0 : EBADF;
}

int Memory::Fallocate(In, const fuse_fallocate_in& in) {
  Held hold(mutex_);
  Inode* inode = FindOpen(in.fh);
  if (inode == nullptr) return EBADF;
  const bool keep = (in.mode & FALLOC_FL_KEEP_SIZE) != 0;
  const uint32_t mode = in.mode & ~static_cast<uint32_t>(FALLOC_FL_KEEP_SIZE);
  const bool punch = mode == FALLOC_FL_PUNCH_HOLE && keep;
  if (mode != 0 && mode != FALLOC_FL_ZERO_RANGE && !punch) return EOPNOTSUPP;
  if (in.length == 0 || in.offset > INT64_MAX || in.length > INT64_MAX - in.offset) return EINVAL;
  if (mode != 0) inode->data.Punch(in.offset, in.length);
  if (!punch) {
    if (const int error = inode->data.Allocate(in.offset, in.length); error != 0) return error;
    if (!keep && in.offset + in.length > inode->data.size())
      inode->data.Truncate(in.offset + in.length);
  }
  Changed(inode);
  return 0;
}

int Memory::Lseek(In, const fuse_lseek_in& in, uint64_t* offset) {
  Held hold(mutex_);
  const Inode* inode = FindOpen(in.fh);
  if (inode == nullptr) return EBADF;
  switch (in.whence) {
    case SEEK_DATA: return inode->data.NextData(in.offset, offset) ? 0 : ENXIO;
    case SEEK_HOLE: return inode->data.NextHole(in.offset, offset) ? 0 : ENXIO;
    default: return EINVAL;  // the kernel does the others itself
  }
}

int Memory::CopyFileRange(In, const fuse_copy_file_range_in& in, uint64_t* done) {
  Held hold(mutex_);
  Inode* from = FindOpen(in.fh_in);
  Inode* to = FindOpen(in.fh_out);
  if (from == nullptr || to == nullptr) return EBADF;
  if (in.flags != 0) return EINVAL;
  std::vector<char> bytes(std::min(in.len, kCopyMax));
  // Read whole before it is written: ranges of one file may overlap.
  const size_t size = from->data.Read(in.off_in, bytes.data(), bytes.size());
  if (const int error = to->data.Write(in.off_out, bytes.data(), size); error != 0) return error;
  *done = size;
  if (size > 0) Changed(to);
  return 0;
}

int Memory::Poll(In, const fuse_poll_in& in, uint32_t* revents) {
  Held hold(mutex_);
  Inode* inode = FindOpen(in.fh);
  if (inode == nullptr) return EBADF;
  if (inode->poll_gated && !inode->poll_ready) {
    if ((in.flags & kPollScheduleNotify) != 0) inode->poll_handles.insert(in.kh);
    return 0;
  }
  *revents = in.events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
  return 0;
}

}  // namespace fuse_rig
