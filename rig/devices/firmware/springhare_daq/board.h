// The device: Harp's common registers, the registers of device.yml, and the loop.
#pragma once
#include <string.h>

#include "hal.h"
#include "outputs.h"
#include "permission.h"
#include "registers.h"
#include "streams.h"
#include "wire.h"

namespace springhare {

class Board final : public Reporter {
 public:
  explicit Board(Hal* hal)
      : hal_(hal), outputs_(hal, this), permission_(hal), streams_(hal, this) {
    plan_heartbeat();
  }

  // Takes bytes from the host.
  void feed(const uint8_t* bytes, uint16_t count) {
    const uint64_t now_us = hal_->micros();
    for (uint16_t i = 0; i < count; i++) {
      parser_.push(bytes[i], now_us);
      serve_requests();
    }
  }

  // Does what is due, without ever waiting; true when it should be called again at once.
  bool poll() {
    uint64_t now_us = hal_->micros();
    parser_.expire(now_us);
    serve_requests();
    if (!permission_.holds(now_us)) outputs_.end();  // first: nothing rises any more
    outputs_.poll(now_us);
    streams_.trigger.poll(hal_, this, now_us);
    streams_.sync.poll(hal_, this, now_us);
    report_inputs();
    sample(now_us);
    beat(now_us);
    dump();
    now_us = hal_->micros();
    return streams_.behind(now_us) || dumping_ > 0;
  }

  // When `poll` has something to do next; a PC sleeps until then.
  uint64_t due_us() const {
    const uint64_t moving =
        outputs_.due_us() < streams_.due_us() ? outputs_.due_us() : streams_.due_us();
    const uint64_t known = permission_.due_us() < beat_us_ ? permission_.due_us() : beat_us_;
    return moving < known ? moving : known;
  }

  void edge(uint8_t line, bool level, uint64_t time_us) override {
    const uint32_t bit = static_cast<uint32_t>(1) << line;
    if (((level ? rising_ : falling_) & bit) == 0 || (streams_.bits() & STREAM_EDGES) == 0) return;
    const uint64_t stamp_us = to_device(time_us);
    const uint32_t word = line | (level ? 0x100u : 0u) |
                          (static_cast<uint32_t>(stamp_us % TICK_US) << 16);
    const uint32_t payload[EDGE.count] = {sequence_++, word};
    event(EDGE, payload, stamp_us);
  }

  void acknowledge(uint64_t id, uint32_t line, uint32_t status, uint64_t edge_us) override {
    const uint64_t stamp_us = edge_us == NO_EDGE_TIME ? now() : to_device(edge_us);
    const uint64_t time_us = edge_us == NO_EDGE_TIME ? NO_EDGE_TIME : stamp_us;
    uint32_t payload[ACKNOWLEDGE.count];
    memcpy(payload, &id, 8);
    memcpy(payload + 2, &time_us, 8);
    payload[4] = line;
    payload[5] = status;
    payload[6] = acknowledged_++;
    event(ACKNOWLEDGE, payload, stamp_us);
  }

 private:
  enum Mode : uint8_t { STANDBY = 0, ACTIVE = 1 };
  enum Control : uint8_t { MODE = 0x03, DUMP = 0x08, MUTE = 0x10, LEDS = 0x60, HEARTBEAT = 0x80 };
  static constexpr uint8_t WHO_AM_I_ADDRESS = 0, SECONDS = 8, MICROS = 9, OPERATION = 10,
                           RESET = 11, NAME = 12, SERIAL_NUMBER = 13, CLOCK = 14, OFFSET = 15;
  static constexpr uint8_t NAME_BYTES = 25;

  // What happened just before the clock was set back has no time but 0.
  uint64_t to_device(uint64_t time_us) const {
    const int64_t device_us = static_cast<int64_t>(time_us) + offset_us_;
    return device_us > 0 ? static_cast<uint64_t>(device_us) : 0;
  }
  uint64_t now() const { return to_device(hal_->micros()); }
  bool active() const { return (operation_ & MODE) != STANDBY; }

  // ------------------------------------------------------------------ messages
  void send(uint8_t type, const Register& r, const void* payload, uint64_t stamp_us) {
    const uint8_t bytes = static_cast<uint8_t>(r.count * (r.type & 0x0F));
    const uint16_t size = build(out_, type, r.address, r.type, payload, bytes, stamp_us);
    if (!hal_->transmit(out_, size)) dropped_++;
  }

  void event(const Register& r, const void* payload, uint64_t stamp_us) {
    if (active()) send(EVENT, r, payload, stamp_us);
  }

  void serve_requests() {
    while (parser_.scan()) {
      const Message message = parser_.message();
      answer(message);
      parser_.pop();
    }
  }

  void answer(const Message& m) {
    const bool writing = m.type == WRITE;
    const bool good = !writing || write(m);
    Register r{m.address, 0x01, 1};
    uint8_t value[40] = {0};
    const bool known = read(m.address, &r, value);
    if (writing && good && (operation_ & MUTE) != 0) return;
    if (writing && good && is_command(m.address)) {
      // the command's own words come back; what became of it is the acknowledgement
      memcpy(value, m.payload, m.payload_bytes);
    }
    const uint8_t flag = good && known ? 0 : ERROR_FLAG;
    send(static_cast<uint8_t>(m.type | flag), r, value, now());
  }

  static bool is_command(uint8_t address) {
    return address == PULSE.address || address == LEVEL.address;
  }

  void dump() {
    if (dumping_ == 0) return;
    const uint8_t address = static_cast<uint8_t>(dumping_ - 1);
    Register r{address, 0x01, 1};
    uint8_t value[40] = {0};
    if (!is_command(address) && read(address, &r, value)) send(READ, r, value, now());
    dumping_ = address >= LEVEL.address ? 0 : static_cast<uint8_t>(dumping_ + 1);
  }

  // ----------------------------------------------------------------- registers
  template <typename T>
  static bool give(void* out, const T& value) {
    memcpy(out, &value, sizeof value);
    return true;
  }

  bool read(uint8_t address, Register* r, uint8_t* out) const {
    return address < FIRST_ADDRESS ? read_common(address, r, out) : read_own(address, r, out);
  }

  bool read_common(uint8_t address, Register* r, uint8_t* out) const {
    const uint64_t time_us = now();
    *r = Register{address, 0x01, 1};
    switch (address) {
      case WHO_AM_I_ADDRESS: r->type = 0x02; return give(out, WHO_AM_I);
      case 1: return give(out, HARDWARE_MAJOR);
      case 2: return give(out, HARDWARE_MINOR);
      case 4: return give(out, static_cast<uint8_t>(1));  // Harp core 1.13
      case 5: return give(out, static_cast<uint8_t>(13));
      case 6: return give(out, FIRMWARE_MAJOR);
      case 7: return give(out, FIRMWARE_MINOR);
      case SECONDS: r->type = 0x04; return give(out, static_cast<uint32_t>(time_us / 1000000u));
      case MICROS: r->type = 0x02; return give(out, static_cast<uint16_t>(time_us % 1000000u / TICK_US));
      case OPERATION: return give(out, operation_);
      case NAME:
        r->count = NAME_BYTES;
        strncpy(reinterpret_cast<char*>(out), DEVICE_NAME, NAME_BYTES);
        return true;
      case SERIAL_NUMBER: r->type = 0x02; return true;
      case 3: case RESET: case CLOCK: case OFFSET: return true;
      default: return false;
    }
  }

  bool read_own(uint8_t address, Register* r, uint8_t* out) const {
    const Register* found = find_register(address);
    if (found == nullptr) return false;
    *r = *found;
    switch (address) {
      case MAP_DIGEST.address: return give(out, DIGEST);
      case STREAM_CONTROL.address: return give(out, streams_.bits());
      case MICROSECONDS.address: return give(out, now());
      case HOST_TIMEOUT.address: return give(out, permission_.timeout_ms);
      case PERMIT.address: return give(out, permission_.flags(hal_->micros()));
      case KEY_LINE.address: return give(out, permission_.key_line());
      case EMG_PERIOD.address: return give(out, streams_.emg.period_ns);
      case FORCE_PLATE_PERIOD.address: return give(out, streams_.force.period_ns);
      case CAMERA_TRIGGER_PERIOD.address: return give(out, streams_.trigger.period_ns);
      case CAMERA_TRIGGER_WIDTH.address: return give(out, streams_.trigger.width_us);
      case CAMERA_TRIGGER_DITHER.address: return give(out, streams_.trigger.dither_ns);
      case CAMERA_TRIGGER_NUMBER.address: return give(out, streams_.trigger.number);
      case SYNC_SEED.address: return give(out, streams_.sync.seed);
      case SYNC_NUMBER.address: return give(out, streams_.sync.number);
      case SYNC_PERIOD.address: return give(out, streams_.sync.period_us);
      case SYNC_PULSE_WIDTH.address: return give(out, streams_.sync.pulse_width_us);
      case BARCODE_BAR.address: return give(out, streams_.sync.bar_us);
      case EMG_SAMPLE.address: return give(out, streams_.emg.number);
      case FORCE_PLATE_SAMPLE.address: return give(out, streams_.force.number);
      case EDGE_SEQUENCE.address: return give(out, sequence_);
      case RISING_MASK.address: return give(out, rising_);
      case FALLING_MASK.address: return give(out, falling_);
      case MAX_WIDTH.address: case MIN_PERIOD.address: case MAX_DUTY.address:
        return read_limits(address, out);
      case COUNTERS.address: {
        const uint32_t counters[COUNTERS.count] = {
            dropped_, parser_.bad(), streams_.missed_samples(), streams_.trigger.missed(),
            outputs_.refused(), streams_.sync.missed()};
        return give(out, counters);
      }
      case PULSE.address: case LEVEL.address: return true;
      default:  // events are not read: there would be nothing in them
        *r = Register{address, 0x01, 1};
        return false;
    }
  }

  bool read_limits(uint8_t address, uint8_t* out) const {
    for (uint8_t i = 0; i < Outputs::COUNT; i++) {
      const Output& o = outputs_[i];
      if (address == MAX_WIDTH.address) give(out + 4 * i, o.max_width_us);
      if (address == MIN_PERIOD.address) give(out + 4 * i, o.min_period_us);
      if (address == MAX_DUTY.address) give(out + 2 * i, o.max_duty);
    }
    return true;
  }

  static uint32_t u32_at(const Message& m, uint8_t i = 0) {
    uint32_t value;
    memcpy(&value, m.payload + 4 * i, 4);
    return value;
  }

  bool write(const Message& m) {
    return m.address < FIRST_ADDRESS ? write_common(m) : write_own(m);
  }

  bool write_common(const Message& m) {
    if (m.address == OPERATION && m.payload_type == 0x01 && m.payload_bytes == 1) {
      if ((m.payload[0] & MODE) == STANDBY) rest();  // its last edges are still told
      operation_ = static_cast<uint8_t>(m.payload[0] & ~DUMP);
      if ((m.payload[0] & DUMP) != 0) dumping_ = 1;
      return true;
    }
    if (m.address == SECONDS && m.payload_type == 0x04 && m.payload_bytes == 4) {
      const uint64_t time_us = static_cast<uint64_t>(u32_at(m)) * 1000000u;
      offset_us_ = static_cast<int64_t>(time_us - hal_->micros());
      plan_heartbeat();
      return true;
    }
    if (m.address == RESET && m.payload_type == 0x01 && m.payload_bytes == 1) {
      rest();
      return true;
    }
    return false;
  }

  bool write_own(const Message& m) {
    const Register* r = find_register(m.address);
    const bool fits = r != nullptr && m.payload_type == r->type &&
                      m.payload_bytes == r->count * (r->type & 0x0F);
    if (!fits) return false;
    switch (m.address) {
      case STREAM_CONTROL.address: return streams_.control(m.payload[0], hal_->micros());
      case HOST_TIMEOUT.address: memcpy(&permission_.timeout_ms, m.payload, 2); return true;
      case PERMIT.address: return permission_.write(m.payload[0]);
      case KEY_LINE.address: return permission_.write_key_line(m.payload[0]);
      case RISING_MASK.address: rising_ = u32_at(m); return true;
      case FALLING_MASK.address: falling_ = u32_at(m); return true;
      case MAX_WIDTH.address: case MIN_PERIOD.address: case MAX_DUTY.address:
        return write_limits(m);
      case PULSE.address: return command_pulse(m);
      case LEVEL.address: return command_level(m);
      case EDGE_SEQUENCE.address:
        if ((streams_.bits() & STREAM_EDGES) != 0) return false;
        sequence_ = u32_at(m);
        return true;
      default: return m.payload_bytes == 4 && streams_.write(m.address, u32_at(m));
    }
  }

  bool write_limits(const Message& m) {
    for (uint8_t i = 0; i < Outputs::COUNT; i++) {
      uint16_t duty;
      memcpy(&duty, m.payload + 2 * i, 2);
      if (m.address == MAX_WIDTH.address && u32_at(m, i) > MAX_WIDTH_LIMIT) return false;
      if (m.address == MAX_DUTY.address && duty > MAX_DUTY_LIMIT) return false;
    }
    for (uint8_t i = 0; i < Outputs::COUNT; i++) {
      Output& o = outputs_[i];
      if (m.address == MAX_WIDTH.address) o.max_width_us = u32_at(m, i);
      if (m.address == MIN_PERIOD.address) o.min_period_us = u32_at(m, i);
      if (m.address == MAX_DUTY.address) memcpy(&o.max_duty, m.payload + 2 * i, 2);
    }
    return true;
  }

  // ------------------------------------------------------------------ commands
  bool command_pulse(const Message& m) {
    PulseCommand c{0, u32_at(m, 2), u32_at(m, 3), u32_at(m, 4), u32_at(m, 5)};
    uint64_t not_after_us;
    memcpy(&c.id, m.payload, 8);
    memcpy(&not_after_us, m.payload + 24, 8);
    if (!active()) return false;
    const uint64_t now_us = hal_->micros();
    outputs_.pulse(c, now_us, permission_.check(now_us, to_device(now_us), not_after_us));
    return true;
  }

  bool command_level(const Message& m) {
    uint64_t id;
    memcpy(&id, m.payload, 8);
    if (!active()) return false;
    const uint64_t now_us = hal_->micros();
    outputs_.level(id, u32_at(m, 2), u32_at(m, 3) != 0, now_us,
                   permission_.check(now_us, to_device(now_us), NO_DEADLINE));
    return true;
  }

  // ------------------------------------------------------------------- streams
  void sample(uint64_t now_us) {
    if (streams_.emg.poll(hal_, now_us)) send_block(EMG, streams_.emg);
    if (streams_.force.poll(hal_, now_us)) send_block(FORCE_PLATE, streams_.force);
  }

  template <uint8_t CHANNELS>
  void send_block(const Register& r, const Sampler<CHANNELS>& sampler) {
    int16_t words[EMG.count];
    const uint64_t stamp_us = to_device(sampler.first_us());
    const uint32_t number = sampler.first_number();
    memcpy(words, &number, 4);
    words[2] = static_cast<int16_t>(stamp_us % TICK_US);
    memcpy(words + BLOCK_HEADER_WORDS, sampler.samples(), CHANNELS * BLOCK_SAMPLES * 2);
    event(r, words, stamp_us);
  }

  void report_inputs() {
    InputEdge one;
    while (hal_->next_edge(&one)) edge(one.line, one.level, one.time_us);
  }

  // ---------------------------------------------------------------------- care
  // Nothing runs, nothing is high.
  void rest() {
    permission_.take_back();
    outputs_.end();  // first: the edges are still reported
    streams_.control(0, hal_->micros());
  }

  void plan_heartbeat() { beat_us_ = hal_->micros() + 1000000u - now() % 1000000u; }

  void beat(uint64_t now_us) {
    if (now_us < beat_us_) return;
    const uint64_t stamp_us = to_device(beat_us_);
    const uint32_t seconds = static_cast<uint32_t>(stamp_us / 1000000u);
    if ((operation_ & HEARTBEAT) != 0) event(Register{SECONDS, 0x04, 1}, &seconds, stamp_us);
    plan_heartbeat();
  }

  static constexpr uint8_t FIRST_ADDRESS = 32;
  static constexpr uint32_t MAX_WIDTH_LIMIT = MAX_WIDTH_MOST;
  static constexpr uint32_t MAX_DUTY_LIMIT = MAX_DUTY_MOST;

  Hal* hal_;
  Outputs outputs_;
  Permission permission_;
  Streams streams_;
  Parser parser_;
  uint8_t out_[STAMPED_HEADER_BYTES + EMG.count * 2 + 1];
  uint8_t operation_ = LEDS;
  uint8_t dumping_ = 0;
  uint32_t rising_ = 0;
  uint32_t falling_ = 0;
  uint32_t sequence_ = 0;
  uint32_t acknowledged_ = 0;
  uint32_t dropped_ = 0;
  int64_t offset_us_ = 0;
  uint64_t beat_us_ = 0;
};

}  // namespace springhare
