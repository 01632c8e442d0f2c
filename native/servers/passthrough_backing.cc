// FUSE_PASSTHROUGH: the kernel reads and writes the file behind by itself. An open that cannot have
// it goes the ordinary way, through READ and WRITE.
#include <sys/ioctl.h>

#include "channel.h"
#include "passthrough.h"

namespace fuse_rig {

void OpenBacking(const Context& in, const std::shared_ptr<Node>& node, OpenFile* file,
                 fuse_open_out* out) {
  std::lock_guard<std::mutex> hold(node->backing_mutex);
  if (node->backing_opens == 0) {
    fuse_backing_map map{file->fd.get(), 0, 0};
    const int id = ioctl(in.channel->fd(), kIocBackingOpen, &map);
    if (id <= 0) return;
    node->backing_id = id;
  }
  ++node->backing_opens;
  file->backing = node;
  out->open_flags |= kOpenPassthrough;
  out->backing_id = node->backing_id;
}

void CloseBacking(const Context& in, OpenFile* file) {
  if (!file->backing) return;
  Node& node = *file->backing;
  std::lock_guard<std::mutex> hold(node.backing_mutex);
  if (--node.backing_opens > 0) return;
  const auto id = static_cast<uint32_t>(node.backing_id);
  ioctl(in.channel->fd(), kIocBackingClose, &id);
  node.backing_id = 0;
}

}  // namespace fuse_rig
