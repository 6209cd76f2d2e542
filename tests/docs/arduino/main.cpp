// Runs the sketch until its standard input ends.
#include "Arduino.h"
#include SKETCH

int main() {
  setup();
  for (;;) loop();
}
