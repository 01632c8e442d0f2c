// Servers that touch what is the kernel's, or give it what they should not: each has one mistake, makes it
// once and says where. All else they do well.
#include <fcntl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "ring_asking.h"

namespace fuse_rig {
namespace {

constexpr size_t kPiece = 64;

// Where the mistake is made, and what was in the entry: what a finding must name.
void Mark(unsigned index, const RingEntry* entry) {
  Say("queue %u entry %u unique %llu", entry->qid, index, static_cast<unsigned long long>(entry->commit_id));
}

// Misuses an entry once: by default that of a LOOKUP of `last`, behind which nothing comes in its queue,
// so that the entry stays the kernel's.
class Once : public Asking {
 public:
  using Asking::Asking;

 protected:
  virtual void Misuse(RingEntry* entry) = 0;
  virtual bool Fits(const RingEntry* entry) const {
    return Request(entry).opcode == op::kLookup && strcmp(entry->payload, "last") == 0;
  }
  void Serve(RingEntry* entry) override {
    if (done_ || !Fits(entry)) return RingLoop::Serve(entry);
    done_ = true;
    Misuse(entry);
  }
  void Answer(RingEntry* entry) {
    Fill(entry);
    Commit(entry);
    ring_.Submit(0);
  }
  unsigned IndexOf(const RingEntry* entry) const {
    unsigned index = 0;
    for (const auto& other : entries_) {
      if (other.get() == entry) break;
      index += other->qid == entry->qid;
    }
    return index;
  }

 private:
  bool done_ = false;
};

// Writes when it has committed.
template <bool headers>
class WritesLate : public Once {
 public:
  using Once::Once;

 protected:
  void Misuse(RingEntry* entry) override {
    Mark(IndexOf(entry), entry);
    Answer(entry);
    if (headers) memset(entry->headers->op_in + 8, 'h', 8);
    else memset(entry->payload + 100, 'p', 16);
  }
};

// Writes into what it has registered, before anything came.
class WritesEarly : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    for (const auto& entry : entries_) Register(entry.get());
    ring_.Submit(0);
    Mark(0, entries_[0].get());
    entries_[0]->payload[32] = 'e';
    Drain();
    return failed_;
  }
};

// Answers a READ out of an entry of another queue, which it has given back.
class AnswersBack : public Once {
 public:
  using Once::Once;

 protected:
  const RingEntry* Answered(const RingEntry* entry) const {
    const RingEntry* last = entry;
    for (const auto& other : entries_) {
      if (other->qid != entry->qid && (last == entry || other->commit_id > last->commit_id)) last = other.get();
    }
    return last;
  }
  bool Fits(const RingEntry* entry) const override {
    return Request(entry).opcode == op::kRead && Answered(entry)->commit_id != 0;
  }
  void Misuse(RingEntry* entry) override {
    const RingEntry* other = Answered(entry);
    Mark(IndexOf(other), other);
    Say("unique %llu", static_cast<unsigned long long>(entry->commit_id));
    Fill(entry, {false, 0, std::string(other->payload + 128, kPiece)});
    Commit(entry);
  }
};

// Writes a file, or tells the kernel, out of an entry it has committed.
class StoresBack : public Once {
 public:
  using Once::Once;

 protected:
  void Misuse(RingEntry* entry) override {
    Mark(IndexOf(entry), entry);
    Answer(entry);
    const int file = open("behind", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (pwrite(file, entry->payload, kPiece, 0) != kPiece) Say("cannot write the file");
    close(file);
  }
};
class NotifiesBack : public Once {
 public:
  using Once::Once;

 protected:
  void Misuse(RingEntry* entry) override {
    Mark(IndexOf(entry), entry);
    Answer(entry);
    fuse_notify_store_out store{};
    store.nodeid = 2;
    store.size = kPiece;
    fuse_out_header head{sizeof head + sizeof store + kPiece, notify_code::kStore, 0};
    const iovec parts[] = {{&head, sizeof head}, {&store, sizeof store}, {entry->payload, kPiece}};
    (void)!writev(fd_, parts, 3);
  }
};

// The payloads of a queue lie in one piece of memory, `stride` bytes apart.
class Pool : public Once {
 public:
  Pool(int fd, const RingPlan& plan, std::vector<uint16_t> qids, size_t stride = kRingPayload)
      : Once(fd, plan, std::move(qids)) {
    char* memory = SharedBytes((entries_.size() - 1) * stride + kRingPayload);
    for (const auto& entry : entries_) {
      entry->payload = memory;
      entry->buffers[1].iov_base = memory;
      memory += stride;
    }
  }

 protected:
  void Misuse(RingEntry* entry) override { RingLoop::Serve(entry); }
};

// A reply that its payload does not hold runs on into the next entry's.
class Overruns : public Pool {
 public:
  using Pool::Pool;

 protected:
  const RingEntry* Behind(const RingEntry* entry) const {
    for (const auto& other : entries_) if (other->payload == entry->payload + kRingPayload) return other.get();
    return nullptr;
  }
  bool Fits(const RingEntry* entry) const override {
    return Request(entry).opcode == op::kRead && Behind(entry) != nullptr;
  }
  void Misuse(RingEntry* entry) override {
    Mark(IndexOf(entry), entry);
    Mark(IndexOf(Behind(entry)), Behind(entry));
    Fill(entry, {false, 0, std::string(kRingPayload + kPiece, 'o')});
    Commit(entry);
  }
};

// The second half of one payload is the first of the next.
class Overlaps : public Pool {
 public:
  Overlaps(int fd, const RingPlan& plan, std::vector<uint16_t> qids) : Pool(fd, plan, std::move(qids), kPage) {}
};

// A byte too few: refused, and requests come by the device.
class Undersized : public RingLoop {
 public:
  using RingLoop::RingLoop;
  void Register(RingEntry* entry) override {
    --entry->buffers[1].iov_len;
    RingLoop::Register(entry);
  }

 protected:
  void Unexpected(RingEntry*, int) override {}
};

// Commits once more, or on another queue first.
class Twice : public Once {
 public:
  using Once::Once;

 protected:
  void Misuse(RingEntry* entry) override {
    Mark(IndexOf(entry), entry);
    RingEntry again = *entry;
    Answer(entry);
    Single(&again, uring_cmd::kCommitAndFetch);
    Tell("twice");
  }
};
class Elsewhere : public Once {
 public:
  using Once::Once;

 protected:
  void Misuse(RingEntry* entry) override {
    Mark(IndexOf(entry), entry);
    RingEntry stray = *entry;
    stray.qid = static_cast<uint16_t>((entry->qid + 1) % ConfiguredCpus());
    Fill(entry);
    Single(&stray, uring_cmd::kCommitAndFetch);
    Tell("elsewhere");
    Commit(entry);
  }
};

// A process a queue, each with buffers at the same addresses.
int Processes(const Arguments& a) {
  const int fd = MountForRing(a);
  for (const uint16_t qid : AllQueues()) {
    if (fork() != 0) continue;
    RingLoop loop(fd, Plan(2), {qid});
    Say("payload %p", static_cast<void*>(loop.entries()[0]->payload));
    loop.Open();
    _exit(loop.Run());
  }
  int failed = ServeDevice(fd);
  for (int status; wait(&status) > 0;) failed |= status != 0;
  return failed;
}

template <typename Loop>
int Owner(const Arguments& a) {
  return OneLoop<Loop>(a, AllQueues(), Plan(2));
}

int InFixture(const Arguments& a) {
  if (a.rest[0] == nullptr || chdir(a.rest[0]) != 0) return 2;
  return Owner<StoresBack>(a);
}

}  // namespace

const std::vector<Mode> kRingOwnerModes = {
    {"ring-pool", Owner<Pool>},
    {"ring-processes", Processes},
    {"ring-writes-payload", Owner<WritesLate<false>>},
    {"ring-writes-headers", Owner<WritesLate<true>>},
    {"ring-writes-registered", Owner<WritesEarly>},
    {"ring-answers-back", Owner<AnswersBack>},
    {"ring-stores-back", InFixture},
    {"ring-notifies-back", Owner<NotifiesBack>},
    {"ring-overruns", Owner<Overruns>},
    {"ring-overlaps", Owner<Overlaps>},
    {"ring-undersized", Owner<Undersized>},
    {"ring-twice", Owner<Twice>},
    {"ring-elsewhere", Owner<Elsewhere>},
};

}  // namespace fuse_rig
