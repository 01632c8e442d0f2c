// The bytes of a file: pages that were written, holes between them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "fuse_abi.h"

namespace fuse_rig {

// Pages all files of a file system may have together; what goes beyond is ENOSPC.
struct Quota {
  uint64_t left = 0, total = 0;
};

class FileData {
 public:
  explicit FileData(Quota* quota) : quota_(quota) {}
  ~FileData() { quota_->left += pages_.size(); }
  FileData(const FileData&) = delete;
  FileData& operator=(const FileData&) = delete;

  uint64_t size() const { return size_; }
  uint64_t pages() const { return pages_.size(); }

  // Bytes up to the end of file; holes are zeros.
  size_t Read(uint64_t offset, char* into, size_t room) const;
  // 0, EFBIG beyond 2^63-1, ENOSPC with nothing written.
  int Write(uint64_t offset, const char* from, size_t size);
  int Truncate(uint64_t size);
  // Pages for the whole range, zeros where there was a hole.
  int Allocate(uint64_t offset, uint64_t length);
  // Zeros from here on: whole pages become a hole.
  void Punch(uint64_t offset, uint64_t length);
  // The next byte that is data (or, for a hole, is none) from `offset` on; false if there is none.
  bool NextData(uint64_t offset, uint64_t* at) const;
  bool NextHole(uint64_t offset, uint64_t* at) const;

 private:
  using Page = std::array<char, kPage>;
  // How many pages of [first, last] are missing.
  uint64_t Missing(uint64_t first, uint64_t last) const;

  Quota* quota_;
  uint64_t size_ = 0;
  std::map<uint64_t, std::unique_ptr<Page>> pages_;  // by offset / kPage
};

}  // namespace fuse_rig
