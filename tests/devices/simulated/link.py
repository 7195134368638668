"""A device keeps its events; a link is the MQTT connection it speaks over.

    made --> kept --publish--> on its way --receipt--> settled
               ^                   |
               +-- reconnected, or no receipt within RESEND_S

Nothing is published while bridge/state says that the store is full.  What the
broker has not acknowledged is resent by the MQTT library itself; what it has
acknowledged and the bridge has not is resent here, with the same event id.
"""

import collections
import json
import os
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.packettypes import PacketTypes

from . import events
from .outbox import Outbox

RESEND_S = 20.0
IN_FLIGHT = 100
PUBACKS_OUTSTANDING = 20  # what mosquitto allows unless told otherwise


class Device:
    """One device: what it made, what it keeps, what became of it."""

    def __init__(self, kind, name, site, outbox_path=None, in_flight=IN_FLIGHT,
                 topic=None):
        self.kind, self.name = kind, name
        top = f"sampan/v1/{site}"
        self.topic = topic or f"{top}/{kind}/{name}"
        self.receipts = f"{top}/receipt/{kind}/{name}"
        self.status = f"{top}/{kind}/{name}/status" if topic is None else None
        self.in_flight = in_flight
        self.outbox = Outbox(outbox_path)
        self.carried = len(self.outbox)
        self.waiting = collections.deque(self.outbox.entries)  # ids
        self.flying = {}  # id -> Entry, published and without a receipt
        self.link = None
        self.made = self.published = self.resent = self.stored = 0
        self.rejected = []

    def say(self, what, event) -> str:
        """Keep the event and have it published; its id."""
        topic = f"{self.topic}/{what}" if what else self.topic
        payload = json.dumps(event, ensure_ascii=False)
        with self.link.lock:
            self.outbox.add(event["event_id"], topic, payload)
            self.waiting.append(event["event_id"])
            self.made += 1
            self.link.lock.notify_all()
        return event["event_id"]

    def on_receipt(self, payload):
        try:
            receipt = json.loads(payload)
            stored = list(receipt.get("stored", []))
            rejected = [(one["id"], one["reason"])
                        for one in receipt.get("rejected", [])]
        except (ValueError, TypeError, KeyError, AttributeError):
            return
        for event_id in stored:
            self.stored += self.settle(event_id)
        for event_id, reason in rejected:
            if self.settle(event_id):
                self.rejected.append({"id": event_id, "reason": reason})

    def settle(self, event_id) -> bool:
        """False when the event is not kept: a receipt given again."""
        self.flying.pop(event_id, None)
        return self.outbox.settle(event_id)

    def land(self):
        """After a reconnect: what the old broker acknowledged waits again."""
        acked = [event_id for event_id, entry in self.flying.items()
                 if entry.acked]
        for event_id in reversed(acked):
            del self.flying[event_id]
            self.waiting.appendleft(event_id)

    def next_waiting(self):
        """The next entry that may be published, or None."""
        while self.waiting and len(self.flying) < self.in_flight:
            entry = self.outbox.entries.get(self.waiting.popleft())
            if entry is not None:
                self.flying[entry.event_id] = entry
                return entry
        return None

    def overdue(self, before) -> list:
        """Acknowledged by the broker before that, and still no receipt."""
        return [entry for entry in self.flying.values()
                if entry.acked and entry.sent_at <= before]

    def books(self) -> dict:
        reasons = collections.Counter(one["reason"] for one in self.rejected)
        return {"made": self.made, "carried": self.carried,
                "published": self.published, "resent": self.resent,
                "stored": self.stored, "rejected": len(self.rejected),
                "reasons": dict(reasons), "rejections": self.rejected[:100],
                "unreceipted": len(self.outbox)}


class Link:
    """One connection for one or many devices."""

    def __init__(self, devices, host="127.0.0.1", port=1883, site="site",
                 user=None, password=None, tls_ca=None, version=5,
                 client_id=None, resend_s=RESEND_S, own_status=True):
        self.devices = {device.receipts: device for device in devices}
        self.state_topic = f"sampan/v1/{site}/bridge/state"
        self.resend_s, self.version = resend_s, version
        self.lock = threading.Condition(threading.RLock())
        self.full = self.connected = self.ending = False
        self.connects = 0
        self.on_their_way = {}   # mid -> Entry
        self.acks = collections.deque()  # mids, from the library's thread
        for device in devices:
            device.link = self
        self.status = devices[0].status if (
            own_status and len(devices) == 1) else None
        self.client = self._client(client_id or "sim-" + os.urandom(8).hex())
        if user:
            self.client.username_pw_set(user, password)
        if tls_ca:
            self.client.tls_set(tls_ca)
        self.client.connect_async(host, port, keepalive=30)
        self.pump = threading.Thread(target=self._pump, daemon=True)

    def _client(self, client_id):
        if self.version == 5:
            client = mqtt.Client(client_id, protocol=mqtt.MQTTv5)
        else:
            client = mqtt.Client(client_id, clean_session=True,
                                 protocol=mqtt.MQTTv311)
        client.max_inflight_messages_set(PUBACKS_OUTSTANDING)
        client.reconnect_delay_set(1, 5)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        if self.status:
            client.will_set(self.status, json.dumps({"online": False}), 1,
                            retain=True)
        return client

    def start(self):
        self.client.loop_start()
        self.pump.start()
        return self

    # --- the library's thread -------------------------------------------------

    def _on_connect(self, client, userdata, flags, code, properties=None):
        if (code.value if hasattr(code, "value") else code) != 0:
            return
        topics = [(topic, 1) for topic in self.devices]
        client.subscribe(topics + [(self.state_topic, 1)])
        if self.status:
            client.publish(self.status, json.dumps(
                {"online": True, "time": events.stamp()}), 1, retain=True)
        with self.lock:
            self.connected = True
            self.connects += 1
            self._take_acks()
            for device in self.devices.values():
                device.land()
            self.lock.notify_all()

    def _on_disconnect(self, client, userdata, code, properties=None):
        with self.lock:
            self.connected = False

    def _on_publish(self, client, userdata, mid):
        # Called while paho holds the mutex that publish() takes: no lock here.
        self.acks.append(mid)

    def _take_acks(self):
        while self.acks:
            entry = self.on_their_way.pop(self.acks.popleft(), None)
            if entry is not None:
                entry.acked = True

    def _on_message(self, client, userdata, message):
        with self.lock:
            if message.topic == self.state_topic:
                self._on_state(message.payload)
            elif message.topic in self.devices:
                self.devices[message.topic].on_receipt(message.payload)
            self.lock.notify_all()

    def _on_state(self, payload):
        try:
            self.full = json.loads(payload).get("full") is True
        except (ValueError, AttributeError):
            pass  # no state we know: go on as before

    # --- our thread -------------------------------------------------------------

    def _pump(self):
        with self.lock:
            while not self.ending:
                self._take_acks()
                if self.connected and not self.full:
                    for device in self.devices.values():
                        self._send_due(device)
                self.lock.wait(min(1.0, self.resend_s / 4))

    def _send_due(self, device):
        now = time.monotonic()
        for entry in device.overdue(now - self.resend_s):
            self._send(device, entry, now)
        while (entry := device.next_waiting()) is not None:
            self._send(device, entry, now)

    def _send(self, device, entry, now):
        entry.sent_at, entry.acked = now, False
        if entry.sendings:
            device.resent += 1
        else:
            device.published += 1
        entry.sendings += 1
        properties = None
        if self.version == 5:
            properties = Properties(PacketTypes.PUBLISH)
            properties.ContentType = "application/json"
        info = self.client.publish(entry.topic, entry.payload, 1,
                                   properties=properties)
        self.on_their_way[info.mid] = entry

    # --- ending -------------------------------------------------------------------

    def wait_settled(self, seconds) -> bool:
        """Until every event has its receipt; False when time is up."""
        end = time.monotonic() + seconds
        with self.lock:
            while any(len(device.outbox) for device in self.devices.values()):
                left = end - time.monotonic()
                if left <= 0 or self.ending:
                    return False
                self.lock.wait(min(left, 1.0))
        return True

    def close(self):
        with self.lock:
            self.ending = True
            self.lock.notify_all()
        self.pump.join(5)
        if self.status and self.connected:
            self.client.publish(self.status, json.dumps(
                {"online": False, "time": events.stamp()}), 1,
                retain=True).wait_for_publish(2)
        self.client.disconnect()
        self.client.loop_stop()
        for device in self.devices.values():
            device.outbox.close()
