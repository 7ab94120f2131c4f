// Made from device.yml by `python -m rig.devices.harp_registers`: edit that.
#pragma once
#include <stdint.h>

namespace springhare {

struct Register {
  uint8_t address;
  uint8_t type;  // Harp's code: the low half is the size of an element
  uint8_t count;
};

constexpr char DEVICE_NAME[] = "SpringhareDAQ";
constexpr uint16_t WHO_AM_I = 1790;
constexpr uint8_t FIRMWARE_MAJOR = 1;
constexpr uint8_t FIRMWARE_MINOR = 2;
constexpr uint8_t HARDWARE_MAJOR = 1;
constexpr uint8_t HARDWARE_MINOR = 0;
constexpr uint32_t DIGEST = 0x4A52DE87;

constexpr Register MAP_DIGEST{32, 0x04, 1};
constexpr Register STREAM_CONTROL{33, 0x01, 1};
constexpr Register MICROSECONDS{34, 0x08, 1};
constexpr Register HOST_TIMEOUT{35, 0x02, 1};
constexpr Register EMG_PERIOD{36, 0x04, 1};
constexpr Register FORCE_PLATE_PERIOD{37, 0x04, 1};
constexpr Register CAMERA_TRIGGER_PERIOD{38, 0x04, 1};
constexpr Register CAMERA_TRIGGER_WIDTH{39, 0x04, 1};
constexpr Register EMG_SAMPLE{40, 0x04, 1};
constexpr Register FORCE_PLATE_SAMPLE{41, 0x04, 1};
constexpr Register EDGE_SEQUENCE{42, 0x04, 1};
constexpr Register RISING_MASK{43, 0x04, 1};
constexpr Register FALLING_MASK{44, 0x04, 1};
constexpr Register MAX_WIDTH{45, 0x04, 8};
constexpr Register MIN_PERIOD{46, 0x04, 8};
constexpr Register MAX_DUTY{47, 0x02, 8};
constexpr Register COUNTERS{48, 0x04, 6};
constexpr Register SYNC_SEED{49, 0x04, 1};
constexpr Register SYNC_NUMBER{50, 0x04, 1};
constexpr Register SYNC_PERIOD{51, 0x04, 1};
constexpr Register SYNC_PULSE_WIDTH{52, 0x04, 1};
constexpr Register BARCODE_BAR{53, 0x04, 1};
constexpr Register CAMERA_TRIGGER_DITHER{54, 0x04, 1};
constexpr Register CAMERA_TRIGGER_NUMBER{55, 0x04, 1};
constexpr Register EMG{56, 0x82, 83};
constexpr Register FORCE_PLATE{57, 0x82, 63};
constexpr Register EDGE{58, 0x04, 2};
constexpr Register PERMIT{59, 0x01, 1};
constexpr Register KEY_LINE{60, 0x01, 1};
constexpr Register PULSE{64, 0x04, 8};
constexpr Register LEVEL{65, 0x04, 4};
constexpr Register ACKNOWLEDGE{66, 0x04, 7};

constexpr uint32_t EMG_PERIOD_LEAST = 100000;
constexpr uint32_t FORCE_PLATE_PERIOD_LEAST = 100000;
constexpr uint32_t CAMERA_TRIGGER_PERIOD_LEAST = 100000;
constexpr uint32_t CAMERA_TRIGGER_WIDTH_LEAST = 1;
constexpr uint32_t MAX_WIDTH_MOST = 10000000;
constexpr uint32_t MAX_DUTY_MOST = 1000;
constexpr uint32_t SYNC_PERIOD_LEAST = 20000000;
constexpr uint32_t SYNC_PERIOD_MOST = 600000000;
constexpr uint32_t SYNC_PULSE_WIDTH_LEAST = 1000;
constexpr uint32_t SYNC_PULSE_WIDTH_MOST = 50000;
constexpr uint32_t BARCODE_BAR_MOST = 150000;
constexpr uint32_t PERMIT_MOST = 1;

constexpr uint8_t STREAM_EMG = 1;
constexpr uint8_t STREAM_FORCE_PLATE = 2;
constexpr uint8_t STREAM_EDGES = 4;
constexpr uint8_t STREAM_CAMERA_TRIGGER = 8;
constexpr uint8_t STREAM_SYNC = 16;
constexpr uint8_t OUTPUT_PERMITTED = 1;
constexpr uint8_t OUTPUT_KEY_ON = 2;
constexpr uint8_t LINE_INPUT0 = 0;
constexpr uint8_t LINE_OUTPUT0 = 16;
constexpr uint8_t LINE_CAMERA_TRIGGER = 24;
constexpr uint8_t LINE_SYNC = 25;
constexpr uint8_t STATUS_DONE = 0;
constexpr uint8_t STATUS_REFUSED_LINE = 1;
constexpr uint8_t STATUS_REFUSED_WIDTH = 2;
constexpr uint8_t STATUS_REFUSED_RATE = 3;
constexpr uint8_t STATUS_REFUSED_DUTY = 4;
constexpr uint8_t STATUS_NO_EDGE = 5;
constexpr uint8_t STATUS_LATE = 6;
constexpr uint8_t STATUS_REFUSED_KEY = 7;
constexpr uint8_t STATUS_REFUSED_PERMIT = 8;

// The register of an address; null when the map has none.
inline const Register* find_register(uint8_t address) {
  switch (address) {
    case 32: return &MAP_DIGEST;
    case 33: return &STREAM_CONTROL;
    case 34: return &MICROSECONDS;
    case 35: return &HOST_TIMEOUT;
    case 36: return &EMG_PERIOD;
    case 37: return &FORCE_PLATE_PERIOD;
    case 38: return &CAMERA_TRIGGER_PERIOD;
    case 39: return &CAMERA_TRIGGER_WIDTH;
    case 40: return &EMG_SAMPLE;
    case 41: return &FORCE_PLATE_SAMPLE;
    case 42: return &EDGE_SEQUENCE;
    case 43: return &RISING_MASK;
    case 44: return &FALLING_MASK;
    case 45: return &MAX_WIDTH;
    case 46: return &MIN_PERIOD;
    case 47: return &MAX_DUTY;
    case 48: return &COUNTERS;
    case 49: return &SYNC_SEED;
    case 50: return &SYNC_NUMBER;
    case 51: return &SYNC_PERIOD;
    case 52: return &SYNC_PULSE_WIDTH;
    case 53: return &BARCODE_BAR;
    case 54: return &CAMERA_TRIGGER_DITHER;
    case 55: return &CAMERA_TRIGGER_NUMBER;
    case 56: return &EMG;
    case 57: return &FORCE_PLATE;
    case 58: return &EDGE;
    case 59: return &PERMIT;
    case 60: return &KEY_LINE;
    case 64: return &PULSE;
    case 65: return &LEVEL;
    case 66: return &ACKNOWLEDGE;
    default: return nullptr;
  }
}

}  // namespace springhare
