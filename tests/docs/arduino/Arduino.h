// As much of Arduino as the sketch of the documentation needs, on a computer.
#pragma once
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

typedef uint8_t byte;
typedef bool boolean;
enum { OUTPUT = 1, A0 = 17 };

inline void pinMode(int, int) {}
inline int analogRead(int) { return 215; }
inline void analogWrite(int pin, int value) {
  printf("pin\t%d\t%d\n", pin, value);
  fflush(stdout);
}
inline unsigned long millis() {
  static const auto start = std::chrono::steady_clock::now();
  const auto passed = std::chrono::steady_clock::now() - start;
  return std::chrono::duration_cast<std::chrono::milliseconds>(passed).count() + 1;
}
inline void configTime(long, int, const char *) {
  setenv("TZ", "UTC", 1);
  tzset();
}
