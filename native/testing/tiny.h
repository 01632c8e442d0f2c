// The smallest FUSE file system: a root directory with one file, `file`, whose 6 bytes are read past
// the cache. What the odd server's modes have in common; everything they do differently is theirs.
#pragma once

#include <string>
#include <vector>

#include "fuse_abi.h"

namespace fuse_rig {

constexpr size_t kRequestMax = 1 << 18;

// A device opened with these open(2) flags; ends the program when there is none.
int OpenDevice(int flags);

// mount(2) of the device on `target`; ends the program when it fails.
void MountDevice(int fd, const std::string& target);

// Writes one reply. Bytes written, or -errno.
long Reply(int fd, uint64_t unique, int error, const void* body, size_t size);

// What becomes of a request.
struct Answered {
  bool silent = false;  // FORGET and the like: no reply
  int error = 0;
  std::string body;
};

// Of a request whose body is `body`. `over_ring`: INIT is answered with OVER_IO_URING if that is
// offered, and with the smallest buffers there are.
Answered AnswerTo(const fuse_in_header& in, const char* body, bool over_ring = false);

// Answers one request of n bytes.
void Answer(int fd, const char* request, size_t n, bool over_ring = false);

// Reads once. Bytes, or -errno.
long Read(int fd, std::vector<char>* request);

// Reads and answers until a read fails; its errno. EINTR, ENOENT and EAGAIN do not end it.
int Serve(int fd);

// Prints one line at once.
void Say(const char* format, ...) __attribute__((format(printf, 1, 2)));

struct Arguments {
  std::string target;
  std::vector<char*> rest;  // what follows the mountpoint
};

// One way of behaving. Returns the exit status.
struct Mode {
  const char* name;
  int (*run)(const Arguments& arguments);
};

// The explicit lists, one a file.
extern const std::vector<Mode> kTransportModes;
extern const std::vector<Mode> kBadModes;
extern const std::vector<Mode> kSignalModes;
extern const std::vector<Mode> kSleepModes;
extern const std::vector<Mode> kRingModes;
extern const std::vector<Mode> kRingShapeModes;
extern const std::vector<Mode> kRingRefusedModes;
extern const std::vector<Mode> kRingBadModes;
extern const std::vector<Mode> kRingLeaveModes;
extern const std::vector<Mode> kRingOwnerModes;
extern const std::vector<Mode> kRingRareModes;
extern const std::vector<Mode> kRingHostileModes;
extern const std::vector<Mode> kUnkillableModes;
extern const std::vector<Mode> kProfileModes;
extern const std::vector<Mode> kCrashModes;
extern const std::vector<Mode> kAgainModes;
extern const std::vector<Mode> kUnsteadyModes;

}  // namespace fuse_rig
