// fuse-rig-client [DIR]: reads all operations from stdin, then carries them out with DIR as working
// directory. Exit: 0 whatever the operations returned, 1 if DIR cannot be entered, 2 for a line that
// is no operation.
#include <csignal>
#include <cstdio>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

namespace {
void Ignore(int) {}
}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(std::cin, line);) lines.push_back(line);
  // SIGUSR1 interrupts a call without restarting it.
  struct sigaction action {};
  action.sa_handler = Ignore;
  sigaction(SIGUSR1, &action, nullptr);
  if (argc > 1 && chdir(argv[1]) != 0) {
    fprintf(stderr, "fuse-rig-client: cannot enter %s: %s\n", argv[1], strerror(errno));
    return 1;
  }
  umask(022);
  fuse_rig::Client(STDOUT_FILENO).Run(lines);
  return 0;
}
