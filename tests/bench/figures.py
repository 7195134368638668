"""What is measured, one function a job; run prints what they give.

A job measures its limit and its figure one behind the other and gives
    {row: (figure, limit, {more numbers})}
The ratio of a row is taken within the run, so that a slow minute of the disk
or of a neighbour slows both.
"""
import dataclasses
import random
import re
import subprocess
import time

from rig import CONCURRENCY, HERE, wait_until

UNCOMMITTED = 220  # bridge/uplink/engine.h: COMMITTING_MAX
KB = 1024


@dataclasses.dataclass
class Row:
    name: str
    unit: str
    limit: str  # what stands beside it
    goal: float
    high: bool = True  # is more better?
    ratio: bool = True  # the goal is of figure / limit, else of the figure


ROWS = {
    "ingest": Row("durable ingest, QoS 1, 1 KB", "records/s",
                  "Paho consumer that stores nothing", 0.60),
    "live": Row("end to end live, 1 KB, one POST a record", "records/s",
                "wrk on the same sink", 0.28),
    "cpu": Row("CPU of a record in that job", "us",
               "null Paho consumer + libcurl", 1.3, high=False),
    "drain": Row("draining a backlog, 1 KB", "records/s",
                 "wrk on the same sink", 0.40),
    "resident": Row("resident at most, backlog and draining (VmHWM)", "MB",
                    "", 80, high=False, ratio=False),
    "large": Row("end to end, 300 KB", "records/s",
                 "writing and syncing the same bytes", 0.50),
    "envelope": Row("envelopes, in process, a thread", "1/s",
                    "RSA-2048 signatures", 0.85),
    "p50": Row("publish to platform at 200/s, p50", "ms",
               "fdatasync at 200/s, p50", 3.0, high=False),
    "p99": Row("publish to platform at 200/s, p99", "ms",
               "fdatasync at 200/s, p99", 2.5, high=False, ratio=False),
    "repeats": Row("delivered twice after a kill -9, at most", "records",
                   "in flight + uncommitted", 1.0, high=False),
    "lost": Row("lost after a kill -9, in all", "records", "", 0, high=False,
                ratio=False),
    "written": Row("written by the bridge, 1 KB, start to delivered",
                   "KB/record", "", 6, high=False, ratio=False),
    "first": Row("start with {many} waiting: first upload after", "s", "", 1,
                 high=False, ratio=False),
    "flat": Row("resident while draining them (VmHWM)", "MB",
                "the same with a tenth of them", 1.25, high=False),
    "cost": Row("cost of a record at a backlog of a million", "us of CPU",
                "at a backlog of a thousand", 1.25, high=False),
    "idle": Row("resident, idle", "MB", "", 30, high=False, ratio=False),
}


@dataclasses.dataclass
class Sizes:
    ingest: int = 50000
    live: int = 20000
    backlog: int = 100000
    large: int = 500
    latency: int = 2000
    kills: int = 20000
    million: int = 1000000
    envelope_s: float = 1.0


QUICK = Sizes(ingest=20000, live=10000, backlog=30000, large=150, latency=600,
              kills=10000, million=100000, envelope_s=0.3)


def rate(count, start_ns, end_ns):
    return count / ((end_ns - start_ns) / 1e9)


def wrk(rig, seconds):
    """Requests a second that the sink takes, 1 KB each."""
    done = subprocess.run(
        ["wrk", "-t1", "-c16", f"-d{seconds}", "-s", str(HERE / "post.lua"),
         rig.url], check=True, capture_output=True, text=True)
    return float(re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)[1])


def consume(bench, count, post):
    """The null consumer beside the same publisher."""
    with bench.rig(bridge=False) as rig:
        consumer = rig.consumer(count, *([rig.url] if post else []))
        start = rig.publish("null", count).join()["start_ns"]
        seen = consumer.hear()
        return (rate(count, start, seen["last_ns"]), seen["cpu_us"] / count)


# ---- the jobs: each measures its limit first --------------------------------

def ingest(bench):
    count = bench.sizes.ingest
    limit, _ = consume(bench, count, post=False)
    with bench.rig() as rig:
        rig.sink.talk("down")
        wait_until(lambda: rig.stored() >= 0, 10, "the store")
        span = rig.span()
        publisher = rig.publish("in", count)
        # Two records of the log for each: the event and its delivery.
        start = time.time_ns()
        wait_until(lambda: rig.stored() >= 2 * count, 120, "all stored",
                   every=0.01)
        end = time.time_ns()
        start = publisher.join()["start_ns"]
        bench.saw(span.stop())
    figure = rate(count, start, end)
    return {"ingest": (figure, limit, {})}


def live(bench):
    count = bench.sizes.live
    peer_rate, peer_cpu = consume(bench, count, post=True)
    with bench.rig() as rig:
        limit = wrk(rig, bench.seconds)
        rig.sink.talk(f"count live {count}")
        span = rig.span()
        start = rig.publish("live", count).join()["start_ns"]
        stats = rig.delivered(count)
        time.sleep(0.1)  # the last outcomes are committed
        span.stop()
        bench.saw(span)
    return {
        "live": (rate(count, start, stats["last_ns"]), limit,
                 {"null consumer + libcurl": peer_rate}),
        "cpu": (span.bridge_cpu_s * 1e6 / count, peer_cpu, {}),
        "written": (span.written / count / KB, None,
                    {"KB dirtied in whole folios":
                     span.dirtied / count / KB}),
    }


def drain(bench):
    count = bench.sizes.backlog
    with bench.rig() as rig:
        limit = wrk(rig, bench.seconds)
        rig.sink.talk("down")
        rig.sink.talk(f"count drain {count}")
        rig.publish("drain", count).join()
        wait_until(lambda: rig.stored() >= 2 * count, 120, "all stored")
        absorbed_mb = rig.bridge.memory_mb("VmHWM")
        time.sleep(1)
        span = rig.span()
        rig.sink.talk("up")
        stats = rig.delivered(count)
        bench.saw(span.stop())
        more = {name: rig.bridge.memory_mb(name)
                for name in ("RssAnon", "RssFile")}
        more["VmHWM before draining"] = absorbed_mb
        more["CPU us"] = span.bridge_cpu_s * 1e6 / count
        more["first s"] = (stats["first_ns"] - stats["up_ns"]) / 1e9
        highest = rig.bridge.memory_mb("VmHWM")
    return {"drain": (rate(count, stats["first_ns"], stats["last_ns"]), limit,
                      {}),
            "resident": (highest, None, more)}


def large(bench):
    count, size, window = bench.sizes.large, 300000, 10
    with bench.rig() as rig:
        # No group of the store can hold more than the publisher has out.
        limit = rig.disk(count, size, window, how="growing")["blocks_s"]
        alone = rig.disk(count, size, 1, how="growing")["blocks_s"]
        again = rig.disk(count, size, window)["blocks_s"]
        rig.sink.talk(f"count large {count}")
        span = rig.span()
        start = rig.publish("large", count, size, window=window).join()
        stats = rig.delivered(count)
        bench.saw(span.stop())
    return {"large": (rate(count, start["start_ns"], stats["last_ns"]), limit,
                      {"limit with one sync a body": alone,
                       "limit where the file has its size": again})}


def latency(bench):
    count = bench.sizes.latency
    with bench.rig() as rig:
        disk = rig.disk(count // 2, 4096, 1, rate=200)
        at_once = rig.disk(count // 2, 4096, 1)
        rig.sink.talk(f"count slow {count}")
        span = rig.span()
        rig.publish("slow", count, rate=200).join()
        stats = rig.delivered(count)
        bench.saw(span.stop())
    return {"p50": (stats["p50_us"] / 1e3, disk["p50_us"] / 1e3,
                    {"fdatasync back to back": at_once["p50_us"] / 1e3}),
            "p99": (stats["p99_us"] / 1e3, disk["p99_us"] / 1e3,
                    {"KB written a record": span.written / count / KB,
                     "CPU us": span.bridge_cpu_s * 1e6 / count})}


def kill(bench):
    """kill -9 somewhere in the middle, and a start at once."""
    count = bench.sizes.kills
    with bench.rig() as rig:
        rig.sink.talk(f"count kill {count}")
        at = int(count * random.uniform(0.05, 0.8))
        publisher = rig.publish("kill", count)
        wait_until(lambda: rig.sink.talk("stats")["unique"] >= at, 60, "kill",
                   every=0.001)
        rig.bridge.kill()
        rig.bridge_start(wait=False)
        acked = publisher.join()["acked"]
        stats = rig.delivered(count)
        time.sleep(0.5)  # were there more to come
        stats = rig.sink.talk("stats")
    return {"repeats": (stats["repeated"], CONCURRENCY + UNCOMMITTED, {}),
            "lost": (acked - stats["unique"], None, {})}


def start_with(bench, count, drained):
    """First upload after a start, and what is resident while it drains."""
    with bench.rig() as rig:
        rig.sink.talk("down")
        rig.sink.talk(f"count wait {count}")
        rig.publish("wait", count, 200, window=1000).join()
        wait_until(lambda: rig.stored() >= 2 * count, 300, "all stored")
        rig.bridge.end(30)
        rig.sink.talk("up")
        before = time.time_ns()
        rig.bridge_start(wait=False)
        stats = rig.delivered(min(count, drained))
        return ((stats["first_ns"] - before) / 1e9,
                rig.bridge.memory_mb("VmHWM"),
                {name: rig.bridge.memory_mb(name)
                 for name in ("RssAnon", "RssFile")})


def million(bench):
    many, few = bench.sizes.million, bench.sizes.million // 10
    _, limit, _ = start_with(bench, few, few)
    first, resident, more = start_with(bench, many, 20000)
    return {"first": (first, None, {}), "flat": (resident, limit, more)}


def cost(bench):
    """In the store itself, which is where a backlog could weigh."""
    with bench.rig(bridge=False) as rig:
        text = rig.instrument("bench_queue", rig.folder)
    costs = {int(many): float(us) for many, us in
             re.findall(r"backlog (\d+): ([\d.]+) us", text)}
    return {"cost": (costs[1000000], costs[1000], {})}


def envelope(bench):
    with bench.rig(bridge=False) as rig:
        text = rig.instrument("bench_envelope", bench.sizes.envelope_s)
    sealed, bare = re.findall(r"=(\d+)/s", text)
    return {"envelope": (float(sealed), float(bare), {})}


def idle(bench):
    with bench.rig() as rig:
        time.sleep(3)
        return {"idle": (rig.bridge.memory_mb("VmRSS"), None,
                         {name: rig.bridge.memory_mb(name)
                          for name in ("RssAnon", "RssFile")})}


# In the order of the table; how often at most, whatever --runs says.
JOBS = {"ingest": (ingest, 99), "live": (live, 99), "drain": (drain, 99),
        "large": (large, 99), "envelope": (envelope, 1),
        "latency": (latency, 99), "kill": (kill, 99), "million": (million, 1),
        "cost": (cost, 1), "idle": (idle, 1)}
