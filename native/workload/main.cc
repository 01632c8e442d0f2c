// The command line of fuse-rig-workload and the lines it prints.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "workload.h"

namespace fuse_rig {

void Say(const std::string& what, long long value) { printf("%s = %lld\n", what.c_str(), value); }

void Say(const std::string& what, const std::string& value) {
  printf("%s = %s\n", what.c_str(), value.c_str());
}

void SayResult(const std::string& what, long long result) {
  if (result >= 0) return Say(what, result);
  const char* name = strerrorname_np(errno);
  Say(what, std::string(name != nullptr ? name : "unknown errno"));
}

std::string Digest(const std::string& bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char text[64];
  snprintf(text, sizeof text, "%zu bytes %016llx", bytes.size(),
           static_cast<unsigned long long>(hash));
  return text;
}

std::string Pattern(size_t size, unsigned seed) {
  std::string bytes(size, 0);
  uint64_t state = seed + 1;
  for (char& c : bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    c = static_cast<char>(state >> 56);
  }
  return bytes;
}

}  // namespace fuse_rig

int main(int argc, char** argv) {
  const int entries = argc > 2 ? atoi(argv[2]) : 1000;
  if (argc < 2 || argc > 3 || entries < 1) {
    fprintf(stderr, "usage: fuse-rig-workload DIR [ENTRIES]\n");
    return 2;
  }
  if (chdir(argv[1]) < 0) {
    fprintf(stderr, "fuse-rig-workload: %s: %s\n", argv[1], strerror(errno));
    return 1;
  }
  setvbuf(stdout, nullptr, _IOLBF, 0);  // what was done before a hang is to be seen
  umask(022);
  fuse_rig::WorkOnFiles();
  fuse_rig::WorkOnNames();
  fuse_rig::WorkOnEntries(entries);
  fuse_rig::WorkOnLocks();
  fuse_rig::WorkOnMemory();
  printf("done\n");
  return 0;
}
