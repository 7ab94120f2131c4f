// The firmware in a time of its own: lines of "<time in us> <message in hex>" in, every
// message that the board sends out, as hex. So a test can ask what happens in an hour.
// "-" instead of a message lets time pass, "!" lets it pass while the board is stuck, "^"
// and "_" bring input 1 high and low.
#include <stdio.h>
#include <string.h>

#include <string>

#include "board.h"

namespace {

using namespace springhare;

class BenchHal final : public Hal {
 public:
  uint64_t now_us = 0;
  bool level[32] = {false};

  uint64_t micros() override { return now_us; }
  bool transmit(const uint8_t* bytes, uint16_t count) override {
    for (uint16_t i = 0; i < count; i++) printf("%02x", bytes[i]);
    printf("\n");
    return true;
  }
  int16_t sample(Signal signal, uint8_t channel, uint32_t number) override {
    return static_cast<int16_t>(number * 8 + channel + (signal == Signal::EMG ? 0 : 4));
  }
  void drive(uint8_t line, bool high) override { level[line & 31] = high; }
  bool sense(uint8_t line) override { return level[line & 31]; }
  bool next_edge(InputEdge*) override { return false; }
  uint32_t lateness_us() const override { return 4000000000u; }
};

void advance(BenchHal* hal, Board* board, uint64_t until_us) {
  while (board->due_us() <= until_us) {
    if (board->due_us() > hal->now_us) hal->now_us = board->due_us();
    while (board->poll()) {
    }
  }
  hal->now_us = until_us;
}

}  // namespace

int main() {
  BenchHal hal;
  Board board(&hal);
  unsigned long long time_us;
  char hex[1024];
  while (scanf("%llu %1000s", &time_us, hex) == 2) {
    if (strcmp(hex, "!") == 0) {
      hal.now_us = time_us;
      continue;
    }
    advance(&hal, &board, time_us);
    if (strcmp(hex, "-") == 0) continue;
    if (strcmp(hex, "^") == 0 || strcmp(hex, "_") == 0) {
      hal.level[1] = hex[0] == '^';
      while (board.poll()) {
      }
      continue;
    }
    uint8_t bytes[500];
    uint16_t count = 0;
    for (const char* at = hex; at[0] != 0 && at[1] != 0; at += 2) {
      unsigned value;
      sscanf(at, "%2x", &value);
      bytes[count++] = static_cast<uint8_t>(value);
    }
    board.feed(bytes, count);
    while (board.poll()) {
    }
  }
  return 0;
}
