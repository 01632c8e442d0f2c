// The list of the file: "0-3,8,10-11".
#include "possible_cpus.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>

#include "fd.h"

namespace fuse_rig {

unsigned PossibleCpus() {
  const Fd file(open(kPossibleCpus, O_RDONLY | O_CLOEXEC));
  char text[4096];
  const ssize_t n = file.ok() ? read(file.get(), text, sizeof text - 1) : -1;
  if (n < 0) return 0;
  text[n] = 0;
  errno = EINVAL;  // of a list that is none
  unsigned count = 0;
  for (char* at = text;; ++at) {
    char* end = nullptr;
    const unsigned long first = strtoul(at, &end, 10);
    if (end == at) return 0;
    unsigned long last = first;
    if (*end == '-') {
      at = end + 1;
      last = strtoul(at, &end, 10);
      if (end == at || last < first) return 0;
    }
    count += static_cast<unsigned>(last - first + 1);
    at = end;
    if (*at != ',') return *at == '\n' || *at == 0 ? count : 0;
  }
}

}  // namespace fuse_rig
