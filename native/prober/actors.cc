// Threads and clients: who does one thing at a time, and whether it sleeps in it.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "client.h"
#include "prober.h"

namespace fuse_rig {
namespace {

std::string Text(int pid, int tid, const char* file) {
  const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/" + file;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char text[512];
  const ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
  if (fd >= 0) close(fd);
  return std::string(text, n > 0 ? static_cast<size_t>(n) : 0);
}

}  // namespace

Look LookAt(int pid, int tid) {
  Look look;
  const std::string stat = Text(pid, tid, "stat");
  const size_t end = stat.rfind(") ");
  if (end != std::string::npos) look.state = stat[end + 2];
  const std::string schedstat = Text(pid, tid, "schedstat");
  look.slices = schedstat.substr(schedstat.rfind(' ') + 1);
  look.wchan = Text(pid, tid, "wchan");
  return look;
}

bool Look::Waits() const {
  // Uninterruptibly in FUSE: for a lock that another mount of the machine may hold (fuse_mutex), except in
  // the allocation of a request.
  if (state == 'D' && wchan.rfind("fuse_", 0) == 0) return wchan.rfind("fuse_get_req", 0) == 0;
  for (const char* prefix : {"fuse_", "request_wait_answer", "seccomp_", "io_cqring", "ep_poll", "poll_", "do_poll"}) {
    if (wchan.rfind(prefix, 0) == 0) return true;
  }
  return false;
}

Worker::Worker(Objects& objects, int wake) : objects_(objects), wake_(wake), thread_([this] { Loop(); }) {}

Worker::~Worker() {
  {
    const std::lock_guard<std::mutex> hold(mutex_);
    done_ = true;
  }
  given_.notify_one();
  thread_.join();
}

void Worker::Loop() {
  tid_ = static_cast<int>(syscall(SYS_gettid));
  std::unique_lock<std::mutex> hold(mutex_);
  for (;;) {
    given_.wait(hold, [this] { return done_ || (busy_ && !ended_); });
    if (done_) return;
    const Words words = words_;
    hold.unlock();
    errno = 0;
    const bool leaves = words[0] == "exit";
    const std::string result = leaves ? Returned(0).Json() : RunStep(objects_, words).Json();
    hold.lock();
    result_ = result;
    ended_ = true;
    left_ = leaves;
    const uint64_t one = 1;
    (void)!write(wake_, &one, sizeof one);
    if (leaves) return;
  }
}

void Worker::Gone() {
  if (!left_) return;
  const std::string task = "/proc/self/task/" + std::to_string(tid_);
  while (access(task.c_str(), F_OK) == 0) usleep(1000);
}

void Worker::Give(const Words& words) {
  {
    const std::lock_guard<std::mutex> hold(mutex_);
    words_ = words;
    busy_ = true;
    ended_ = false;
  }
  given_.notify_one();
}

bool Worker::Busy() {
  const std::lock_guard<std::mutex> hold(mutex_);
  return busy_;
}

bool Worker::Take(std::string* result) {
  const std::lock_guard<std::mutex> hold(mutex_);
  if (!busy_ || !ended_) return false;
  busy_ = ended_ = false;
  *result = result_;
  return true;
}

Look Worker::See() {
  const int tid = tid_;
  Look look = tid == 0 ? Look() : LookAt(getpid(), tid);
  // Not woken yet by what was given to it.
  if (look.wchan.rfind("futex", 0) == 0) look.state = 'R';
  return look;
}

int Worker::Signal(int number) { return static_cast<int>(syscall(SYS_tgkill, getpid(), tid_.load(), number)); }

ClientProcess::ClientProcess() {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0) _exit(4);
  pid_ = fork();
  if (pid_ != 0) {
    close(in[0]);
    close(out[1]);
    input_ = in[1];
    output_ = out[0];
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // A ring has a queue for every CPU: all clients ask from the same one until they say otherwise.
  PinTo(0);
  dup2(in[0], STDIN_FILENO);
  fcntl(out[1], F_SETFL, 0);
  dup2(out[1], STDOUT_FILENO);
  // Of the other clients and of whoever runs the probes: nothing.
  close_range(3, ~0u, 0);
  Client client(STDOUT_FILENO);
  for (std::string line; ReadLine(&line);) client.Run({line});
  _exit(0);
}

ClientProcess::~ClientProcess() {
  kill(pid_, SIGKILL);
  close(input_);
  close(output_);
  // It may have to wait for the end of a connection, which comes with the end of this process.
  waitpid(pid_, nullptr, WNOHANG);
}

void ClientProcess::Give(const std::string& line) {
  busy_ = true;
  (void)!write(input_, (line + "\n").data(), line.size() + 1);
}

bool ClientProcess::Take(std::string* result) {
  if (!busy_) return false;
  char text[4096];
  const ssize_t n = read(output_, text, sizeof text);
  if (n > 0) said_.append(text, static_cast<size_t>(n));
  const size_t end = said_.find('\n');
  if (end == std::string::npos) {
    if (n != 0) return false;
    *result = Answer().Add("text", std::string("killed")).Json();
  } else {
    const size_t equals = said_.find(" = ");
    *result = Answer().Add("text", said_.substr(equals + 3, end - equals - 3)).Json();
    said_.erase(0, end + 1);
  }
  busy_ = false;
  return true;
}

Look ClientProcess::See() {
  Look look = LookAt(pid_, pid_);
  if (look.wchan.find("pipe_read") != std::string::npos) look.state = 'R';
  return look;
}

int ClientProcess::Signal(int number) { return kill(pid_, number); }

}  // namespace fuse_rig
