"""One aiomqtt client as we want it: sessions, will, TLS and message properties in both versions of MQTT.

aiomqtt connects, keeps the link alive and says when it is lost. What comes in and what the broker answers to a
publish we take from paho, the client below it, by paho's own public callbacks: aiomqtt passes neither the
reason code of an acknowledgement on, nor a message without a queue of its own.

Knows the two versions' differences so that `driver.py` need not. No I/O before the client is entered.
"""

import asyncio
import logging
import math
import socket
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import batched_lists  # noqa
