// The mount API of descriptors (Linux 5.2). CMD_CREATE binds the handle; what the kernel has to say
// about a refused option is read from the context.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdio>

#include "mount.h"

namespace fuse_rig {
namespace {

// The first message of the context, without its "e " prefix.
std::string Complaint(int context) {
  char text[256];
  const ssize_t n = read(context, text, sizeof text - 1);
  if (n <= 2) return "";
  return " (" + std::string(text + 2, static_cast<size_t>(n - 2)) + ")";
}

bool Set(int context, const char* key, const std::string& value) {
  return fsconfig(context, FSCONFIG_SET_STRING, key, value.c_str(), 0) == 0;
}

bool Configure(int context, const Options& options, mode_t rootmode, int device) {
  char octal[16];
  snprintf(octal, sizeof octal, "%o", rootmode & S_IFMT);
  if (!Set(context, "source", kSource) || !Set(context, "subtype", kSubtype) ||
      !Set(context, "fd", std::to_string(device)) || !Set(context, "rootmode", octal) ||
      !Set(context, "user_id", std::to_string(getuid())) ||
      !Set(context, "group_id", std::to_string(getgid()))) {
    return false;
  }
  if (options.allow_other && fsconfig(context, FSCONFIG_SET_FLAG, "allow_other", nullptr, 0) < 0)
    return false;
  if (options.default_permissions &&
      fsconfig(context, FSCONFIG_SET_FLAG, "default_permissions", nullptr, 0) < 0) {
    return false;
  }
  return fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
}

}  // namespace

bool MountNewApi(const Options& options, const std::string& mountpoint, Fd* fd,
                 std::string* problem) {
  struct stat st{};
  if (stat(mountpoint.c_str(), &st) < 0) return *problem = SystemProblem(mountpoint), false;
  Fd device(open(kDevice, O_RDWR | O_CLOEXEC));
  if (!device.ok()) return *problem = SystemProblem(kDevice), false;
  Fd context(fsopen("fuse", FSOPEN_CLOEXEC));
  if (!context.ok()) return *problem = SystemProblem("fsopen"), false;
  if (!Configure(context.get(), options, st.st_mode, device.get())) {
    *problem = SystemProblem("fsconfig");
    *problem += Complaint(context.get());
    return false;
  }
  Fd mount(fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  if (!mount.ok()) return *problem = SystemProblem("fsmount"), false;
  if (move_mount(mount.get(), "", AT_FDCWD, mountpoint.c_str(), MOVE_MOUNT_F_EMPTY_PATH) < 0) {
    return *problem = SystemProblem("move_mount to " + mountpoint), false;
  }
  *fd = std::move(device);
  return true;
}

}  // namespace fuse_rig
