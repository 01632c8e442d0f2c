// From the bytes of a request to the file system and back. One row an opcode.
#pragma once

#include "filesystem.h"
#include "negotiate.h"

namespace fuse_rig {

class Session;

// Everything a row works with.
struct Call {
  Session& session;
  FileSystem& fs;
  const Negotiated& negotiated;
  Context in;
  Body body;
  Reply reply;
};

// 0, an errno, or kNoReply.
using Operation = int (*)(Call&);

struct Row {
  uint32_t opcode;
  const char* name;
  uint32_t since;  // minor of the protocol that brought it; 0 if it was always there
  Operation run;
};

// Null for an opcode without a row.
const Row* FindRow(uint32_t opcode);
const Row* FindRow(const char* name);

// Carries out one request and gives it back with its reply, if it has one. `reply` is the space to
// build it in.
void Dispatch(Session& session, const Incoming& request, Channel* channel, ReplyPort* back,
              Reply reply);

namespace ops {
// ops_session.cc
int Init(Call&), Destroy(Call&), Forget(Call&), BatchForget(Call&), Interrupt(Call&);
int NotifyReply(Call&), Statfs(Call&), Syncfs(Call&);
// ops_name.cc
int Lookup(Call&), Symlink(Call&), Mknod(Call&), Mkdir(Call&), Unlink(Call&), Rmdir(Call&);
int Rename(Call&), Rename2(Call&), Link(Call&), Create(Call&), Tmpfile(Call&);
// ops_node.cc
int Getattr(Call&), Setattr(Call&), Statx(Call&), Readlink(Call&), Access(Call&);
int Setxattr(Call&), Getxattr(Call&), Listxattr(Call&), Removexattr(Call&);
// ops_file.cc
int Open(Call&), Read(Call&), Write(Call&), Flush(Call&), Release(Call&), Fsync(Call&);
int Fallocate(Call&), Lseek(Call&), CopyFileRange(Call&), CopyFileRange64(Call&);
int Getlk(Call&), Setlk(Call&), Setlkw(Call&), Poll(Call&), Ioctl(Call&);
// ops_dir.cc
int Opendir(Call&), Readdir(Call&), Readdirplus(Call&), Releasedir(Call&), Fsyncdir(Call&);
}  // namespace ops

// Shared by the rows: validity of attributes, and layouts by the negotiated minor.
void PutEntry(Call& call, fuse_entry_out entry);
void PutAttr(Call& call, const fuse_attr& attr);
void Validity(const Options& options, uint64_t* seconds, uint32_t* nanoseconds);
const Options& OptionsOf(const Call& call);

}  // namespace fuse_rig
