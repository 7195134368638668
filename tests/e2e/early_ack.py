"""What most forwarders do: acknowledge on arrival, store in batches.

  early_ack.py PORT PASSWORD_FILE FOLDER SINK_PORT

MQTT's library acknowledges when on_message returns; a batch is written and
synced 20 times a second, then posted.  Started again, it posts what it stored
and had not posted.  tests/e2e/test_proof.py holds it to the promise it breaks.
"""
import http.client
import os
import pathlib
import sys
import threading
import time

import paho.mqtt.client as mqtt

port, password, folder, sink_port = sys.argv[1:]
stored = pathlib.Path(folder) / "stored"
posted = pathlib.Path(folder) / "posted"
lock = threading.Lock()
arrived = []


def on_message(client, userdata, message):
    with lock:
        arrived.append(message.payload)


def on_connect(client, userdata, flags, code):
    client.subscribe("line/+/result", 1)


def post(bodies):
    connection = http.client.HTTPConnection("127.0.0.1", int(sink_port))
    for body in bodies:
        connection.request("POST", "/", body,
                           {"Content-Type": "application/json"})
        connection.getresponse().read()
    connection.close()


def write(path, data):
    with open(path, "ab") as file:
        file.write(data)
        file.flush()
        os.fdatasync(file.fileno())


def recover():
    lines = stored.read_bytes().splitlines() if stored.exists() else []
    done = posted.stat().st_size if posted.exists() else 0
    whole = [line for line in lines if line.endswith(b"}")]
    post(whole[done:])
    posted.write_bytes(b"." * len(whole))
    stored.write_bytes(b"".join(line + b"\n" for line in whole))


recover()
client = mqtt.Client("early", clean_session=False)
client.username_pw_set("bridge", pathlib.Path(password).read_text())
client.on_message = on_message
client.on_connect = on_connect
client.connect("127.0.0.1", int(port))
client.loop_start()
while True:
    time.sleep(0.05)
    with lock:
        batch, arrived = arrived, []
    if batch:
        write(stored, b"".join(body + b"\n" for body in batch))
        post(batch)
        write(posted, b"." * len(batch))
