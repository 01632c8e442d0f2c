#include "server_ring.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <memory>

namespace fuse_rig {
namespace {

// What decides over the layout of a ring's memory.
constexpr uint32_t kLayoutFlags =
    IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | kSetupNoSqArray;

// A thread that was let go takes a few microseconds to the kernel's look at the ring; one that waits for
// a CPU much longer, but not seconds.
constexpr int kAwaitLooks = 20000;

// Whether the thread sleeps there, or is gone (/proc/PID/wchan).
bool InState(pid_t tid, const char* where) {
  char path[64], text[64] = {};
  snprintf(path, sizeof path, "/proc/%d/wchan", tid);
  FILE* f = fopen(path, "re");
  if (!f) return true;
  const bool any = fgets(text, sizeof text, f) != nullptr;
  fclose(f);
  return !any || strncmp(text, where, strlen(where)) == 0;
}

// Whether an enter that was let go is beyond its submission: the thread waits for completions, or makes
// another call that is held.
bool HasSubmitted(pid_t tid) { return InState(tid, "io_cqring_wait") || InState(tid, "seccomp_"); }

uint32_t Load(const uint32_t* p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

}  // namespace

// The offsets are those of a ring of our own made with the same parameters (io_uring_fill_params).
ServerRing* ServerRing::Map(Fd fd, const io_uring_params& asked, uint64_t inode) {
  std::unique_ptr<ServerRing> r(new ServerRing);
  io_uring_params& p = r->params_;
  p.flags = asked.flags & kLayoutFlags;
  r->defers_ = (asked.flags & IORING_SETUP_DEFER_TASKRUN) != 0;
  r->polls_ = (asked.flags & IORING_SETUP_IOPOLL) != 0;
  p.cq_entries = asked.cq_entries;
  Fd twin(static_cast<int>(syscall(SYS_io_uring_setup, asked.sq_entries, &p)));
  if (!twin.ok()) return nullptr;
  twin.Reset();
  const bool array = (p.flags & kSetupNoSqArray) == 0;
  const size_t cqe = (p.flags & IORING_SETUP_CQE32) ? 32 : 16;
  const size_t cq_end = p.cq_off.cqes + p.cq_entries * cqe;
  const size_t sq_end = array ? p.sq_off.array + p.sq_entries * sizeof(uint32_t) : 0;
  r->ring_size_ = cq_end > sq_end ? cq_end : sq_end;
  r->sqes_size_ = static_cast<size_t>(p.sq_entries) << ((p.flags & IORING_SETUP_SQE128) ? 7 : 6);
  auto map = [&](size_t size, off_t at) {
    void* m = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), at);
    return m == MAP_FAILED ? nullptr : static_cast<uint8_t*>(m);
  };
  r->ring_ = map(r->ring_size_, IORING_OFF_SQ_RING);
  r->sqes_ = map(r->sqes_size_, IORING_OFF_SQES);
  if (!r->ring_ || !r->sqes_) return nullptr;
  r->head_ = reinterpret_cast<uint32_t*>(r->ring_ + p.sq_off.head);
  r->tail_ = reinterpret_cast<uint32_t*>(r->ring_ + p.sq_off.tail);
  r->array_ = array ? reinterpret_cast<uint32_t*>(r->ring_ + p.sq_off.array) : nullptr;
  r->mask_ = p.sq_entries - 1;
  r->marks_.resize(p.sq_entries);
  r->own_.Map(r->ring_ + p.cq_off.cqes, reinterpret_cast<uint32_t*>(r->ring_ + p.cq_off.tail), p.cq_entries,
              static_cast<uint32_t>(cqe));
  r->fd_ = std::move(fd);
  r->inode_ = inode;
  // A ring of other parameters: its own numbers say so.
  const uint32_t sq = Load(reinterpret_cast<uint32_t*>(r->ring_ + p.sq_off.ring_entries));
  const uint32_t cq = Load(reinterpret_cast<uint32_t*>(r->ring_ + p.cq_off.ring_entries));
  return sq == p.sq_entries && cq == p.cq_entries ? r.release() : nullptr;
}

ServerRing::~ServerRing() {
  if (ring_) munmap(ring_, ring_size_);
  if (sqes_) munmap(sqes_, sqes_size_);
}

// No more than fit (io_sqring_entries()).
uint32_t ServerRing::Ready(pid_t tid) {
  on_their_way_.erase(tid);
  const uint32_t head = Load(head_), made = Load(tail_) - head;
  from_ = head;
  for (auto it = on_their_way_.begin(); it != on_their_way_.end();) {
    const auto ahead = static_cast<int32_t>(it->second - head);
    if (static_cast<int32_t>(it->second - from_) > 0) from_ = it->second;
    it = ahead <= 0 ? on_their_way_.erase(it) : std::next(it);
  }
  const uint32_t all = made <= mask_ ? made : mask_ + 1, taken = from_ - head;
  return all > taken ? all - taken : 0;
}

void ServerRing::Await() {
  timespec pause = {0, 50000};
  for (int i = 0; i < kAwaitLooks && !on_their_way_.empty(); ++i) {
    nanosleep(&pause, nullptr);
    Ready(0);
    for (auto it = on_their_way_.begin(); it != on_their_way_.end();) it = HasSubmitted(it->first) ? on_their_way_.erase(it) : std::next(it);
  }
  on_their_way_.clear();
  must_await_ = false;
}

void ServerRing::Submitting(pid_t tid, uint32_t n) {
  submitters_.insert(tid);
  if (n > 0) on_their_way_[tid] = from_ + n;
}

ServerRing::Early ServerRing::AnswerEarly(pid_t tid) {
  submitters_.insert(tid);
  if (++early_ < kEarlyMin) return Early::kAnswer;
  bool held = true;
  for (const pid_t other : submitters_) held = held && (other == tid || InState(other, "seccomp_"));
  if (!held && early_ < kEarlyMax) return Early::kAnswer;
  early_ = 0;
  must_await_ = true;
  return held ? Early::kLetGo : Early::kLetGoUnsafely;
}

// As the kernel shows it (io_uring_show_fdinfo()); not while somebody submits.
bool ServerRing::HasTable() const {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd_.get());
  FILE* f = fopen(path, "re");
  if (!f) return false;
  unsigned files = 0;
  while (files == 0 && fgets(line, sizeof line, f)) {
    if (sscanf(line, "UserFiles: %u", &files) == 1) break;
  }
  fclose(f);
  return files > 0;
}

void ServerRing::MakeTable(const std::vector<int32_t>& fds, const std::function<int(int)>& device) {
  if (!files_.empty() && HasTable()) return;
  files_.clear();
  UpdateTable(0, fds, device);
}

void ServerRing::UpdateTable(uint32_t from, const std::vector<int32_t>& fds, const std::function<int(int)>& device) {
  constexpr int kFilesSkip = -2;  // IORING_REGISTER_FILES_SKIP
  for (uint32_t i = 0; i < fds.size(); ++i) {
    if (fds[i] == kFilesSkip) continue;
    const int index = device(fds[i]);
    if (index >= 0) files_[from + i] = index;
    else files_.erase(from + i);
  }
}

}  // namespace fuse_rig
