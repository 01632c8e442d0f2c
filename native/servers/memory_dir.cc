// Open directories of the memory file system.
#include <sys/stat.h>

#include <cerrno>

#include "memory.h"

namespace fuse_rig {

int Memory::Opendir(In in, uint32_t, fuse_open_out* out) {
  Held hold(mutex_);
  Inode* dir = FindDir(in.nodeid);
  if (dir == nullptr) return ENOENT;
  ++dir->opens;
  out->fh = dirs_.Add(std::make_shared<uint64_t>(dir->ino));
  return 0;
}

int Memory::Readdir(In, const fuse_read_in& read, DirWriter* writer) {
  Held hold(mutex_);
  const auto ino = dirs_.Find(read.fh);
  if (!ino) return EBADF;
  Inode* dir = Find(*ino);
  constexpr uint32_t kDirectory = S_IFDIR >> 12;
  if (read.offset < 1 && !writer->Add(".", dir->ino, kDirectory, 1, nullptr)) return 0;
  if (read.offset < 2 && !writer->Add("..", dir->parent, kDirectory, 2, nullptr)) return 0;
  for (auto at = dir->entries.upper_bound(read.offset); at != dir->entries.end(); ++at) {
    const std::string& name = at->second.name;
    if (!writer->Fits(name.size())) break;
    Inode* inode = Find(at->second.ino);
    fuse_entry_out entry{};
    if (writer->plus()) Give(inode, &entry);
    writer->Add(name, inode->ino, inode->mode >> 12, at->first, &entry);
  }
  return 0;
}

int Memory::Releasedir(In, uint64_t fh) {
  Held hold(mutex_);
  const auto ino = dirs_.Remove(fh);
  if (!ino) return EBADF;
  Inode* dir = Find(*ino);
  --dir->opens;
  DropIfUnused(dir);
  return 0;
}

int Memory::Fsyncdir(In, uint64_t fh, bool) { return dirs_.Find(fh) ? 0 : EBADF; }

}  // namespace fuse_rig
