// One probe: its commands, and waiting until everything that was begun has ended or sleeps.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "prober.h"

namespace fuse_rig {
namespace {

// Looks in a row, 1 ms apart, in which nothing changed: with everybody where one waits, and otherwise.
constexpr int kCalm = 2;
constexpr int kCalmElsewhere = 60;
constexpr int kLooks = 5000;
constexpr int kUntil = 20000;

const Flag kSignals[] = {{"USR1", SIGUSR1}, {"KILL", SIGKILL}};

class Probe {
 public:
  explicit Probe(bool real) : real_(real), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  void Run() {
    for (std::string line; ReadLine(&line);) {
      Words words = SplitWords(line);
      if (words.empty()) continue;
      if (words[0] == "end") break;
      // until NAME COMMAND...
      const std::string until = words[0] == "until" && words.size() > 2 ? words[1] : "";
      if (!until.empty()) {
        line.erase(0, line.find(words[2], line.find(words[1]) + words[1].size()));
        words.erase(words.begin(), words.begin() + 2);
      }
      Command(words, line);
      const auto awaited = actors_.find(until);
      if (awaited != actors_.end()) Until(*awaited->second);
      Settle();
      if (words.size() > 3 && (words[2] == "cmd" || words[2] == "enter")) Completions(*workers_[words[1]], words[3]);
      Report();
    }
    End();
  }

 private:
  void Command(const Words& w, const std::string& line) {
    if (w[0] == "clients") {
      for (size_t i = 1; i < w.size(); i++) actors_[w[i]] = clients_[w[i]] = std::make_shared<ClientProcess>();
    } else if ((w[0] == "do" || w[0] == "must") && w.size() > 2) {
      auto& worker = workers_[w[1]];
      if (worker == nullptr) actors_[w[1]] = worker = std::make_shared<Worker>(objects_, wake_);
      worker->Give({w.begin() + 2, w.end()});
      if (w[0] == "must") Until(*worker);
    } else if (w[0] == "client" && w.size() > 2 && clients_.count(w[1])) {
      // One that is busy does not hear of it.
      if (!clients_[w[1]]->Busy()) clients_[w[1]]->Give(line.substr(w[0].size() + w[1].size() + 2));
    } else if (w[0] == "signal" && w.size() > 2 && actors_.count(w[1])) {
      actors_[w[1]]->Signal(static_cast<int>(Flags(kSignals, w[2])));
    } else if (w[0] == "lapse" && w.size() > 2) {
      // Longer than anybody waits for an actor.
      sleep(static_cast<unsigned>(Number(w[2])));
      done_[w[1]] = Returned(0).Json();
    } else if (w[0] != "look") {
      done_["?"] = Answer().Add("text", "not a command: " + line).Json();
    }
  }

  // The kernel may end it from a worker of its own, which nobody can see at work.
  void Until(Actor& actor) {
    for (int look = 0; look < kUntil && actor.Busy(); look++) {
      Collect();
      if (actor.Busy()) Wait();
    }
    actor.Gone();
  }

  // What a ring brings is looked at when whoever was answered has gone on.
  void Completions(Worker& worker, const std::string& ring) {
    if (worker.Busy()) return;
    worker.Give({"collect", ring});
    Settle();
  }

  void Collect() {
    std::string result;
    for (const auto& [name, actor] : actors_) {
      if (actor->Take(&result)) done_[name] = result;
    }
  }

  void Settle() {
    std::map<std::string, Look> before;
    int enough = kCalm;
    for (int look = 0, calm = 0; look < kLooks && calm < enough; look++) {
      Collect();
      std::map<std::string, Look> now;
      enough = kCalm;
      bool asleep = true;
      for (const auto& [name, actor] : actors_) {
        if (!actor->Busy()) continue;
        now[name] = actor->See();
        asleep = asleep && now[name].Asleep();
        if (!now[name].Waits()) enough = kCalmElsewhere;
      }
      if (now.empty()) break;
      calm = asleep && now == before ? calm + 1 : 0;
      before = std::move(now);
      if (calm < enough) Wait();
    }
    asleep_ = std::move(before);
    Collect();
  }

  // A millisecond, or until somebody has ended something.
  void Wait() {
    std::vector<pollfd> all = {{wake_, POLLIN, 0}};
    for (const auto& [name, client] : clients_) {
      if (client->Busy()) all.push_back({client->output(), POLLIN, 0});
    }
    poll(all.data(), all.size(), 1);
    uint64_t count;
    (void)!read(wake_, &count, sizeof count);
  }

  void Report() {
    Answer done, asleep;
    for (const auto& [name, json] : done_) done.AddRaw(name, json);
    for (const auto& [name, actor] : actors_) {
      if (actor->Busy()) asleep.Add(name, asleep_[name].wchan);
    }
    done_.clear();
    SayLine(Answer().AddRaw("done", done.Json()).AddRaw("asleep", asleep.Json()).Json());
  }

  // Whatever still sleeps is woken by the abort, or by the last close.
  void End() {
    if (real_) objects_.AbortAll();
    Settle();
    objects_.CloseAll();
    clients_.clear();
    for (const char* target : {"m", "m2", "f"}) {
      while (real_ && umount2(target, MNT_DETACH) == 0) continue;
    }
    // Threads may sleep for ever; the process ends with them.
    _exit(0);
  }

  bool real_;
  int wake_;
  Objects objects_;
  std::map<std::string, std::shared_ptr<Worker>> workers_;
  std::map<std::string, std::shared_ptr<ClientProcess>> clients_;
  std::map<std::string, std::shared_ptr<Actor>> actors_;
  std::map<std::string, std::string> done_;
  std::map<std::string, Look> asleep_;
};

void Ignore(int) {}

}  // namespace

Answer RunStep(Objects& objects, const Words& words) {
  for (const auto* list : {&kDeviceSteps, &kSpliceSteps, &kMountSteps, &kSuperblockSteps, &kPositionSteps,
                           &kRingSteps, &kProcessSteps}) {
    for (const Step& step : *list) {
      if (words[0] == step.name && words.size() > step.words) {
        return step.run(objects, {words.begin() + 1, words.end()});
      }
    }
  }
  return Answer().Add("text", "not a step: " + words[0]);
}

int RunProbe(bool real, const std::string& dir) {
  if (chdir(dir.c_str()) != 0) return 4;
  umask(022);
  mkdir("m", 0755);
  mkdir("m2", 0755);
  close(open("f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  // SIGUSR1 interrupts a call without restarting it.
  struct sigaction action {};
  action.sa_handler = Ignore;
  sigaction(SIGUSR1, &action, nullptr);
  Probe(real).Run();
  return 0;
}

}  // namespace fuse_rig
