// The command line of fuse-rig-server.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace fuse_rig {

enum class FsKind { kPassthrough, kMemory };
enum class ReceiveBy { kRead, kReadv, kTurns, kSpill, kSplice };
enum class SendBy { kWrite, kWritev, kSplice };
enum class WaitBy { kBlock, kPoll, kEpoll, kSignalfd };
enum class MountBy { kDirect, kNewApi, kFusermount, kFd, kNone };

enum class RingThreads { kPerQueue, kOne };
enum class RingReplies { kInline, kWorker };

// FUSE over io_uring.
struct RingOptions {
  bool use = false;
  bool required = false;  // no ring: an error instead of /dev/fuse
  unsigned depth = 8;     // entries of a queue
  RingThreads threads = RingThreads::kPerQueue;
  RingReplies replies = RingReplies::kInline;
  uint32_t flags = 0;  // IORING_SETUP_*, beside SQE128
  bool pin = false;
  bool fixed_file = false;
};

struct Options {
  FsKind fs = FsKind::kMemory;
  std::string source;  // the directory behind --fs passthrough=DIR
  std::vector<std::string> mountpoints;

  unsigned threads = 1;
  bool clone = false;
  WaitBy wait = WaitBy::kBlock;
  ReceiveBy receive = ReceiveBy::kRead;
  SendBy send = SendBy::kWritev;
  unsigned defer_batch = 1;
  std::set<uint32_t> deferred;  // opcodes a separate thread carries out, on its own copy

  MountBy mount = MountBy::kDirect;
  int fd = -1;  // --mount none --fd N, or N of /dev/fd/N
  unsigned sessions = 1;  // one after the other: mounted again when the one before is gone
  bool daemon = false;
  bool allow_other = false;
  bool default_permissions = false;

  uint32_t max_write = 128 * 1024;  // bytes
  uint32_t max_pages = 0;           // 0: what max_write needs
  uint32_t buffer = 0;              // bytes of the request buffer; 0: what max_write needs
  uint32_t minor = 45;
  double timeout_s = 1;  // validity of entries and attributes
  bool readdirplus = true;
  bool readdirplus_always = false;
  bool writeback = false;
  bool passthrough_io = false;
  uint64_t capacity = 256ull << 20;  // bytes in the memory fs
  bool clock = false;  // the memory fs gives wall clock times
  std::set<std::string> notify;
  bool interrupt_again = false;  // every first INTERRUPT is answered with EAGAIN
  RingOptions ring;
  bool stats = false;

  uint64_t crash_after = 0;  // requests; 0: never
  int crash_signal = 11;
  std::set<uint32_t> unanswered;
  bool ignore_sigterm = false;
  bool exit_on_signal = false;
  bool list_bugs = false;
  uint64_t descriptors = 0;  // once it serves; 0: no limit of its own
};

// Fills `out`; on a mistake returns false and puts one line that says what to do into `problem`.
bool ParseOptions(int argc, char** argv, Options* out, std::string* problem);

extern const char kUsage[];

}  // namespace fuse_rig
