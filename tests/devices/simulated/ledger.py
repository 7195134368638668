"""Vehicle ledgers: plates of every shape, numbers with their check digits."""

import csv
import random

COLUMNS = ["plate", "color", "vehicleId", "vin", "tare_t"]
ENTERPRISE = "91110000710934615P001X"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # plates have no I and no O
PURE, OTHER = "DABCE", "FGHJK"        # new energy: electric, all other

VIN_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (
    1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9)))
VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin_check(vin: str) -> str:
    """GB 16735: the ninth character."""
    values = [int(c) if c.isdigit() else VIN_VALUES[c] for c in vin]
    total = sum(w * value for w, value in zip(VIN_WEIGHTS, values))
    return "X" if total % 11 == 10 else str(total % 11)


def make_vin(rng) -> str:
    vin = "L" + "".join(rng.choice(VIN_LETTERS) for _ in range(10)) \
        + f"{rng.randrange(10 ** 6):06d}"
    return vin[:8] + vin_check(vin) + vin[9:]


def make_plate(rng):
    """(plate, colour): GA 36 shapes, most of them large vehicles."""
    start = "云" + rng.choice(LETTERS)
    digits = f"{rng.randrange(10 ** 5):05d}"
    kind = rng.random()
    if kind < 0.6:
        return start + digits, "yellow"
    if kind < 0.7:
        return start + rng.choice(LETTERS) + digits[1:], "yellow"
    if kind < 0.8:
        return start + digits, "blue"
    if kind < 0.9:
        return start + digits + rng.choice(PURE + OTHER), "yellow_green"
    return start + rng.choice(PURE + OTHER) + digits, "green"


def make(count, enterprise=ENTERPRISE, seed=None) -> list:
    if not 0 < count < 100_000:
        raise ValueError("a ledger has 1 to 99999 vehicles")
    rng = random.Random(seed)
    rows, plates = [], set()
    while len(rows) < count:
        plate, color = make_plate(rng)
        if plate in plates:
            continue
        plates.add(plate)
        rows.append({"plate": plate, "color": color,
                     "vehicleId": f"{enterprise}{len(rows) + 1:05d}",
                     "vin": make_vin(rng),
                     "tare_t": f"{rng.randrange(600, 900) * 20 / 1000:.2f}"})
    return rows


def plain(count=50) -> list:
    """The ledger of the demonstration: plates that tell their number."""
    return [{"plate": f"云A{10000 + n}", "color": "yellow",
             "vehicleId": f"{ENTERPRISE}{n:05d}",
             "vin": f"LZZ5ELSD7CN{100000 + n}", "tare_t": "15.0"}
            for n in range(count)]


def write(rows, file):
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def read(path) -> list:
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = set(COLUMNS) - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{path}: no column " + ", ".join(missing))
        return list(reader)
