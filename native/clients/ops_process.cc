// Operations on spawned blocks: wait until one sleeps in a call, signal it, take its lines.
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "client.h"
#include "words.h"

namespace fuse_rig {
namespace {

// How long `blocked` and `join` look before they answer ETIMEDOUT: 20 s in looks 1 ms apart.
constexpr int kLooks = 20000;

void Pause() {
  const timespec ms{0, 1000000};
  nanosleep(&ms, nullptr);
}

const Flag kCalls[] = {
    {"read", SYS_read},   {"pread64", SYS_pread64}, {"write", SYS_write}, {"fcntl", SYS_fcntl},
    {"flock", SYS_flock}, {"open", SYS_openat},     {"pwrite64", SYS_pwrite64}, {"poll", SYS_poll}};

// blocked NAME CALL: waits until the block's process sleeps in that system call
std::string Blocked(Client& client, const Words& w) {
  const int wanted = static_cast<int>(Flags(kCalls, w[1]));
  const std::string path = "/proc/" + std::to_string(client.children[w[0]].pid) + "/syscall";
  for (int look = 0; look < kLooks; look++) {
    FILE* file = fopen(path.c_str(), "re");
    int number = -1;
    const bool asleep = file != nullptr && fscanf(file, "%d", &number) == 1;
    if (file != nullptr) fclose(file);
    if (asleep && number == wanted) return "0";
    if (file == nullptr) return Result(-1);
    Pause();
  }
  return "ETIMEDOUT";
}

// await SLOT TEXT: reads the file until the text is in it; what follows in its line
std::string Await(Client& client, const Words& w) {
  for (int look = 0; look < kLooks; look++) {
    char content[65536];
    const ssize_t n = pread(client.Slot(w[0]), content, sizeof content, 0);
    if (n < 0) return Result(n);
    const std::string text(content, static_cast<size_t>(n));
    const size_t at = text.find(w[1]);
    const size_t end = at == std::string::npos ? at : text.find('\n', at);
    if (end != std::string::npos) return Quoted(text.substr(at + w[1].size(), end - at - w[1].size()));
    Pause();
  }
  return "ETIMEDOUT";
}

const Flag kSignals[] = {{"USR1", SIGUSR1}, {"KILL", SIGKILL}, {"TERM", SIGTERM}};

// signal NAME USR1|KILL|TERM; USR1 is handled, without restarting the call it interrupts
std::string Signal(Client& client, const Words& w) {
  return Result(kill(client.children[w[0]].pid, static_cast<int>(Flags(kSignals, w[1]))));
}

// pester NAME COUNT: COUNT times USR1, 1 ms apart, as long as the process lives
std::string Pester(Client& client, const Words& w) {
  for (int64_t i = Number(w[1]); i > 0; i--) {
    kill(client.children[w[0]].pid, SIGUSR1);
    Pause();
  }
  return "0";
}

void SayLines(const Client& client, const std::string& name, int output) {
  FILE* file = fdopen(output, "r");
  rewind(file);
  std::string line;
  for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    client.Say(name + ": " + line);
    line.clear();
  }
  fclose(file);
}

// join NAME: waits for the end of the block and gives its lines
std::string Join(Client& client, const Words& w) {
  const Child child = client.children[w[0]];
  int status = 0;
  int got = 0;
  for (int look = 0; look < kLooks && got == 0; look++) {
    got = waitpid(child.pid, &status, WNOHANG);
    if (got == 0) Pause();
  }
  if (child.output >= 0) SayLines(client, w[0], child.output);
  client.children.erase(w[0]);
  if (got == 0) return "ETIMEDOUT";
  if (got < 0) return Result(got);
  if (WIFSIGNALED(status)) return std::string("SIG") + sigabbrev_np(WTERMSIG(status));
  return std::to_string(WEXITSTATUS(status));
}

// cpu N: goes on that CPU only
std::string Cpu(Client&, const Words& w) { return Result(PinTo(static_cast<int>(Number(w[0]))) ? 0 : -1); }

}  // namespace

bool PinTo(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

const std::vector<Op> kProcessOps = {
    {"cpu", 1, Cpu},
    {"blocked", 2, Blocked}, {"signal", 2, Signal}, {"pester", 2, Pester}, {"join", 1, Join}, {"await", 2, Await},
};

}  // namespace fuse_rig
