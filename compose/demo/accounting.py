"""The books of a run: what devices sent, what the bridge did with it, and
what the platforms accepted.  Promise 7: everything is accounted for."""

FATES = ("used", "joining", "unrouted", "invalid", "repeats")
STATES = ("delivered", "waiting", "parked", "held", "rejected", "discarded")
OPEN = ("waiting", "parked", "held", "rejected")


def total(rows, member):
    return sum(row[member] for row in rows)


def unfinished(stats):
    """Deliveries and passages that something is still to happen to."""
    return (total(stats["deliveries"], "waiting")
            + total(stats["deliveries"], "parked")
            + total(stats["events"], "joining"))


def silent(stats, destinations):
    """Destinations that have had nothing yet."""
    heard = {row["destination"] for row in stats["deliveries"]
             if row["delivered"]}
    return [name for name in destinations if name not in heard]


def device_faults(name, books):
    """A device's own books: each event ended in a receipt."""
    if books is None:
        yield f"{name}: left no books"
        return
    if books["made"] != books["stored"]:
        yield (f"{name}: {books['made']} events, but {books['stored']}"
               f" receipts; {books['rejected']} refused: {books['reasons']}")


def wired_faults(wired, books, codes):
    """What the devices behind the adapters say, against the receipts."""
    if books is None:
        yield "the devices behind the adapters left no books"
    for name, (said, stored) in wired.missing(books).items():
        yield (f"{name}: {'nothing' if not stored else stored} was stored"
               + ("" if said is None else f" of {said} events"))
    for reason in wired.witness.refused.values():
        yield f"refused: {reason}"
    for kind, code in codes.items():
        if code:
            yield f"sampan-{kind} ended with {code}"


def event_faults(stats, made):
    for row in stats["events"]:
        said = sum(row[fate] for fate in FATES)
        if row["received"] != said:
            yield (f"{row['kind']}: received {row['received']}, but the fates"
                   f" add up to {said}")
        for fate in ("joining", "unrouted", "invalid"):
            if row[fate]:
                yield f"{row['kind']}: {row[fate]} {fate}"
    fresh = total(stats["events"], "received") - total(stats["events"],
                                                       "repeats")
    if fresh != made:
        yield f"devices made {made} events, the bridge has {fresh}"


def delivery_faults(stats):
    for row in stats["deliveries"]:
        where = f"{row['destination']}/{row['interface']}"
        said = sum(row[state] for state in STATES)
        if row["made"] != said:
            yield f"{where}: made {row['made']}, but states add up to {said}"
        for state in OPEN:
            if row[state]:
                yield f"{where}: {row[state]} {state}"


def accepted_by(standin_stats):
    """Interface -> records a stand-in accepted, each counted once."""
    return {name: account["accepted"] + account["updates"]
            + account["unnumbered"]
            for name, account in standin_stats["interfaces"].items()}


def platform_faults(stats, standins):
    """standins: destination -> its /_control/stats."""
    for row in stats["deliveries"]:
        where = f"{row['destination']}/{row['interface']}"
        standin = standins.get(row["destination"])
        if standin is None:
            yield f"{where}: no stand-in of that name"
            continue
        accepted = accepted_by(standin).get(row["interface"], 0)
        if accepted != row["delivered"]:
            yield (f"{where}: the bridge delivered {row['delivered']}, the"
                   f" platform accepted {accepted}")
    for name in silent(stats, standins):
        yield f"{name}: nothing was delivered"
    for name, standin in standins.items():
        if standin["totals"]["invalid"]:
            yield (f"{name}: {standin['totals']['invalid']} requests were not"
                   f" of its form: {standin['examples'][-1]['reasons']}")


def lines(devices, wired, stats, standins):
    """The books for people."""
    yield "what the devices sent"
    for name, books in devices.items():
        if books:
            yield (f"  {name:<22}{books['made']:>7} events"
                   f"{books['stored']:>7} receipts")
    yield "what devices told the adapters, and these brought to the bridge"
    for name, said, stored in wired.rows():
        told = "" if said is None else f"{said:>7} events"
        yield f"  {name:<22}{told:<14}{stored:>7} receipts"
    yield "what the bridge received"
    for row in stats["events"]:
        fates = ", ".join(f"{row[fate]} {fate}" for fate in FATES if row[fate])
        yield f"  {row['kind']:<22}{row['received']:>7} = {fates}"
    yield "what it made of it, and what the platforms accepted"
    for row in stats["deliveries"]:
        states = ", ".join(f"{row[s]} {s}" for s in STATES if row[s])
        where = f"{row['destination']}/{row['interface']}"
        accepted = accepted_by(standins.get(
            row["destination"], {"interfaces": {}})).get(row["interface"], 0)
        yield f"  {where:<34}{row['made']:>7} = {states}; accepted {accepted}"


def faults(devices, wired, wired_books, codes, stats, standins):
    """Every sentence that keeps the books from being closed."""
    made = sum(books["made"] for books in devices.values() if books) \
        + sum(wired.witness.counts().values())
    for name, books in devices.items():
        yield from device_faults(name, books)
    yield from wired_faults(wired, wired_books, codes)
    yield from event_faults(stats, made)
    yield from delivery_faults(stats)
    yield from platform_faults(stats, standins)
