// Descriptors that go with a message (unix(7), SCM_RIGHTS).
#pragma once

#include <string.h>
#include <sys/socket.h>

#include <cstddef>

namespace fuse_rig {

// `control` has room for CMSG_SPACE(count * sizeof(int)), zeroed.
inline void PutDescriptors(msghdr* msg, void* control, const int* fds, size_t count) {
  msg->msg_control = control;
  msg->msg_controllen = CMSG_SPACE(count * sizeof(int));
  cmsghdr* c = CMSG_FIRSTHDR(msg);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(c), fds, count * sizeof(int));
}

}  // namespace fuse_rig
