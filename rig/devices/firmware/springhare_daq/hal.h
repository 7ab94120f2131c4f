// The one seam to hardware. All else in this folder knows no board and no system:
// the same lines run on a Teensy, on an AVR and, as the emulator, on a PC.
#pragma once
#include <stdint.h>

namespace springhare {

// A change of an input, stamped where it was noticed (in the board's interrupt).
struct InputEdge {
  uint64_t time_us;
  uint8_t line;
  bool level;
};

enum class Signal : uint8_t { EMG, FORCE_PLATE };

class Hal {
 public:
  // Time since the board started, in microseconds; never runs backwards.
  virtual uint64_t micros() = 0;

  // Takes a whole message, or returns false and takes nothing of it.
  virtual bool transmit(const uint8_t* bytes, uint16_t count) = 0;

  // Converts one channel now. `number` is the sample's number: a board ignores it.
  virtual int16_t sample(Signal signal, uint8_t channel, uint32_t number) = 0;

  // Drives an output or the camera trigger; a line without a pin is left alone.
  virtual void drive(uint8_t line, bool level) = 0;

  // Reads the pin of a line: of an output what is really there, not what was asked for.
  virtual bool sense(uint8_t line) = 0;

  // Gives the oldest input edge that was not taken yet; false when there is none.
  virtual bool next_edge(InputEdge* edge) = 0;

  // How late a sample may be taken and still count as taken on time.
  virtual uint32_t lateness_us() const = 0;

 protected:
  ~Hal() = default;
};

}  // namespace springhare
