// What INIT has to do with the ring: set up before the reply promises it, used once that is written.
#include <algorithm>

#include "bugs.h"
#include "session.h"

namespace fuse_rig {
namespace {

// Bytes of an entry's payload buffer, at least (fuse_uring_create: max_payload_sz).
size_t PayloadSize(const fuse_init_out& out) {
  const size_t pages =
      (out.flags & init::kMaxPages) != 0 ? out.max_pages : size_t{kDefaultMaxPages};
  const size_t page = Bug(bug::kMaxPagesPageSize) ? 1024 : kPage;
  return std::max<size_t>({kMinReadBuffer, out.max_write, pages * page});
}

}  // namespace

bool Session::SetUpRing(const fuse_init_out& out, std::string* problem) {
  if ((negotiated_.flags & init::kOverIoUring) == 0) {
    *problem = "the kernel does not offer it (/sys/module/fuse/parameters/enable_uring)";
  } else if (options_.mount == MountBy::kNone) {
    *problem = "a socket takes no commands of a ring";
  } else {
    auto ring = std::make_unique<Ring>(this);
    const bool good = ring->SetUp(PayloadSize(out), problem);
    if (!good && Bug(bug::kRingFreed)) return ring_.reset(ring.get()), false;
    if (good) ring_ = std::move(ring);
  }
  ring_missing_ = ring_ == nullptr;
  return !ring_missing_;
}

void Session::InitAnswered() {
  if (negotiated_.ready) {
    SetReady();
    if (ring_ != nullptr) ring_->Register();
  } else if (options_.ring.required && ring_missing_) {
    Fail("ending, since --ring-required was given");
  }
}

}  // namespace fuse_rig
