// The table of opcodes and the way through it.
#include "dispatch.h"

#include <strings.h>

#include <cstdio>

#include "bugs.h"
#include "reply_port.h"
#include "session.h"

namespace fuse_rig {
namespace {

constexpr Row kRows[] = {
    {op::kLookup, "LOOKUP", 0, ops::Lookup},
    {op::kForget, "FORGET", 0, ops::Forget},
    {op::kGetattr, "GETATTR", 0, ops::Getattr},
    {op::kSetattr, "SETATTR", 0, ops::Setattr},
    {op::kReadlink, "READLINK", 0, ops::Readlink},
    {op::kSymlink, "SYMLINK", 0, ops::Symlink},
    {op::kMknod, "MKNOD", 0, ops::Mknod},
    {op::kMkdir, "MKDIR", 0, ops::Mkdir},
    {op::kUnlink, "UNLINK", 0, ops::Unlink},
    {op::kRmdir, "RMDIR", 0, ops::Rmdir},
    {op::kRename, "RENAME", 0, ops::Rename},
    {op::kLink, "LINK", 0, ops::Link},
    {op::kOpen, "OPEN", 0, ops::Open},
    {op::kRead, "READ", 0, ops::Read},
    {op::kWrite, "WRITE", 0, ops::Write},
    {op::kStatfs, "STATFS", 0, ops::Statfs},
    {op::kRelease, "RELEASE", 0, ops::Release},
    {op::kFsync, "FSYNC", 0, ops::Fsync},
    {op::kSetxattr, "SETXATTR", 0, ops::Setxattr},
    {op::kGetxattr, "GETXATTR", 0, ops::Getxattr},
    {op::kListxattr, "LISTXATTR", 0, ops::Listxattr},
    {op::kRemovexattr, "REMOVEXATTR", 0, ops::Removexattr},
    {op::kFlush, "FLUSH", 0, ops::Flush},
    {op::kInit, "INIT", 0, ops::Init},
    {op::kOpendir, "OPENDIR", 0, ops::Opendir},
    {op::kReaddir, "READDIR", 0, ops::Readdir},
    {op::kReleasedir, "RELEASEDIR", 0, ops::Releasedir},
    {op::kFsyncdir, "FSYNCDIR", 0, ops::Fsyncdir},
    {op::kGetlk, "GETLK", 7, ops::Getlk},
    {op::kSetlk, "SETLK", 7, ops::Setlk},
    {op::kSetlkw, "SETLKW", 7, ops::Setlkw},
    {op::kAccess, "ACCESS", 3, ops::Access},
    {op::kCreate, "CREATE", 3, ops::Create},
    {op::kInterrupt, "INTERRUPT", 7, ops::Interrupt},
    {op::kDestroy, "DESTROY", 8, ops::Destroy},
    {op::kIoctl, "IOCTL", 11, ops::Ioctl},
    {op::kPoll, "POLL", 11, ops::Poll},
    {op::kNotifyReply, "NOTIFY_REPLY", 15, ops::NotifyReply},
    {op::kBatchForget, "BATCH_FORGET", 16, ops::BatchForget},
    {op::kFallocate, "FALLOCATE", 19, ops::Fallocate},
    {op::kReaddirplus, "READDIRPLUS", 21, ops::Readdirplus},
    {op::kRename2, "RENAME2", 23, ops::Rename2},
    {op::kLseek, "LSEEK", 24, ops::Lseek},
    {op::kCopyFileRange, "COPY_FILE_RANGE", 28, ops::CopyFileRange},
    {op::kSyncfs, "SYNCFS", 34, ops::Syncfs},
    {op::kTmpfile, "TMPFILE", 37, ops::Tmpfile},
    {op::kStatx, "STATX", 39, ops::Statx},
    {op::kCopyFileRange64, "COPY_FILE_RANGE_64", 45, ops::CopyFileRange64},
};

// Opcodes that take no reply, whatever is wrong with the request. INTERRUPT may have one.
bool Silent(uint32_t opcode) {
  return opcode == op::kForget || opcode == op::kBatchForget || opcode == op::kNotifyReply ||
         opcode == op::kInterrupt;
}

// The extensions at the tail of creating operations (total_extlen, in units of 8 bytes) are no part
// of the body. We have no use for them.
bool CutExtensions(const fuse_in_header& head, Body* body) {
  return body->Cut(size_t{head.total_extlen} * 8);
}

int Run(Call& call, const fuse_in_header& head, bool well_formed) {
  if (!well_formed || !CutExtensions(head, &call.body)) return kMalformed;
  const Row* row = FindRow(head.opcode);
  // To a server of an older minor a newer opcode is unknown.
  if (row == nullptr || row->since > call.session.options().minor) {
    const Operation none = nullptr;
    return Bug(bug::kOpcodeNull) ? none(call) : ENOSYS;
  }
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

void Dispatch(Session& session, const Incoming& request, Channel* channel, ReplyPort* back,
              Reply reply) {
  const fuse_in_header& head = request.head;
  Call call{session,
            session.fs(),
            session.negotiated(),
            {head.unique, head.nodeid, head.uid, head.gid, head.pid, channel, back},
            request.body,
            reply};
  int error = Run(call, head, request.well_formed);
  if (Bug(bug::kForgetAnswered) && head.opcode == op::kForget) back->Answer(head.unique, 0);
  if (Bug(bug::kParseErrorUnanswered) && error == kMalformed) return;
  const bool again = head.opcode == op::kInterrupt && error == EAGAIN;
  if (Silent(head.opcode) && !again) return back->NoReply(head.unique);
  if (error == kNoReply) return;  // whoever keeps it has it already: nothing of it is ours now
  if (error < 0 || error > kMaxErrno) error = EIO;

  const bool half = Bug(bug::kId32Bit);
  call.reply.Finish(half ? static_cast<uint32_t>(head.unique) : head.unique, error);
  const int failed =
      back->SendReply(call.reply.head(), call.reply.body(), call.reply.body_size());
  if (Bug(bug::kDoubleReply) && error != 0) back->Answer(head.unique, error);
  if (head.opcode == op::kInit) session.InitAnswered();
  // ENOENT: nobody waits any more (abort). ENODEV: the connection ended. Otherwise the reply was
  // not taken: the client must not hang for it.
  if (failed == 0 || failed == ENOENT || failed == ENODEV) return;
  fprintf(stderr, "fuse-rig-server: replying to opcode %u: %s\n", head.opcode, strerror(failed));
  back->Answer(head.unique, EIO);
}

}  // namespace fuse_rig
