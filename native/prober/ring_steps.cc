// Steps on io_urings: rings, entries' buffers, FUSE commands with every field open, and what comes.
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "prober.h"
#include "raw_ring.h"

namespace fuse_rig {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHeaders = 288, kOpIn = 128, kEnt = 256, kEntSize = 32;
constexpr size_t kOutHeader = 16, kPayloadSize = 16;
constexpr char kStaleHeaders = '\xaa', kStalePayload = '\xbb';

// An entry's buffers. The headers lie so that ring_ent_in_out begins a page of its own.
struct Slot {
  char* pages = nullptr;
  char* payload = nullptr;
  size_t size = 0;
  iovec iov[2] = {};
  char* headers() const { return pages + kPage - kEnt; }
};

struct Rings {
  std::mutex mutex;
  std::map<std::string, RawRing> rings;
  std::map<std::string, Slot> slots;
  std::vector<std::string> users;
  // What the last enter returned.
  std::atomic<int> entered{0};

  RawRing& Ring(const std::string& name) {
    const std::lock_guard<std::mutex> hold(mutex);
    return rings[name];
  }
  Slot& At(const std::string& name) {
    const std::lock_guard<std::mutex> hold(mutex);
    return slots[name];
  }
  uint64_t User(const std::string& name) {
    const std::lock_guard<std::mutex> hold(mutex);
    users.push_back(name);
    return users.size() - 1;
  }
};

// Never destroyed: threads may sleep in a ring when the probe ends.
Rings& All() {
  static auto* all = new Rings;
  return *all;
}

const Flag kSetup[] = {{"SQE128", IORING_SETUP_SQE128}, {"CQE32", IORING_SETUP_CQE32},
                       {"SINGLE_ISSUER", 1U << 12},     {"DEFER_TASKRUN", 1U << 13},
                       {"COOP_TASKRUN", 1U << 8},       {"TASKRUN_FLAG", 1U << 9}};

// ring NAME ENTRIES FLAGS [COMPLETIONS]
Answer Ring(Objects&, const Words& w) {
  RawSetup setup;
  setup.entries = static_cast<unsigned>(Number(w[1]));
  setup.flags = static_cast<unsigned>(Flags(kSetup, w[2]));
  if (w.size() > 3) setup.completions = static_cast<unsigned>(Number(w[3]));
  errno = All().Ring(w[0]).Open(setup);
  return Returned(errno == 0 ? 0 : -1);
}

Answer RingClose(Objects&, const Words& w) {
  All().Ring(w[0]).Close();
  return Returned(0);
}

// ringfiles NAME DEVICE: the device as fixed file 0
Answer RingFiles(Objects& o, const Words& w) {
  const int fd = o.Get(w[1]);
  const int n = All().Ring(w[0]).Register(IORING_REGISTER_FILES, &fd, 1);
  errno = n < 0 ? -n : 0;
  return Returned(n < 0 ? -1 : n);
}

// slot NAME PAYLOAD: buffers full of stale bytes
Answer MakeSlot(Objects&, const Words& w) {
  Slot& slot = All().At(w[0]);
  slot.size = static_cast<size_t>(Number(w[1]));
  const auto map = [](size_t size) {
    return static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  };
  slot.pages = map(2 * kPage);
  slot.payload = map(slot.size);
  memset(slot.pages, kStaleHeaders, 2 * kPage);
  memset(slot.payload, kStalePayload, slot.size);
  return Returned(0);
}

const Flag kProtection[] = {{"NONE", PROT_NONE}, {"R", PROT_READ}, {"RW", PROT_READ | PROT_WRITE}};

// protect SLOT in_out|ent|payload NONE|R|RW: in_out with op_in, ring_ent_in_out, the payload
Answer Protect(Objects&, const Words& w) {
  const Slot& slot = All().At(w[0]);
  const int protection = static_cast<int>(Flags(kProtection, w[2]));
  if (w[1] == "payload") return Returned(mprotect(slot.payload, slot.size, protection));
  return Returned(mprotect(slot.pages + (w[1] == "ent" ? kPage : 0), kPage, protection));
}

// What is named `KEY=` in the words.
class Named {
 public:
  explicit Named(const Words& words) : words_(words) {}
  std::string Text(const std::string& key, const std::string& otherwise = "") const {
    for (const std::string& word : words_) {
      if (word.rfind(key + "=", 0) == 0) return word.substr(key.size() + 1);
    }
    return otherwise;
  }
  uint64_t Value(const std::string& key, uint64_t otherwise) const {
    const std::string text = Text(key);
    return text.empty() ? otherwise : std::strtoull(text.c_str(), nullptr, 0);
  }

 private:
  const Words& words_;
};

// The reply's header into in_out, its body into the payload, payload_sz into ring_ent_in_out.
void Put(const Slot& slot, const std::string& reply, const Named& named) {
  memcpy(slot.headers(), reply.data(), std::min(reply.size(), kOutHeader));
  const std::string body = reply.size() > kOutHeader ? reply.substr(kOutHeader) : "";
  memcpy(slot.payload, body.data(), std::min(body.size(), slot.size));
  const auto size = static_cast<uint32_t>(named.Value("size", body.size()));
  memcpy(slot.headers() + kEnt + kPayloadSize, &size, sizeof size);
}

void SetAddress(io_uring_sqe* sqe, Slot& slot, const Named& named) {
  slot.iov[0] = {slot.pages == nullptr ? nullptr : slot.headers(), named.Value("head", kHeaders)};
  slot.iov[1] = {slot.payload, named.Value("pay", slot.size)};
  if (const uint64_t base = named.Value("headat", 0)) slot.iov[0].iov_base = reinterpret_cast<void*>(base);
  if (const uint64_t base = named.Value("payat", 0)) slot.iov[1].iov_base = reinterpret_cast<void*>(base);
  sqe->addr = named.Value("addr", reinterpret_cast<uint64_t>(slot.iov));
  sqe->len = static_cast<uint32_t>(named.Value("len", 2));
}

// sqe RING KEY=VALUE...: a FUSE command, not submitted. what=nop|cancel: another SQE.
// op= dev= fixed= qid= commit= flags= slot= head= pay= headat= payat= addr= len= link= async= skip= user= reply= size=
Answer Sqe(Objects& o, const Words& w) {
  const Named named(w);
  io_uring_sqe* sqe = All().Ring(w[0]).Next();
  const std::string slotname = named.Text("slot", "none"), what = named.Text("what");
  Slot& slot = All().At(slotname);
  sqe->user_data = All().User(named.Text("user", slotname));
  if (named.Value("link", 0)) sqe->flags |= IOSQE_IO_LINK;
  if (named.Value("async", 0)) sqe->flags |= IOSQE_ASYNC;
  if (what == "nop") {
    sqe->opcode = IORING_OP_NOP;
    return Returned(0);
  }
  if (what == "cancel") {
    sqe->opcode = IORING_OP_ASYNC_CANCEL;
    const auto& users = All().users;
    for (size_t i = users.size() - 1; i-- > 0;) {
      if (users[i] == slotname) sqe->addr = i;
    }
    return Returned(0);
  }
  sqe->opcode = IORING_OP_URING_CMD;
  sqe->fd = named.Text("fixed").empty() ? o.Get(named.Text("dev", "a")) : static_cast<int>(named.Value("fixed", 0));
  if (!named.Text("fixed").empty()) sqe->flags |= IOSQE_FIXED_FILE;
  sqe->cmd_op = static_cast<uint32_t>(named.Value("op", 1));
  if (sqe->cmd_op != 2) SetAddress(sqe, slot, named);
  const std::string reply = named.Text("reply");
  if (!reply.empty()) Put(slot, Unhex(reply), named);
  const uint64_t fields[2] = {named.Value("flags", 0), named.Value("commit", 0)};
  const auto qid = static_cast<uint16_t>(named.Value("qid", 0));
  memcpy(reinterpret_cast<char*>(sqe) + 48, fields, sizeof fields);
  memcpy(reinterpret_cast<char*>(sqe) + 64, &qid, sizeof qid);
  return Returned(0);
}

// enter RING [WAIT]: submits, waits for so many completions. What completed is told when all have reacted.
Answer Enter(Objects&, const Words& w) {
  RawRing& ring = All().Ring(w[0]);
  ring.Publish();
  const auto wait = static_cast<unsigned>(NumberAt(w, 1, 0));
  All().entered = ring.Enter(ring.Unsubmitted(), wait, IORING_ENTER_GETEVENTS);
  return Answer();
}

// cmd RING KEY=VALUE...: `sqe` and `enter` in one
Answer Cmd(Objects& o, const Words& w) {
  Sqe(o, w);
  return Enter(o, {w[0], Named(w).Text("wait", "0")});
}

// collect RING: what its last enter returned, and the completions that are there
Answer Collect(Objects&, const Words& w) {
  RawRing& ring = All().Ring(w[0]);
  const int entered = All().entered;
  ring.Enter(0, 0, IORING_ENTER_GETEVENTS);
  std::string text;
  for (io_uring_cqe cqe; ring.Take(&cqe);) {
    errno = -cqe.res;
    text += (text.empty() ? "" : ", ") + All().users[cqe.user_data] + " " + Result(cqe.res < 0 ? -1 : cqe.res);
  }
  errno = -entered;
  return Returned(entered < 0 ? -1 : entered).Add("text", text.empty() ? "-" : text);
}

// overflowed RING: completions wait in the kernel for room
Answer Overflowed(Objects&, const Words& w) { return Returned(All().Ring(w[0]).Overflowed() ? 1 : 0); }

// dump SLOT: everything of its buffers; the result is payload_sz
Answer Dump(Objects&, const Words& w) {
  const Slot& slot = All().At(w[0]);
  uint32_t size;
  memcpy(&size, slot.headers() + kEnt + kPayloadSize, sizeof size);
  return Returned(size)
      .Add("in_out", Hex(slot.headers(), kOpIn))
      .Add("op_in", Hex(slot.headers() + kOpIn, kOpIn))
      .Add("ent", Hex(slot.headers() + kEnt, kEntSize))
      .AddBytes("payload", slot.payload, slot.size);
}

}  // namespace

const std::vector<Step> kRingSteps = {
    {"ring", 3, Ring}, {"ringclose", 1, RingClose}, {"ringfiles", 2, RingFiles},
    {"slot", 2, MakeSlot}, {"protect", 3, Protect}, {"sqe", 1, Sqe},
    {"enter", 1, Enter}, {"cmd", 1, Cmd}, {"collect", 1, Collect},
    {"overflowed", 1, Overflowed}, {"dump", 1, Dump},
};

}  // namespace fuse_rig
