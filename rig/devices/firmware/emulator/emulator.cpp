// The firmware on a PC: the same core behind a pseudo-terminal.
//
//   g++ -O2 -std=c++11 -Wall -Wextra -Werror emulator.cpp -o emulator -lutil
//   ./emulator [--ppm X] [--corrupt N] [--drop N] [--signal] [--frame-clock HZ]
//              [--stuck OUTPUT] [--key PATH] [--log PATH] [--link PATH]
//
// Prints one line of JSON with the port to open, then serves until SIGTERM or until the
// process that started it is gone. See README.md for what the options do.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "../springhare_daq/board.h"

namespace {

using namespace springhare;

volatile sig_atomic_t ending = 0;
void end(int) { ending = 1; }

struct Options {
  double ppm = 0;            // how much faster than the host the board's clock runs
  long corrupt = 0;          // every N-th event has one wrong byte
  long drop = 0;             // every N-th event is never sent
  bool signal = false;       // the test pattern instead of silence
  double frame_clock_hz = 0; // a square wave on input 0
  int stuck = -1;            // an output whose pin does not follow
  std::string key;           // a key on input 1: on while this file is there
  std::string log;           // where every change of an actuator's output is written
  std::string link;          // a name of its own for the port
};

uint64_t host_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

class PcHal final : public Hal {
 public:
  PcHal(int fd, const Options& options) : started_ns(host_ns()), fd_(fd), options_(options) {
    if (!options.log.empty()) log_ = fopen(options.log.c_str(), "w");
  }

  const uint64_t started_ns;

  uint64_t micros() override {
    const double host = static_cast<double>(host_ns() - started_ns);
    return static_cast<uint64_t>(host * (1.0 + options_.ppm * 1e-6) / 1000.0);
  }

  bool transmit(const uint8_t* bytes, uint16_t count) override {
    if (pending_.size() + count > CAPACITY) return false;
    std::string message(reinterpret_cast<const char*>(bytes), count);
    if (bytes[0] == EVENT && spoil(&message)) return true;
    pending_ += message;
    flush();
    return true;
  }

  // A fault-free pattern in which every sample of every channel is known by its number.
  int16_t sample(Signal signal, uint8_t channel, uint32_t number) override {
    if (!options_.signal) return 0;
    const bool emg = signal == Signal::EMG;
    const uint32_t value = number * (emg ? 7919u : 104729u) + channel * (emg ? 1013u : 2003u);
    return static_cast<int16_t>(static_cast<uint16_t>(value));
  }

  void drive(uint8_t line, bool level) override {
    level_[line & 31] = level;
    if (log_ == nullptr || line < LINE_OUTPUT0 || line >= LINE_CAMERA_TRIGGER) return;
    fprintf(log_, "%llu %d %d\n", static_cast<unsigned long long>(host_ns()), line, level);
    fflush(log_);
  }

  bool sense(uint8_t line) override {
    if (line == KEY) return key_on();
    return level_[line & 31] && line - LINE_OUTPUT0 != options_.stuck;
  }

  bool next_edge(InputEdge* edge) override {
    if (!options_.key.empty() && key_on() != level_[KEY]) {
      level_[KEY] = !level_[KEY];
      *edge = InputEdge{micros(), KEY, level_[KEY]};
      return true;
    }
    if (options_.frame_clock_hz <= 0 || micros() < due_us()) return false;
    *edge = InputEdge{due_us(), LINE_INPUT0, clock_edges_ % 2 == 0};
    clock_edges_++;
    return true;
  }

  uint32_t lateness_us() const override { return UINT32_MAX; }  // the pattern waits for us

  // When the next input edge comes.
  uint64_t due_us() const {
    if (options_.frame_clock_hz <= 0) return NO_EDGE_TIME;
    return static_cast<uint64_t>((static_cast<double>(clock_edges_) + 1) * 0.5e6 /
                                 options_.frame_clock_hz);
  }

  bool blocked() const { return !pending_.empty(); }

  void flush() {
    while (!pending_.empty()) {
      const ssize_t n = write(fd_, pending_.data(), pending_.size());
      if (n <= 0) return;
      pending_.erase(0, static_cast<size_t>(n));
    }
  }

 private:
  static constexpr size_t CAPACITY = 65536;
  static constexpr uint8_t KEY = LINE_INPUT0 + 1;

  bool key_on() const { return access(options_.key.c_str(), F_OK) == 0; }

  // Returns whether the message is lost.
  bool spoil(std::string* message) {
    events_++;
    if (options_.drop > 0 && events_ % options_.drop == 0) return true;
    if (options_.corrupt > 0 && events_ % options_.corrupt == 0) {
      const size_t place = static_cast<size_t>(events_ * 13) % message->size();
      (*message)[place] = static_cast<char>((*message)[place] ^ 0x55);
    }
    return false;
  }

  int fd_;
  const Options& options_;
  FILE* log_ = nullptr;
  std::string pending_;
  bool level_[32] = {false};
  long events_ = 0;
  uint64_t clock_edges_ = 0;
};

bool parse(int count, char** words, Options* options) {
  for (int i = 1; i < count; i++) {
    const std::string name = words[i];
    if (name == "--signal") {
      options->signal = true;
      continue;
    }
    if (++i >= count) return false;
    if (name == "--ppm") options->ppm = atof(words[i]);
    else if (name == "--corrupt") options->corrupt = atol(words[i]);
    else if (name == "--drop") options->drop = atol(words[i]);
    else if (name == "--frame-clock") options->frame_clock_hz = atof(words[i]);
    else if (name == "--stuck") options->stuck = atoi(words[i]);
    else if (name == "--key") options->key = words[i];
    else if (name == "--log") options->log = words[i];
    else if (name == "--link") options->link = words[i];
    else return false;
  }
  return true;
}

// Opens a raw pseudo-terminal; both ends stay open, so that a host may come and go.
int open_port(std::string* path) {
  int fd = -1;
  int other = -1;
  char name[256];
  if (openpty(&fd, &other, name, nullptr, nullptr) != 0) return -1;
  termios settings;
  tcgetattr(other, &settings);
  cfmakeraw(&settings);
  tcsetattr(other, TCSANOW, &settings);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  *path = name;
  return fd;
}

void wait(int fd, const PcHal& hal, uint64_t due_us, uint64_t now_us) {
  constexpr uint64_t LONGEST_US = 20000;
  uint64_t pause_us = due_us > now_us ? due_us - now_us : 0;
  if (pause_us > LONGEST_US) pause_us = LONGEST_US;
  const timespec pause = {0, static_cast<long>(pause_us * 1000u)};
  pollfd one = {fd, static_cast<short>(POLLIN | (hal.blocked() ? POLLOUT : 0)), 0};
  ppoll(&one, 1, &pause, nullptr);
}

void serve(int fd, PcHal* hal) {
  Board board(hal);
  uint8_t bytes[512];
  while (ending == 0) {
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0)
      board.feed(bytes, static_cast<uint16_t>(n));
    while (board.poll()) {
    }
    hal->flush();
    const uint64_t due = board.due_us() < hal->due_us() ? board.due_us() : hal->due_us();
    wait(fd, *hal, due, hal->micros());
  }
}

}  // namespace

int main(int count, char** words) {
  const pid_t parent = getppid();
  struct sigaction action = {};
  action.sa_handler = end;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) return 0;

  Options options;
  if (!parse(count, words, &options)) {
    fprintf(stderr, "expected the options named at the top of emulator.cpp\n");
    return 2;
  }
  std::string path;
  const int fd = open_port(&path);
  if (fd < 0) {
    perror("expected a pseudo-terminal");
    return 1;
  }
  if (!options.link.empty()) {
    unlink(options.link.c_str());
    if (symlink(path.c_str(), options.link.c_str()) != 0) return 1;
    path = options.link;
  }
  PcHal hal(fd, options);
  printf("{\"port\": \"%s\", \"device\": \"%s\", \"started_ns\": %llu, \"ppm\": %g}\n",
         path.c_str(), DEVICE_NAME, static_cast<unsigned long long>(hal.started_ns), options.ppm);
  fflush(stdout);
  serve(fd, &hal);
  if (!options.link.empty()) unlink(options.link.c_str());
  return 0;
}
