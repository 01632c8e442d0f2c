// Name space operations of the memory file system.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "memory.h"

namespace fuse_rig {
namespace {

constexpr size_t kNameMax = 255;

}  // namespace

int Memory::Lookup(In in, Name name, fuse_entry_out* entry) {
  Held hold(mutex_);
  Inode* dir = FindDir(in.nodeid);
  if (dir == nullptr) return Find(in.nodeid) != nullptr ? ENOTDIR : ENOENT;
  if (strlen(name) > kNameMax) return ENAMETOOLONG;
  const auto cookie = dir->cookies.find(name);
  if (cookie == dir->cookies.end()) return ENOENT;
  Give(Find(dir->entries[cookie->second].ino), entry);
  return 0;
}

int Memory::Make(In in, Name name, uint32_t mode, Inode** made) {
  Inode* dir = FindDir(in.nodeid);
  if (dir == nullptr) return Find(in.nodeid) != nullptr ? ENOTDIR : ENOENT;
  if (dir->nlink == 0) return ENOENT;  // removed, but still open somewhere
  if (strlen(name) > kNameMax) return ENAMETOOLONG;
  if (dir->cookies.count(name) != 0) return EEXIST;
  uint32_t gid = in.gid;
  if ((dir->mode & S_ISGID) != 0) {
    gid = dir->gid;
    if (S_ISDIR(mode)) mode |= S_ISGID;
  }
  *made = New(mode, in.uid, gid);
  (*made)->nlink = S_ISDIR(mode) ? 2 : 1;
  Insert(dir, name, *made);
  return 0;
}

int Memory::Symlink(In in, Name name, const char* target, fuse_entry_out* entry) {
  Held hold(mutex_);
  if (strlen(target) >= kPage) return ENAMETOOLONG;
  Inode* made;
  if (const int error = Make(in, name, S_IFLNK | 0777, &made); error != 0) return error;
  made->target = target;
  Give(made, entry);
  return 0;
}

int Memory::Mknod(In in, Name name, uint32_t mode, uint32_t rdev, fuse_entry_out* entry) {
  Held hold(mutex_);
  if ((mode & S_IFMT) == 0) mode |= S_IFREG;
  if (S_ISDIR(mode) || S_ISLNK(mode)) return EINVAL;
  Inode* made;
  if (const int error = Make(in, name, mode, &made); error != 0) return error;
  made->rdev = rdev;
  Give(made, entry);
  return 0;
}

int Memory::Mkdir(In in, Name name, uint32_t mode, fuse_entry_out* entry) {
  Held hold(mutex_);
  Inode* made;
  if (const int error = Make(in, name, S_IFDIR | (mode & 07777), &made); error != 0) return error;
  Give(made, entry);
  return 0;
}

int Memory::RemoveEntry(In in, Name name, bool directory) {
  Held hold(mutex_);
  Inode* dir = FindDir(in.nodeid);
  if (dir == nullptr) return ENOENT;
  const auto cookie = dir->cookies.find(name);
  if (cookie == dir->cookies.end()) return ENOENT;
  Inode* inode = Find(dir->entries[cookie->second].ino);
  if (directory != S_ISDIR(inode->mode)) return directory ? ENOTDIR : EISDIR;
  if (directory && !inode->entries.empty()) return ENOTEMPTY;
  Remove(dir, name);
  inode->nlink = directory ? 0 : inode->nlink - 1;
  Touched(inode);
  DropIfUnused(inode);
  return 0;
}

int Memory::Unlink(In in, Name name) { return RemoveEntry(in, name, false); }
int Memory::Rmdir(In in, Name name) { return RemoveEntry(in, name, true); }

bool Memory::Below(uint64_t ino, uint64_t ancestor) {
  for (; ino != kRootId; ino = Find(ino)->parent) {
    if (ino == ancestor) return true;
    if (FindDir(ino) == nullptr) return false;
  }
  return ancestor == kRootId;
}

int Memory::Replaceable(const Inode& moved, const Inode& target) const {
  if (S_ISDIR(target.mode) && !S_ISDIR(moved.mode)) return EISDIR;
  if (!S_ISDIR(target.mode) && S_ISDIR(moved.mode)) return ENOTDIR;
  return target.entries.empty() ? 0 : ENOTEMPTY;
}

int Memory::Exchange(Inode* from, Name from_name, Inode* to, Name to_name) {
  Inode* a = Find(from->entries[from->cookies[from_name]].ino);
  Inode* b = Find(to->entries[to->cookies[to_name]].ino);
  if (Below(from->ino, b->ino)) return EINVAL;
  Remove(from, from_name);
  Remove(to, to_name);
  Insert(from, from_name, b);
  Insert(to, to_name, a);
  Touched(a);
  Touched(b);
  return 0;
}

int Memory::Rename(In in, Name name, uint64_t newdir, Name newname, uint32_t flags) {
  Held hold(mutex_);
  Inode* from = FindDir(in.nodeid);
  Inode* to = FindDir(newdir);
  if (from == nullptr || to == nullptr || to->nlink == 0) return ENOENT;
  if (strlen(newname) > kNameMax) return ENAMETOOLONG;
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 ||
      flags == (RENAME_NOREPLACE | RENAME_EXCHANGE)) {
    return EINVAL;
  }
  const auto source = from->cookies.find(name);
  if (source == from->cookies.end()) return ENOENT;
  Inode* moved = Find(from->entries[source->second].ino);
  const auto target = to->cookies.find(newname);
  // A directory must not become its own descendant. The kernel sees to it; others may not.
  if (Below(to->ino, moved->ino)) return EINVAL;
  if (flags == RENAME_EXCHANGE) {
    return target == to->cookies.end() ? ENOENT : Exchange(from, name, to, newname);
  }
  if (target != to->cookies.end()) {
    if (flags == RENAME_NOREPLACE) return EEXIST;
    Inode* replaced = Find(to->entries[target->second].ino);
    if (replaced == moved) return 0;
    if (const int error = Replaceable(*moved, *replaced); error != 0) return error;
    Remove(to, newname);
    replaced->nlink = S_ISDIR(replaced->mode) ? 0 : replaced->nlink - 1;
    Touched(replaced);
    DropIfUnused(replaced);
  }
  Remove(from, name);
  Insert(to, newname, moved);
  Touched(moved);
  return 0;
}

int Memory::Link(In in, uint64_t oldnode, Name name, fuse_entry_out* entry) {
  Held hold(mutex_);
  Inode* dir = FindDir(in.nodeid);
  Inode* inode = Find(oldnode);
  if (dir == nullptr || inode == nullptr || dir->nlink == 0) return ENOENT;
  if (S_ISDIR(inode->mode)) return EPERM;
  if (strlen(name) > kNameMax) return ENAMETOOLONG;
  if (dir->cookies.count(name) != 0) return EEXIST;
  ++inode->nlink;
  Insert(dir, name, inode);
  Touched(inode);
  Give(inode, entry);
  return 0;
}

int Memory::Create(In in, Name name, const fuse_create_in& create, fuse_entry_out* entry,
                   fuse_open_out* out) {
  Held hold(mutex_);
  Inode* made;
  int error = Make(in, name, S_IFREG | (create.mode & 07777), &made);
  if (error == EEXIST && (create.flags & O_EXCL) == 0) {
    Inode* dir = FindDir(in.nodeid);
    made = Find(dir->entries[dir->cookies[name]].ino);
    if (!S_ISREG(made->mode)) return EEXIST;
    if ((create.flags & O_TRUNC) != 0) {
      made->data.Truncate(0);
      Changed(made);
    }
    error = 0;
  }
  if (error != 0) return error;
  Give(made, entry);
  Hand(made, out);
  return 0;
}

// Nameless until a LINK gives it a name: only the lookup and the open handle hold it.
int Memory::Tmpfile(In in, const fuse_create_in& create, fuse_entry_out* entry,
                    fuse_open_out* out) {
  Held hold(mutex_);
  if (FindDir(in.nodeid) == nullptr) return ENOENT;
  Inode* made = New(S_IFREG | (create.mode & 07777), in.uid, in.gid);
  Give(made, entry);
  Hand(made, out);
  return 0;
}

}  // namespace fuse_rig
