"""From the requests of a phase to the numbers of the table, and the table itself. Pure: no cluster, no clock."""

from dataclasses import dataclass, field


@dataclass
class Phase:
    """What one phase of the story was and how it went."""

    name: str
    kind: str  # of the requests: A, B or R
    records: list  # as images/fuel/traffic.py prints them, in order
    kinds: dict  # version -> the kind of data that it was trained on, "A", "B", "R" or "mixed"
    train_jobs: list = field(default_factory=list)
    check_jobs: list = field(default_factory=list)
    note: str = ""


@dataclass
class BlindSpot:
    """From the first request of a kind to the first that a version made for it answered."""

    requests: int
    seconds: float
    ended: bool  # False: no such version answered before the phase was over


def blind_spot(records, kind, kinds):
    if not records:
        return BlindSpot(0, 0.0, False)
    first = records[0]["time"]
    for index, record in enumerate(records):
        if kinds.get(record["version"]) == kind:
            return BlindSpot(index, round(record["time"] - first, 3), True)
    return BlindSpot(len(records), round(records[-1]["time"] - first, 3), False)


def accuracy(records):
    """Share of right answers; a request that failed counts as a wrong one. None without requests."""
    return sum(record["correct"] for record in records) / len(records) if records else None


def served(records):
    """The version that answered last; None if none did."""
    return next((record["version"] for record in reversed(records) if record["version"]), None)


def failed(records):
    return sum(record["version"] is None for record in records)


def kind_of(metrics):
    """The kind of data that a version was trained on, from its metrics (strings, as ModelVersion has them)."""
    rows = {name.removeprefix("rows_of_"): float(value) for name, value in metrics.items() if name.startswith("rows_of_")}
    return next((kind for kind, count in rows.items() if count > 0 and count >= 0.9 * sum(rows.values())), "mixed")


def summary(phase):
    """One row of the table as plain values."""
    blind = blind_spot(phase.records, phase.kind, phase.kinds)
    after = phase.records[blind.requests :] if blind.ended else []
    return {
        "phase": phase.name,
        "kind": phase.kind,
        "requests": len(phase.records),
        "failed": failed(phase.records),
        "served": served(phase.records),
        "accuracy": accuracy(phase.records),
        "accuracyBlind": accuracy(phase.records[: blind.requests]),
        "accuracyAfter": accuracy(after),
        "blindRequests": blind.requests,
        "blindSeconds": blind.seconds,
        "blindEnded": blind.ended,
        "trainJobs": list(phase.train_jobs),
        "checkJobs": list(phase.check_jobs),
        "note": phase.note,
    }


COLUMNS = ("phase", "data", "requests", "failed", "served by", "accuracy", "while blind", "after", "blind spot", "trained", "checked")


def _share(value):
    return "-" if value is None else f"{value:.3f}"


def _cells(row):
    blind = f"{row['blindRequests']} req, {row['blindSeconds']:.1f} s" + ("" if row["blindEnded"] else " (did not end)")
    return [
        row["phase"],
        row["kind"],
        str(row["requests"]),
        str(row["failed"]),
        row["served"] or "-",
        _share(row["accuracy"]),
        _share(row["accuracyBlind"]),
        _share(row["accuracyAfter"]),
        blind,
        ", ".join(row["trainJobs"]) or "nothing",
        ", ".join(row["checkJobs"]) or "nothing",
    ]


def render(title, rows):
    """The table as text, columns aligned."""
    cells = [list(COLUMNS)] + [_cells(row) for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([title, *lines]) + "\n"


def compare(main, baseline):
    """Blind spots of the phases that both stories have, side by side."""
    others = {row["phase"]: row for row in baseline}
    lines = [("phase", "with switch", "", "retrain only", "")]
    for row in main:
        other = others.get(row["phase"])
        if other:
            sides = [(f"{r['blindRequests']} req, {r['blindSeconds']:.1f} s, accuracy {_share(r['accuracy'])}", f"{len(r['trainJobs'])} trained") for r in (row, other)]
            lines.append((row["phase"], *sides[0], *sides[1]))
    widths = [max(len(line[i]) for line in lines) for i in range(5)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines) + "\n"
