// Harp's 8-bit protocol: bytes to messages, and back.
#pragma once
#include <stdint.h>
#include <string.h>

namespace springhare {

enum MessageType : uint8_t { READ = 1, WRITE = 2, EVENT = 3, ERROR_FLAG = 0x08 };
constexpr uint8_t TIMESTAMP_FLAG = 0x10;
constexpr uint8_t TICK_US = 32;
constexpr uint8_t HEADER_BYTES = 5;
constexpr uint8_t STAMPED_HEADER_BYTES = 11;

inline uint8_t checksum(const uint8_t* bytes, uint16_t count) {
  uint8_t sum = 0;
  for (uint16_t i = 0; i < count; i++) sum = static_cast<uint8_t>(sum + bytes[i]);
  return sum;
}

// A received message; points into the parser's buffer until `pop`.
struct Message {
  uint8_t type;
  uint8_t address;
  uint8_t payload_type;
  const uint8_t* payload;
  uint8_t payload_bytes;
};

// Writes a time-stamped message into `out`; returns its size.
inline uint16_t build(uint8_t* out, uint8_t type, uint8_t address, uint8_t payload_type,
                      const void* payload, uint8_t payload_bytes, uint64_t time_us) {
  const uint32_t seconds = static_cast<uint32_t>(time_us / 1000000u);
  const uint16_t ticks = static_cast<uint16_t>(time_us % 1000000u / TICK_US);
  const uint16_t body = static_cast<uint16_t>(STAMPED_HEADER_BYTES + payload_bytes);
  out[0] = type;
  out[1] = static_cast<uint8_t>(body - 1);
  out[2] = address;
  out[3] = 255;
  out[4] = static_cast<uint8_t>(payload_type | TIMESTAMP_FLAG);
  memcpy(out + 5, &seconds, 4);  // all boards that we know are little-endian, as Harp is
  memcpy(out + 9, &ticks, 2);
  memcpy(out + STAMPED_HEADER_BYTES, payload, payload_bytes);
  out[body] = checksum(out, body);
  return static_cast<uint16_t>(body + 1);
}

// Finds requests in a stream of bytes; after a bad one it looks on from the next byte.
class Parser {
 public:
  // Takes a byte; then call `scan` until it returns false.
  void push(uint8_t byte, uint64_t now_us) {
    buffer_[count_++] = byte;
    last_us_ = now_us;
  }

  // True when a whole request stands at the front: use `message`, then `pop`.
  bool scan() {
    while (count_ > 0) {
      if (count_ > 1 && !plausible()) {
        skip();
      } else if (buffer_[0] != READ && buffer_[0] != WRITE) {
        skip();
      } else if (count_ < 2 || count_ < size()) {
        return false;
      } else if (checksum(buffer_, static_cast<uint16_t>(size() - 1)) != buffer_[size() - 1]) {
        skip();
      } else {
        bad_place_ = false;
        return true;
      }
    }
    return false;
  }

  Message message() const {
    const bool stamped = (buffer_[4] & TIMESTAMP_FLAG) != 0;
    const uint8_t header = stamped ? STAMPED_HEADER_BYTES : HEADER_BYTES;
    return {buffer_[0], buffer_[2], static_cast<uint8_t>(buffer_[4] & ~TIMESTAMP_FLAG),
            buffer_ + header, static_cast<uint8_t>(size() - 1 - header)};
  }

  void pop() { drop(size()); }

  // A request that stopped half-way must not swallow the next one.
  void expire(uint64_t now_us) {
    if (count_ > 0 && now_us - last_us_ > PATIENCE_US) {
      skip();
      last_us_ = now_us;
    }
  }

  uint32_t bad() const { return bad_; }

 private:
  static constexpr uint8_t CAPACITY = 64;  // longer than any request of the map
  static constexpr uint32_t PATIENCE_US = 20000;

  uint8_t size() const { return static_cast<uint8_t>(buffer_[1] + 2); }

  bool plausible() const {
    if (buffer_[1] < 4 || buffer_[1] > CAPACITY - 2) return false;
    if (count_ < 5) return true;
    const bool stamped = (buffer_[4] & TIMESTAMP_FLAG) != 0;
    return size() >= (stamped ? STAMPED_HEADER_BYTES : HEADER_BYTES) + 1;
  }

  void skip() {
    if (!bad_place_) bad_++;
    bad_place_ = true;
    drop(1);
  }

  void drop(uint8_t count) {
    count_ = static_cast<uint8_t>(count_ - count);
    memmove(buffer_, buffer_ + count, count_);
  }

  uint8_t buffer_[CAPACITY];
  uint8_t count_ = 0;
  bool bad_place_ = false;
  uint32_t bad_ = 0;
  uint64_t last_us_ = 0;
};

}  // namespace springhare
