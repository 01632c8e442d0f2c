// Servers whose commands have no CQE when they succeed (IOSQE_CQE_SKIP_SUCCESS): of a request only the
// buffers tell.
#include <unistd.h>

#include <cstring>

#include "ring_asking.h"

namespace fuse_rig {
namespace {

class Quiet : public RingLoop {
 public:
  using RingLoop::RingLoop;
  int Run() override {
    for (const auto& entry : entries_) Register(entry.get());
    while (held_ > 0) {
      ring_.Submit(0);
      usleep(200);
      const unsigned before = held_;
      TakeAll();
      ends_ += before - held_;
      for (const auto& entry : entries_) Look(entry.get());
    }
    Say("%u requests, %u of them with a CQE, %u ends", requests_, told_, ends_);
    return failed_;
  }

 protected:
  // Its header was or will be looked at: the command counts as held until then.
  void Serve(RingEntry*) override {
    ++told_;
    ++held_;
  }

 private:
  // The header is written last, and its unique is that of the commit.
  void Look(RingEntry* entry) {
    const uint64_t unique = Request(entry).unique;
    if (unique == 0 || unique >> 32 != 0 || unique == entry->commit_id) return;
    if (entry->headers->ring_ent_in_out.commit_id != unique) return;
    entry->commit_id = unique;
    ++requests_;
    --held_;
    Fill(entry);
    Commit(entry);
  }

  unsigned requests_ = 0, told_ = 0, ends_ = 0;
};

}  // namespace

const std::vector<Mode> kRingQuietModes = {
    {"ring-quiet", [](const Arguments& a) {
       RingPlan plan = Plan(2);
       plan.sqe_flags = IOSQE_CQE_SKIP_SUCCESS;
       return OneLoop<Quiet>(a, AllQueues(), plan);
     }},
};

}  // namespace fuse_rig
