// Springhare DAQ on a board: Teensy 4.0/4.1 (recommended) or any Arduino with enough pins.
//
// Everything that decides is in board.h and is tested on a PC. This file knows pins only:
// change the tables below to your wiring, and `convert` to your amplifier.
#include <Arduino.h>

#include "board.h"

namespace {

using namespace springhare;

constexpr uint8_t NO_PIN = 255;

#if defined(TEENSYDUINO)
constexpr uint8_t EMG_PIN[EMG_CHANNELS] = {A0, A1, A2, A3, A4, A5, A6, A7};
constexpr uint8_t FORCE_PIN[FORCE_CHANNELS] = {A8, A9, A10, A11, A12, A13};
constexpr uint8_t INPUT_PIN[] = {2, 3, 4, 5};           // Input0 …: frame clock, exposure …
constexpr uint8_t OUTPUT_PIN[] = {28, 29, 30, 31};      // Output0 …: laser, LED, valve …
constexpr uint8_t CAMERA_TRIGGER_PIN = 6;
constexpr uint8_t SYNC_PIN = 7;
constexpr uint8_t ADC_BITS = 12;
#else
constexpr uint8_t EMG_PIN[EMG_CHANNELS] = {A0, A1, A2, A3, A0, A1, A2, A3};
constexpr uint8_t FORCE_PIN[FORCE_CHANNELS] = {A4, A5, A4, A5, A4, A5};
constexpr uint8_t INPUT_PIN[] = {2, 3};
constexpr uint8_t OUTPUT_PIN[] = {8, 9, 10, 11};
constexpr uint8_t CAMERA_TRIGGER_PIN = 6;
constexpr uint8_t SYNC_PIN = 7;
constexpr uint8_t ADC_BITS = 10;
#endif

constexpr uint8_t INPUTS = sizeof INPUT_PIN;
constexpr uint8_t OUTPUTS = sizeof OUTPUT_PIN;

// micros() wraps after 71 minutes: count the wraps. Called with interrupts off.
uint64_t micros_now() {
  static uint32_t last = 0;
  static uint32_t wraps = 0;
  const uint32_t now = ::micros();
  if (now < last) wraps++;
  last = now;
  return (static_cast<uint64_t>(wraps) << 32) | now;
}

// Edges wait here from the interrupt that stamped them until the loop takes them.
constexpr uint8_t QUEUE = 32;  // a power of two
volatile uint8_t queue_head = 0;
volatile uint8_t queue_tail = 0;
InputEdge queue[QUEUE];

void note_edge(uint8_t input) {
  const InputEdge edge = {micros_now(), static_cast<uint8_t>(LINE_INPUT0 + input),
                          digitalRead(INPUT_PIN[input]) == HIGH};
  const uint8_t next = static_cast<uint8_t>((queue_head + 1) % QUEUE);
  if (next == queue_tail) return;  // full: the loop was away for far too long
  queue[queue_head] = edge;
  queue_head = next;
}

template <uint8_t INPUT_NUMBER>
void on_change() { note_edge(INPUT_NUMBER); }

uint8_t pin_of(uint8_t line) {
  if (line < LINE_OUTPUT0) return line < INPUTS ? INPUT_PIN[line] : NO_PIN;
  if (line == LINE_CAMERA_TRIGGER) return CAMERA_TRIGGER_PIN;
  if (line == LINE_SYNC) return SYNC_PIN;
  if (line >= LINE_OUTPUT0 && line - LINE_OUTPUT0 < OUTPUTS) return OUTPUT_PIN[line - LINE_OUTPUT0];
  return NO_PIN;
}

class ArduinoHal final : public Hal {
 public:
  uint64_t micros() override {
    noInterrupts();
    const uint64_t now = micros_now();
    interrupts();
    return now;
  }

  // Never waits for the host: what it does not take in time is dropped and counted.
  bool transmit(const uint8_t* bytes, uint16_t count) override {
    const bool fits = Serial.availableForWrite() >= static_cast<int>(count) || !can_wait_free(count);
    if (fits) Serial.write(bytes, count);
    return fits;
  }

  int16_t sample(Signal signal, uint8_t channel, uint32_t) override {
    const uint8_t pin = signal == Signal::EMG ? EMG_PIN[channel] : FORCE_PIN[channel];
    return static_cast<int16_t>(analogRead(pin) - (1 << (ADC_BITS - 1)));
  }

  void drive(uint8_t line, bool level) override {
    const uint8_t pin = pin_of(line);
    if (pin != NO_PIN) digitalWrite(pin, level ? HIGH : LOW);
  }

  bool sense(uint8_t line) override {
    const uint8_t pin = pin_of(line);
    return pin != NO_PIN && digitalRead(pin) == HIGH;
  }

  bool next_edge(InputEdge* edge) override {
    if (queue_tail == queue_head) return false;
    *edge = queue[queue_tail];
    queue_tail = static_cast<uint8_t>((queue_tail + 1) % QUEUE);
    return true;
  }

  uint32_t lateness_us() const override { return 250; }

 private:
  // A UART's buffer may be smaller than a block: there, waiting is all that can be done.
  static bool can_wait_free(uint16_t count) {
#if defined(TEENSYDUINO)
    return count < 2048;
#else
    return count < SERIAL_TX_BUFFER_SIZE;
#endif
  }
};

ArduinoHal hal;

Board& board() {
  static Board one(&hal);  // made in setup, when micros() counts
  return one;
}

template <uint8_t INPUT_NUMBER>
struct Attach {
  static void all() {
    pinMode(INPUT_PIN[INPUT_NUMBER], INPUT);
    attachInterrupt(digitalPinToInterrupt(INPUT_PIN[INPUT_NUMBER]), on_change<INPUT_NUMBER>, CHANGE);
    Attach<INPUT_NUMBER + 1>::all();
  }
};

template <>
struct Attach<INPUTS> {
  static void all() {}
};

}  // namespace

void setup() {
  for (uint8_t pin : OUTPUT_PIN) {
    digitalWrite(pin, LOW);
    pinMode(pin, OUTPUT);
  }
  digitalWrite(CAMERA_TRIGGER_PIN, LOW);
  pinMode(CAMERA_TRIGGER_PIN, OUTPUT);
  digitalWrite(SYNC_PIN, LOW);
  pinMode(SYNC_PIN, OUTPUT);
#if defined(TEENSYDUINO)
  analogReadResolution(ADC_BITS);
  analogReadAveraging(1);
#endif
  Attach<0>::all();
  Serial.begin(1000000);  // a Teensy's USB runs at full speed whatever is asked for
  board();
}

void loop() {
  while (Serial.available() > 0) {
    const uint8_t byte = static_cast<uint8_t>(Serial.read());
    board().feed(&byte, 1);
  }
  board().poll();
}
