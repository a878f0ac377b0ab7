"""The field over MQTT: topics and codec without I/O, a driver with it, an embedded broker."""
