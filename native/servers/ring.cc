// Setting a ring up and ending it.
#include "ring.h"

#include <cstdio>
#include <cstring>

#include "bugs.h"
#include "session.h"

namespace fuse_rig {

Ring::~Ring() { Stop(false); }

bool Ring::MapMemory(size_t queues, size_t payload_size, std::string* problem) {
  const RingOptions& options = session_->options().ring;
  if (const int error = memory_.Map(queues * options.depth, payload_size); error != 0) {
    return *problem = std::string("mmap: ") + strerror(error), false;
  }
  if (!options.pin) return true;
  if (const int error = memory_.Pin(); error != 0) {
    if (Bug(bug::kMemlockFatal)) return *problem = std::string("mlock: ") + strerror(error), false;
    Note("pinning " + std::to_string(memory_.size()) + " bytes: " + strerror(error) +
         " (ulimit -l); going on unpinned");
  }
  return true;
}

bool Ring::SetUp(size_t payload_size, std::string* problem) {
  const RingOptions& options = session_->options().ring;
  const unsigned queues = PossibleCpus();
  if (queues == 0) return *problem = SystemProblem(kPossibleCpus), false;
  if (!MapMemory(queues, payload_size, problem)) return false;
  kept_ = std::vector<std::atomic<unsigned>>(queues);

  const bool one = options.threads == RingThreads::kOne;
  for (unsigned i = 0; i < (one ? 1 : queues); ++i) {
    threads_.push_back(std::make_unique<RingThread>(this, session_, one ? -1 : static_cast<int>(i)));
  }
  for (unsigned i = 0; i < queues * options.depth; ++i) {
    const unsigned qid = i / options.depth;
    threads_[one ? 0 : qid]->Add(static_cast<uint16_t>(qid), memory_.headers(i),
                                 memory_.payload(i), payload_size);
  }
  for (auto& thread : threads_) thread->Start();
  bool good = true;
  for (auto& thread : threads_) {
    const char* what = "";
    const int error = thread->WaitSetUp(&what);
    if (error == 0) continue;
    *problem = std::string(what) + ": " + strerror(error);
    good = false;
  }
  return good;
}

void Ring::Register() {
  for (auto& thread : threads_) thread->Register();
}

bool Ring::TakeUp() {
  ++in_flight_;
  if (!draining_) return true;
  GiveBack();
  return false;
}

void Ring::GiveBack() {
  if (--in_flight_ > 0 || !draining_) return;
  std::lock_guard<std::mutex> hold(mutex_);
  idle_.notify_all();
}

bool Ring::Keep(uint16_t qid) {
  if (++kept_[qid] < session_->options().ring.depth) {
    if (Bug(bug::kInFlightTwice)) GiveBack();
    return true;
  }
  --kept_[qid];
  return false;
}

void Ring::Drain() {
  draining_ = true;
  std::unique_lock<std::mutex> hold(mutex_);
  idle_.wait(hold, [this] { return in_flight_ == 0; });
}

void Ring::Stop(bool gone) {
  for (auto& thread : threads_) thread->Stop(gone);
}

void Ring::Fail(const std::string& what) { session_->Fail("ring: " + what); }

void Ring::Note(const std::string& what) {
  if (!noted_.exchange(true)) fprintf(stderr, "fuse-rig-server: ring: %s\n", what.c_str());
}

uint64_t Ring::requests() const {
  uint64_t sum = 0;
  for (const auto& thread : threads_) sum += thread->requests();
  return sum;
}

}  // namespace fuse_rig
