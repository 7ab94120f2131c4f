// Random words that any moment can be computed from: SplitMix in 32 bits, finished by
// the mixer of MurmurHash3. `sync/pulses.py` computes the same bit for bit; a test holds
// the two together.
#pragma once
#include <stdint.h>

namespace springhare {

inline uint32_t mix(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
  x = (x ^ (x >> 13)) * 0xC2B2AE35u;
  return x ^ (x >> 16);
}

// Word number `index` of the lane's sequence.
inline uint32_t random_word(uint32_t seed, uint32_t lane, uint32_t index) {
  constexpr uint32_t GOLDEN = 0x9E3779B9u;
  return mix(mix(seed + (lane + 1u) * GOLDEN) + (index + 1u) * GOLDEN);
}

// Uniform in [0, span).
inline uint32_t below(uint32_t word, uint32_t span) {
  return static_cast<uint32_t>((static_cast<uint64_t>(word) * span) >> 32);
}

constexpr uint32_t TRIGGER_LANE = 0;  // the lanes above are those of the sync line's segments

// How far a camera trigger is moved from its place on the grid; the first one is not.
inline int32_t displacement_ns(uint32_t seed, uint32_t number, uint32_t dither_ns) {
  if (number == 0) return 0;
  const uint32_t word = random_word(seed, TRIGGER_LANE, number);
  return static_cast<int32_t>(below(word, 2u * dither_ns + 1u)) - static_cast<int32_t>(dither_ns);
}

}  // namespace springhare
