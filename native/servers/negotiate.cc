// INIT: never a flag that was not offered, never more than the buffers hold.
#include "negotiate.h"

#include <algorithm>

#include "bugs.h"

namespace fuse_rig {
namespace {

// fuse_in_header and fuse_write_in stand before the data; a page is room for both and for a name.
constexpr size_t kHeadRoom = kPage;
// An extended attribute's value (XATTR_SIZE_MAX) fits whatever max_write is.
constexpr size_t kXattrMax = 65536;

uint32_t PagesFor(uint32_t bytes) { return static_cast<uint32_t>((bytes + kPage - 1) / kPage); }

// What the server of one minor knows, and has a use for.
struct Feature {
  uint64_t flag;
  uint32_t since;
  bool wanted;
};

uint64_t Wanted(const Options& options, uint32_t minor) {
  const bool notifies = !options.notify.empty();
  const Feature features[] = {
      {init::kAsyncRead, 6, true},
      {init::kPosixLocks, 7, true},
      {init::kAtomicOTrunc, 9, true},
      {init::kBigWrites, 9, true},
      {init::kFlockLocks, 17, true},
      // Who notifies says when data is stale; the kernel is not to guess from times.
      {init::kAutoInvalData, 20, !notifies},
      {init::kExplicitInvalData, 30, notifies},
      {init::kDoReaddirplus, 21, options.readdirplus},
      {init::kReaddirplusAuto, 21, options.readdirplus && !options.readdirplus_always},
      {init::kAsyncDio, 22, true},
      {init::kWritebackCache, 23, options.writeback},
      {init::kParallelDirops, 25, true},
      {init::kMaxPages, 28, true},
      {init::kSetxattrExt, 33, true},
      {init::kInitExt, 36, true},
      {init::kHasExpireOnly, 38, notifies},
      {init::kPassthrough, 40, options.passthrough_io},
      {init::kHasResend, 40, notifies},
      {init::kOverIoUring, 42, options.ring.use},
  };
  uint64_t flags = 0;
  for (const Feature& one : features) {
    if (one.wanted && one.since <= minor) flags |= one.flag;
  }
  return flags;
}

}  // namespace

Sizes Sizes::For(const Options& options) {
  Sizes sizes{};
  sizes.request = std::max<size_t>(options.max_write, kXattrMax) + kHeadRoom;
  if (Bug(bug::kMaxWriteBelow4096)) sizes.request = options.max_write + kHeadRoom;
  if (options.buffer != 0) sizes.request = options.buffer;
  // READ and READDIR ask for up to max_pages, which is 32 at least if we do not negotiate it.
  const uint32_t pages =
      std::max({options.max_pages, PagesFor(options.max_write), kDefaultMaxPages});
  sizes.reply = pages * kPage + kHeadRoom;
  size_t pipe = kPage;
  while (pipe < std::max(sizes.request, sizes.reply) + kPage) pipe *= 2;
  sizes.pipe = pipe;
  return sizes;
}

size_t Negotiate(const Options& options, const fuse_init_in& in, Negotiated* negotiated,
                 fuse_init_out* out) {
  *out = {};
  out->major = kKernelVersion;
  out->minor = std::min(options.minor, kKernelMinor);
  if (in.major > kKernelVersion) return sizeof *out;  // the kernel is to ask again with our major

  const uint32_t minor = std::min(out->minor, in.minor);
  uint64_t offered = in.flags;
  if ((in.flags & init::kInitExt) != 0) offered |= static_cast<uint64_t>(in.flags2) << 32;
  if (Bug(bug::kInitEcho)) offered = ~uint64_t{0};
  const uint64_t flags = Wanted(options, minor) & offered;

  // From Linux 6.18 on the reply's minor decides the layouts, so an older one is said as it is.
  out->max_readahead = in.max_readahead;
  out->flags = static_cast<uint32_t>(flags);
  out->max_write = Bug(bug::kMaxWriteUnclamped) ? 1 << 20 : options.max_write;
  if ((flags & init::kMaxPages) != 0) {
    out->max_pages = static_cast<uint16_t>(std::min<uint32_t>(
        options.max_pages != 0 ? options.max_pages : PagesFor(options.max_write), 65535));
  } else if (Bug(bug::kMaxPagesWithoutFlag)) {
    out->max_pages = static_cast<uint16_t>(PagesFor(options.max_write));
  } else {
    out->max_write = std::min<uint32_t>(out->max_write, kDefaultMaxPages * kPage);
  }
  if ((flags & init::kInitExt) != 0) out->flags2 = static_cast<uint32_t>(flags >> 32);
  if ((flags & init::kPassthrough) != 0) out->max_stack_depth = 1;

  negotiated->minor = minor;
  negotiated->flags = flags;
  negotiated->ready = true;
  if (minor < 5) return kCompatInitOut;
  return minor < 23 ? kCompat22InitOut : sizeof *out;
}

}  // namespace fuse_rig
