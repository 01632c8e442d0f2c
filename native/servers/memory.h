// A small file system in memory. Equal requests in equal order give equal replies: inode numbers
// are counted (and are the node ids), times are a count of changes unless --clock asks for real
// ones. One mutex guards all of it. Permissions are left to --default-permissions.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "filesystem.h"
#include "handles.h"
#include "locks.h"
#include "memory_data.h"
#include "notify.h"
#include "options.h"

namespace fuse_rig {

struct Time {
  uint64_t s = 0;
  uint32_t ns = 0;
};

struct Inode {
  explicit Inode(Quota* quota) : data(quota) {}

  uint64_t ino = 0;
  uint64_t lookups = 0;  // what the kernel knows
  unsigned opens = 0;
  uint32_t mode = 0, nlink = 0, uid = 0, gid = 0, rdev = 0;
  Time atime, mtime, ctime, btime;
  std::map<std::string, std::string> xattrs;

  FileData data;       // of a regular file
  std::string target;  // of a symbolic link

  // Of a directory: entries by cookie, which is the READDIR offset and never changes. 1 and 2 are
  // "." and "..".
  struct Entry {
    std::string name;
    uint64_t ino;
  };
  std::map<uint64_t, Entry> entries;
  std::map<std::string, uint64_t> cookies;
  uint64_t next_cookie = 3;
  uint64_t parent = kRootId;

  // A file whose POLL says nothing until the control file says so (`.poll`).
  bool poll_gated = false, poll_ready = false;
  std::set<uint64_t> poll_handles;  // kh of those who sleep
};

class Memory : public FileSystem {
 public:
  explicit Memory(const Options& options);

  int Lookup(In, Name, fuse_entry_out*) override;
  void Forget(uint64_t, uint64_t) override;
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
  int Syncfs(In) override { return 0; }
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
  void NotifyReply(uint64_t, uint64_t, const char*, size_t) override;
  void Stop(bool alive) override;

 private:
  using Held = std::lock_guard<std::mutex>;
  // Null if there is none, or not of this kind.
  Inode* Find(uint64_t ino);
  Inode* FindDir(uint64_t ino);
  Inode* FindOpen(uint64_t fh);

  Time Now();
  void Changed(Inode* inode);  // contents: mtime and ctime
  void Touched(Inode* inode);  // the inode: ctime
  void Fill(const Inode& inode, fuse_attr* attr) const;
  // One more lookup.
  void Give(Inode* inode, fuse_entry_out* entry);

  Inode* New(uint32_t mode, uint32_t uid, uint32_t gid);
  // A new inode under a name that is free; an error if it is not.
  int Make(In, Name, uint32_t mode, Inode** made);
  void Insert(Inode* dir, const std::string& name, Inode* inode);
  void Remove(Inode* dir, const std::string& name);
  // Takes one name, and with it perhaps the inode, away.
  int RemoveEntry(In, Name, bool directory);
  void DropIfUnused(Inode* inode);
  bool Below(uint64_t ino, uint64_t ancestor);
  int Replaceable(const Inode& moved, const Inode& target) const;
  int Exchange(Inode* from, Name from_name, Inode* to, Name to_name);
  void Hand(Inode* inode, fuse_open_out* out);

  // memory_control.cc
  void AddControl();
  int Command(In, const std::string& line);
  int CommandOn(In, const std::string& verb, const std::string& path, Inode* inode,
                const std::string& rest);
  Inode* Resolve(const std::string& path);

  const Options& options_;
  std::mutex mutex_;
  Quota quota_;
  uint64_t ticks_ = 0;
  uint64_t next_ino_ = kRootId;
  std::map<uint64_t, std::unique_ptr<Inode>> inodes_;
  Handles<uint64_t> files_;  // inode numbers
  Handles<uint64_t> dirs_;
  LockTable locks_;
  uint64_t control_ino_ = 0;
  // On a ring it is what a NOTIFY_REPLY is committed by, beside the uniques of requests: even, and
  // far from where the kernel counts.
  uint64_t retrieve_unique_ = 1ull << 62;
  std::string control_log_;  // what reading .control gives
  Notifier notifier_;
};

std::unique_ptr<FileSystem> MakeMemory(const Options& options);

}  // namespace fuse_rig
