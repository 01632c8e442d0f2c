// The control file of --notify. One write is one command:
//
//   put PATH OFFSET TEXT        changes the file without telling the kernel
//   inval PATH [OFFSET LENGTH]  INVAL_INODE (length 0: to the end)
//   entry PATH | expire PATH    INVAL_ENTRY, the latter with EXPIRE_ONLY
//   delete PATH                 removes the file here, then NOTIFY_DELETE
//   store PATH OFFSET TEXT      changes the file here, then STORE
//   retrieve PATH OFFSET SIZE   RETRIEVE; the data is listed when it comes
//   poll PATH                   the gated file is ready from now on: NOTIFY_POLL to who sleeps
//
// The write returns before the notification is sent; reading the file lists what has been sent.
#include <sys/stat.h>

#include <cerrno>
#include <sstream>

#include "memory.h"

namespace fuse_rig {
namespace {

// Which --notify kind allows a command.
std::string KindOf(const std::string& verb) {
  if (verb == "entry" || verb == "expire" || verb == "delete") return "inval";
  return verb;
}

std::string Named(std::string head, const std::string& name) {
  return head + name + std::string(1, '\0');
}

}  // namespace

void Memory::AddControl() {
  Inode* root = Find(kRootId);
  for (const char* name : {".control", ".poll"}) {
    Inode* inode = New(S_IFREG | 0600, root->uid, root->gid);
    inode->nlink = 1;
    Insert(root, name, inode);
    if (std::string(name) == ".control") control_ino_ = inode->ino;
    if (std::string(name) == ".poll") inode->poll_gated = true;
  }
}

Inode* Memory::Resolve(const std::string& path) {
  Inode* at = Find(kRootId);
  std::istringstream parts(path);
  for (std::string name; at != nullptr && std::getline(parts, name, '/');) {
    const auto cookie = at->cookies.find(name);
    at = cookie == at->cookies.end() ? nullptr : Find(at->entries[cookie->second].ino);
  }
  return at;
}

int Memory::Command(In in, const std::string& line) {
  std::istringstream words(line.substr(0, line.find('\n')));
  std::string verb, path, rest;
  words >> verb >> path;
  std::getline(words, rest);
  if (verb != "put" && options_.notify.count(KindOf(verb)) == 0)
    return verb.empty() ? EINVAL : EPERM;
  Inode* inode = Resolve(path);
  if (inode == nullptr || path.empty()) return ENOENT;
  return CommandOn(in, verb, path, inode, rest);
}

int Memory::CommandOn(In in, const std::string& verb, const std::string& path, Inode* inode,
                      const std::string& rest) {
  Notification note{in.channel, 0, "", verb + " " + path};
  std::istringstream words(rest);
  uint64_t offset = 0, size = 0;
  words >> offset;

  if (verb == "put" || verb == "store") {
    std::string text;
    if (!words || words.get() != ' ' || !std::getline(words, text) || !S_ISREG(inode->mode))
      return EINVAL;
    if (const int error = inode->data.Write(offset, text.data(), text.size()); error != 0)
      return error;
    Changed(inode);
    if (verb == "put") return 0;
    note.code = notify_code::kStore;
    note.body = Notifier::Bytes(fuse_notify_store_out{inode->ino, offset,
                                                      static_cast<uint32_t>(text.size()), 0}) +
                text;
  } else if (verb == "inval") {
    words >> size;
    note.code = notify_code::kInvalInode;
    note.body = Notifier::Bytes(fuse_notify_inval_inode_out{
        inode->ino, static_cast<int64_t>(offset), static_cast<int64_t>(size)});
  } else if (verb == "retrieve") {
    if (!(words >> size)) return EINVAL;
    note.code = notify_code::kRetrieve;
    retrieve_unique_ += 2;
    note.body = Notifier::Bytes(fuse_notify_retrieve_out{retrieve_unique_, inode->ino, offset,
                                                         static_cast<uint32_t>(size), 0});
  } else if (verb == "poll") {
    inode->poll_ready = true;
    note.code = notify_code::kPoll;
    for (const uint64_t kh : inode->poll_handles) {
      note.body = Notifier::Bytes(fuse_notify_poll_wakeup_out{kh});
      notifier_.Post(note);
    }
    inode->poll_handles.clear();
    return 0;
  } else {
    const size_t slash = path.rfind('/');
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    Inode* parent = slash == std::string::npos ? Find(kRootId) : Resolve(path.substr(0, slash));
    const auto length = static_cast<uint32_t>(name.size());
    if (verb == "delete") {
      if (S_ISDIR(inode->mode) || inode->ino == control_ino_) return EISDIR;
      note.code = notify_code::kDelete;
      note.body =
          Named(Notifier::Bytes(fuse_notify_delete_out{parent->ino, inode->ino, length, 0}), name);
      Remove(parent, name);
      --inode->nlink;
      DropIfUnused(inode);
    } else {
      note.code = notify_code::kInvalEntry;
      note.body = Named(Notifier::Bytes(fuse_notify_inval_entry_out{
                            parent->ino, length, verb == "expire" ? kExpireOnly : 0}),
                        name);
    }
  }
  notifier_.Post(std::move(note));
  return 0;
}

void Memory::NotifyReply(uint64_t nodeid, uint64_t offset, const char* data, size_t size) {
  Held hold(mutex_);
  control_log_ += "retrieved " + std::to_string(nodeid) + " " + std::to_string(offset) + " " +
                  std::to_string(size) + " " + std::string(data, size) + "\n";
}

}  // namespace fuse_rig
