#include "crash_watch.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace fuse_rig {
namespace {

static_assert(sizeof(siginfo_t) + sizeof(user_regs_struct) <= sizeof(KeeperMessage::text));

// A value of /proc/TID/status, in the given base; 0 where it is not said.
unsigned long long StatusField(pid_t tid, const char* field, int base) {
  FILE* f = fopen(("/proc/" + std::to_string(tid) + "/status").c_str(), "re");
  if (!f) return 0;
  char line[256];
  unsigned long long value = 0;
  const size_t length = strlen(field);
  while (fgets(line, sizeof line, f)) {
    if (strncmp(line, field, length) == 0 && line[length] == ':') value = strtoull(line + length + 1, nullptr, base);
  }
  fclose(f);
  return value;
}

// signal(7): those whose default is not to end the process.
bool EndsByDefault(int number) {
  for (const int harmless : {SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU}) {
    if (number == harmless) return false;
  }
  return true;
}

// A thread in a signal-delivery-stop. The kernel has given a fault that was blocked or ignored its default
// already (force_sig_info_to_task()); of other signals a tracer is told even where they are ignored.
bool WouldEnd(pid_t tid, int number) {
  if (!EndsByDefault(number)) return false;
  const unsigned long long bit = 1ull << (number - 1);
  return ((StatusField(tid, "SigCgt", 16) | StatusField(tid, "SigIgn", 16)) & bit) == 0;
}

}  // namespace

int CrashWatch::Begin(const char* pids) {
  char* next = nullptr;
  const pid_t pid = static_cast<pid_t>(strtol(pids, &next, 10));
  rig_ = atoi(next);
  const long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
                       PTRACE_O_EXITKILL;
  return ptrace(PTRACE_SEIZE, pid, nullptr, options) == 0 ? 0 : errno;
}

// Its first stop may come before that of who made it, so nobody else needs to be asked.
void CrashWatch::NoteThread(pid_t tid) {
  if (StatusField(tid, "Tgid", 10) != static_cast<unsigned long long>(tid)) threads_.insert(tid);
}

bool CrashWatch::Stopped(pid_t tid, int status, KeeperMessage* crash, size_t* size) {
  const int number = WSTOPSIG(status), event = status >> 16;
  if (event == PTRACE_EVENT_STOP && number != SIGTRAP) {
    // A group-stop: it stays stopped as it would without us.
    ptrace(PTRACE_LISTEN, tid, nullptr, nullptr);
    return false;
  }
  if (event != 0) {
    if (event == PTRACE_EVENT_STOP) NoteThread(tid);
    ptrace(PTRACE_CONT, tid, nullptr, nullptr);
    return false;
  }
  siginfo_t info{};
  user_regs_struct regs{};
  iovec set = {&regs, sizeof regs};
  const bool told = ptrace(PTRACE_GETSIGINFO, tid, nullptr, &info) == 0;
  // What the rig itself sends is no crash.
  const bool asked = info.si_code == SI_USER && info.si_pid == rig_;
  if (!told || asked || !WouldEnd(tid, number) || ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &set) != 0) {
    ptrace(PTRACE_CONT, tid, nullptr, number);
    return false;
  }
  crash->type = kCrash;
  crash->pid = tid;
  crash->status = number;
  memcpy(crash->text, &info, sizeof info);
  memcpy(crash->text + sizeof info, &regs, sizeof regs);
  *size = kKeeperHead + sizeof info + sizeof regs;
  return true;
}

}  // namespace fuse_rig
