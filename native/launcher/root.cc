// The root is an overlay of the directory and of a tmpfs, so that shared paths can be placed anywhere in
// it, under the names they have outside: nothing that is said about a path needs to be translated.
// Mount trees are taken (open_tree) before the root changes and placed (move_mount) after, when a path
// with symbolic links means what the server will mean by it.
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// linux/mount.h, which does not go with older sys/mount.h.
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 4
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif

namespace fuse_rig {
namespace {

struct Tree {
  std::string path;
  int fd;
  bool directory;
};

RootError Failed(const std::string& what) { return {errno, what}; }

bool WriteFile(const char* path, const std::string& text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool whole = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  int err = errno;
  close(fd);
  errno = err;
  return whole;
}

// A mount namespace; as an ordinary user in a user namespace that knows this user and group only.
RootError NewNamespace(bool* user) {
  *user = false;
  if (unshare(CLONE_NEWNS) == 0) return {0, ""};
  if (errno != EPERM) return Failed("unshare(CLONE_NEWNS)");
  const std::string uid = std::to_string(geteuid()), gid = std::to_string(getegid());
  *user = true;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return Failed("unshare(CLONE_NEWUSER)");
  if (!WriteFile("/proc/self/setgroups", "deny")) return Failed("/proc/self/setgroups");
  if (!WriteFile("/proc/self/uid_map", uid + " " + uid + " 1")) return Failed("/proc/self/uid_map");
  if (!WriteFile("/proc/self/gid_map", gid + " " + gid + " 1")) return Failed("/proc/self/gid_map");
  return {0, ""};
}

// The mounts of `path` and below it, on their own.
RootError Take(const std::string& path, std::vector<Tree>* trees) {
  struct stat st;
  if (stat(path.c_str(), &st) != 0) return Failed("stat " + path);
  int fd = static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | AT_RECURSIVE | O_CLOEXEC));
  if (fd < 0) return Failed("open_tree " + path);
  trees->push_back({path, fd, S_ISDIR(st.st_mode)});
  return {0, ""};
}

// Makes what a tree is to be placed on, where it is missing.
bool MakePlace(const Tree& tree) {
  for (size_t at = 1; (at = tree.path.find('/', at)) != std::string::npos; ++at) {
    if (mkdir(tree.path.substr(0, at).c_str(), 0755) != 0 && errno != EEXIST) return false;
  }
  if (tree.directory) return mkdir(tree.path.c_str(), 0755) == 0 || errno == EEXIST;
  int fd = open(tree.path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return access(tree.path.c_str(), F_OK) == 0;
  close(fd);
  return true;
}

// In a user namespace a directory of somebody else's cannot be copied up, so nothing could be made in it:
// those on the way to a place are made in `upper` beforehand, like those in the working directory, the
// layer below. A symbolic link on the way is left to be followed.
bool MakeWay(const Tree& tree, int upper) {
  const std::string path = tree.path.substr(1);
  for (size_t at = 0; (at = path.find('/', at)) != std::string::npos; ++at) {
    const std::string way = path.substr(0, at);
    struct stat st;
    const bool there = lstat(way.c_str(), &st) == 0;
    if (there && !S_ISDIR(st.st_mode)) return true;
    if (mkdirat(upper, way.c_str(), 0755) != 0 && errno != EEXIST) return false;
    if (there && fchmodat(upper, way.c_str(), st.st_mode & 07777, 0) != 0) return false;
  }
  return true;
}

// Mounts the overlay of `dir` over `dir` itself and makes it the root. The tmpfs lies over `dir` as
// well: the namespace is ours alone, and there is no other place that is surely there.
RootError ChangeRoot(const char* dir, bool user, const std::vector<Tree>& trees) {
  if (chdir(dir) != 0) return Failed("chdir");
  if (mount("fuse-rig", dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0) return Failed("mount tmpfs");
  int top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct stat below, above;
  if (stat(".", &below) != 0 || fstat(top, &above) != 0) return Failed("stat");
  if (below.st_dev == above.st_dev) return {EINVAL, "the directory is the root already"};
  for (const char* name : {"upper", "work", "root"}) {
    if (mkdirat(top, name, 0755) != 0) return Failed("mkdir in the tmpfs");
  }
  if (user) {
    const int upper = openat(top, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (const Tree& tree : trees) {
      if (!MakeWay(tree, upper)) return Failed("making the way to " + tree.path);
    }
    close(upper);
  }
  // The working directory is still the one below: no name of it needs to be written into options.
  const std::string at = "/proc/self/fd/" + std::to_string(top);
  const std::string options = "lowerdir=.,upperdir=" + at + "/upper,workdir=" + at + "/work" + (user ? ",userxattr" : "");
  const std::string root = at + "/root";
  if (mount("fuse-rig", root.c_str(), "overlay", 0, options.c_str()) != 0) return Failed("mount overlay");
  if (chdir(root.c_str()) != 0) return Failed("chdir to the overlay");
  close(top);
  if (syscall(SYS_pivot_root, ".", ".") != 0) return Failed("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return Failed("umount of the old root");
  return chdir("/") == 0 ? RootError{0, ""} : Failed("chdir /");
}

}  // namespace

RootError EnterRoot(const char* dir, const std::vector<std::string>& shared) {
  const mode_t mask = umask(022);
  bool user;
  RootError failed = NewNamespace(&user);
  if (failed.error != 0) return failed;
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return Failed("mount --make-rprivate /");
  std::vector<Tree> trees;
  std::vector<std::string> paths{"/proc", "/sys", "/dev"};
  paths.insert(paths.end(), shared.begin(), shared.end());
  for (const std::string& path : paths) {
    failed = Take(path, &trees);
    if (failed.error != 0) return failed;
  }
  failed = ChangeRoot(dir, user, trees);
  if (failed.error != 0) return failed;
  for (const Tree& tree : trees) {
    if (!MakePlace(tree)) return Failed("making " + tree.path);
    if (syscall(SYS_move_mount, tree.fd, "", AT_FDCWD, tree.path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
      return Failed("placing " + tree.path);
    }
    close(tree.fd);
  }
  umask(mask);
  return {0, ""};
}

}  // namespace fuse_rig
