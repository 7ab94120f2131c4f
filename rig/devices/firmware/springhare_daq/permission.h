// What lets the outputs be driven: the host's permission, a key, and a pulse's deadline.
//
// The host's permission is a dead man's handle: it runs out by itself, and does not come
// back by itself. The key is a wire, and no host can talk it on.
#pragma once
#include "hal.h"
#include "registers.h"

namespace springhare {

constexpr uint64_t NO_DEADLINE = ~static_cast<uint64_t>(0);

class Permission {
 public:
  uint16_t timeout_ms = 0;

  explicit Permission(Hal* hal) : hal_(hal) {}

  bool write(uint8_t value) {
    if (value > PERMIT_MOST) return false;
    given_ = value != 0;
    given_us_ = hal_->micros();
    return true;
  }

  bool write_key_line(uint8_t line) {
    if (line != NO_KEY && line >= LINE_OUTPUT0) return false;
    key_line_ = line;
    return true;
  }

  uint8_t key_line() const { return key_line_; }

  uint8_t flags(uint64_t now_us) const {
    return static_cast<uint8_t>((permitted(now_us) ? OUTPUT_PERMITTED : 0) |
                                (key_on() ? OUTPUT_KEY_ON : 0));
  }

  void take_back() { given_ = false; }

  // Whether the outputs may be high. What has run out is over.
  bool holds(uint64_t now_us) {
    if (!permitted(now_us)) given_ = false;
    return permitted(now_us) && key_on();
  }

  // Whether a pulse may begin: done, or why not. `time_us` is the device's time now.
  uint32_t check(uint64_t now_us, uint64_t time_us, uint64_t not_after_us) const {
    if (!key_on()) return STATUS_REFUSED_KEY;
    if (!permitted(now_us)) return STATUS_REFUSED_PERMIT;
    if (not_after_us == NO_DEADLINE) return STATUS_DONE;
    const bool soon = time_us <= not_after_us && not_after_us - time_us <= MOST_AHEAD_US;
    return soon ? STATUS_DONE : STATUS_LATE;
  }

  // When it runs out.
  uint64_t due_us() const { return given_ && timeout_ms > 0 ? end_us() : NO_DEADLINE; }

 private:
  static constexpr uint8_t NO_KEY = 255;
  static constexpr uint64_t MOST_AHEAD_US = 10000000;

  uint64_t end_us() const { return given_us_ + timeout_ms * static_cast<uint64_t>(1000) + 1; }

  bool permitted(uint64_t now_us) const {
    return timeout_ms == 0 || (given_ && now_us < end_us());
  }

  bool key_on() const { return key_line_ == NO_KEY || hal_->sense(key_line_); }

  Hal* hal_;
  bool given_ = false;
  uint8_t key_line_ = NO_KEY;
  uint64_t given_us_ = 0;
};

}  // namespace springhare
