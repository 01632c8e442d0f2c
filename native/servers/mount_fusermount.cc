// Mounting without privilege: the setuid program mounts, and passes the opened device back over the
// socket named in _FUSE_COMMFD (lib/mount.c of libfuse).
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "mount.h"

extern char** environ;

namespace fuse_rig {
namespace {

constexpr char kProgram[] = "fusermount3";

// Runs it from PATH and returns its pid, or 0 with errno set. `socket` stays open in the child.
pid_t Spawn(const std::vector<std::string>& arguments, int socket) {
  std::vector<char*> argv;
  for (const std::string& one : arguments) argv.push_back(const_cast<char*>(one.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> env;
  for (char** at = environ; *at != nullptr; ++at) {
    if (strncmp(*at, "_FUSE_COMMFD=", 13) != 0) env.push_back(*at);
  }
  std::string commfd = "_FUSE_COMMFD=" + std::to_string(socket);
  if (socket >= 0) env.push_back(commfd.data());
  env.push_back(nullptr);

  // SIGTERM and its like stay blocked in it: one sent to the whole group (timeout(1), a terminal)
  // must not end the program that is about to unmount.
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // A dup2 onto itself takes the close-on-exec flag off, in the child alone.
  if (socket >= 0) posix_spawn_file_actions_adddup2(&actions, socket, socket);
  pid_t pid = 0;
  errno = posix_spawnp(&pid, kProgram, &actions, nullptr, argv.data(), env.data());
  const int error = errno;
  posix_spawn_file_actions_destroy(&actions);
  errno = error;
  return error == 0 ? pid : 0;
}

int Reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// The descriptor passed with one byte; not ok if the other end closed without.
Fd ReceiveFd(int socket) {
  char byte;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  do {
    n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  const cmsghdr* head = n > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
    return Fd();
  int fd;
  memcpy(&fd, CMSG_DATA(head), sizeof fd);
  return Fd(fd);
}

}  // namespace

bool MountFusermount(const Options& options, const std::string& mountpoint, Fd* fd,
                     std::string* problem) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    return *problem = SystemProblem("socketpair"), false;
  Fd ours(ends[0]), theirs(ends[1]);
  std::string mount_options =
      std::string("rw,nosuid,nodev,fsname=") + kSource + ",subtype=" + kSubtype;
  if (options.allow_other) mount_options += ",allow_other";
  if (options.default_permissions) mount_options += ",default_permissions";
  const pid_t pid = Spawn({kProgram, "-o", mount_options, "--", mountpoint}, theirs.get());
  if (pid == 0) return *problem = SystemProblem(kProgram), false;
  theirs.Reset();
  *fd = ReceiveFd(ours.get());
  const int status = Reap(pid);
  if (fd->ok() && status == 0) return true;
  // It has said why on our standard error.
  *problem = std::string(kProgram) + " did not mount " + mountpoint;
  fd->Reset();
  return false;
}

void UnmountFusermount(const std::string& mountpoint) {
  const pid_t pid = Spawn({kProgram, "-u", "-q", "-z", "--", mountpoint}, -1);
  if (pid != 0) Reap(pid);
}

}  // namespace fuse_rig
