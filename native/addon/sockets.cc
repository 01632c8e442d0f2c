#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rights.h"

namespace fuse_rig {
namespace {

// As many as one message may carry.
constexpr size_t kMostFds = 8;

Napi::Number Num(const Napi::CallbackInfo& info, double v) { return Napi::Number::New(info.Env(), v); }
int Int(const Napi::CallbackInfo& info, size_t i) { return info[i].ToNumber().Int32Value(); }

// socketPair(): two ends of a SOCK_SEQPACKET pair, close-on-exec.
Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  int pair[2];
  int type = info.Length() > 0 && info[0].ToBoolean().Value() ? SOCK_STREAM : SOCK_SEQPACKET;
  Napi::Array out = Napi::Array::New(info.Env(), 2);
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) != 0) pair[0] = pair[1] = -errno;
  out.Set(0u, Num(info, pair[0]));
  out.Set(1u, Num(info, pair[1]));
  return out;
}

// pipePair(): [read end, write end], close-on-exec; the read end does not block.
Napi::Value PipePair(const Napi::CallbackInfo& info) {
  int pair[2];
  Napi::Array out = Napi::Array::New(info.Env(), 2);
  if (pipe2(pair, O_CLOEXEC) != 0) {
    pair[0] = pair[1] = -errno;
  } else {
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
  }
  out.Set(0u, Num(info, pair[0]));
  out.Set(1u, Num(info, pair[1]));
  return out;
}

// receive(sock, into): [bytes or -errno, received descriptor or -1]; waits for the message.
Napi::Value ReceiveFd(const Napi::CallbackInfo& info) {
  Napi::Uint8Array into = info[1].As<Napi::Uint8Array>();
  char control[CMSG_SPACE(sizeof(int))] = {};
  iovec iov = {into.Data(), into.ByteLength()};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  msg.msg_control = control;
  msg.msg_controllen = sizeof control;
  ssize_t n;
  do {
    n = recvmsg(Int(info, 0), &msg, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  int fd = -1;
  cmsghdr* c = n < 0 ? nullptr : CMSG_FIRSTHDR(&msg);
  if (c && c->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(c), sizeof fd);
  Napi::Array out = Napi::Array::New(info.Env(), 2);
  out.Set(0u, Num(info, n < 0 ? -errno : static_cast<double>(n)));
  out.Set(1u, Num(info, fd));
  return out;
}

// sendFds(sock, bytes, fds): one message with at most 8 descriptors; bytes sent or -errno.
Napi::Value SendFds(const Napi::CallbackInfo& info) {
  Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  Napi::Array fds = info[2].As<Napi::Array>();
  const size_t count = fds.Length();
  if (count == 0 || count > kMostFds) return Num(info, -EINVAL);
  alignas(cmsghdr) char control[CMSG_SPACE(kMostFds * sizeof(int))] = {};
  iovec iov = {bytes.Data(), bytes.ByteLength()};
  msghdr msg{};
  msg.msg_iov = &iov;
  msg.msg_iovlen = 1;
  int numbers[kMostFds];
  for (uint32_t i = 0; i < count; ++i) numbers[i] = fds.Get(i).ToNumber().Int32Value();
  PutDescriptors(&msg, control, numbers, count);
  ssize_t n;
  while ((n = sendmsg(Int(info, 0), &msg, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
  }
  return Num(info, n < 0 ? -errno : static_cast<double>(n));
}

// waitFd(fd, ms): whether it becomes readable, or has come to its end, in that time.
Napi::Value WaitFd(const Napi::CallbackInfo& info) {
  pollfd p = {Int(info, 0), POLLIN, 0};
  return Napi::Boolean::New(info.Env(), poll(&p, 1, Int(info, 1)) > 0);
}

}  // namespace

void SocketsInit(Napi::Env env, Napi::Object exports) {
  auto set = [&](const char* name, Napi::Value (*f)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, f, name));
  };
  set("socketPair", SocketPair);
  set("pipePair", PipePair);
  set("receive", ReceiveFd);
  set("sendFds", SendFds);
  set("waitFd", WaitFd);
}

}  // namespace fuse_rig
