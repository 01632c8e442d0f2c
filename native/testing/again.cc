// Servers that see the end of a connection otherwise than by reading the device they have mounted with, and
// go on behind it.
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tiny.h"

namespace fuse_rig {
namespace {

// Only clones are read, as with clone_fd of libfuse, which asks the first descriptor whether there is
// something left to unmount.
int CloneAsks(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  const int clone = OpenDevice(O_RDWR | O_CLOEXEC);
  const uint32_t source = static_cast<uint32_t>(fd);
  if (ioctl(clone, kIocClone, &source) != 0) return 3;
  const int error = Serve(clone);
  pollfd p = {fd, POLLIN, 0};
  poll(&p, 1, 0);
  Say("after the end %s", p.revents == POLLERR ? "ERR" : "other");
  return error == ENODEV ? 0 : 1;
}

// Mounts again and again: three times. It unmounts by itself, when it has been asked for a name.
int Again(const Arguments& a) {
  for (int left = 3; left > 0; --left) {
    const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
    MountDevice(fd, a.target);
    std::vector<char> request;
    for (bool asked = false; !asked;) {
      const long n = Read(fd, &request);
      if (n <= 0) return 1;
      Answer(fd, request.data(), static_cast<size_t>(n));
      fuse_in_header in;
      memcpy(&in, request.data(), sizeof in);
      asked = in.opcode == op::kLookup && strcmp(request.data() + sizeof in, "last") == 0;
    }
    umount2(a.target.c_str(), MNT_DETACH);
    close(fd);
  }
  return 0;
}

}  // namespace

const std::vector<Mode> kAgainModes = {{"clone-asks", CloneAsks}, {"again", Again}};

}  // namespace fuse_rig
