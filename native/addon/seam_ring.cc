// The server's io_uring calls: rings are learned as they are made, FUSE commands are taken out of what
// an enter submits, and CQEs are put into the server's rings.
#include <errno.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <sys/epoll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "seam.h"
#include "seccomp_abi.h"

namespace fuse_rig {
namespace {

// Not in Debian 12's <linux/io_uring.h> (include/uapi/linux/io_uring.h of Linux 6.18).
constexpr uint32_t kUseRegisteredRing = 1U << 31;
// How many slots of a file table one call may name (IORING_MAX_FIXED_FILES).
constexpr uint32_t kMaxFiles = 1U << 20;

}  // namespace

int Seam::DeviceIndex(int fd) const {
  const uint32_t at = static_cast<uint32_t>(fd) - base_;
  return at < count_ ? static_cast<int>(at) : -1;
}

// The server's descriptor for our message ring, where a linked command needs one. It lies below the
// range, out of the way of what the server opens.
int Seam::MessagesIn(int slot) {
  const Slot& s = slots_[slot];
  const pid_t tgid = ThreadGroup(s.tid);
  auto known = message_fds_.find(tgid);
  // The server may have closed it since, with everything it did not know.
  if (known != message_fds_.end() && rings_.messages.Is(Fd(descriptors_.Get(s.tid, known->second)).get())) return known->second;
  seccomp_notif_addfd a{};
  a.id = s.id;
  a.srcfd = static_cast<uint32_t>(rings_.messages.fd());
  a.flags = SECCOMP_ADDFD_FLAG_SETFD;
  a.newfd = base_ - 1;
  a.newfd_flags = 02000000;  // O_CLOEXEC
  const int fd = ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &a);
  if (fd < 0) return -errno;
  message_fds_[tgid] = fd;
  return fd;
}

// False: no FUSE command is in the batch, and the call was let go.
bool Seam::DecideEnter(int slot) {
  Slot& s = slots_[slot];
  const uint32_t asked = static_cast<uint32_t>(s.args[1]);
  rings_.now.clear();
  const uint32_t number =
      asked == 0 || (s.args[3] & IORING_ENTER_REGISTERED_RING) ? 0 : rings_.Find(&descriptors_, s.tid, static_cast<int>(s.args[0]));
  ServerRing* ring = rings_.ring(number);
  if (ring) {
    uint32_t ready = ring->Ready(s.tid);
    if (ring->MustAwait() || (ready < asked && ring->shared())) {
      ring->Await();
      ready = ring->Ready(s.tid);
    }
    // The kernel does not wait where it finds fewer than were asked for (io_uring_enter).
    if (ready < asked && ring->shared()) {
      const auto early = ready == 0 ? ServerRing::Early::kAnswer : ring->AnswerEarly(s.tid);
      if (early == ServerRing::Early::kAnswer) {
        rings_.messages.Flush();
        Send(slot, 0, ready == 0 ? 0 : -EINTR, 0);
        return false;
      }
      RingCommand c{};
      c.ring = number;
      c.index = -1;
      c.tid = s.tid;
      c.flags = kCareless;
      if (early == ServerRing::Early::kLetGoUnsafely) rings_.now.push_back(c);
    }
    const uint32_t n = ready < asked ? ready : asked;
    ServerRing::Taken to{&rings_.now, &rings_.linked, &rings_.next_token, [this](int fd) { return DeviceIndex(fd); },
                         [this, slot] { return MessagesIn(slot); }, &rings_.asked};
    ring->Take(n, s.tid, number, to);
    ring->Submitting(s.tid, n);
  }
  if (rings_.now.empty()) {
    rings_.messages.Flush();
    Send(slot, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    return false;
  }
  return true;
}

// Puts the commands where TypeScript reads them; returns how many.
int Seam::ShowCommands() {
  const size_t n = rings_.now.size() < max_commands_ ? rings_.now.size() : max_commands_;
  memcpy(commands_, rings_.now.data(), n * sizeof(RingCommand));
  return static_cast<int>(n);
}

// Commands whose predecessors are done; how many lie in the command buffer.
int Seam::LinkedCommands() {
  std::vector<uint64_t> tokens;
  rings_.messages.Receive(&tokens);
  rings_.now.clear();
  for (uint64_t token : tokens) {
    auto found = rings_.linked.find(token);
    if (found == rings_.linked.end()) continue;
    rings_.now.push_back(found->second);
    rings_.linked.erase(found);
  }
  return ShowCommands();
}

// ringMake(slot): lets an io_uring_setup go and learns the ring it makes: its number, or 0.
Napi::Value Seam::RingMake(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  io_uring_params asked{};
  const pid_t tid = s->tid;
  const bool readable = ReadTarget(tid, s->args[1], &asked, sizeof asked) == static_cast<ssize_t>(sizeof asked);
  asked.sq_entries = static_cast<uint32_t>(s->args[0]);
  const pid_t tgid = ThreadGroup(tid);
  std::map<uint64_t, int> known;
  if (readable) known = RingDescriptors(tgid);
  int opened = 0;
  if (!rings_.messages.open()) {
    opened = rings_.messages.Open();
    if (opened == 0) EpollAdd(epoll_.get(), rings_.messages.fd(), EPOLLIN | EPOLLET, MakeTag(kTagMessages, 0));
  }
  if (opened != 0) {
    Send(static_cast<int>(s - slots_.data()), 0, opened, 0);
    return Napi::Number::New(info.Env(), opened);
  }
  Send(static_cast<int>(s - slots_.data()), 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
  const uint32_t number = readable ? rings_.Made(&descriptors_, tid, tgid, asked, known) : 0;
  return Napi::Number::New(info.Env(), number);
}

// ringFiles(slot): an io_uring_register of files is about to be let go: remembers where devices lie.
// Returns whether the call was one of those.
Napi::Value Seam::RingFiles(const Napi::CallbackInfo& info) {
  Slot* s = Used(info);
  if (!s) return info.Env().Undefined();
  const uint32_t op = static_cast<uint32_t>(s->args[1]) & ~kUseRegisteredRing;
  ServerRing* ring = rings_.ring(rings_.Find(&descriptors_, s->tid, static_cast<int>(s->args[0])));
  if (!ring) return Napi::Boolean::New(info.Env(), false);
  uint64_t fds = s->args[2];
  uint32_t count = static_cast<uint32_t>(s->args[3]), from = 0;
  switch (op) {
    case IORING_UNREGISTER_FILES:
      ring->DropTable();
      return Napi::Boolean::New(info.Env(), true);
    case IORING_REGISTER_FILES:
      break;
    case IORING_REGISTER_FILES2: {
      io_uring_rsrc_register r{};
      if (ReadTarget(s->tid, fds, &r, sizeof r) != static_cast<ssize_t>(sizeof r)) count = 0;
      else fds = r.data, count = r.nr;
      break;
    }
    case IORING_REGISTER_FILES_UPDATE: {
      io_uring_files_update u{};
      if (ReadTarget(s->tid, fds, &u, sizeof u) != static_cast<ssize_t>(sizeof u)) count = 0;
      else fds = u.fds, from = u.offset;
      break;
    }
    case IORING_REGISTER_FILES_UPDATE2: {
      io_uring_rsrc_update2 u{};
      if (ReadTarget(s->tid, fds, &u, sizeof u) != static_cast<ssize_t>(sizeof u)) count = 0;
      else fds = u.data, from = u.offset, count = u.nr;
      break;
    }
    default:
      return Napi::Boolean::New(info.Env(), false);
  }
  if (count > kMaxFiles || fds == 0) count = 0;  // refused by the kernel, or a sparse table
  std::vector<int32_t> numbers(count);
  const ssize_t want = static_cast<ssize_t>(count * sizeof(int32_t));
  if (count > 0 && ReadTarget(s->tid, fds, numbers.data(), static_cast<size_t>(want)) != want) numbers.clear();
  auto device = [this](int fd) { return DeviceIndex(fd); };
  if (op == IORING_REGISTER_FILES || op == IORING_REGISTER_FILES2) ring->MakeTable(numbers, device);
  else ring->UpdateTable(from, numbers, device);
  return Napi::Boolean::New(info.Env(), true);
}

// ringPost(ring, low, high, res): a CQE for the server, sent with the next answer or wait; the words of
// its user_data.
Napi::Value Seam::RingPost(const Napi::CallbackInfo& info) {
  auto word = [&](size_t i) { return info[i].As<Napi::Number>().Uint32Value(); };
  ServerRing* ring = rings_.ring(word(0));
  const uint64_t user_data = static_cast<uint64_t>(word(2)) << 32 | word(1);
  if (ring) {
    ring->own().Posted(user_data);
    rings_.messages.Post(ring->fd(), user_data, info[3].As<Napi::Number>().Int32Value());
  }
  return info.Env().Undefined();
}

// ringDefers(ring): whether only the ring's own thread can run its task work (IORING_SETUP_DEFER_TASKRUN).
Napi::Value Seam::RingDefers(const Napi::CallbackInfo& info) {
  ServerRing* ring = rings_.ring(info[0].ToNumber().Uint32Value());
  return Napi::Boolean::New(info.Env(), ring && ring->defers());
}

// ringsOwn(): the server's own requests under way in its rings, [opcode, fd or -1, tid] each; null where
// completions may have been missed.
Napi::Value Seam::RingsOwn(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Array out = Napi::Array::New(env);
  uint32_t n = 0;
  bool unsure = false;
  rings_.Each([&](ServerRing& ring) {
    ring.own().Settle();
    unsure = unsure || ring.own().unsure();
    for (const auto& [user_data, own] : ring.own().under_way()) {
      Napi::Array one = Napi::Array::New(env, 3);
      one.Set(0U, Napi::Number::New(env, own.opcode));
      one.Set(1U, Napi::Number::New(env, own.fixed ? -1 : own.fd));
      one.Set(2U, Napi::Number::New(env, own.tid));
      out.Set(n++, one);
    }
  });
  if (unsure) return env.Null();
  return out;
}

// ringsAsked(): operations (IORING_OP_*) that the server has asked its rings for, beside FUSE commands.
Napi::Value Seam::RingsAsked(const Napi::CallbackInfo& info) {
  Napi::Array out = Napi::Array::New(info.Env());
  for (uint32_t opcode = 0, n = 0; opcode < 64; ++opcode) {
    if (rings_.asked >> opcode & 1) out.Set(n++, opcode);
  }
  return out;
}

// ringsGone(): numbers of rings that nobody in the server holds any more.
Napi::Value Seam::RingsGone(const Napi::CallbackInfo& info) {
  std::vector<uint32_t> gone = rings_.Gone(&descriptors_);
  Napi::Array out = Napi::Array::New(info.Env(), gone.size());
  for (size_t i = 0; i < gone.size(); ++i) out.Set(static_cast<uint32_t>(i), Napi::Number::New(info.Env(), gone[i]));
  return out;
}

// threadLives(tid): false once the thread has ended.
Napi::Value Seam::ThreadLives(const Napi::CallbackInfo& info) {
  const pid_t tid = info[0].ToNumber().Int32Value();
  return Napi::Boolean::New(info.Env(), syscall(SYS_tkill, tid, 0) == 0 || errno == EPERM);
}

}  // namespace fuse_rig
