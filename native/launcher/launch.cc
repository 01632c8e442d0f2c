#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "filter.h"
#include "keeper.h"
#include "keeper_protocol.h"
#include "rights.h"
#include "root.h"
#include "seccomp_abi.h"

namespace fuse_rig {
namespace {

void Send(int sock, uint32_t type, int status, const char* text, int pass_fd = -1) {
  KeeperMessage m{};
  m.type = type;
  m.pid = getpid();
  m.parent = getppid();
  m.status = status;
  strncpy(m.text, text, sizeof m.text - 1);
  iovec iov = {&m, kKeeperHead + strlen(m.text) + 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  if (pass_fd >= 0) PutDescriptors(&msg, control, &pass_fd, 1);
  while (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

[[noreturn]] void Fail(int sock, const char* call) {
  Send(sock, kSetupFailed, errno, call);
  _exit(126);
}

template <typename Number>
void ParseList(char* text, std::vector<Number>* out) {
  if (text[0] == '-') return;
  for (char* p = strtok(text, ","); p; p = strtok(nullptr, ",")) out->push_back(static_cast<Number>(atoi(p)));
}

int InstallFilter(const std::vector<sock_filter>& code) {
  sock_fprog prog = {static_cast<unsigned short>(code.size()), const_cast<sock_filter*>(code.data())};
  // A request must not be lost to a signal between its RECV and its answer. Kernels before 5.19 do
  // not know the flag; there is no safe way without it, so there is no fallback.
  unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  return static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog));
}

// Why execvp started nothing. It says EACCES for a directory of PATH that cannot be searched, too; only a
// program that is there counts here, as for shells.
int WhyNotFound(const char* name, int error) {
  const char* path = getenv("PATH");
  if (error != EACCES || path == nullptr || strchr(name, '/') != nullptr) return error;
  for (const char *from = path, *end; ; from = end + 1) {
    end = strchrnul(from, ':');
    const std::string dir(from, static_cast<size_t>(end - from));
    if (access((dir.empty() ? name : dir + "/" + name).c_str(), F_OK) == 0) return EACCES;
    if (*end == 0) return ENOENT;
  }
}

void CloseRange(unsigned first, unsigned last) {
  if (first <= last) syscall(SYS_close_range, first, last, 0);
}

struct Server {
  const char* cwd;
  const char* root;  // "-": none of its own
  std::vector<std::string> shared;
  char** argv;
};

[[noreturn]] void RunServer(int sock, int go, const FdRange& range, const Server& server) {
  if (strcmp(server.root, "-") != 0) {
    const RootError failed = EnterRoot(server.root, server.shared);
    errno = failed.error;
    if (failed.error != 0) Fail(sock, ("root: " + failed.what).c_str());
    if (chdir(server.cwd) != 0) Fail(sock, "root: chdir to the working directory");
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setsid();
  if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) Fail(sock, "no_new_privs");
  int listener = InstallFilter(BuildFilter(range));
  if (listener < 0) Fail(sock, "seccomp(NEW_LISTENER)");
  Send(sock, kListener, 0, "", listener);
  close(listener);
  // The keeper reads the socket; it passes the word on by closing the pipe after one byte.
  char byte = 0;
  ssize_t n;
  while ((n = read(go, &byte, 1)) < 0 && errno == EINTR) {
  }
  if (n != 1) _exit(126);
  execvp(server.argv[0], server.argv);
  Send(sock, kExecFailed, WhyNotFound(server.argv[0], errno), server.argv[0]);
  _exit(127);
}

}  // namespace

void Launch(int sock, char** argv) {
  FdRange range{static_cast<unsigned>(atoi(argv[0])), static_cast<unsigned>(atoi(argv[1])), {}, {}};
  ParseList(argv[2], &range.extra);
  ParseList(argv[3], &range.calls);
  Server server{argv[4], argv[6], {}, argv + 7};
  while (*server.argv != nullptr && strcmp(*server.argv, "--") != 0) server.shared.push_back(*server.argv++);
  if (*server.argv != nullptr) ++server.argv;
  fcntl(sock, F_SETFD, FD_CLOEXEC);
  setsid();
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) Fail(sock, "subreaper");
  if (chdir(server.cwd) != 0) Fail(sock, "chdir to the working directory");
  umask(static_cast<mode_t>(strtol(argv[5], nullptr, 8)));
  // The keeper is to see the end of a server that is faster than itself.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  int go[2];
  if (pipe2(go, O_CLOEXEC) != 0) Fail(sock, "pipe");
  pid_t pid = fork();
  if (pid < 0) Fail(sock, "fork");
  if (pid == 0) {
    close(go[1]);
    RunServer(sock, go[0], range, server);
  }
  // The terminal or pipes belong to the server alone: whoever reads its output must see EOF when
  // the server is gone, not when the keeper is.
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  const unsigned low = std::min(sock, go[1]), high = std::max(sock, go[1]);
  CloseRange(3, low - 1);
  CloseRange(low + 1, high - 1);
  CloseRange(high + 1, ~0U);
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  Keep(sock, go[1]);
}

}  // namespace fuse_rig
