"""What must be true of a story that went well: which versions served, which Jobs ran. Never a time. Pure."""

import re


def expect(errors, what, got, wanted):
    if got != wanted:
        errors.append(f"{what}: {got!r}, it must be {wanted!r}")


def row_of(rows, name):
    return next((row for row in rows if row["phase"] == name), None)


def _phases(errors, rows, wanted, where):
    for name, served, trained, checked in wanted:
        row = row_of(rows, name)
        if row is None:
            errors.append(f"{where}, {name}: the phase was not played")
            continue
        expect(errors, f"{where}, {name}: served by", row["served"], served)
        expect(errors, f"{where}, {name}: trained", row["trainJobs"], trained)
        expect(errors, f"{where}, {name}: number of checks", len(row["checkJobs"]), checked)
        expect(errors, f"{where}, {name}: a version made for the data answered", row["blindEnded"], True)
        if row["failed"] > row["requests"] * 0.01:
            errors.append(f"{where}, {name}: {row['failed']} of {row['requests']} requests failed, at most 1 % may")


def of_main(first, rows):
    """With switch. Data that is back trains nothing; a changed environment is checked, then trained in once."""
    errors = []
    expect(errors, "first version: served by", first["version"], "fuel-1")
    expect(errors, "first version: trained", first["trainJobs"], ["fuel-1"])
    wanted = [
        ("A first", "fuel-1", [], 0),
        ("B first", "fuel-2", ["fuel-2"], 0),
        ("A again", "fuel-1", [], 0),
        ("B again", "fuel-2", [], 0),
        ("numpy moves", "fuel-3", ["fuel-3"], 1),
        ("python moves", "fuel-3", [], 1),
    ]
    _phases(errors, rows, wanted, "with switch")
    return errors + of_refusal(row_of(rows, "python moves"))


def of_refusal(row):
    errors = []
    if row is None:
        return ["python moves: the phase was not played"]
    expect(errors, "the environment in force after the refusal", row["imageAfter"], row["imageBefore"])
    for what, pattern in (
        ("both Pythons", r"python 3\.11\.\d+ (→|->) 3\.13\.\d+"),
        ("numpy's versions", r"numpy 2\.0\.2 (→|->) 2\.2\.6"),
        ("what failed", r"train"),
        ("the cause", r"distutils"),
    ):
        if not re.search(pattern, row["message"]):
            errors.append(f"the refusal does not name {what}: {row['message']!r}")
    return errors


def of_baseline(first, rows):
    """Without switch: each change of the data is answered by a training."""
    errors = []
    expect(errors, "baseline, first version: trained", first["trainJobs"], ["fuel-1"])
    wanted = [
        ("A first", "fuel-1", [], 0),
        ("B first", "fuel-2", ["fuel-2"], 0),
        ("A again", "fuel-3", ["fuel-3"], 0),
        ("B again", "fuel-4", ["fuel-4"], 0),
    ]
    _phases(errors, rows, wanted, "retrain only")
    return errors


def of_labels(first, rows):
    """Only labels tell the kinds apart. A rule that is back trains nothing."""
    errors = []
    expect(errors, "labels, first version: trained", first["trainJobs"], ["fuel-1"])
    wanted = [
        ("A first", "fuel-1", [], 0),
        ("R first", "fuel-2", ["fuel-2"], 0),
        ("A again", "fuel-1", [], 0),
        ("R again", "fuel-2", [], 0),
    ]
    _phases(errors, rows, wanted, "labels")
    return errors


def of_routing(first, rows):
    """Each request is answered by the version for its kind, and what serves the others stays as it is."""
    errors = []
    expect(errors, "routing, first version: trained", first["trainJobs"], ["fuel-1"])
    wanted = [
        ("A first", "fuel-1", [], 0),
        ("B first", "fuel-2", ["fuel-2"], 0),
        ("A beside others", "fuel-1", [], 0),
        ("B beside others", "fuel-2", [], 0),
    ]
    _phases(errors, rows, wanted, "routing")
    for name in ("A beside others", "B beside others"):
        row = row_of(rows, name)
        if row and row["blindRequests"] != 0:
            errors.append(f"routing, {name}: {row['blindRequests']} requests were answered by another version first")
    return errors


def of_version(version, digest):
    """What a ModelVersion has to record about the run that made it."""
    errors = []
    name, spec = version["metadata"]["name"], version["spec"]
    for what, value, pattern in (
        ("artifact.sha256", spec["artifact"]["sha256"], r"[0-9a-f]{64}"),
        ("environment.image", spec["environment"]["image"], rf".+@{digest}"),
        ("environment.python", spec["environment"]["python"], r"3\.11\.\d+"),
        ("environment.packages.numpy", spec["environment"]["packages"].get("numpy", ""), r"1\.26\.4"),
        ("metrics.accuracy", str(spec.get("metrics", {}).get("accuracy", "")), r"0\.\d+|1(\.0)?"),
        ("lineage.pipeline", spec["lineage"]["pipeline"], r"fuel"),
    ):
        if not re.fullmatch(pattern, value):
            errors.append(f"{name}: spec.{what} is {value!r}, it must match {pattern}")
    if not spec.get("profile"):
        errors.append(f"{name}: spec.profile is empty")
    return errors
