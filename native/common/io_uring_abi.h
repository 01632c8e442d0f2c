// Constants of io_uring newer than the headers we build against (Debian 12 has those of Linux 6.1).
// Source: include/uapi/linux/io_uring.h of Linux 6.18. The system calls have no wrappers in libc.
#pragma once

#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

#ifndef IORING_SETUP_NO_MMAP
#define IORING_SETUP_NO_MMAP (1U << 14)
#endif
#ifndef IORING_SETUP_REGISTERED_FD_ONLY
#define IORING_SETUP_REGISTERED_FD_ONLY (1U << 15)
#endif
#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif

namespace fuse_rig {

// enum io_uring_register_op, Linux 6.13: MSG_RING without a ring of one's own.
constexpr unsigned kRegisterSendMsgRing = 31;

// Of IORING_SETUP_SQE128: bytes of a whole entry; its command area begins at sqe->cmd.
constexpr size_t kSqe128 = 128;

inline int UringSetup(unsigned entries, io_uring_params* params) {
  return static_cast<int>(syscall(SYS_io_uring_setup, entries, params));
}
inline int UringEnter(int fd, unsigned to_submit, unsigned min_complete, unsigned flags) {
  return static_cast<int>(
      syscall(SYS_io_uring_enter, fd, to_submit, min_complete, flags, nullptr, 0));
}
inline int UringRegister(int fd, unsigned opcode, const void* argument, unsigned count) {
  return static_cast<int>(syscall(SYS_io_uring_register, fd, opcode, argument, count));
}

}  // namespace fuse_rig
