// Pulses, trains and levels on the outputs, within limits that no host can talk away.
//
// A pulse never lasts longer than MaxWidth, whatever happens to the host. Between the
// rises of a line there is at least MinPeriod, and enough low time to keep MaxDuty:
// both are checked when a command comes and again at each rise, so that a late loop
// cannot squeeze a train together.
#pragma once
#include "hal.h"
#include "registers.h"

namespace springhare {

constexpr uint64_t NO_EDGE_TIME = ~static_cast<uint64_t>(0);

// Who is told what the lines did.
class Reporter {
 public:
  virtual void edge(uint8_t line, bool level, uint64_t time_us) = 0;
  virtual void acknowledge(uint64_t id, uint32_t line, uint32_t status, uint64_t edge_us) = 0;

 protected:
  ~Reporter() = default;
};

struct PulseCommand {
  uint64_t id;
  uint32_t line;
  uint32_t width_us;
  uint32_t count;
  uint32_t period_us;
};

// One output line.
class Output {
 public:
  uint32_t max_width_us = 0;
  uint32_t min_period_us = 0;
  uint16_t max_duty = 0;  // thousandths

  void attach(Hal* hal, Reporter* reporter, uint8_t line) {
    hal_ = hal;
    reporter_ = reporter;
    line_ = line;
  }

  uint32_t begin(const PulseCommand& command, uint64_t now_us) {
    const uint32_t status = check(command, now_us);
    if (status != STATUS_DONE) return status;
    id_ = command.id;
    width_us_ = command.width_us;
    period_us_ = command.period_us;
    remaining_ = command.count;
    due_us_ = now_us;
    acknowledge_ = true;
    poll(now_us);
    return STATUS_DONE;
  }

  // Ends what runs; returns the time of the falling edge, if there was one.
  uint64_t end() {
    remaining_ = 0;
    return high_ ? lower() : NO_EDGE_TIME;
  }

  void poll(uint64_t now_us) {
    if (high_ && now_us >= fall_us_) lower();
    if (!high_ && remaining_ > 0 && now_us >= due_us_ && now_us >= legal_us()) raise();
  }

  // When something is due next, if anything is.
  uint64_t due_us() const {
    if (high_) return fall_us_;
    if (remaining_ == 0) return NO_EDGE_TIME;
    return due_us_ > legal_us() ? due_us_ : legal_us();
  }

 private:
  uint64_t by_rate_us() const { return used_ ? rise_us_ + min_period_us : 0; }

  uint64_t by_duty_us() const {
    if (!used_ || max_duty == 0) return 0;
    const uint64_t span = (static_cast<uint64_t>(high_us_) * 1000u + max_duty - 1) / max_duty;
    return rise_us_ + span;
  }

  uint64_t legal_us() const {
    return by_rate_us() > by_duty_us() ? by_rate_us() : by_duty_us();
  }

  uint32_t check(const PulseCommand& c, uint64_t now_us) const {
    if (max_width_us == 0) return STATUS_REFUSED_LINE;
    if (c.width_us == 0 || c.count == 0 || c.width_us > max_width_us)
      return STATUS_REFUSED_WIDTH;
    if (high_ || remaining_ > 0 || now_us < by_rate_us()) return STATUS_REFUSED_RATE;
    const bool train = c.count > 1;
    if (train && c.period_us < min_period_us) return STATUS_REFUSED_RATE;
    if (max_duty == 0 || now_us < by_duty_us()) return STATUS_REFUSED_DUTY;
    const uint64_t allowed = static_cast<uint64_t>(c.period_us) * max_duty;
    if (train && (c.width_us >= c.period_us ||
                  static_cast<uint64_t>(c.width_us) * 1000u > allowed))
      return STATUS_REFUSED_DUTY;
    return STATUS_DONE;
  }

  void raise() {
    hal_->drive(line_, true);
    const uint64_t now_us = hal_->micros();
    if (!hal_->sense(line_)) {
      hal_->drive(line_, false);
      remaining_ = 0;
      answer(STATUS_NO_EDGE, NO_EDGE_TIME);
      return;
    }
    high_ = used_ = true;
    rise_us_ = now_us;
    high_us_ = width_us_;
    fall_us_ = now_us + width_us_;
    due_us_ += period_us_;
    remaining_--;
    reporter_->edge(line_, true, now_us);
    answer(STATUS_DONE, now_us);
  }

  uint64_t lower() {
    hal_->drive(line_, false);
    const uint64_t now_us = hal_->micros();
    high_ = false;
    high_us_ = static_cast<uint32_t>(now_us - rise_us_);
    reporter_->edge(line_, false, now_us);
    return now_us;
  }

  void answer(uint32_t status, uint64_t edge_us) {
    if (acknowledge_) reporter_->acknowledge(id_, line_, status, edge_us);
    acknowledge_ = false;
  }

  Hal* hal_ = nullptr;
  Reporter* reporter_ = nullptr;
  uint8_t line_ = 0;
  bool high_ = false;
  bool used_ = false;
  bool acknowledge_ = false;
  uint64_t id_ = 0;
  uint32_t width_us_ = 0;
  uint32_t period_us_ = 0;
  uint32_t remaining_ = 0;
  uint64_t due_us_ = 0;
  uint64_t rise_us_ = 0;
  uint64_t fall_us_ = 0;
  uint32_t high_us_ = 0;  // how long the last pulse was high, or is meant to be
};

// All outputs of the board.
class Outputs {
 public:
  static constexpr uint8_t COUNT = MAX_WIDTH.count;

  Outputs(Hal* hal, Reporter* reporter) : reporter_(reporter) {
    for (uint8_t i = 0; i < COUNT; i++)
      line_[i].attach(hal, reporter, static_cast<uint8_t>(LINE_OUTPUT0 + i));
  }

  Output& operator[](uint8_t i) { return line_[i]; }
  const Output& operator[](uint8_t i) const { return line_[i]; }

  // Carries a command out, unless `permission` already says why not.
  void pulse(const PulseCommand& command, uint64_t now_us, uint32_t permission) {
    Output* output = find(command.line);
    uint32_t status = permission;
    if (status == STATUS_DONE)
      status = output != nullptr ? output->begin(command, now_us) : STATUS_REFUSED_LINE;
    if (status == STATUS_DONE) return;  // acknowledged by the edge
    refused_++;
    reporter_->acknowledge(command.id, command.line, status, NO_EDGE_TIME);
  }

  // Taking a level back needs no permission.
  void level(uint64_t id, uint32_t line, bool high, uint64_t now_us, uint32_t permission) {
    Output* output = find(line);
    if (high && output != nullptr)
      return pulse({id, line, output->max_width_us, 1, 0}, now_us, permission);
    const bool known = output != nullptr && output->max_width_us > 0;
    if (!known) refused_++;
    const uint64_t edge_us = known ? output->end() : NO_EDGE_TIME;
    reporter_->acknowledge(id, line, known ? STATUS_DONE : STATUS_REFUSED_LINE, edge_us);
  }

  void poll(uint64_t now_us) {
    for (uint8_t i = 0; i < COUNT; i++) line_[i].poll(now_us);
  }

  void end() {
    for (uint8_t i = 0; i < COUNT; i++) line_[i].end();
  }

  uint64_t due_us() const {
    uint64_t due = NO_EDGE_TIME;
    for (uint8_t i = 0; i < COUNT; i++)
      if (line_[i].due_us() < due) due = line_[i].due_us();
    return due;
  }

  uint32_t refused() const { return refused_; }

 private:
  Output* find(uint32_t line) {
    const bool mine = line >= LINE_OUTPUT0 && line - LINE_OUTPUT0 < COUNT;
    return mine ? &line_[line - LINE_OUTPUT0] : nullptr;
  }

  Reporter* reporter_;
  Output line_[COUNT];
  uint32_t refused_ = 0;
};

}  // namespace springhare
