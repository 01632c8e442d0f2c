// Parsing of the command line. `--name=value` and `--name value` mean the same.
#include "options.h"

#include <getopt.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "bugs.h"
#include "dispatch.h"
#include "options_ring.h"

namespace fuse_rig {

namespace {

enum Id {
  kFs = 256,
  kThreads, kClone, kNonblock, kIo, kReply, kDefer, kDeferBatch,
  kMount, kFdOption, kMounts, kSessions, kDaemon, kAllowOther, kDefaultPermissions,
  kMaxWrite, kMaxPagesOption, kBuffer, kMinorOption, kTimeout,
  kNoReaddirplus, kReaddirplusAlways, kWriteback, kPassthroughIo, kClock, kNotify, kInterruptAgain,
  kStats, kCrashAfter, kUnanswered, kIgnoreSigterm, kExitOnSignal, kBugOption,
  kCapacity, kDescriptors, kHelp
};

constexpr option kLong[] = {
    {"fs", required_argument, nullptr, kFs},
    {"threads", required_argument, nullptr, kThreads},
    {"clone", no_argument, nullptr, kClone},
    {"nonblock", optional_argument, nullptr, kNonblock},
    {"io", required_argument, nullptr, kIo},
    {"reply", required_argument, nullptr, kReply},
    {"defer", required_argument, nullptr, kDefer},
    {"defer-batch", required_argument, nullptr, kDeferBatch},
    {"mount", required_argument, nullptr, kMount},
    {"fd", required_argument, nullptr, kFdOption},
    {"mounts", required_argument, nullptr, kMounts},
    {"sessions", required_argument, nullptr, kSessions},
    {"daemon", no_argument, nullptr, kDaemon},
    {"allow-other", no_argument, nullptr, kAllowOther},
    {"default-permissions", no_argument, nullptr, kDefaultPermissions},
    {"max-write", required_argument, nullptr, kMaxWrite},
    {"max-pages", required_argument, nullptr, kMaxPagesOption},
    {"buffer", required_argument, nullptr, kBuffer},
    {"minor", required_argument, nullptr, kMinorOption},
    {"timeout", required_argument, nullptr, kTimeout},
    {"no-readdirplus", no_argument, nullptr, kNoReaddirplus},
    {"readdirplus-always", no_argument, nullptr, kReaddirplusAlways},
    {"writeback", no_argument, nullptr, kWriteback},
    {"passthrough-io", no_argument, nullptr, kPassthroughIo},
    {"clock", no_argument, nullptr, kClock},
    {"notify", required_argument, nullptr, kNotify},
    {"interrupt-again", no_argument, nullptr, kInterruptAgain},
    {"transport", required_argument, nullptr, kTransport},
    {"ring-depth", required_argument, nullptr, kRingDepth},
    {"ring-threads", required_argument, nullptr, kRingThreads},
    {"ring-replies", required_argument, nullptr, kRingReplies},
    {"ring-flags", required_argument, nullptr, kRingFlags},
    {"ring-pin", no_argument, nullptr, kRingPin},
    {"ring-fixed-file", no_argument, nullptr, kRingFixedFile},
    {"ring-required", no_argument, nullptr, kRingRequired},
    {"stats", no_argument, nullptr, kStats},
    {"crash-after", required_argument, nullptr, kCrashAfter},
    {"unanswered", required_argument, nullptr, kUnanswered},
    {"ignore-sigterm", no_argument, nullptr, kIgnoreSigterm},
    {"exit-on-signal", no_argument, nullptr, kExitOnSignal},
    {"bug", required_argument, nullptr, kBugOption},
    {"capacity", required_argument, nullptr, kCapacity},
    {"descriptors", required_argument, nullptr, kDescriptors},
    {"help", no_argument, nullptr, kHelp},
    {},
};

struct Parser : ValueParser {
  Options* out;
  unsigned mounts = 1;

  // Names as in the kernel without FUSE_, or numbers.
  bool Opcodes(const char* what, const char* text, std::set<uint32_t>* to) {
    for (const std::string& name : Split(text)) {
      uint32_t number = 0;
      if (const Row* row = FindRow(name.c_str())) {
        number = row->opcode;
      } else if (!Number(what, name.c_str(), 1, UINT32_MAX, &number)) {
        return Fail(std::string("--") + what + ": no opcode \"" + name +
                    "\"; give a name such as GETATTR or a number");
      }
      to->insert(number);
    }
    return true;
  }

  bool FileSystemArgument(const std::string& text) {
    const std::string prefix = "passthrough=";
    if (text == "memory") return out->fs = FsKind::kMemory, true;
    if (text.compare(0, prefix.size(), prefix) != 0 || text.size() == prefix.size()) {
      return Fail("--fs is memory or passthrough=DIR; not \"" + text + "\"");
    }
    out->fs = FsKind::kPassthrough;
    out->source = text.substr(prefix.size());
    return true;
  }

  bool CrashAfter(std::string text) {
    const size_t colon = text.find(':');
    if (colon != std::string::npos) {
      const std::map<std::string, int> signals{{"segv", SIGSEGV}, {"abort", SIGABRT}};
      if (!Choice("crash-after N", text.substr(colon + 1), signals, &out->crash_signal))
        return false;
      text.resize(colon);
    }
    return Number("crash-after", text.c_str(), 1, UINT64_MAX, &out->crash_after);
  }

  bool BugNamed(const std::string& name) {
    out->list_bugs = name == "list";
    chosen_bug = FindBug(name);
    return out->list_bugs || chosen_bug != bug::kNone ||
           Fail("--bug: none is called \"" + name + "\"; --bug list names them");
  }

  bool NotifyKinds(const char* text) {
    const std::map<std::string, int> kinds{
        {"inval", 0}, {"store", 0}, {"retrieve", 0}, {"poll", 0}};
    for (const std::string& kind : Split(text)) {
      int known;
      if (!Choice("notify", kind, kinds, &known)) return false;
      out->notify.insert(kind);
    }
    return true;
  }

  bool Argument(int id, const char* text);
  bool Mountpoints(int count, char** arguments);
};

bool Parser::Argument(int id, const char* text) {
  Options& o = *out;
  if (id >= kTransport) return ParseRingOption(id, text, this, &o.ring);
  switch (id) {
    case kFs: return FileSystemArgument(text);
    case kThreads: return Number("threads", text, 1, 256, &o.threads);
    case kClone: return o.clone = true;
    case kNonblock:
      return Choice<WaitBy>("nonblock", text == nullptr ? "epoll" : text,
                            {{"poll", WaitBy::kPoll},
                             {"epoll", WaitBy::kEpoll},
                             {"signalfd", WaitBy::kSignalfd}},
                            &o.wait);
    case kIo:
      return Choice<ReceiveBy>("io", text,
                               {{"read", ReceiveBy::kRead},
                                {"readv", ReceiveBy::kReadv},
                                {"turns", ReceiveBy::kTurns},
                                {"spill", ReceiveBy::kSpill},
                                {"splice", ReceiveBy::kSplice}},
                               &o.receive);
    case kReply:
      return Choice<SendBy>(
          "reply", text,
          {{"write", SendBy::kWrite}, {"writev", SendBy::kWritev}, {"splice", SendBy::kSplice}},
          &o.send);
    case kDeferBatch: return Number("defer-batch", text, 1, 64, &o.defer_batch);
    case kDefer: return Opcodes("defer", text, &o.deferred);
    case kMount:
      return Choice<MountBy>("mount", text,
                             {{"direct", MountBy::kDirect},
                              {"newapi", MountBy::kNewApi},
                              {"fusermount", MountBy::kFusermount},
                              {"fd", MountBy::kFd},
                              {"none", MountBy::kNone}},
                             &o.mount);
    case kFdOption: return Number("fd", text, 0, INT32_MAX, &o.fd);
    case kMounts: return Number("mounts", text, 1, 2, &mounts);
    case kSessions: return Number("sessions", text, 1, 1000000, &o.sessions);
    case kDaemon: return o.daemon = true;
    case kAllowOther: return o.allow_other = true;
    case kDefaultPermissions: return o.default_permissions = true;
    case kMaxWrite: return Number("max-write", text, 1, 64 << 20, &o.max_write);
    case kMaxPagesOption: return Number("max-pages", text, 1, 65535, &o.max_pages);
    case kBuffer: return Number("buffer", text, kMinReadBuffer, 64 << 20, &o.buffer);
    case kMinorOption: return Number("minor", text, 0, kKernelMinor, &o.minor);
    case kTimeout: {
      char* end = nullptr;
      o.timeout_s = strtod(text, &end);
      if (end != text && *end == 0 && o.timeout_s >= 0 && o.timeout_s < 1e9) return true;
      return Fail(std::string("--timeout needs seconds, not \"") + text + "\"");
    }
    case kReaddirplusAlways: return o.readdirplus_always = true;
    case kNoReaddirplus: return !(o.readdirplus = false);
    case kWriteback: return o.writeback = true;
    case kPassthroughIo: return o.passthrough_io = true;
    case kClock: return o.clock = true;
    case kNotify: return NotifyKinds(text);
    case kInterruptAgain: return o.interrupt_again = true;
    case kStats: return o.stats = true;
    case kCrashAfter: return CrashAfter(text);
    case kUnanswered: return Opcodes("unanswered", text, &o.unanswered);
    case kIgnoreSigterm: return o.ignore_sigterm = true;
    case kExitOnSignal: return o.exit_on_signal = true;
    case kBugOption: return BugNamed(text);
    case kDescriptors: return Number("descriptors", text, 1, 1 << 20, &o.descriptors);
    case kCapacity: return Number("capacity", text, kPage, 1 << 30, &o.capacity);
    default: return Fail("");
  }
}

bool Parser::Mountpoints(int count, char** arguments) {
  Options& o = *out;
  o.mountpoints.assign(arguments, arguments + count);
  if (o.mount == MountBy::kNone) {
    if (o.fd < 0) return Fail("--mount none needs --fd N");
    o.mountpoints = {""};
    return true;
  }
  if (o.mountpoints.size() != mounts) {
    return Fail(mounts == 1 ? "give one MOUNTPOINT (two with --mounts 2)"
                            : "--mounts 2 needs two MOUNTPOINTs");
  }
  const std::string prefix = "/dev/fd/";
  const std::string& mountpoint = o.mountpoints[0];
  if (mountpoint.compare(0, prefix.size(), prefix) == 0) {
    if (mounts != 1) return Fail("--mounts 2 does not go with /dev/fd/N");
    o.mount = MountBy::kFd;
    return Number("mount fd", mountpoint.c_str() + prefix.size(), 0, INT32_MAX, &o.fd);
  }
  return o.mount != MountBy::kFd || Fail("--mount fd needs /dev/fd/N as MOUNTPOINT");
}

}  // namespace

bool ParseOptions(int argc, char** argv, Options* out, std::string* problem) {
  Parser parser{{problem}, out};
  opterr = 0;
  for (int id; (id = getopt_long(argc, argv, ":", kLong, nullptr)) != -1;) {
    if (id == ':') return parser.Fail(std::string(argv[optind - 1]) + " needs a value");
    if (id == '?') return parser.Fail(std::string("unknown option ") + argv[optind - 1]);
    if (!parser.Argument(id, optarg)) return false;
  }
  if (out->passthrough_io && out->writeback) {
    return parser.Fail("--passthrough-io does not go with --writeback: the kernel ignores it then");
  }
  if (out->passthrough_io && out->fs != FsKind::kPassthrough) {
    return parser.Fail("--passthrough-io needs --fs passthrough=DIR");
  }
  if (!out->notify.empty() && out->fs != FsKind::kMemory)
    return parser.Fail("--notify needs --fs memory");
  if (out->clone && out->mount == MountBy::kNone) return parser.Fail("--clone needs a mount");
  if (out->mount == MountBy::kNone &&
      (out->receive == ReceiveBy::kSplice || out->send == SendBy::kSplice)) {
    return parser.Fail("splice needs a device: a socket has no message borders there");
  }
  if (out->sessions > 1 && (out->mount == MountBy::kNone || out->mount == MountBy::kFd)) {
    return parser.Fail("--sessions needs to mount by itself: not --mount none or fd");
  }
  if (out->list_bugs) return true;
  if (!CheckRingOptions(*out, &parser)) return false;
  return parser.Mountpoints(argc - optind, argv + optind);
}

}  // namespace fuse_rig
