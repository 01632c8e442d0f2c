// The life of a ring's thread; ring_commands.cc has what it submits and what comes of it.
#include "ring_thread.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "bugs.h"
#include "ring.h"
#include "session.h"

namespace fuse_rig {
namespace {

thread_local const RingThread* current = nullptr;

// The queue's requests are submitted on this CPU. It may be offline or forbidden: any other will do.
void RunOn(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

}  // namespace

RingThread::~RingThread() { Stop(false); }

void RingThread::Add(uint16_t qid, char* headers, char* payload, size_t payload_size) {
  entries_.emplace_back(this, qid, headers, payload, payload_size);
}

void RingThread::Start() {
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    failed_at_ = "thread";
    error_ = error.code().value();
    set_up_ = true;
  }
}

void RingThread::Run() {
  current = this;
  RunOn(cpu_);
  const int error = SetUp();
  {
    std::lock_guard<std::mutex> hold(mutex_);
    error_ = error;
    set_up_ = true;
  }
  changed_.notify_all();
  if (error == 0 && WaitOrder()) Loop();
}

// By this thread itself: a SINGLE_ISSUER ring belongs to who made it.
int RingThread::SetUp() {
  failed_at_ = "eventfd";
  wake_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_.ok()) return errno;
  const RingOptions& options = session_->options().ring;
  failed_at_ = "io_uring_setup";
  const auto commands = static_cast<unsigned>(entries_.size() + 1);  // and the poll of wake_
  if (const int error = uring_.Open(commands, options.flags); error != 0) return error;
  failed_at_ = "IORING_REGISTER_FILES";
  if (options.fixed_file) {
    if (const int error = uring_.RegisterFile(session_->first().fd()); error != 0) return error;
  }
  scratch_.resize(session_->sizes().reply);
  return 0;
}

int RingThread::WaitSetUp(const char** what) {
  std::unique_lock<std::mutex> hold(mutex_);
  changed_.wait(hold, [this] { return set_up_; });
  *what = failed_at_;
  return error_;
}

bool RingThread::WaitOrder() {
  std::unique_lock<std::mutex> hold(mutex_);
  changed_.wait(hold, [this] { return order_ != Order::kWait; });
  return order_ == Order::kRegister;
}

void RingThread::Register() {
  {
    std::lock_guard<std::mutex> hold(mutex_);
    if (order_ == Order::kWait) order_ = Order::kRegister;
  }
  changed_.notify_all();
}

void RingThread::Loop() {
  for (RingEntry& entry : entries_) Submit(&entry);
  PollWake();
  while (!Left()) {
    if (const int error = uring_.Enter(1); error != 0) {
      ring_->Fail(std::string("io_uring_enter: ") + strerror(error));
      return TakeBack();
    }
    io_uring_cqe cqe;
    while (uring_.Take(&cqe)) Completed(cqe);
  }
  uring_.Enter(0);  // the last replies; what is fetched with them ends with the connection
}

// Without its io_uring the thread still waits for what others have in hand.
void RingThread::TakeBack() {
  while (!stop_) {
    pollfd one{wake_.get(), POLLIN, 0};
    poll(&one, 1, -1);
    Woken();
  }
}

bool RingThread::Left() const { return stop_ && (!gone_ || held_ == 0); }

void RingThread::Stop(bool gone) {
  if (!thread_.joinable()) return;
  {
    std::lock_guard<std::mutex> hold(mutex_);
    order_ = Order::kStop;
    gone_ = gone;
    stop_ = !Bug(bug::kCqeEnotconnOne) || entries_.front().qid() == 0;
  }
  changed_.notify_all();
  Wake();
  // The exit of a thread waits for every command it has under way (do_exit: io_uring_files_cancel).
  thread_.join();
}

// An eventfd takes 8 bytes, no less. It is never full: whoever polls it also reads it.
void RingThread::Wake() {
  const uint64_t one = 1;
  const size_t size = Bug(bug::kEventfd4Bytes) ? 4 : sizeof one;
  if (wake_.ok()) (void)!write(wake_.get(), &one, size);
}

void RingThread::GiveBack(RingEntry* entry) {
  if (current == this) return Commit(entry);
  {
    std::lock_guard<std::mutex> hold(mutex_);
    given_back_.push_back(entry);
    if (given_back_.size() > 1) return;  // woken already
  }
  Wake();
}

bool RingThread::Keep(uint16_t qid) { return ring_->Keep(qid); }
void RingThread::Unkeep(uint16_t qid) { ring_->Unkeep(qid); }

void RingThread::Woken() {
  uint64_t count;
  (void)!read(wake_.get(), &count, sizeof count);
  std::vector<RingEntry*> given_back;
  {
    std::lock_guard<std::mutex> hold(mutex_);
    given_back.swap(given_back_);
  }
  for (RingEntry* entry : given_back) Commit(entry);
}

}  // namespace fuse_rig
