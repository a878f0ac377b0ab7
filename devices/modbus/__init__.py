"""The substation's RTU over Modbus TCP: register map and codec without I/O, a driver with it."""
