// The answers of the seam: results, bytes, descriptors; and the recvmsg hand-over.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "seam.h"
#include "seccomp_abi.h"

namespace fuse_rig {

Slot* Seam::Used(const Napi::CallbackInfo& info) {
  uint32_t slot = info[0].ToNumber().Uint32Value();
  if (slot < slots_.size() && slots_[slot].used) return &slots_[slot];
  Napi::Error::New(info.Env(), "seam: slot " + std::to_string(slot) + " holds no call")
      .ThrowAsJavaScriptException();
  return nullptr;
}

// respond(slot, result): result >= 0 is the call's value, negative its -errno.
Napi::Value Seam::Respond(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  int64_t value = info[1].ToNumber().Int64Value();
  int r = Send(static_cast<int>(s - slots_.data()), value < 0 ? 0 : value,
               value < 0 ? static_cast<int>(value) : 0, 0);
  return Napi::Number::New(info.Env(), r);
}

// continue(slot): the kernel runs the call as the server made it.
Napi::Value Seam::Continue(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  // An enter finds the CQEs of what it has submitted.
  rings_.messages.Flush();
  int r = Send(static_cast<int>(s - slots_.data()), 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
  return Napi::Number::New(info.Env(), r);
}

// deliver(slot, n): scatters data[0..n) into the held read's buffers and answers n. Returns n;
// -EFAULT when the buffers fault (answered with it); -ENOENT when the call is gone (its thread
// died or exec'ed), in which case nothing was delivered.
Napi::Value Seam::Deliver(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  size_t n = info[1].ToNumber().Uint32Value();
  ssize_t put = n == 0 ? 0 : WriteTargetIov(s->tid, s->iov.data(), s->iov.size(), data_, n);
  int slot = static_cast<int>(s - slots_.data());
  int64_t result;
  if (put == static_cast<ssize_t>(n)) {
    int r = Send(slot, static_cast<int64_t>(n), 0, 0);
    result = r == 0 ? static_cast<int64_t>(n) : r;
  } else {
    int r = Send(slot, 0, -EFAULT, 0);
    result = r == 0 && put != -ESRCH ? -EFAULT : -ENOENT;
  }
  return Napi::Number::New(info.Env(), static_cast<double>(result));
}

// pipeRoom(slot): bytes the pipe of a held splice from the device can take, as do_splice_read sees
// it, or -errno.
Napi::Value Seam::PipeRoom(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  Fd pipe(descriptors_.Get(s->tid, static_cast<int>(s->args[s->nr == SYS_sendfile ? 0 : 2])));
  if (!pipe.ok()) return Napi::Number::New(info.Env(), -EBADF);
  int size = fcntl(pipe.get(), F_GETPIPE_SZ);
  int used = 0;
  if (size < 0 || ioctl(pipe.get(), FIONREAD, &used) != 0) {
    return Napi::Number::New(info.Env(), -EINVAL);
  }
  // Slots are pages: a partly used one takes no more of ours.
  int free_pages = size / 4096 - (used + 4095) / 4096;
  return Napi::Number::New(info.Env(), free_pages * 4096);
}

// deliverPipe(slot, n): puts data[0..n) into the pipe of a held splice and answers n.
Napi::Value Seam::DeliverPipe(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  size_t n = info[1].ToNumber().Uint32Value();
  int slot = static_cast<int>(s - slots_.data());
  Fd pipe(descriptors_.Get(s->tid, static_cast<int>(s->args[s->nr == SYS_sendfile ? 0 : 2])));
  int64_t result = -EBADF;
  if (pipe.ok()) {
    iovec v = {data_, n};
    // vmsplice without GIFT copies nothing but references pages of ours, which change: write.
    // Another thread may have filled the pipe since its room was looked at; to wait would stop the rig.
    ssize_t put = pwritev2(pipe.get(), &v, 1, -1, RWF_NOWAIT);
    if (put < 0 && errno == EOPNOTSUPP) put = writev(pipe.get(), &v, 1);  // pipes before Linux 6.4
    result = put == static_cast<ssize_t>(n) ? put : -EIO;
  }
  int r = Send(slot, result < 0 ? 0 : result, result < 0 ? static_cast<int>(result) : 0, 0);
  return Napi::Number::New(info.Env(), static_cast<double>(r == 0 ? result : -ENOENT));
}

// pipeTake(slot): takes the bytes a splice into the device asks for out of its pipe into data.
// Bytes taken; -EINVAL when the pipe holds fewer (fuse_dev_splice_write), nothing is taken then.
Napi::Value Seam::PipeTake(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  Napi::Env env = info.Env();
  size_t want = s->args[4];
  Fd pipe(descriptors_.Get(s->tid, static_cast<int>(s->args[0])));
  if (!pipe.ok()) return Napi::Number::New(env, -EBADF);
  int held = 0;
  if (ioctl(pipe.get(), FIONREAD, &held) != 0) return Napi::Number::New(env, -EINVAL);
  if (static_cast<size_t>(held) < want || want > data_size_) return Napi::Number::New(env, -EINVAL);
  size_t got = 0;
  while (got < want) {
    ssize_t n = read(pipe.get(), data_ + got, want - got);
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  return Napi::Number::New(env, static_cast<double>(got));
}

// Answers a held call whose thread has a signal to handle; true when it was. A thread-directed
// signal, or a process-directed one at the main thread (which the kernel prefers, complete_signal),
// makes ERESTARTSYS exact: the kernel turns it into EINTR or a restart. While the main thread takes
// the process's signals no other thread is woken for one. Where it does not we cannot know who was
// chosen, and 512 would leak: EINTR.
bool Seam::Interrupt(int slot) {
  Slot& s = slots_[slot];
  Pending p = PendingSignals(s.tid);
  if (p == Pending::kNone) return false;
  // A timed receive is not restarted (sock_intr_errno).
  Send(slot, 0, p == Pending::kPerhaps || s.deadline > 0 ? -EINTR : -512, 0);
  return true;
}

// interruptSignalled(slot): see Interrupt.
Napi::Value Seam::InterruptSignalled(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), Interrupt(static_cast<int>(s - slots_.data())));
}

// waits(slot): whether the held call still waits for its answer; else (its thread died) the slot is
// freed.
Napi::Value Seam::Waits(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  uint64_t id = s->id;
  bool waits = ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
  if (!waits) FreeSlot(static_cast<int>(s - slots_.data()));
  return Napi::Boolean::New(info.Env(), waits);
}

// Installs our descriptor `fd` in the server and answers with its number. index >= 0 places it in
// the range; -1 takes the lowest free number.
int Seam::AddFd(int slot, int fd, int index, bool cloexec) {
  seccomp_notif_addfd a{};
  a.id = slots_[slot].id;
  a.srcfd = static_cast<uint32_t>(fd);
  a.flags = index >= 0 ? SECCOMP_ADDFD_FLAG_SETFD : 0;
  a.newfd = index >= 0 ? base_ + static_cast<uint32_t>(index) : 0;
  a.newfd_flags = cloexec ? O_CLOEXEC : 0;
  // Not with ADDFD_FLAG_SEND: interrupted, Linux takes the descriptor back and lets the call return 0.
  int r;
  while ((r = ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &a)) < 0 && errno == EINTR) continue;
  int result = r < 0 ? -errno : r;
  // The number is beyond a limit that was lowered since: an open would have found none below.
  if (result == -EBADF && index >= 0) result = -EMFILE;
  if (result != -ENOENT) {
    Send(slot, result < 0 ? 0 : result, result < 0 ? result : 0, 0);  // EMFILE and the like are the server's to see
  } else {
    FreeSlot(slot);
  }
  return result;
}

// installFd(slot, fd, index, cloexec): descriptor number in the server, or -errno.
Napi::Value Seam::InstallFd(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  int r = AddFd(static_cast<int>(s - slots_.data()), info[1].ToNumber().Int32Value(),
                info[2].ToNumber().Int32Value(), info[3].ToBoolean().Value());
  return Napi::Number::New(info.Env(), r);
}

// addPlaceholder(slot, index, cloexec): a fresh placeholder, installed at the index; it polls as ERR.
Napi::Value Seam::AddPlaceholder(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  int index = info[1].ToNumber().Int32Value();
  int slot = static_cast<int>(s - slots_.data());
  Placeholder p;
  Fd end;
  int r;
  if (!Placeholder::Create(&p, &end)) {
    r = -errno;
    Send(slot, 0, r, 0);
  } else {
    p.SetDead(end.get());
    r = AddFd(slot, end.get(), index, info[2].ToBoolean().Value());
    if (r >= 0) placeholders_[index] = std::move(p);
  }
  return Napi::Number::New(info.Env(), r);
}

// aliasFd(slot, fd, index, cloexec): answers a dup of the server's descriptor `fd` with a second
// number in the range.
Napi::Value Seam::AliasFd(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  int slot = static_cast<int>(s - slots_.data());
  Fd mine(descriptors_.Get(s->tid, info[1].ToNumber().Int32Value()));
  int r = mine.get();
  if (!mine.ok()) {
    Send(slot, 0, -EBADF, 0);
  } else {
    r = AddFd(slot, mine.get(), info[2].ToNumber().Int32Value(), info[3].ToBoolean().Value());
  }
  return Napi::Number::New(info.Env(), r);
}

Placeholder* Seam::PlaceholderOf(const Napi::CallbackInfo& info) {
  auto it = placeholders_.find(info[0].ToNumber().Int32Value());
  return it == placeholders_.end() ? nullptr : &it->second;
}

int Seam::ServerEnd(int index, pid_t tid) {
  Fd& end = server_ends_[index];
  if (!end.ok()) {
    int got = descriptors_.Get(tid, static_cast<int>(base_) + index);
    if (got >= 0) end.Reset(got);
  }
  return end.get();
}

// setReadable(index, tid, on): the poll state of a live placeholder; tid is a thread that holds it.
Napi::Value Seam::SetReadable(const Napi::CallbackInfo& info) {
  Placeholder* p = PlaceholderOf(info);
  bool on = info[2].ToBoolean().Value();
  if (p && p->readable() != on) {
    int end = on ? -1 : ServerEnd(info[0].ToNumber().Int32Value(), info[1].ToNumber().Int32Value());
    p->SetReadable(end, on);
  }
  return info.Env().Undefined();
}

// setDead(index, tid): polls as ERR alone from now on.
Napi::Value Seam::SetDead(const Napi::CallbackInfo& info) {
  Placeholder* p = PlaceholderOf(info);
  if (p && !p->dead()) {
    int end = ServerEnd(info[0].ToNumber().Int32Value(), info[1].ToNumber().Int32Value());
    if (end >= 0) p->SetDead(end);
  }
  return info.Env().Undefined();
}

// setAlive(index, at, tid): polls as a live device from now on; the thread has it at this index, too.
Napi::Value Seam::SetAlive(const Napi::CallbackInfo& info) {
  Placeholder* p = PlaceholderOf(info);
  if (p && p->dead()) {
    int end = ServerEnd(info[1].ToNumber().Int32Value(), info[2].ToNumber().Int32Value());
    if (end >= 0) p->SetAlive(end);
  }
  return info.Env().Undefined();
}

// alive(index): whether any process (or socket queue) still holds the placeholder.
Napi::Value Seam::Alive(const Napi::CallbackInfo& info) {
  int index = info[0].ToNumber().Int32Value();
  server_ends_.erase(index);
  Placeholder* p = PlaceholderOf(info);
  bool alive = p && p->Alive();
  if (p && !alive) placeholders_.erase(index);
  return Napi::Boolean::New(info.Env(), alive);
}

}  // namespace fuse_rig
