// Which inode is which nodeid, and for how long.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "passthrough.h"

namespace fuse_rig {

void FillAttr(const struct stat& st, fuse_attr* attr) {
  *attr = {};
  attr->ino = st.st_ino;
  attr->size = static_cast<uint64_t>(st.st_size);
  attr->blocks = static_cast<uint64_t>(st.st_blocks);
  attr->atime = static_cast<uint64_t>(st.st_atim.tv_sec);
  attr->mtime = static_cast<uint64_t>(st.st_mtim.tv_sec);
  attr->ctime = static_cast<uint64_t>(st.st_ctim.tv_sec);
  attr->atimensec = static_cast<uint32_t>(st.st_atim.tv_nsec);
  attr->mtimensec = static_cast<uint32_t>(st.st_mtim.tv_nsec);
  attr->ctimensec = static_cast<uint32_t>(st.st_ctim.tv_nsec);
  attr->mode = st.st_mode;
  attr->nlink = static_cast<uint32_t>(st.st_nlink);
  attr->uid = st.st_uid;
  attr->gid = st.st_gid;
  attr->rdev = static_cast<uint32_t>(st.st_rdev);
  attr->blksize = static_cast<uint32_t>(st.st_blksize);
}

int NodeTable::AddRoot(const std::string& directory) {
  Fd fd(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok()) return errno;
  nodes_.emplace_back();
  generations_.push_back(0);
  fuse_entry_out entry;
  return Adopt(std::move(fd), &entry);
}

std::shared_ptr<Node> NodeTable::Find(uint64_t id) const {
  std::lock_guard<std::mutex> hold(mutex_);
  return id < nodes_.size() ? nodes_[id] : nullptr;
}

int NodeTable::Look(const Node& parent, const char* name, fuse_entry_out* entry) {
  Fd fd(openat(parent.fd.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  return fd.ok() ? Adopt(std::move(fd), entry) : errno;
}

int NodeTable::Adopt(Fd fd, fuse_entry_out* entry) {
  struct stat st{};
  if (fstatat(fd.get(), "", &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0) return errno;
  *entry = {};
  FillAttr(st, &entry->attr);

  std::lock_guard<std::mutex> hold(mutex_);
  const auto known = ids_.find({st.st_dev, st.st_ino});
  if (known != ids_.end()) {
    Node& node = *nodes_[known->second];
    ++node.lookups;
    entry->nodeid = node.id;
    entry->generation = node.generation;
    return 0;
  }
  uint64_t id = nodes_.size();
  if (free_.empty()) {
    nodes_.emplace_back();
    generations_.push_back(0);
  } else {
    id = *free_.begin();
    free_.erase(free_.begin());
  }
  auto node = std::make_shared<Node>();
  node->fd = std::move(fd);
  node->id = id;
  node->generation = generations_[id];
  node->lookups = 1;
  node->dev = st.st_dev;
  node->ino = st.st_ino;
  node->type = st.st_mode & S_IFMT;
  nodes_[id] = std::move(node);
  ids_[{st.st_dev, st.st_ino}] = id;
  entry->nodeid = id;
  entry->generation = generations_[id];
  return 0;
}

void NodeTable::Forget(uint64_t id, uint64_t lookups) {
  std::shared_ptr<Node> last;  // closes its descriptor outside the lock
  std::lock_guard<std::mutex> hold(mutex_);
  if (id <= kRootId || id >= nodes_.size() || nodes_[id] == nullptr) return;
  Node& node = *nodes_[id];
  node.lookups -= std::min(node.lookups, lookups);
  if (node.lookups > 0) return;
  locks_->DropNode(id);
  ids_.erase({node.dev, node.ino});
  last = std::move(nodes_[id]);
  ++generations_[id];
  free_.insert(id);
}

}  // namespace fuse_rig
