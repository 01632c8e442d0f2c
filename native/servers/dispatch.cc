// The table of opcodes and the way through it.
#include "dispatch.h"

#include <strings.h>

#include <cstdio>

#include "channel.h"
#include "session.h"

namespace fuse_rig {
namespace {

constexpr Row kRows[] = {
    {op::kLookup, "LOOKUP", ops::Lookup},
    {op::kForget, "FORGET", ops::Forget},
    {op::kGetattr, "GETATTR", ops::Getattr},
    {op::kSetattr, "SETATTR", ops::Setattr},
    {op::kReadlink, "READLINK", ops::Readlink},
    {op::kSymlink, "SYMLINK", ops::Symlink},
    {op::kMknod, "MKNOD", ops::Mknod},
    {op::kMkdir, "MKDIR", ops::Mkdir},
    {op::kUnlink, "UNLINK", ops::Unlink},
    {op::kRmdir, "RMDIR", ops::Rmdir},
    {op::kRename, "RENAME", ops::Rename},
    {op::kLink, "LINK", ops::Link},
    {op::kOpen, "OPEN", ops::Open},
    {op::kRead, "READ", ops::Read},
    {op::kWrite, "WRITE", ops::Write},
    {op::kStatfs, "STATFS", ops::Statfs},
    {op::kRelease, "RELEASE", ops::Release},
    {op::kFsync, "FSYNC", ops::Fsync},
    {op::kSetxattr, "SETXATTR", ops::Setxattr},
    {op::kGetxattr, "GETXATTR", ops::Getxattr},
    {op::kListxattr, "LISTXATTR", ops::Listxattr},
    {op::kRemovexattr, "REMOVEXATTR", ops::Removexattr},
    {op::kFlush, "FLUSH", ops::Flush},
    {op::kInit, "INIT", ops::Init},
    {op::kOpendir, "OPENDIR", ops::Opendir},
    {op::kReaddir, "READDIR", ops::Readdir},
    {op::kReleasedir, "RELEASEDIR", ops::Releasedir},
    {op::kFsyncdir, "FSYNCDIR", ops::Fsyncdir},
    {op::kGetlk, "GETLK", ops::Getlk},
    {op::kSetlk, "SETLK", ops::Setlk},
    {op::kSetlkw, "SETLKW", ops::Setlkw},
    {op::kAccess, "ACCESS", ops::Access},
    {op::kCreate, "CREATE", ops::Create},
    {op::kInterrupt, "INTERRUPT", ops::Interrupt},
    {op::kDestroy, "DESTROY", ops::Destroy},
    {op::kIoctl, "IOCTL", ops::Ioctl},
    {op::kPoll, "POLL", ops::Poll},
    {op::kNotifyReply, "NOTIFY_REPLY", ops::NotifyReply},
    {op::kBatchForget, "BATCH_FORGET", ops::BatchForget},
    {op::kFallocate, "FALLOCATE", ops::Fallocate},
    {op::kReaddirplus, "READDIRPLUS", ops::Readdirplus},
    {op::kRename2, "RENAME2", ops::Rename2},
    {op::kLseek, "LSEEK", ops::Lseek},
    {op::kCopyFileRange, "COPY_FILE_RANGE", ops::CopyFileRange},
    {op::kSyncfs, "SYNCFS", ops::Syncfs},
    {op::kTmpfile, "TMPFILE", ops::Tmpfile},
    {op::kStatx, "STATX", ops::Statx},
    {op::kCopyFileRange64, "COPY_FILE_RANGE_64", ops::CopyFileRange64},
};

// Opcodes that take no reply, whatever is wrong with the request. INTERRUPT may have one.
bool Silent(uint32_t opcode) {
  return opcode == op::kForget || opcode == op::kBatchForget || opcode == op::kNotifyReply ||
         opcode == op::kInterrupt;
}

// The extensions at the tail of creating operations (total_extlen, in units of 8 bytes) are no part
// of the body. We have no use for them.
bool CutExtensions(const fuse_in_header& head, size_t* body_size) {
  const size_t extensions = size_t{head.total_extlen} * 8;
  if (extensions > *body_size) return false;
  *body_size -= extensions;
  return true;
}

int Run(Call& call, const fuse_in_header& head, bool well_formed) {
  if (!well_formed) return kMalformed;
  const Row* row = FindRow(head.opcode);
  if (row == nullptr) return ENOSYS;
  if (!call.negotiated.ready && head.opcode != op::kInit) return EIO;
  return row->run(call);
}

}  // namespace

const Row* FindRow(uint32_t opcode) {
  for (const Row& row : kRows) {
    if (row.opcode == opcode) return &row;
  }
  return nullptr;
}

const Row* FindRow(const char* name) {
  for (const Row& row : kRows) {
    if (strcasecmp(row.name, name) == 0) return &row;
  }
  return nullptr;
}

void Dispatch(Session& session, Channel* channel, const char* bytes, size_t size, char* reply,
              size_t capacity) {
  // Not even a unique to answer to. No kernel sends this.
  if (size < offsetof(fuse_in_header, nodeid)) return;
  fuse_in_header head{};
  memcpy(&head, bytes, size < sizeof head ? size : sizeof head);
  size_t body_size = size < sizeof head ? 0 : size - sizeof head;
  const bool well_formed =
      size >= sizeof head && head.len == size && CutExtensions(head, &body_size);

  Call call{session,
            session.fs(),
            session.negotiated(),
            {head.unique, head.nodeid, head.uid, head.gid, head.pid, channel},
            Body(bytes + sizeof head, body_size),
            Reply(reply, capacity)};
  int error = Run(call, head, well_formed);
  if (error == kNoReply || Silent(head.opcode)) return;
  if (error < 0 || error > kMaxErrno) error = EIO;

  const char* message = call.reply.Finish(head.unique, error);
  const int failed = channel->Send(message, sizeof(fuse_out_header), message + sizeof(fuse_out_header),
                                   call.reply.size() - sizeof(fuse_out_header));
  // INIT is answered: from here on other threads may read, and meet what it settled.
  if (head.opcode == op::kInit && session.negotiated().ready) session.SetReady();
  // ENOENT: nobody waits any more (abort). ENODEV: the connection ended. Otherwise the reply was not
  // taken: the client must not hang for it.
  if (failed == 0 || failed == ENOENT || failed == ENODEV) return;
  fprintf(stderr, "fuse-rig-server: replying to opcode %u: %s\n", head.opcode, strerror(failed));
  channel->Answer(head.unique, EIO);
}

}  // namespace fuse_rig
