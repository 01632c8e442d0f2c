// The stand-in for fusermount3, first on the server's PATH. It does what the setuid program does
// with the same system calls and no privileges (open, mount, sendmsg, umount2): each of them comes
// to the rig, which performs them or fakes them. Source for the protocol: libfuse util/fusermount.c.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "rights.h"

namespace {

struct Options {
  bool unmount = false, lazy = false, quiet = false, auto_unmount = false;
  std::string mount_options, target;
};

int Die(const Options& o, const char* what) {
  if (!o.quiet) fprintf(stderr, "fusermount3 (fuse-rig): %s: %s\n", what, strerror(errno));
  return 1;
}

Options Parse(int argc, char** argv) {
  Options o;
  bool plain = false;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i];
    if (plain || a[0] != '-') o.target = a;
    else if (a == "--") plain = true;
    else if (a == "-u" || a == "--unmount") o.unmount = true;
    else if (a == "-z" || a == "--lazy") o.lazy = true;
    else if (a == "-q" || a == "--quiet") o.quiet = true;
    else if (a == "-U" || a == "--auto-unmount") o.auto_unmount = true;
    else if (a == "-o" && i + 1 < argc) o.mount_options = argv[++i];
    else if (a == "-V" || a == "--version") {
      printf("fusermount3 version: 3.14.0\n");
      exit(0);
    } else if (a.rfind("-o", 0) == 0) o.mount_options = a.substr(2);
  }
  return o;
}

bool SendFd(int sock, int fd) {
  char byte = 0;
  iovec iov = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  fuse_rig::PutDescriptors(&msg, control, &fd, 1);
  return sendmsg(sock, &msg, 0) == 1;
}

// mount_fuse of fusermount.c: options the kernel does not know are taken out, the mandatory ones are
// put in front.
int Mount(Options& o, int sock) {
  struct stat st;
  if (stat(o.target.c_str(), &st) != 0) return Die(o, o.target.c_str());
  int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fd < 0) return Die(o, "/dev/fuse");
  unsigned long flags = MS_NOSUID | MS_NODEV;
  std::string rest, source, subtype, type = "fuse";
  for (size_t at = 0; at < o.mount_options.size();) {
    size_t comma = o.mount_options.find(',', at);
    if (comma == std::string::npos) comma = o.mount_options.size();
    std::string s = o.mount_options.substr(at, comma - at);
    at = comma + 1;
    if (s.empty() || s == "rw" || s == "suid" || s == "dev" || s == "nonempty" || s == "async") continue;
    if (s == "ro") flags |= MS_RDONLY;
    else if (s == "nosuid") flags |= MS_NOSUID;
    else if (s == "nodev") flags |= MS_NODEV;
    else if (s == "noexec") flags |= MS_NOEXEC;
    else if (s == "noatime") flags |= MS_NOATIME;
    else if (s == "sync") flags |= MS_SYNCHRONOUS;
    else if (s == "dirsync") flags |= MS_DIRSYNC;
    else if (s == "auto_unmount") o.auto_unmount = true;
    else if (s.rfind("fsname=", 0) == 0) source = s.substr(7);
    else if (s.rfind("subtype=", 0) == 0) subtype = s.substr(8);
    else rest += "," + s;
  }
  if (!subtype.empty()) type += "." + subtype;
  if (source.empty()) source = subtype.empty() ? "/dev/fuse" : subtype;
  char data[8192];
  snprintf(data, sizeof data, "fd=%d,rootmode=%o,user_id=%u,group_id=%u%s", fd, st.st_mode & S_IFMT,
           getuid(), getgid(), rest.c_str());
  if (mount(source.c_str(), o.target.c_str(), type.c_str(), flags, data) != 0) return Die(o, "mount");
  if (!SendFd(sock, fd)) return Die(o, "sending the device descriptor");
  if (o.auto_unmount) {
    // Waits for the server's end of the socket to close, as the real one does.
    close(fd);
    char byte;
    while (read(sock, &byte, 1) > 0 || errno == EINTR) {
    }
    umount2(o.target.c_str(), MNT_DETACH);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // A server that ends before it has read our complaint is no crash of anybody.
  signal(SIGPIPE, SIG_IGN);
  Options o = Parse(argc, argv);
  if (o.target.empty()) {
    fprintf(stderr, "fusermount3 (fuse-rig): no mountpoint\n");
    return 1;
  }
  if (o.unmount) {
    if (umount2(o.target.c_str(), o.lazy ? MNT_DETACH : 0) != 0) return Die(o, "umount");
    return 0;
  }
  const char* env = getenv("_FUSE_COMMFD");
  if (!env) {
    fprintf(stderr, "fusermount3 (fuse-rig): _FUSE_COMMFD is not set\n");
    return 1;
  }
  return Mount(o, atoi(env));
}
