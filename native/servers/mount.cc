// The ways to a mounted handle, and mount(2) itself.
#include "mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

namespace fuse_rig {
namespace {

bool MountDirect(const Options& options, const std::string& mountpoint, Fd* fd,
                 std::string* problem) {
  struct stat st{};
  if (stat(mountpoint.c_str(), &st) < 0) return *problem = SystemProblem(mountpoint), false;
  *fd = Fd(open(kDevice, O_RDWR | O_CLOEXEC));
  if (!fd->ok()) return *problem = SystemProblem(kDevice), false;

  char data[128];
  snprintf(data, sizeof data, "fd=%d,rootmode=%o,user_id=%u,group_id=%u%s%s", fd->get(),
           st.st_mode & S_IFMT, getuid(), getgid(), options.allow_other ? ",allow_other" : "",
           options.default_permissions ? ",default_permissions" : "");
  const bool block = !options.block.empty();
  const std::string type = std::string(block ? "fuseblk." : "fuse.") + kSubtype;
  const char* source = block ? options.block.c_str() : kSource;
  if (mount(source, mountpoint.c_str(), type.c_str(), MS_NOSUID | MS_NODEV, data) < 0) {
    *problem = SystemProblem("mount on " + mountpoint);
    if (errno == EPERM) *problem += "; run as root or use --mount fusermount";
    fd->Reset();
    return false;
  }
  return true;
}

}  // namespace

std::string SystemProblem(const std::string& what) { return what + ": " + strerror(errno); }

bool Mount(const Options& options, const std::string& mountpoint, Mounted* out,
           std::string* problem) {
  if (options.mount == MountBy::kFd || options.mount == MountBy::kNone) {
    out->fd = Fd(options.fd);
    if (fcntl(options.fd, F_GETFD) < 0)
      return *problem = SystemProblem("descriptor " + std::to_string(options.fd)), false;
    fcntl(options.fd, F_SETFD, FD_CLOEXEC);
    return true;
  }
  // --daemon changes the directory, so the path must not depend on it.
  char absolute[PATH_MAX];
  if (realpath(mountpoint.c_str(), absolute) == nullptr) {
    *problem = SystemProblem(mountpoint);
    if (errno == ENOTCONN) *problem += " (a dead mount; umount it first)";
    return false;
  }
  out->mountpoint = absolute;
  switch (options.mount) {
    case MountBy::kNewApi: return MountNewApi(options, absolute, &out->fd, problem);
    case MountBy::kFusermount:
      out->by_fusermount = true;
      return MountFusermount(options, absolute, &out->fd, problem);
    default: return MountDirect(options, absolute, &out->fd, problem);
  }
}

void Unmount(const Mounted& mounted) {
  if (mounted.mountpoint.empty()) return;
  if (mounted.by_fusermount) return UnmountFusermount(mounted.mountpoint);
  umount2(mounted.mountpoint.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
}

}  // namespace fuse_rig
