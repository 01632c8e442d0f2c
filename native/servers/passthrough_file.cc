// Open files of the directory behind.
#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "bugs.h"
#include "passthrough.h"

namespace fuse_rig {

int Passthrough::OpenFlags(uint32_t flags) const {
  // Direct I/O is between the client and us: our buffers are not aligned for the file behind.
  int out = static_cast<int>(flags) & ~(O_DIRECT | O_NOCTTY | O_CREAT | O_NOFOLLOW);
  if (options_.writeback) {
    // The kernel reads to fill up pages it writes, and it alone knows where the end is.
    if ((out & O_ACCMODE) == O_WRONLY) out = (out & ~O_ACCMODE) | O_RDWR;
    out &= ~O_APPEND;
  }
  // O_EXCL means something with O_CREAT only, which Create adds.
  return out | O_CLOEXEC;
}

void Passthrough::Hand(In in, uint64_t nodeid, Fd fd, fuse_open_out* out) {
  auto file = std::make_shared<OpenFile>();
  file->fd = std::move(fd);
  if (options_.passthrough_io) {
    if (const auto node = nodes_.Find(nodeid)) OpenBacking(in, node, file.get(), out);
  }
  out->fh = files_.Add(std::move(file));
}

int Passthrough::Open(In in, uint32_t flags, fuse_open_out* out) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  // The kernel opens devices and pipes itself; opening one here could wait for ever.
  if (node->type != S_IFREG) return node->type == S_IFDIR ? EISDIR : EINVAL;
  static std::atomic<bool> exhausted{false};
  if (Bug(bug::kEmfileForEver) && exhausted) return EMFILE;
  Fd fd(open(node->Path().c_str(), OpenFlags(flags)));
  if (!fd.ok()) {
    const int error = errno;
    if (error == EMFILE) exhausted = true;
    return error;
  }
  Hand(in, node->id, std::move(fd), out);
  return 0;
}

int Passthrough::Read(In, const fuse_read_in& read, char* into, size_t room, size_t* got) {
  const auto file = files_.Find(read.fh);
  if (!file) return EBADF;
  while (*got < room) {
    const ssize_t n =
        pread(file->fd.get(), into + *got, room - *got, static_cast<off_t>(read.offset + *got));
    if (n < 0) return *got > 0 ? 0 : errno;
    if (n == 0) break;
    *got += static_cast<size_t>(n);
  }
  return 0;
}

int Passthrough::Write(In, const fuse_write_in& write, const char* data, uint32_t* done) {
  const auto file = files_.Find(write.fh);
  if (!file) return EBADF;
  const ssize_t n = pwrite(file->fd.get(), data, write.size, static_cast<off_t>(write.offset));
  if (n < 0) return errno;
  *done = static_cast<uint32_t>(n);
  return 0;
}

int Passthrough::Flush(In in, const fuse_flush_in& flush) {
  const auto file = files_.Find(flush.fh);
  if (!file) return EBADF;
  locks_.Unlock(in.nodeid, flush.lock_owner, false);
  // What close(2) would say, without closing.
  Fd twin(fcntl(file->fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!twin.ok()) return errno;
  return close(twin.Release()) < 0 ? errno : 0;
}

int Passthrough::Release(In in, const fuse_release_in& release) {
  const auto file = files_.Remove(release.fh);
  if (!file) return EBADF;
  if ((release.release_flags & kReleaseFlockUnlock) != 0)
    locks_.Unlock(in.nodeid, release.lock_owner, true);
  CloseBacking(in, file.get());
  return 0;
}

int Passthrough::Fsync(In, uint64_t fh, bool data_only) {
  const auto file = files_.Find(fh);
  if (!file) return EBADF;
  return (data_only ? fdatasync(file->fd.get()) : fsync(file->fd.get())) < 0 ? errno : 0;
}

int Passthrough::Fallocate(In, const fuse_fallocate_in& in) {
  const auto file = files_.Find(in.fh);
  if (!file) return EBADF;
  const int failed = fallocate(file->fd.get(), static_cast<int>(in.mode),
                               static_cast<off_t>(in.offset), static_cast<off_t>(in.length));
  return failed < 0 ? errno : 0;
}

int Passthrough::Lseek(In, const fuse_lseek_in& in, uint64_t* offset) {
  const auto file = files_.Find(in.fh);
  if (!file) return EBADF;
  const off_t at =
      lseek(file->fd.get(), static_cast<off_t>(in.offset), static_cast<int>(in.whence));
  if (at < 0) return errno;
  *offset = static_cast<uint64_t>(at);
  return 0;
}

int Passthrough::CopyFileRange(In, const fuse_copy_file_range_in& in, uint64_t* done) {
  const auto from = files_.Find(in.fh_in);
  const auto to = files_.Find(in.fh_out);
  if (!from || !to) return EBADF;
  auto off_in = static_cast<off_t>(in.off_in);
  auto off_out = static_cast<off_t>(in.off_out);
  const ssize_t n = copy_file_range(from->fd.get(), &off_in, to->fd.get(), &off_out, in.len,
                                    static_cast<unsigned>(in.flags));
  if (n < 0) return errno;
  *done = static_cast<uint64_t>(n);
  return 0;
}

// The files here are regular: always ready, so nobody waits for a notification.
int Passthrough::Poll(In, const fuse_poll_in& in, uint32_t* revents) {
  const auto file = files_.Find(in.fh);
  if (!file) return EBADF;
  pollfd one{file->fd.get(), static_cast<short>(in.events), 0};
  if (poll(&one, 1, 0) < 0) return errno;
  *revents = static_cast<uint32_t>(one.revents);
  return 0;
}

}  // namespace fuse_rig
