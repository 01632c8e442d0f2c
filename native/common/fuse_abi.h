// Numbers of FUSE protocol 7.45: opcodes, flags, ioctls. Source: include/uapi/linux/fuse.h of Linux
// 6.18. The structures are in fuse_structs.h. Never include <linux/fuse.h> beside this.
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

#include "fuse_structs.h"

namespace fuse_rig {

constexpr uint32_t kKernelVersion = 7;
constexpr uint32_t kKernelMinor = 45;
constexpr uint64_t kRootId = 1;
constexpr size_t kMinReadBuffer = 8192;
constexpr size_t kPage = 4096;
constexpr uint32_t kDefaultMaxPages = 32;  // max_pages when FUSE_MAX_PAGES is not negotiated
// The largest errno a reply may carry (fuse_dev_do_write: -512 < error <= 0).
constexpr int kMaxErrno = 511;

namespace op {
enum : uint32_t {
  kLookup = 1,
  kForget = 2,
  kGetattr = 3,
  kSetattr = 4,
  kReadlink = 5,
  kSymlink = 6,
  kMknod = 8,
  kMkdir = 9,
  kUnlink = 10,
  kRmdir = 11,
  kRename = 12,
  kLink = 13,
  kOpen = 14,
  kRead = 15,
  kWrite = 16,
  kStatfs = 17,
  kRelease = 18,
  kFsync = 20,
  kSetxattr = 21,
  kGetxattr = 22,
  kListxattr = 23,
  kRemovexattr = 24,
  kFlush = 25,
  kInit = 26,
  kOpendir = 27,
  kReaddir = 28,
  kReleasedir = 29,
  kFsyncdir = 30,
  kGetlk = 31,
  kSetlk = 32,
  kSetlkw = 33,
  kAccess = 34,
  kCreate = 35,
  kInterrupt = 36,
  kBmap = 37,
  kDestroy = 38,
  kIoctl = 39,
  kPoll = 40,
  kNotifyReply = 41,
  kBatchForget = 42,
  kFallocate = 43,
  kReaddirplus = 44,
  kRename2 = 45,
  kLseek = 46,
  kCopyFileRange = 47,
  kSetupmapping = 48,
  kRemovemapping = 49,
  kSyncfs = 50,
  kTmpfile = 51,
  kStatx = 52,
  kCopyFileRange64 = 53,
};
}  // namespace op

// Codes in the error field of a message with unique 0.
namespace notify_code {
enum : int32_t {
  kPoll = 1,
  kInvalInode = 2,
  kInvalEntry = 3,
  kStore = 4,
  kRetrieve = 5,
  kDelete = 6,
  kResend = 7,
  kIncEpoch = 8,
  kPrune = 9,
};
}  // namespace notify_code

// INIT flags; bits 32.. travel in flags2.
namespace init {
enum : uint64_t {
  kAsyncRead = 1ull << 0,
  kPosixLocks = 1ull << 1,
  kAtomicOTrunc = 1ull << 3,
  kBigWrites = 1ull << 5,
  kDontMask = 1ull << 6,
  kSpliceWrite = 1ull << 7,
  kSpliceMove = 1ull << 8,
  kSpliceRead = 1ull << 9,
  kFlockLocks = 1ull << 10,
  kAutoInvalData = 1ull << 12,
  kDoReaddirplus = 1ull << 13,
  kReaddirplusAuto = 1ull << 14,
  kAsyncDio = 1ull << 15,
  kWritebackCache = 1ull << 16,
  kParallelDirops = 1ull << 18,
  kHandleKillpriv = 1ull << 19,
  kMaxPages = 1ull << 22,
  kExplicitInvalData = 1ull << 25,
  kSetxattrExt = 1ull << 29,
  kInitExt = 1ull << 30,
  kHasExpireOnly = 1ull << 35,
  kPassthrough = 1ull << 37,
  kHasResend = 1ull << 39,
  kOverIoUring = 1ull << 41,
};
}  // namespace init

// enum fuse_uring_cmd: sqe->cmd_op of IORING_OP_URING_CMD.
namespace uring_cmd {
enum : uint32_t { kRegister = 1, kCommitAndFetch = 2 };
}  // namespace uring_cmd

// fuse_setattr_in.valid
enum SetattrFlag : uint32_t {
  kSetMode = 1u << 0,
  kSetUid = 1u << 1,
  kSetGid = 1u << 2,
  kSetSize = 1u << 3,
  kSetAtime = 1u << 4,
  kSetMtime = 1u << 5,
  kSetFh = 1u << 6,
  kSetAtimeNow = 1u << 7,
  kSetMtimeNow = 1u << 8,
  kSetCtime = 1u << 10,
};

constexpr uint32_t kGetattrFh = 1u << 0;     // fuse_getattr_in.getattr_flags
constexpr uint32_t kOpenDirectIo = 1u << 0;  // fuse_open_out.open_flags
constexpr uint32_t kOpenKeepCache = 1u << 1;
constexpr uint32_t kOpenNonseekable = 1u << 2;
constexpr uint32_t kOpenPassthrough = 1u << 7;
constexpr uint32_t kReleaseFlockUnlock = 1u << 1;  // fuse_release_in.release_flags
constexpr uint32_t kLkFlock = 1u << 0;             // fuse_lk_in.lk_flags
constexpr uint32_t kFsyncFdatasync = 1u << 0;      // fuse_fsync_in.fsync_flags
constexpr uint32_t kPollScheduleNotify = 1u << 0;  // fuse_poll_in.flags
constexpr uint32_t kExpireOnly = 1u << 0;          // fuse_notify_inval_entry_out.flags

// Sizes of structures that grew (fuse_adjust_compat, process_init_reply).
constexpr size_t kCompatEntryOut = 120;  // minor < 9
constexpr size_t kCompatAttrOut = 96;    // minor < 9
constexpr size_t kCompatWriteIn = 24;    // minor < 9
constexpr size_t kCompatStatfsOut = 48;  // minor < 4
constexpr size_t kCompatCreateIn = 8;    // minor < 12, MKNOD too
constexpr size_t kCompatSetxattrIn = 8;  // without FUSE_SETXATTR_EXT
constexpr size_t kCompatInitOut = 8;     // minor < 5
constexpr size_t kCompat22InitOut = 24;  // minor < 23

constexpr unsigned long kIocClone = _IOR(229, 0, uint32_t);
constexpr unsigned long kIocBackingOpen = _IOW(229, 1, fuse_backing_map);
constexpr unsigned long kIocBackingClose = _IOW(229, 2, uint32_t);
constexpr unsigned long kIocSyncInit = _IO(229, 3);  // Linux 6.18

}  // namespace fuse_rig
