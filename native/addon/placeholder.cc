#include "placeholder.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace fuse_rig {
namespace {

socklen_t AbstractName(const std::string& name, sockaddr_un* addr) {
  memset(addr, 0, sizeof *addr);
  addr->sun_family = AF_UNIX;
  memcpy(addr->sun_path + 1, name.data(), name.size());
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
}

}  // namespace

bool Placeholder::Create(Placeholder* out, Fd* server_end) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
  out->rig_end_.Reset(pair[0]);
  server_end->Reset(pair[1]);
  // The smallest send buffer, so that one datagram makes a dead end unwritable (unix_writable).
  int small = 1;
  setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  // The server's end starts as a blocking descriptor; O_NONBLOCK is the server's to set.
  struct stat st;
  if (fstat(pair[1], &st) != 0) return false;
  out->ino_ = st.st_ino;
  char name[64];
  snprintf(name, sizeof name, "fuse-rig/%d/%lu", getpid(), static_cast<unsigned long>(st.st_ino));
  out->name_ = name;
  sockaddr_un addr;
  socklen_t len = AbstractName(out->name_, &addr);
  return bind(pair[1], reinterpret_cast<sockaddr*>(&addr), len) == 0;
}

void Placeholder::SetReadable(int server_end, bool on) {
  if (dead_ || on == readable_) return;
  if (on) {
    if (send(rig_end_.get(), "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) readable_ = true;
  } else {
    char byte;
    while (recv(server_end, &byte, 1, MSG_DONTWAIT) > 0) {
    }
    readable_ = false;
  }
}

void Placeholder::SetDead(int server_end) {
  if (dead_) return;
  SetReadable(server_end, false);
  // One message must wait at the rig's end when that end disconnects: only then does
  // unix_dgram_disconnected() set the peer's sk_err, which polls as ERR.
  send(server_end, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  third_.Reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un addr;
  socklen_t len = AbstractName(name_ + "/third", &addr);
  if (bind(third_.get(), reinterpret_cast<sockaddr*>(&addr), len) == 0) {
    static const char block[4096] = {};
    // Fills the send buffer so that the end is not writable: no OUT beside ERR.
    for (size_t n = sizeof block; n >= 1; n /= 2) {
      while (sendto(server_end, block, n, MSG_DONTWAIT | MSG_NOSIGNAL,
                    reinterpret_cast<sockaddr*>(&addr), len) > 0) {
      }
    }
  }
  sockaddr_un none{};
  none.sun_family = AF_UNSPEC;
  connect(rig_end_.get(), reinterpret_cast<sockaddr*>(&none), sizeof none.sun_family);
  dead_ = true;
}

void Placeholder::SetAlive(int server_end) {
  if (!dead_) return;
  sockaddr_un addr;
  socklen_t len = AbstractName(name_, &addr);
  if (connect(rig_end_.get(), reinterpret_cast<sockaddr*>(&addr), len) != 0) return;
  // Reading the error takes it away (sock_error()); what fills the send buffer goes with its receiver.
  int error;
  socklen_t size = sizeof error;
  getsockopt(server_end, SOL_SOCKET, SO_ERROR, &error, &size);
  third_.Reset();
  dead_ = false;
}

bool Placeholder::Alive() const {
  Fd probe(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un addr;
  socklen_t len = AbstractName(name_, &addr);
  if (connect(probe.get(), reinterpret_cast<sockaddr*>(&addr), len) == 0) return true;
  return errno != ECONNREFUSED;
}

}  // namespace fuse_rig
