"""Plain QoS 1 publishes to any topic, for routes; counts the PUBACKs."""

import json
import os
import threading
import time

import paho.mqtt.client as mqtt


class Flood:
    def __init__(self, topic, count, size, rate=None, in_flight=20,
                 prefix=None, host="127.0.0.1", port=1883, user=None,
                 password=None, tls_ca=None, version=5):
        self.topic, self.count, self.size, self.rate = topic, count, size, rate
        self.prefix = prefix or os.urandom(4).hex()
        self.lock = threading.Condition()
        self.open = set()
        self.early = set()  # acknowledged before publish() had returned
        self.published = self.acknowledged = 0
        self.in_flight = in_flight
        self.connected = threading.Event()
        protocol = mqtt.MQTTv5 if version == 5 else mqtt.MQTTv311
        self.client = mqtt.Client("flood-" + os.urandom(8).hex(),
                                  protocol=protocol)
        self.client.max_inflight_messages_set(in_flight)
        self.client.on_connect = self._on_connect
        self.client.on_publish = self._on_publish
        if user:
            self.client.username_pw_set(user, password)
        if tls_ca:
            self.client.tls_set(tls_ca)
        self.client.connect_async(host, port)

    def _on_connect(self, client, userdata, flags, code, properties=None):
        if (code.value if hasattr(code, "value") else code) == 0:
            self.connected.set()

    def _on_publish(self, client, userdata, mid):
        with self.lock:
            self.acknowledged += 1
            if mid in self.open:
                self.open.remove(mid)
            else:
                self.early.add(mid)
            self.lock.notify_all()

    def payload(self, number):
        record = {"id": f"{self.prefix}-{number}",
                  "ts": int(time.time() * 1000), "pad": ""}
        room = self.size - len(json.dumps(record))
        record["pad"] = "x" * max(0, room)
        return json.dumps(record)

    def run(self, stopping, linger=20.0):
        """Publish all, wait for their PUBACKs; the books."""
        self.client.loop_start()
        while not self.connected.wait(0.1):
            if stopping.is_set():
                break
        began = time.monotonic()
        for number in range(self.count):
            if stopping.is_set() or not self._wait_room(stopping):
                break
            if self.rate and stopping.wait(max(
                    0.0, began + number / self.rate - time.monotonic())):
                break
            self._publish(number)
        self._wait_all(stopping, linger)
        took = time.monotonic() - began
        self.client.disconnect()
        self.client.loop_stop()
        return {"published": self.published, "prefix": self.prefix,
                "acknowledged": self.acknowledged,
                "seconds": round(took, 3),
                "per_second": round(self.acknowledged / max(took, 1e-9), 1)}

    def _publish(self, number):
        info = self.client.publish(self.topic, self.payload(number), 1)
        with self.lock:
            self.published += 1
            if info.mid in self.early:
                self.early.remove(info.mid)
            else:
                self.open.add(info.mid)

    def _wait_room(self, stopping):
        with self.lock:
            while len(self.open) >= self.in_flight:
                if stopping.is_set():
                    return False
                self.lock.wait(0.2)
        return True

    def _wait_all(self, stopping, seconds):
        end = time.monotonic() + seconds
        with self.lock:
            while self.acknowledged < self.published \
                    and time.monotonic() < end and not stopping.is_set():
                self.lock.wait(0.2)
