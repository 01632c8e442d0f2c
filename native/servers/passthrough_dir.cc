// Open directories of the directory behind. Offsets are those of its own file system (d_off).
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include "bugs.h"
#include "passthrough.h"

namespace fuse_rig {
namespace {

// linux_dirent64, getdents64(2)
struct DirentHead {
  uint64_t ino;
  int64_t off;
  uint16_t reclen;
  uint8_t type;
};
constexpr size_t kNameAt = 19;
constexpr size_t kEntriesSize = 32768;

// Makes `dir` stand at `offset`, reading more entries if it has none left. *end at the end.
int Refill(OpenDir* dir, uint64_t offset, bool* end) {
  *end = false;
  if (offset != dir->offset) {
    if (lseek(dir->fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) return errno;
    dir->at = dir->end = 0;
    dir->offset = offset;
  }
  if (dir->at < dir->end) return 0;
  dir->entries.resize(kEntriesSize);
  const long n = syscall(SYS_getdents64, dir->fd.get(), dir->entries.data(), dir->entries.size());
  if (n < 0) return errno;
  dir->at = 0;
  dir->end = static_cast<size_t>(n);
  *end = n == 0;
  return 0;
}

}  // namespace

int Passthrough::Opendir(In in, uint32_t, fuse_open_out* out) {
  const auto node = nodes_.Find(in.nodeid);
  if (!node) return ENOENT;
  auto dir = std::make_shared<OpenDir>();
  dir->fd = Fd(openat(node->fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir->fd.ok()) return errno;
  out->fh = dirs_.Add(std::move(dir));
  return 0;
}

int Passthrough::EntryOf(const Node& parent, const std::string& name, fuse_entry_out* entry) {
  if (name == "." || name == "..") return 0;
  const int error = nodes_.Look(parent, name.c_str(), entry);
  // Gone since it was listed: an entry without a node, which the kernel will look up itself.
  return error == ENOENT ? 0 : error;
}

int Passthrough::Readdir(In in, const fuse_read_in& read, DirWriter* writer) {
  const auto dir = dirs_.Find(read.fh);
  const auto node = nodes_.Find(in.nodeid);
  if (!dir) return EBADF;
  if (!node) return ENOENT;
  std::lock_guard<std::mutex> hold(dir->mutex);
  bool end = false;
  int error = Refill(dir.get(), read.offset, &end);
  while (error == 0 && !end) {
    DirentHead head;
    const char* at = dir->entries.data() + dir->at;
    memcpy(&head, at, kNameAt);
    const std::string name(at + kNameAt);
    if (!writer->Fits(name.size())) break;
    fuse_entry_out entry{};
    if (writer->plus()) error = EntryOf(*node, name, &entry);
    const bool dropped = Bug(bug::kEmfileDropsEntries) && error == EMFILE;
    if (error != 0 && !dropped) break;
    if (!dropped) writer->Add(name, head.ino, head.type, static_cast<uint64_t>(head.off), &entry);
    dir->at += head.reclen;
    dir->offset = static_cast<uint64_t>(head.off);
    error = Refill(dir.get(), dir->offset, &end);
  }
  // What was written is valid (and counted); the error comes again at the next READDIR.
  return writer->used() > 0 ? 0 : error;
}

int Passthrough::Releasedir(In, uint64_t fh) { return dirs_.Remove(fh) ? 0 : EBADF; }

int Passthrough::Fsyncdir(In, uint64_t fh, bool data_only) {
  const auto dir = dirs_.Find(fh);
  if (!dir) return EBADF;
  return (data_only ? fdatasync(dir->fd.get()) : fsync(dir->fd.get())) < 0 ? errno : 0;
}

}  // namespace fuse_rig
