// The network is always there.
#pragma once
#include "Arduino.h"

enum { WL_CONNECTED = 3 };
class WiFiClient {};
class WiFiStation {
 public:
  void begin(const char *, const char *) {}
  int status() { return WL_CONNECTED; }
};
static WiFiStation WiFi;
