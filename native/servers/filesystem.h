// What a file system answers, one method an operation. A method returns 0 and fills its outputs, or
// a positive errno, or kNoReply if it keeps the request and answers later. Methods are called by
// several threads at once. Names and data point into the request and die with the call.
#pragma once

#include <cerrno>
#include <string>

#include "request.h"

namespace fuse_rig {

// Collects the entries of READDIR and READDIRPLUS in the reply.
class DirWriter {
 public:
  DirWriter(char* into, size_t room, bool plus, uint64_t valid_s, uint32_t valid_ns)
      : into_(into), room_(room), plus_(plus), valid_s_(valid_s), valid_ns_(valid_ns) {}

  bool plus() const { return plus_; }
  // Ask before a lookup is counted for an entry that may then not fit.
  bool Fits(size_t name_size) const { return used_ + Size(name_size) <= room_; }
  // `offset` is where the next READDIR continues after this entry. `entry` only with plus; its
  // nodeid 0 (".", "..", or unknown) counts no lookup.
  bool Add(const std::string& name, uint64_t ino, uint32_t type, uint64_t offset,
           const fuse_entry_out* entry);
  size_t used() const { return used_; }

 private:
  size_t Size(size_t name_size) const {
    return ((plus_ ? sizeof(fuse_direntplus) : sizeof(fuse_dirent)) + name_size + 7) & ~size_t{7};
  }
  char* into_;
  size_t room_;
  bool plus_;
  uint64_t valid_s_;
  uint32_t valid_ns_;
  size_t used_ = 0;
};

class FileSystem {
 public:
  using In = const Context&;
  using Name = const char*;

  virtual ~FileSystem() = default;

  // Of the name space.
  virtual int Lookup(In, Name, fuse_entry_out*) { return ENOSYS; }
  virtual void Forget(uint64_t /*nodeid*/, uint64_t /*nlookup*/) {}
  virtual int Symlink(In, Name, const char* /*target*/, fuse_entry_out*) { return ENOSYS; }
  virtual int Mknod(In, Name, uint32_t /*mode*/, uint32_t /*rdev*/, fuse_entry_out*) {
    return ENOSYS;
  }
  virtual int Mkdir(In, Name, uint32_t /*mode*/, fuse_entry_out*) { return ENOSYS; }
  virtual int Unlink(In, Name) { return ENOSYS; }
  virtual int Rmdir(In, Name) { return ENOSYS; }
  virtual int Rename(In, Name, uint64_t /*newdir*/, Name, uint32_t /*flags*/) { return ENOSYS; }
  virtual int Link(In, uint64_t /*oldnode*/, Name, fuse_entry_out*) { return ENOSYS; }
  virtual int Create(In, Name, const fuse_create_in&, fuse_entry_out*, fuse_open_out*) {
    return ENOSYS;
  }
  virtual int Tmpfile(In, const fuse_create_in&, fuse_entry_out*, fuse_open_out*) { return ENOSYS; }

  // Of one node. `fh` is null where the request has none.
  virtual int Getattr(In, const uint64_t* /*fh*/, fuse_attr*) { return ENOSYS; }
  virtual int Setattr(In, const fuse_setattr_in&, fuse_attr*) { return ENOSYS; }
  virtual int Statx(In, const uint64_t* /*fh*/, const fuse_statx_in&, fuse_statx*) {
    return ENOSYS;
  }
  virtual int Readlink(In, char*, size_t /*room*/, size_t* /*length*/) { return ENOSYS; }
  virtual int Access(In, uint32_t /*mask*/) { return ENOSYS; }
  virtual int Statfs(In, fuse_kstatfs*) { return ENOSYS; }
  virtual int Syncfs(In) { return ENOSYS; }
  virtual int Setxattr(In, Name, const char*, size_t, uint32_t /*flags*/) { return ENOSYS; }
  // `size` 0 asks for the length only; a value that does not fit is ERANGE.
  virtual int Getxattr(In, Name, char*, size_t, size_t* /*length*/) { return ENOSYS; }
  virtual int Listxattr(In, char*, size_t, size_t* /*length*/) { return ENOSYS; }
  virtual int Removexattr(In, Name) { return ENOSYS; }

  // Of an open file.
  virtual int Open(In, uint32_t /*flags*/, fuse_open_out*) { return ENOSYS; }
  virtual int Read(In, const fuse_read_in&, char*, size_t /*room*/, size_t* /*got*/) {
    return ENOSYS;
  }
  virtual int Write(In, const fuse_write_in&, const char*, uint32_t* /*done*/) { return ENOSYS; }
  virtual int Flush(In, const fuse_flush_in&) { return ENOSYS; }
  virtual int Release(In, const fuse_release_in&) { return ENOSYS; }
  virtual int Fsync(In, uint64_t /*fh*/, bool /*data_only*/) { return ENOSYS; }
  virtual int Fallocate(In, const fuse_fallocate_in&) { return ENOSYS; }
  virtual int Lseek(In, const fuse_lseek_in&, uint64_t* /*offset*/) { return ENOSYS; }
  virtual int CopyFileRange(In, const fuse_copy_file_range_in&, uint64_t* /*done*/) {
    return ENOSYS;
  }
  virtual int Getlk(In, const fuse_lk_in&, fuse_file_lock*) { return ENOSYS; }
  virtual int Setlk(In, const fuse_lk_in&, bool /*wait*/) { return ENOSYS; }
  virtual int Poll(In, const fuse_poll_in&, uint32_t* /*revents*/) { return ENOSYS; }

  // Of an open directory.
  virtual int Opendir(In, uint32_t /*flags*/, fuse_open_out*) { return ENOSYS; }
  virtual int Readdir(In, const fuse_read_in&, DirWriter*) { return ENOSYS; }
  virtual int Releasedir(In, uint64_t /*fh*/) { return ENOSYS; }
  virtual int Fsyncdir(In, uint64_t /*fh*/, bool /*data_only*/) { return ENOSYS; }

  // Of the connection. `unique` is the request that somebody no longer waits for.
  virtual void Interrupt(uint64_t /*unique*/) {}
  virtual void NotifyReply(uint64_t /*nodeid*/, uint64_t /*offset*/, const char*, size_t) {}
  // The server stops serving soon. Requests that are kept are given back: with an answer on a
  // connection that lives.
  virtual void Stop(bool /*alive*/) {}
};

}  // namespace fuse_rig
