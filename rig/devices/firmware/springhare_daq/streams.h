// What runs by itself: blocks of samples, the camera trigger, and the sync line.
//
// Everything is due on a grid of nanoseconds that begins with the start of the stream
// and is added up without rounding, so that rates have no drift of their own.
#pragma once
#include "hal.h"
#include "outputs.h"
#include "random.h"
#include "registers.h"
#include "sync_line.h"

namespace springhare {

constexpr uint8_t EMG_CHANNELS = 8;
constexpr uint8_t FORCE_CHANNELS = 6;
constexpr uint8_t BLOCK_SAMPLES = 10;
constexpr uint8_t BLOCK_HEADER_WORDS = 3;
static_assert(EMG.count == EMG_CHANNELS * BLOCK_SAMPLES + BLOCK_HEADER_WORDS, "map");
static_assert(FORCE_PLATE.count == FORCE_CHANNELS * BLOCK_SAMPLES + BLOCK_HEADER_WORDS, "map");

// Takes samples one channel at a time, so that nothing else waits for a conversion.
template <uint8_t CHANNELS>
class Sampler {
 public:
  explicit Sampler(Signal signal, uint32_t period_ns) : period_ns(period_ns), signal_(signal) {}

  uint32_t period_ns;
  uint32_t number = 0;  // of the next sample

  bool running() const { return running_; }
  uint32_t missed() const { return missed_; }
  const int16_t* samples() const { return samples_; }
  uint32_t first_number() const { return number - BLOCK_SAMPLES; }
  uint64_t first_us() const { return first_ns_ / 1000u; }

  void start(uint64_t now_us) {
    running_ = true;
    due_ns_ = now_us * 1000u;
    filled_ = channel_ = 0;
  }

  // A block that is not full is given up: its samples were never counted.
  void stop() {
    running_ = false;
    number -= filled_;
    filled_ = channel_ = 0;
  }

  // Converts one channel if it is due. True when that completed a block.
  bool poll(Hal* hal, uint64_t now_us) {
    if (!running_ || now_us * 1000u < due_ns_) return false;
    if (channel_ == 0) skip_what_is_too_late(hal, now_us);
    if (filled_ == 0 && channel_ == 0) first_ns_ = due_ns_;
    samples_[filled_ * CHANNELS + channel_] = hal->sample(signal_, channel_, number);
    if (++channel_ < CHANNELS) return false;
    channel_ = 0;
    number++;
    due_ns_ += period_ns;
    if (++filled_ < BLOCK_SAMPLES) return false;
    filled_ = 0;
    return true;
  }

  bool behind(uint64_t now_us) const { return running_ && now_us * 1000u >= due_ns_; }

  // When the block that is being filled will be complete.
  uint64_t due_us() const {
    if (!running_) return NO_EDGE_TIME;
    const uint64_t left = static_cast<uint64_t>(BLOCK_SAMPLES - 1 - filled_) * period_ns;
    return (due_ns_ + left) / 1000u + 1;
  }

 private:
  void skip_what_is_too_late(Hal* hal, uint64_t now_us) {
    const uint64_t late_ns = now_us * 1000u - due_ns_;
    if (late_ns <= hal->lateness_us() * static_cast<uint64_t>(1000)) return;
    const uint32_t skipped = static_cast<uint32_t>(late_ns / period_ns);
    if (skipped == 0) return;
    missed_ += skipped + filled_;
    number += skipped;
    due_ns_ += static_cast<uint64_t>(skipped) * period_ns;
    filled_ = 0;  // a block has no holes
  }

  Signal signal_;
  bool running_ = false;
  uint8_t filled_ = 0;
  uint8_t channel_ = 0;
  uint32_t missed_ = 0;
  uint64_t due_ns_ = 0;
  uint64_t first_ns_ = 0;
  int16_t samples_[CHANNELS * BLOCK_SAMPLES];
};

// The endless train that triggers the cameras, each edge moved a little from its place.
class CameraTrigger {
 public:
  uint32_t period_ns = 10000000;
  uint32_t width_us = 200;
  uint32_t dither_ns = 0;
  uint32_t seed = 0;
  uint32_t number = 0;  // of the next one

  bool running() const { return running_; }
  uint32_t missed() const { return missed_; }

  void start(uint64_t now_us) {
    running_ = true;
    place_ns_ = now_us * 1000u;
  }

  void stop(Hal* hal, Reporter* reporter) {
    running_ = false;
    if (high_) change(hal, reporter, false);
  }

  void poll(Hal* hal, Reporter* reporter, uint64_t now_us) {
    if (high_ && now_us >= fall_us_) change(hal, reporter, false);
    if (!running_ || high_ || now_us * 1000u < due_ns()) return;
    // One that is late by a whole period is not made up for: cameras would be
    // triggered faster than they can follow.
    while (now_us * 1000u >= due_ns() + period_ns) {
      advance();
      missed_++;
    }
    advance();
    fall_us_ = change(hal, reporter, true) + width_us;
  }

  uint64_t due_us() const {
    if (high_) return fall_us_;
    return running_ ? (due_ns() + 999u) / 1000u : NO_EDGE_TIME;
  }

 private:
  uint64_t due_ns() const {
    const int64_t moved_ns = displacement_ns(seed, number, dither_ns);
    return place_ns_ + static_cast<uint64_t>(moved_ns);
  }

  void advance() {
    place_ns_ += period_ns;
    number++;
  }

  uint64_t change(Hal* hal, Reporter* reporter, bool level) {
    hal->drive(LINE_CAMERA_TRIGGER, level);
    const uint64_t now_us = hal->micros();
    high_ = level;
    reporter->edge(LINE_CAMERA_TRIGGER, level, now_us);
    return now_us;
  }

  bool running_ = false;
  bool high_ = false;
  uint32_t missed_ = 0;
  uint64_t place_ns_ = 0;  // on the grid, where the next one would be without dither
  uint64_t fall_us_ = 0;
};

// All that runs by itself, and what the host may change of it.
class Streams {
 public:
  Streams(Hal* hal, Reporter* reporter)
      : emg(Signal::EMG, 500000),
        force(Signal::FORCE_PLATE, 1000000),
        hal_(hal),
        reporter_(reporter) {}

  Sampler<EMG_CHANNELS> emg;
  Sampler<FORCE_CHANNELS> force;
  CameraTrigger trigger;
  SyncLine sync;

  uint8_t bits() const { return bits_; }
  uint32_t missed_samples() const { return emg.missed() + force.missed(); }
  bool behind(uint64_t now_us) const { return emg.behind(now_us) || force.behind(now_us); }

  uint64_t due_us() const {
    uint64_t due = trigger.due_us();
    if (emg.due_us() < due) due = emg.due_us();
    if (force.due_us() < due) due = force.due_us();
    if (sync.due_us() < due) due = sync.due_us();
    return due;
  }

  // All that begins does so at the same instant.
  bool control(uint8_t wanted, uint64_t now_us) {
    const uint8_t all = STREAM_EMG | STREAM_FORCE_PLATE | STREAM_EDGES |
                        STREAM_CAMERA_TRIGGER | STREAM_SYNC;
    if ((wanted & ~all) != 0) return false;
    const uint8_t begun = static_cast<uint8_t>(wanted & ~bits_);
    const uint8_t ended = static_cast<uint8_t>(bits_ & ~wanted);
    if ((ended & STREAM_EMG) != 0) emg.stop();
    if ((ended & STREAM_FORCE_PLATE) != 0) force.stop();
    if ((ended & STREAM_CAMERA_TRIGGER) != 0) trigger.stop(hal_, reporter_);
    if ((ended & STREAM_SYNC) != 0) sync.stop(hal_, reporter_);
    bits_ = wanted;
    if ((begun & STREAM_EMG) != 0) emg.start(now_us);
    if ((begun & STREAM_FORCE_PLATE) != 0) force.start(now_us);
    if ((begun & STREAM_CAMERA_TRIGGER) != 0) trigger.start(now_us);
    if ((begun & STREAM_SYNC) != 0) sync.start(now_us);
    return true;
  }

  // Rates and numbers; not while their stream runs.
  bool write(uint8_t address, uint32_t value) {
    switch (address) {
      case EMG_PERIOD.address: return set_period(&emg.period_ns, value, STREAM_EMG);
      case FORCE_PLATE_PERIOD.address:
        return set_period(&force.period_ns, value, STREAM_FORCE_PLATE);
      case CAMERA_TRIGGER_PERIOD.address:
        if (value / 4u < trigger.dither_ns) return false;
        return set_period(&trigger.period_ns, value, STREAM_CAMERA_TRIGGER);
      case CAMERA_TRIGGER_WIDTH.address: return set(&trigger.width_us, value, value == 0);
      case CAMERA_TRIGGER_DITHER.address:
        return set(&trigger.dither_ns, value,
                   runs(STREAM_CAMERA_TRIGGER) || value > trigger.period_ns / 4u);
      case CAMERA_TRIGGER_NUMBER.address:
        return set(&trigger.number, value, runs(STREAM_CAMERA_TRIGGER));
      case EMG_SAMPLE.address: return set(&emg.number, value, runs(STREAM_EMG));
      case FORCE_PLATE_SAMPLE.address: return set(&force.number, value, runs(STREAM_FORCE_PLATE));
      default: return write_sync(address, value);
    }
  }

 private:
  bool write_sync(uint8_t address, uint32_t value) {
    if (runs(STREAM_SYNC)) return false;
    switch (address) {
      case SYNC_SEED.address:
        return set(&trigger.seed, value, runs(STREAM_CAMERA_TRIGGER)) &&
               set(&sync.seed, value, false);
      case SYNC_NUMBER.address: return set(&sync.number, value, false);
      case SYNC_PERIOD.address:
        return set(&sync.period_us, value, value < SYNC_PERIOD_LEAST || value > SYNC_PERIOD_MOST);
      case SYNC_PULSE_WIDTH.address:
        return set(&sync.pulse_width_us, value,
                   value < SYNC_PULSE_WIDTH_LEAST || value > SYNC_PULSE_WIDTH_MOST);
      case BARCODE_BAR.address: return set(&sync.bar_us, value, value > BARCODE_BAR_MOST);
      default: return false;
    }
  }

  bool runs(uint8_t bit) const { return (bits_ & bit) != 0; }

  static bool set(uint32_t* target, uint32_t value, bool refused) {
    if (!refused) *target = value;
    return !refused;
  }

  bool set_period(uint32_t* target, uint32_t value, uint8_t bit) const {
    return set(target, value, runs(bit) || value < EMG_PERIOD_LEAST);
  }

  Hal* hal_;
  Reporter* reporter_;
  uint8_t bits_ = 0;
};

}  // namespace springhare
