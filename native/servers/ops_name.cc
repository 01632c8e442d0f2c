// Rows of the name space: what makes, finds, moves and removes entries.
#include <cerrno>

#include "dispatch.h"

namespace fuse_rig {

void PutEntry(Call& call, fuse_entry_out entry) {
  Validity(OptionsOf(call), &entry.entry_valid, &entry.entry_valid_nsec);
  entry.attr_valid = entry.entry_valid;
  entry.attr_valid_nsec = entry.entry_valid_nsec;
  call.reply.Put(entry, call.negotiated.minor < 9 ? kCompatEntryOut : sizeof entry);
}

namespace ops {
namespace {

int Entry(Call& call, int error, const fuse_entry_out& entry) {
  if (error == 0) PutEntry(call, entry);
  return error;
}

// fuse_mknod_in and fuse_create_in had 8 bytes before 7.12.
template <class T>
bool TakeCreating(Call& call, T* in) {
  return call.body.Take(in, call.negotiated.minor < 12 ? kCompatCreateIn : sizeof *in);
}

}  // namespace

int Lookup(Call& call) {
  const char* name;
  if (!call.body.Name(&name)) return kMalformed;
  fuse_entry_out entry{};
  return Entry(call, call.fs.Lookup(call.in, name, &entry), entry);
}

int Symlink(Call& call) {
  const char *name, *target;
  if (!call.body.Name(&name) || !call.body.Text(&target)) return kMalformed;
  fuse_entry_out entry{};
  return Entry(call, call.fs.Symlink(call.in, name, target, &entry), entry);
}

int Mknod(Call& call) {
  fuse_mknod_in in;
  const char* name;
  if (!TakeCreating(call, &in) || !call.body.Name(&name)) return kMalformed;
  fuse_entry_out entry{};
  return Entry(call, call.fs.Mknod(call.in, name, in.mode, in.rdev, &entry), entry);
}

int Mkdir(Call& call) {
  fuse_mkdir_in in;
  const char* name;
  if (!call.body.Take(&in) || !call.body.Name(&name)) return kMalformed;
  fuse_entry_out entry{};
  return Entry(call, call.fs.Mkdir(call.in, name, in.mode, &entry), entry);
}

int Unlink(Call& call) {
  const char* name;
  return call.body.Name(&name) ? call.fs.Unlink(call.in, name) : kMalformed;
}

int Rmdir(Call& call) {
  const char* name;
  return call.body.Name(&name) ? call.fs.Rmdir(call.in, name) : kMalformed;
}

int Rename(Call& call) {
  uint64_t newdir;
  const char *from, *to;
  if (!call.body.Take(&newdir) || !call.body.Name(&from) || !call.body.Name(&to)) return kMalformed;
  return call.fs.Rename(call.in, from, newdir, to, 0);
}

int Rename2(Call& call) {
  fuse_rename2_in in;
  const char *from, *to;
  if (!call.body.Take(&in) || !call.body.Name(&from) || !call.body.Name(&to)) return kMalformed;
  return call.fs.Rename(call.in, from, in.newdir, to, in.flags);
}

int Link(Call& call) {
  fuse_link_in in;
  const char* name;
  if (!call.body.Take(&in) || !call.body.Name(&name)) return kMalformed;
  fuse_entry_out entry{};
  return Entry(call, call.fs.Link(call.in, in.oldnodeid, name, &entry), entry);
}

int Create(Call& call) {
  fuse_create_in in;
  const char* name;
  if (!TakeCreating(call, &in) || !call.body.Name(&name)) return kMalformed;
  fuse_entry_out entry{};
  fuse_open_out open{};
  const int error = call.fs.Create(call.in, name, in, &entry, &open);
  if (error != 0) return error;
  PutEntry(call, entry);
  call.reply.Put(open);
  return 0;
}

int Tmpfile(Call& call) {
  fuse_create_in in;
  const char* name;  // a single "/": the file has none
  if (!call.body.Take(&in) || !call.body.Text(&name)) return kMalformed;
  fuse_entry_out entry{};
  fuse_open_out open{};
  const int error = call.fs.Tmpfile(call.in, in, &entry, &open);
  if (error != 0) return error;
  PutEntry(call, entry);
  call.reply.Put(open);
  return 0;
}

}  // namespace ops
}  // namespace fuse_rig
