// PubSubClient 2.8 as the sketch sees it: what it publishes goes to standard output, a line each with
// tabs between; each line of standard input comes as a message to what it has subscribed to.
#pragma once
#include <iostream>
#include <string>

#include "ESP8266WiFi.h"

class PubSubClient {
  typedef void (*Callback)(char *, uint8_t *, unsigned int);
  static const size_t LIMIT = 256;  // MQTT_MAX_PACKET_SIZE
  Callback callback = nullptr;
  std::string subscribed;
  bool up = false;

  bool say(const char *what, const char *topic, const char *payload, bool retained) {
    // fixed header, length of the topic, packet id
    if (strlen(topic) + strlen(payload) + 9 > LIMIT) {
      printf("too-large\t%s\t%s\n", topic, payload);
      return false;
    }
    printf("%s\t%d\t%s\t%s\n", what, retained, topic, payload);
    fflush(stdout);
    return true;
  }

 public:
  explicit PubSubClient(WiFiClient &) {}
  void setServer(const char *, uint16_t) {}
  void setKeepAlive(uint16_t) {}
  void setCallback(Callback wanted) { callback = wanted; }
  bool connected() { return up; }

  bool connect(const char *id, const char *topic, uint8_t, bool retained, const char *payload) {
    printf("connect\t%s\n", id);
    up = true;
    return say("will", topic, payload, retained);
  }
  bool publish(const char *topic, const char *payload, bool retained = false) {
    return say("publish", topic, payload, retained);
  }
  bool subscribe(const char *topic, uint8_t = 0) {
    subscribed = topic;
    return say("subscribe", topic, "", false);
  }
  bool loop() {
    std::string line;
    if (subscribed.empty()) return up;
    if (!std::getline(std::cin, line)) exit(0);
    std::string topic = subscribed;
    callback(&topic[0], reinterpret_cast<uint8_t *>(&line[0]), line.size());
    return up;
  }
};
