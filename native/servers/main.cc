// fuse-rig-server: a FUSE server on bare system calls. It serves as the subject of the rig's own
// tests and as an example of a server that ends properly. Exit status: 0 after an unmount or a
// signal, 1 if serving failed, 2 for a wrong command line.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "bugs.h"
#include "daemon.h"
#include "interruptible.h"
#include "leaks.h"
#include "memory.h"
#include "passthrough.h"
#include "session.h"

namespace fuse_rig {
namespace {

constexpr int kEndedSignal = SIGUSR2;  // from a session's thread to the main thread

// Signals the main thread waits for. Blocked before any thread exists, so none can strike elsewhere
// and none is lost between two waits.
sigset_t BlockSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, kEndedSignal}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);  // EPIPE and
  signal(SIGXFSZ, SIG_IGN);  // EFBIG are answers
  return set;
}

// A node costs one descriptor. `most` 0: as many as there may be.
void LimitDescriptors(rlim_t most) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = most == 0 ? limit.rlim_max : most;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::unique_ptr<FileSystem> MakeFileSystem(const Options& options) {
  if (options.fs == FsKind::kMemory) return MakeMemory(options);
  auto fs = std::make_unique<Passthrough>(options);
  if (const int error = fs->Open(options.source); error != 0) {
    fprintf(stderr, "fuse-rig-server: %s: %s\n", options.source.c_str(), strerror(error));
    return nullptr;
  }
  return fs;
}

bool PipesSuffice(const Options& options) {
  if (options.receive != ReceiveBy::kSplice && options.send != SendBy::kSplice) return true;
  const size_t size = Sizes::For(options).pipe;
  if (PipeAllowed(size)) return true;
  fprintf(stderr,
          "fuse-rig-server: splice needs a pipe of %zu bytes, more than fs.pipe-max-size allows; "
          "choose a smaller --max-write\n",
          size);
  return false;
}

using Sessions = std::vector<std::unique_ptr<Session>>;

bool MountAll(const Options& options, Sessions* sessions) {
  const pthread_t main_thread = pthread_self();
  std::vector<Mounted> mounts;
  std::string problem;
  for (const std::string& mountpoint : options.mountpoints) {
    auto fs = MakeFileSystem(options);
    Mounted mounted;
    if (fs == nullptr || !Mount(options, mountpoint, &mounted, &problem)) {
      if (fs != nullptr) fprintf(stderr, "fuse-rig-server: %s\n", problem.c_str());
      for (auto& earlier : *sessions) earlier->Finish();
      return false;
    }
    sessions->push_back(
        std::make_unique<Session>(options, std::move(mounted), std::move(fs),
                                  [main_thread] { pthread_kill(main_thread, kEndedSignal); }));
  }
  return true;
}

// Until every session is over, of itself or by a signal; `asked`: it was one. The exit status.
int Wait(const Options& options, const sigset_t& signals, Sessions* sessions, bool* asked) {
  int status = 0;
  while (!sessions->empty()) {
    int number = 0;
    sigwait(&signals, &number);
    if (number != kEndedSignal && options.ignore_sigterm) continue;
    if (number != kEndedSignal && options.exit_on_signal) _exit(128 + number);
    for (auto at = sessions->begin(); at != sessions->end();) {
      if (number == kEndedSignal && (*at)->reason() == EndReason::kStopped) {
        ++at;
        continue;
      }
      (*at)->Finish();
      if ((*at)->reason() == EndReason::kFailed) status = 1;
      if (number != kEndedSignal || (*at)->reason() == EndReason::kAsked) *asked = true;
      at = sessions->erase(at);
      LeakOfSession();
    }
  }
  return status;
}

// Of --sessions: the connections of one time. False in `again`: it is the last, whatever is left to do.
int Serve(const Options& options, const sigset_t& signals, bool first, bool* again) {
  Sessions sessions;
  if (!MountAll(options, &sessions)) return 1;
  // Before any thread: a fork takes only the calling one along.
  if (first && options.daemon) Daemonize();
  int status = 0;
  for (auto& session : sessions) {
    if (session->Start() != 0) status = 1;
  }
  if (options.descriptors != 0) LimitDescriptors(options.descriptors);
  bool asked = false;
  if (status == 0) {
    status = Wait(options, signals, &sessions, &asked);
    *again = status == 0 && !asked;
    return status;
  }
  for (auto& session : sessions) session->Finish();
  return status;
}

int Main(int argc, char** argv) {
  Options options;
  std::string problem;
  if (!ParseOptions(argc, argv, &options, &problem)) {
    if (problem.empty()) return fputs(kUsage, stdout), 0;
    fprintf(stderr, "fuse-rig-server: %s\n", problem.c_str());
    return 2;
  }
  if (options.list_bugs) return fputs(ListBugs().c_str(), stdout), 0;
  umask(0);
  LimitDescriptors(0);
  sigset_t signals = BlockSignals();
  // It comes to whoever reads.
  if (options.wait == WaitBy::kSignalfd) sigdelset(&signals, SIGTERM);
  InstallWakeHandler();

  if (!PipesSuffice(options)) return 1;
  int status = 0;
  bool again = true;
  for (unsigned n = 0; again && n < options.sessions; ++n) {
    again = false;
    status = Serve(options, signals, n == 0, &again);
  }
  return status;
}

}  // namespace
}  // namespace fuse_rig

int main(int argc, char** argv) { return fuse_rig::Main(argc, argv); }
