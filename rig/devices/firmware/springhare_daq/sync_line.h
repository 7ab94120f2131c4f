// The sync line: random pulses and barcodes on one wire, as told in sync/sync_line.py.
//
// Time is cut into segments of SyncPeriod. Each begins with its number as a barcode;
// then come pulses 0.1 to 1.9 s apart, decided by the seed and the number alone. The
// line's level is a function of time: a loop that comes late moves an edge, and never
// those that follow.
#pragma once
#include "hal.h"
#include "outputs.h"
#include "random.h"
#include "registers.h"

namespace springhare {

// CRC-8/AUTOSAR of a number, its high byte first.
inline uint8_t crc8(uint32_t value) {
  uint8_t rest = 0xFF;
  for (int8_t shift = 24; shift >= 0; shift -= 8) {
    rest = static_cast<uint8_t>(rest ^ (value >> shift));
    for (uint8_t i = 0; i < 8; i++)
      rest = static_cast<uint8_t>((rest << 1) ^ ((rest & 0x80) != 0 ? 0x2F : 0));
  }
  return static_cast<uint8_t>(rest ^ 0xFF);
}

// A number as bars: three high, three low, then two for each bit and for a stop bit.
class Barcode {
 public:
  static constexpr uint8_t BARS = 88;

  void set(uint32_t value) {
    value_ = value;
    check_ = crc8(value);
  }

  bool level(uint8_t bar) const {
    if (bar < START_BARS) return bar < START_BARS / 2;
    const uint8_t place = static_cast<uint8_t>((bar - START_BARS) / 2);
    const bool first_half = (bar - START_BARS) % 2 == 0;
    return is_set(place) == first_half;
  }

 private:
  static constexpr uint8_t START_BARS = 6;

  bool is_set(uint8_t place) const {
    if (place < 32) return ((value_ >> (31 - place)) & 1u) != 0;
    if (place < 40) return ((check_ >> (39 - place)) & 1u) != 0;
    return false;  // the stop bit
  }

  uint32_t value_ = 0;
  uint8_t check_ = 0;
};

class SyncLine {
 public:
  uint32_t seed = 0;
  uint32_t number = 0;  // of the next segment
  uint32_t pulse_width_us = 10000;
  uint32_t period_us = 30000000;
  uint32_t bar_us = 20000;  // 0: no barcodes

  uint32_t missed() const { return missed_; }

  void start(uint64_t now_us) {
    running_ = true;
    open_segment(now_us);
  }

  void stop(Hal* hal, Reporter* reporter) {
    running_ = false;
    if (high_) change(hal, reporter, false);
  }

  void poll(Hal* hal, Reporter* reporter, uint64_t now_us) {
    if (!running_) return;
    while (now_us >= segment_us_ + period_us) open_segment(segment_us_ + period_us);
    const bool wanted = level(now_us);
    if (wanted != high_) change(hal, reporter, wanted);
  }

  uint64_t due_us() const {
    if (!running_) return NO_EDGE_TIME;
    if (bar_ != NO_BAR) return segment_us_ + static_cast<uint64_t>(bar_) * bar_us;
    return high_ ? pulse_us_ + pulse_width_us : pulse_us_;
  }

 private:
  static constexpr uint8_t NO_BAR = 255;
  static constexpr uint32_t LEAST_US = 100000;
  static constexpr uint32_t SPAN_US = 1900000 - LEAST_US + 1;

  uint8_t bars() const { return bar_us == 0 ? 0 : Barcode::BARS; }

  void open_segment(uint64_t begin_us) {
    segment_us_ = begin_us;
    segment_ = number++;
    code_.set(segment_);
    bar_ = 0;
    interval_ = 0;
    pulse_us_ = begin_us + static_cast<uint64_t>(bars()) * bar_us;
    plan_pulse();
  }

  // The next pulse; where it would begin too near to the segment's end, the end.
  void plan_pulse() {
    pulse_us_ += LEAST_US + below(random_word(seed, segment_ + 1u, interval_++), SPAN_US);
    const uint64_t end_us = segment_us_ + period_us;
    if (pulse_us_ + LEAST_US > end_us) pulse_us_ = end_us;
  }

  // Where the line should be; moves on to the next bar or pulse that is due.
  bool level(uint64_t now_us) {
    const uint64_t into_us = now_us - segment_us_;
    if (into_us < static_cast<uint64_t>(bars()) * bar_us) {
      const uint8_t bar = static_cast<uint8_t>(into_us / bar_us);
      bar_ = static_cast<uint8_t>(bar + 1);
      return code_.level(bar);
    }
    bar_ = NO_BAR;
    bool given = high_;
    while (now_us >= pulse_us_ + pulse_width_us) {
      if (!given) missed_++;
      given = false;
      plan_pulse();
    }
    return now_us >= pulse_us_;
  }

  void change(Hal* hal, Reporter* reporter, bool level) {
    hal->drive(LINE_SYNC, level);
    high_ = level;
    reporter->edge(LINE_SYNC, level, hal->micros());
  }

  Barcode code_;
  bool running_ = false;
  bool high_ = false;
  uint8_t bar_ = 0;        // the next one, or the end of the last one
  uint32_t interval_ = 0;  // the next one's number
  uint32_t segment_ = 0;
  uint32_t missed_ = 0;
  uint64_t segment_us_ = 0;
  uint64_t pulse_us_ = 0;
};

}  // namespace springhare
