// Inodes of the memory file system: making, finding, counting and dropping them.
#include "memory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace fuse_rig {

std::unique_ptr<FileSystem> MakeMemory(const Options& options) {
  return std::make_unique<Memory>(options);
}

Memory::Memory(const Options& options) : options_(options) {
  quota_.left = quota_.total = options.capacity / kPage;
  Inode* root = New(S_IFDIR | 0755, getuid(), getgid());
  root->nlink = 2;
  root->lookups = 1;  // never forgotten
  if (!options.notify.empty()) AddControl();
}

Inode* Memory::Find(uint64_t ino) {
  const auto found = inodes_.find(ino);
  return found == inodes_.end() ? nullptr : found->second.get();
}

Inode* Memory::FindDir(uint64_t ino) {
  Inode* inode = Find(ino);
  return inode != nullptr && S_ISDIR(inode->mode) ? inode : nullptr;
}

Inode* Memory::FindOpen(uint64_t fh) {
  const auto ino = files_.Find(fh);
  return ino ? Find(*ino) : nullptr;
}

Time Memory::Now() {
  if (!options_.clock) return {++ticks_, 0};
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return {static_cast<uint64_t>(now.tv_sec), static_cast<uint32_t>(now.tv_nsec)};
}

void Memory::Changed(Inode* inode) { inode->mtime = inode->ctime = Now(); }
void Memory::Touched(Inode* inode) { inode->ctime = Now(); }

void Memory::Fill(const Inode& inode, fuse_attr* attr) const {
  *attr = {};
  attr->ino = inode.ino;
  attr->size = S_ISREG(inode.mode) ? inode.data.size() : inode.target.size();
  attr->blocks = inode.data.pages() * (kPage / 512);
  attr->atime = inode.atime.s;
  attr->atimensec = inode.atime.ns;
  attr->mtime = inode.mtime.s;
  attr->mtimensec = inode.mtime.ns;
  attr->ctime = inode.ctime.s;
  attr->ctimensec = inode.ctime.ns;
  attr->mode = inode.mode;
  attr->nlink = inode.nlink;
  attr->uid = inode.uid;
  attr->gid = inode.gid;
  attr->rdev = inode.rdev;
  attr->blksize = kPage;
}

void Memory::Give(Inode* inode, fuse_entry_out* entry) {
  ++inode->lookups;
  entry->nodeid = inode->ino;
  entry->generation = 0;  // inode numbers are never used again
  Fill(*inode, &entry->attr);
}

Inode* Memory::New(uint32_t mode, uint32_t uid, uint32_t gid) {
  auto inode = std::make_unique<Inode>(&quota_);
  inode->ino = next_ino_++;
  inode->mode = mode;
  inode->uid = uid;
  inode->gid = gid;
  inode->atime = inode->mtime = inode->ctime = inode->btime = Now();
  Inode* made = inode.get();
  inodes_[made->ino] = std::move(inode);
  return made;
}

void Memory::Insert(Inode* dir, const std::string& name, Inode* inode) {
  const uint64_t cookie = dir->next_cookie++;
  dir->entries[cookie] = {name, inode->ino};
  dir->cookies[name] = cookie;
  if (S_ISDIR(inode->mode)) {
    inode->parent = dir->ino;
    ++dir->nlink;
  }
  Changed(dir);
}

void Memory::Remove(Inode* dir, const std::string& name) {
  const auto cookie = dir->cookies.find(name);
  const auto entry = dir->entries.find(cookie->second);
  if (FindDir(entry->second.ino) != nullptr) --dir->nlink;
  dir->entries.erase(entry);
  dir->cookies.erase(cookie);
  Changed(dir);
}

void Memory::DropIfUnused(Inode* inode) {
  if (inode->nlink > 0 || inode->lookups > 0 || inode->opens > 0) return;
  locks_.DropNode(inode->ino);
  inodes_.erase(inode->ino);
}

void Memory::Forget(uint64_t nodeid, uint64_t nlookup) {
  Held hold(mutex_);
  Inode* inode = Find(nodeid);
  if (inode == nullptr || nodeid == kRootId) return;
  inode->lookups -= std::min(inode->lookups, nlookup);
  DropIfUnused(inode);
}

void Memory::Stop(bool alive) {
  notifier_.Stop();
  locks_.Stop(alive);
}

}  // namespace fuse_rig
