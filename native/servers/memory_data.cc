// Sparse pages. Every loop is bounded by pages that exist or by the quota, never by a length that a
// client made up.
#include "memory_data.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace fuse_rig {
namespace {

constexpr uint64_t kSizeMax = INT64_MAX;

bool TooFar(uint64_t offset, uint64_t length) {
  return offset > kSizeMax || length > kSizeMax - offset;
}

}  // namespace

size_t FileData::Read(uint64_t offset, char* into, size_t room) const {
  if (offset >= size_) return 0;
  const size_t size = static_cast<size_t>(std::min<uint64_t>(room, size_ - offset));
  for (size_t done = 0; done < size;) {
    const uint64_t at = offset + done;
    const size_t part = std::min<size_t>(size - done, kPage - at % kPage);
    const auto page = pages_.find(at / kPage);
    if (page == pages_.end()) {
      memset(into + done, 0, part);
    } else {
      memcpy(into + done, page->second->data() + at % kPage, part);
    }
    done += part;
  }
  return size;
}

uint64_t FileData::Missing(uint64_t first, uint64_t last) const {
  const auto present = std::distance(pages_.lower_bound(first), pages_.upper_bound(last));
  return last - first + 1 - static_cast<uint64_t>(present);
}

int FileData::Write(uint64_t offset, const char* from, size_t size) {
  if (size == 0) return 0;
  if (TooFar(offset, size)) return EFBIG;
  if (Missing(offset / kPage, (offset + size - 1) / kPage) > quota_->left) return ENOSPC;
  for (size_t done = 0; done < size;) {
    const uint64_t at = offset + done;
    const size_t part = std::min<size_t>(size - done, kPage - at % kPage);
    auto& page = pages_[at / kPage];
    if (page == nullptr) {
      page = std::make_unique<Page>();
      page->fill(0);
      --quota_->left;
    }
    memcpy(page->data() + at % kPage, from + done, part);
    done += part;
  }
  size_ = std::max(size_, offset + size);
  return 0;
}

int FileData::Truncate(uint64_t size) {
  if (size > kSizeMax) return EFBIG;
  if (size < size_) Punch(size, size_ - size);
  size_ = size;
  return 0;
}

int FileData::Allocate(uint64_t offset, uint64_t length) {
  if (length == 0) return EINVAL;
  if (TooFar(offset, length)) return EFBIG;
  const uint64_t first = offset / kPage;
  const uint64_t last = (offset + length - 1) / kPage;
  if (Missing(first, last) > quota_->left) return ENOSPC;
  for (uint64_t i = first; i <= last; ++i) {
    auto& page = pages_[i];
    if (page != nullptr) continue;
    page = std::make_unique<Page>();
    page->fill(0);
    --quota_->left;
  }
  return 0;
}

void FileData::Punch(uint64_t offset, uint64_t length) {
  const uint64_t end = length > UINT64_MAX - offset ? UINT64_MAX : offset + length;
  for (auto at = pages_.lower_bound(offset / kPage);
       at != pages_.end() && at->first * kPage < end;) {
    const uint64_t start = at->first * kPage;
    const uint64_t from = std::max(offset, start) - start;
    const uint64_t to = std::min(end, start + kPage) - start;
    if (from == 0 && (to == kPage || start + to >= size_)) {
      at = pages_.erase(at);
      ++quota_->left;
      continue;
    }
    memset(at->second->data() + from, 0, to - from);
    ++at;
  }
}

bool FileData::NextData(uint64_t offset, uint64_t* at) const {
  const auto page = pages_.lower_bound(offset / kPage);
  if (offset >= size_ || page == pages_.end()) return false;
  *at = std::max(offset, page->first * kPage);
  return *at < size_;
}

bool FileData::NextHole(uint64_t offset, uint64_t* at) const {
  if (offset >= size_) return false;
  uint64_t index = offset / kPage;
  for (auto page = pages_.find(index); page != pages_.end() && page->first == index; ++page)
    ++index;
  // The end of a file counts as a hole.
  *at = std::min(size_, std::max(offset, index * kPage));
  return true;
}

}  // namespace fuse_rig
