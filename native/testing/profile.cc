// A container's seccomp profile: `profile NUMBERS PROGRAM...` forbids the calls of these numbers
// (comma-separated) with EPERM, as runtimes do, and becomes the program.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <sstream>

#include "tiny.h"

namespace fuse_rig {
namespace {

int Profile(const Arguments& arguments) {
  std::vector<sock_filter> code = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  std::stringstream numbers(arguments.target);
  for (std::string number; std::getline(numbers, number, ',');) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(atoi(number.c_str())), 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog program = {static_cast<unsigned short>(code.size()), code.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    Say("profile: %s", strerror(errno));
    return 1;
  }
  execvp(arguments.rest[0], arguments.rest.data());
  Say("profile: %s: %s", arguments.rest[0], strerror(errno));
  return 1;
}

}  // namespace

const std::vector<Mode> kProfileModes = {{"profile", Profile}};

}  // namespace fuse_rig
