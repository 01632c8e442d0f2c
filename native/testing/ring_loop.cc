#include "ring_loop.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace fuse_rig {

char* SharedBytes(size_t size) {
  void* m = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return static_cast<char*>(m);
}

RingLoop::RingLoop(int fd, const RingPlan& plan, std::vector<uint16_t> qids) : fd_(fd), plan_(plan) {
  for (const uint16_t qid : qids) {
    for (unsigned i = 0; i < plan.depth; ++i) {
      auto entry = std::make_unique<RingEntry>();
      // A page for the headers, so that a whole entry can be unmapped.
      char* memory = SharedBytes(kPage + kRingPayload);
      entry->headers = reinterpret_cast<fuse_uring_req_header*>(memory);
      entry->payload = memory + kPage;
      entry->buffers[0] = {entry->headers, sizeof *entry->headers};
      entry->buffers[1] = {entry->payload, kRingPayload};
      entry->qid = qid;
      entries_.push_back(std::move(entry));
    }
  }
}

void RingLoop::Open() {
  const int error = ring_.Open(plan_.raw);
  if (error == 0) return;
  Say("io_uring_setup %s", strerrorname_np(error));
  _exit(1);
}

io_uring_sqe* RingLoop::Next() {
  while (ring_.Unsubmitted() > ring_.sq_mask_) ring_.Submit(0);
  return ring_.Next();
}

io_uring_sqe* RingLoop::Command(RingEntry* entry, uint32_t op) {
  io_uring_sqe* sqe = Next();
  sqe->opcode = IORING_OP_URING_CMD;
  sqe->fd = plan_.fixed ? 0 : fd_;
  sqe->flags = static_cast<uint8_t>(plan_.sqe_flags | (plan_.fixed ? IOSQE_FIXED_FILE : 0));
  sqe->cmd_op = op;
  sqe->user_data = reinterpret_cast<uint64_t>(entry);
  const fuse_uring_cmd_req request{0, entry->commit_id, entry->qid, {}};
  memcpy(reinterpret_cast<char*>(sqe) + 48, &request, sizeof request);
  ++held_;
  return sqe;
}

void RingLoop::Register(RingEntry* entry) {
  io_uring_sqe* sqe = Command(entry, uring_cmd::kRegister);
  sqe->addr = reinterpret_cast<uint64_t>(entry->buffers);
  sqe->len = 2;
}

void RingLoop::Commit(RingEntry* entry) { Command(entry, uring_cmd::kCommitAndFetch); }

fuse_in_header RingLoop::Request(const RingEntry* entry) {
  fuse_in_header in;
  memcpy(&in, entry->headers->in_out, sizeof in);
  return in;
}

// Bytes of the operation's own structure, of those this file system is asked (fuse_uring_copy_to_ring()).
std::string RingLoop::BodyOf(const RingEntry* entry) {
  const fuse_in_header in = Request(entry);
  const size_t size = entry->headers->ring_ent_in_out.payload_sz;
  const size_t op_in = in.len - sizeof in - size;
  return std::string(entry->headers->op_in, std::min<size_t>(op_in, 128)) + std::string(entry->payload, size);
}

void RingLoop::Fill(RingEntry* entry) {
  const fuse_in_header in = Request(entry);
  const std::string body = BodyOf(entry);
  Fill(entry, AnswerTo(in, body.c_str()));
}

void RingLoop::Fill(RingEntry* entry, const Answered& answered) {
  const fuse_out_header out{static_cast<uint32_t>(sizeof out + answered.body.size()), answered.error, entry->commit_id};
  memcpy(entry->headers->in_out, &out, sizeof out);
  memcpy(entry->payload, answered.body.data(), answered.body.size());
  entry->headers->ring_ent_in_out.payload_sz = static_cast<uint32_t>(answered.body.size());
}

void RingLoop::Wait() { ring_.Submit(1); }

void RingLoop::Serve(RingEntry* entry) {
  Fill(entry);
  Commit(entry);
}

void RingLoop::Unexpected(RingEntry* entry, int result) {
  Say("queue %u: %s gave %s", entry->qid, entry->registered ? "COMMIT" : "REGISTER", strerrorname_np(-result));
  failed_ = 1;
}

RingEntry* RingLoop::Find(uint64_t user_data) const {
  for (const auto& entry : entries_) {
    if (reinterpret_cast<uint64_t>(entry.get()) == user_data) return entry.get();
  }
  return nullptr;
}

void RingLoop::Completed(const io_uring_cqe& cqe) {
  RingEntry* entry = Find(cqe.user_data);
  if (entry == nullptr) return Other(cqe.user_data, cqe.res);
  --held_;
  if (cqe.res == -EAGAIN && !entry->registered) return Register(entry);
  if (cqe.res == 0) {
    entry->registered = true;
    entry->commit_id = entry->headers->ring_ent_in_out.commit_id;
    return Serve(entry);
  }
  if (cqe.res != -ENOTCONN) Unexpected(entry, cqe.res);
}

void RingLoop::TakeAll() {
  for (io_uring_cqe cqe; ring_.Take(&cqe);) Completed(cqe);
}

void RingLoop::Drain() {
  while (held_ > 0) {
    Wait();
    TakeAll();
  }
}

int RingLoop::Run() {
  for (const auto& entry : entries_) Register(entry.get());
  Drain();
  return failed_;
}

unsigned ConfiguredCpus() { return static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF)); }

std::vector<uint16_t> AllQueues() {
  std::vector<uint16_t> qids;
  for (unsigned i = 0; i < ConfiguredCpus(); ++i) qids.push_back(static_cast<uint16_t>(i));
  return qids;
}

bool BindTo(unsigned cpu) {
  cpu_set_t set, got;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) == 0 && sched_getaffinity(0, sizeof got, &got) == 0 && CPU_EQUAL(&set, &got)) return true;
  Say("cannot bind to CPU %u", cpu);
  return false;
}

int MountForRing(const Arguments& a) {
  const int fd = OpenDevice(O_RDWR | O_CLOEXEC);
  MountDevice(fd, a.target);
  std::vector<char> request;
  const long n = Read(fd, &request);
  if (n > 0) Answer(fd, request.data(), static_cast<size_t>(n), true);
  return fd;
}

int ServeDevice(int fd) { return Serve(fd) == ENODEV ? 0 : 1; }

int RunLoops(int fd, std::vector<std::unique_ptr<RingLoop>>* loops) {
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < loops->size(); ++i) {
    RingLoop* loop = (*loops)[i].get();
    const bool bind = loops->size() == ConfiguredCpus();
    threads.emplace_back([loop, bind, i, &failed] {
      if (bind && !BindTo(static_cast<unsigned>(i))) failed = 1;
      loop->Open();
      if (loop->Run() != 0) failed = 1;
    });
  }
  if (ServeDevice(fd) != 0) failed = 1;
  for (std::thread& thread : threads) thread.join();
  return failed;
}

}  // namespace fuse_rig
