// A process that no signal ends, and what keeps it there: a mount whose server takes requests and
// answers none. A client of a request that was read waits for its answer, killed or not
// (request_wait_answer() of fs/fuse/dev.c).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "tiny.h"

namespace fuse_rig {
namespace {

// Answers INIT, and from then on nothing. Says `mounted`.
int Silent(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  std::vector<char> request;
  const long n = Read(fd, &request);
  if (n > 0) Answer(fd, request.data(), static_cast<size_t>(n));
  Say("mounted");
  while (Read(fd, &request) != -ENODEV) {
  }
  return 0;
}

bool SleepsUninterruptibly(pid_t pid) {
  char path[64], text[512] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE* f = fopen(path, "re");
  if (f == nullptr) return false;
  const size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = '\0';
  const char* paren = strrchr(text, ')');
  return paren != nullptr && paren[2] == 'D';
}

// A good server whose child looks up a name of a silent mount, named behind the mountpoint: once the
// look-up was read, and the child killed, it sleeps until that mount ends.
int WithUnkillableChild(const Arguments& a) {
  const pid_t child = fork();
  if (child == 0) {
    struct stat on {};
    stat((std::string(a.rest[0]) + "/none").c_str(), &on);
    _exit(0);
  }
  // The request is read once the child sleeps on after a fatal signal.
  usleep(100'000);
  kill(child, SIGKILL);
  while (!SleepsUninterruptibly(child)) usleep(1000);
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  Serve(fd);
  return 0;
}

}  // namespace

const std::vector<Mode> kUnkillableModes = {
    {"silent", Silent},
    {"unkillable-child", WithUnkillableChild},
};

}  // namespace fuse_rig
