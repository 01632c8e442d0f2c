// Entries of a directory on the wire: fuse_dirent or fuse_direntplus, name, zeros to 8 bytes.
#include "filesystem.h"

namespace fuse_rig {

bool DirWriter::Add(const std::string& name, uint64_t ino, uint32_t type, uint64_t offset,
                    const fuse_entry_out* entry) {
  if (!Fits(name.size())) return false;
  char* at = into_ + used_;
  memset(at, 0, Size(name.size()));
  if (plus_) {
    fuse_entry_out out{};
    if (entry != nullptr) out = *entry;
    if (out.nodeid != 0) {
      out.entry_valid = out.attr_valid = valid_s_;
      out.entry_valid_nsec = out.attr_valid_nsec = valid_ns_;
    } else {
      out.attr.ino = ino;
      out.attr.mode = type << 12;
    }
    memcpy(at, &out, sizeof out);
    at += sizeof out;
  }
  const fuse_dirent head{ino, offset, static_cast<uint32_t>(name.size()), type};
  memcpy(at, &head, sizeof head);
  memcpy(at + sizeof head, name.data(), name.size());
  used_ += Size(name.size());
  return true;
}

}  // namespace fuse_rig
