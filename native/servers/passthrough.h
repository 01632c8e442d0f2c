// A directory, served as it is, with the rights of the serving user. Nodes are held by O_PATH
// descriptors, so renames underneath change nothing; operations go through *at calls or through
// /proc/self/fd where a call takes no O_PATH descriptor.
#pragma once

#include <sys/stat.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "fd.h"
#include "filesystem.h"
#include "handles.h"
#include "locks.h"
#include "options.h"

namespace fuse_rig {

struct Node {
  Fd fd;  // O_PATH
  uint64_t id = 0, generation = 0, lookups = 0;
  dev_t dev = 0;
  ino_t ino = 0;
  mode_t type = 0;  // S_IFMT bits
  // FUSE_PASSTHROUGH: all opens of an inode must share one backing file
  // (fuse_inode_uncached_io_start).
  std::mutex backing_mutex;
  int backing_id = 0;
  unsigned backing_opens = 0;

  // A path that reaches the node from anywhere in this process.
  std::string Path() const { return "/proc/self/fd/" + std::to_string(fd.get()); }
};

// Node ids and lookup counts. The lowest free id is taken; a reused id has the next generation.
class NodeTable {
 public:
  explicit NodeTable(LockTable* locks) : locks_(locks) {}

  int AddRoot(const std::string& directory);
  std::shared_ptr<Node> Find(uint64_t id) const;
  // One more lookup of the entry; `st` of it too.
  int Look(const Node& parent, const char* name, fuse_entry_out* entry);
  // The same for an O_PATH descriptor that is already there.
  int Adopt(Fd fd, fuse_entry_out* entry);
  void Forget(uint64_t id, uint64_t lookups);

 private:
  LockTable* locks_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Node>> nodes_;  // by id; 0 stays empty
  std::vector<uint64_t> generations_;
  std::set<uint64_t> free_;
  std::map<std::pair<dev_t, ino_t>, uint64_t> ids_;
};

struct OpenFile {
  Fd fd;
  std::shared_ptr<Node> backing;  // with FUSE_PASSTHROUGH
};

struct OpenDir {
  Fd fd;
  std::mutex mutex;
  std::vector<char> entries;  // of getdents64
  size_t at = 0, end = 0;
  uint64_t offset = 0;  // of the entry at `at`
};

class Passthrough : public FileSystem {
 public:
  explicit Passthrough(const Options& options) : options_(options), nodes_(&locks_) {}
  int Open(const std::string& directory) { return nodes_.AddRoot(directory); }

  int Lookup(In, Name, fuse_entry_out*) override;
  void Forget(uint64_t nodeid, uint64_t nlookup) override { nodes_.Forget(nodeid, nlookup); }
  int Symlink(In, Name, const char*, fuse_entry_out*) override;
  int Mknod(In, Name, uint32_t, uint32_t, fuse_entry_out*) override;
  int Mkdir(In, Name, uint32_t, fuse_entry_out*) override;
  int Unlink(In, Name) override;
  int Rmdir(In, Name) override;
  int Rename(In, Name, uint64_t, Name, uint32_t) override;
  int Link(In, uint64_t, Name, fuse_entry_out*) override;
  int Create(In, Name, const fuse_create_in&, fuse_entry_out*, fuse_open_out*) override;
  int Tmpfile(In, const fuse_create_in&, fuse_entry_out*, fuse_open_out*) override;

  int Getattr(In, const uint64_t*, fuse_attr*) override;
  int Setattr(In, const fuse_setattr_in&, fuse_attr*) override;
  int Statx(In, const uint64_t*, const fuse_statx_in&, fuse_statx*) override;
  int Readlink(In, char*, size_t, size_t*) override;
  int Access(In, uint32_t) override;
  int Statfs(In, fuse_kstatfs*) override;
  int Syncfs(In) override;
  int Setxattr(In, Name, const char*, size_t, uint32_t) override;
  int Getxattr(In, Name, char*, size_t, size_t*) override;
  int Listxattr(In, char*, size_t, size_t*) override;
  int Removexattr(In, Name) override;

  int Open(In, uint32_t, fuse_open_out*) override;
  int Read(In, const fuse_read_in&, char*, size_t, size_t*) override;
  int Write(In, const fuse_write_in&, const char*, uint32_t*) override;
  int Flush(In, const fuse_flush_in&) override;
  int Release(In, const fuse_release_in&) override;
  int Fsync(In, uint64_t, bool) override;
  int Fallocate(In, const fuse_fallocate_in&) override;
  int Lseek(In, const fuse_lseek_in&, uint64_t*) override;
  int CopyFileRange(In, const fuse_copy_file_range_in&, uint64_t*) override;
  int Getlk(In in, const fuse_lk_in& lk, fuse_file_lock* out) override {
    return locks_.Get(in, lk, out);
  }
  int Setlk(In in, const fuse_lk_in& lk, bool wait) override { return locks_.Set(in, lk, wait); }
  int Poll(In, const fuse_poll_in&, uint32_t*) override;

  int Opendir(In, uint32_t, fuse_open_out*) override;
  int Readdir(In, const fuse_read_in&, DirWriter*) override;
  int Releasedir(In, uint64_t) override;
  int Fsyncdir(In, uint64_t, bool) override;

  void Interrupt(uint64_t unique) override { locks_.Interrupt(unique); }
  void Stop(bool alive) override { locks_.Stop(alive); }

 private:
  // The flags a file is opened with for a client's `flags`.
  int OpenFlags(uint32_t flags) const;
  // Numbers the open file; with --passthrough-io gives it its backing file.
  void Hand(In, uint64_t nodeid, Fd fd, fuse_open_out* out);
  int EntryOf(const Node& parent, const std::string& name, fuse_entry_out*);

  const Options& options_;
  LockTable locks_;
  NodeTable nodes_;
  Handles<OpenFile> files_;
  Handles<OpenDir> dirs_;
};

// passthrough_backing.cc
void OpenBacking(const Context& in, const std::shared_ptr<Node>& node, OpenFile* file,
                 fuse_open_out* out);
void CloseBacking(const Context& in, OpenFile* file);

void FillAttr(const struct stat& st, fuse_attr* attr);

}  // namespace fuse_rig
