"""The phases of the story, one function each. Each returns a table.Phase."""

import contextlib

import kube
import table
from clients import Traffic

LIMIT = 420  # seconds that one wait for a training, a rollout or a switch may take at most


class Story:
    def __init__(self, cast, chaos, rows, rate, feedback=None, header=None):
        self.cast, self.chaos, self.rows, self.rate = cast, chaos, rows, rate
        self.feedback, self.header = feedback, header
        self._seed, self._jobs = 0, {"train": [], "check": []}

    # --- what phases are made of

    def _begin(self, title):
        kube.say(f"{self.cast.namespace}: {title}")
        self.chaos.kill("at the phase's boundary")
        self._seed += 1

    def _traffic(self, kind, part):
        return Traffic(self.cast.namespace, kind, part, self.rate, self._seed, self.feedback, self.header)

    def _new_jobs(self, purpose):
        now = self.cast.jobs(purpose)
        new = [name for name in now if name not in self._jobs[purpose]]
        self._jobs[purpose] = sorted({*self._jobs[purpose], *now})
        return new

    def _end(self, name, kind, records, note=""):
        kinds = dict(self.cast.kinds({record["version"] for record in records}))
        phase = table.Phase(name, kind, records, kinds, self._new_jobs("train"), self._new_jobs("check"), note)
        row = table.summary(phase)
        kube.say(
            f"  {name}: served by {row['served']}, accuracy {row['accuracy']:.3f}, blind for {row['blindRequests']} requests, "
            f"trained {row['trainJobs'] or 'nothing'}"
        )
        return row

    def _until_more(self, traffic, part):
        """Goes on with rows of another part, that nobody was trained on, for self.rows requests."""
        traffic.use_part(part)
        enough = lambda records: sum(r["part"] == part for r in records) >= self.rows
        traffic.wait(f"{self.rows} more requests", enough, LIMIT)

    # --- the phases

    def install(self):
        """fuel-1 is trained on the first rows and serves."""
        self._begin("the pipeline and the deployment are applied")
        self.cast.begin()
        self.cast.apply("pipeline")
        self.cast.apply("deployment")

        def probe():
            pipeline = self.cast.pipeline()
            name = (pipeline or {}).get("status", {}).get("latestVersion")
            return name, kube.told(pipeline)

        first = kube.wait("the first version", self.cast.namespace, probe, limit=LIMIT)
        kube.say(f"  {first} is recorded")
        active = self.cast.wait_quiet(LIMIT)
        kube.say(f"  {active} serves")
        return {"version": active, "trainJobs": self._new_jobs("train"), "checkJobs": self._new_jobs("check")}

    def data(self, name, kind, part, judged_on):
        """Requests of `kind` come until a version made for it answers, then self.rows more."""
        self._begin(f"{name}: requests of kind {kind}")
        with self._traffic(kind, part) as traffic:

            def answered(records):
                return any(self.cast.kinds({r["version"] for r in records[-20:]}).get(r["version"]) == kind for r in records[-20:])

            traffic.wait(f"an answer of a version trained on {kind}", answered, LIMIT)
            self._until_more(traffic, judged_on)
        self.cast.wait_quiet(LIMIT)
        return self._end(name, kind, traffic.records)

    def at_once(self, kinds, part):
        """Requests of all `kinds` beside each other. One row for each kind."""
        self._begin(f"{' and '.join(kinds)} at once")
        records = {}
        with contextlib.ExitStack() as stack:
            clients = {kind: stack.enter_context(self._traffic(kind, part)) for kind in kinds}
            for kind, traffic in clients.items():
                traffic.wait(f"{self.rows} requests of {kind}", lambda seen: len(seen) >= self.rows, LIMIT)
                records[kind] = traffic.records
        self.cast.wait_quiet(LIMIT)
        return [self._end(f"{kind} beside others", kind, records[kind]) for kind in kinds]

    def adopted(self, name, variant, kind, part, judged_on):
        """The tag moves to an environment that works: checked, adopted, trained in, served."""
        self._begin(f"{name}: the tag moves to {variant}")
        with self._traffic(kind, part) as traffic:
            digest = self.cast.move_tag(variant)

            def in_force():
                pipeline = self.cast.pipeline()
                image = (pipeline or {}).get("status", {}).get("environment", {}).get("image", "")
                return image.endswith(digest), kube.told(pipeline)

            kube.wait(f"{variant} to be adopted", self.cast.namespace, in_force, limit=LIMIT)
            kube.say(f"  {variant} is in force")

            def trained():
                made = [v["metadata"]["name"] for v in self.cast.versions() if v["spec"]["environment"]["image"].endswith(digest)]
                return made and made[0], kube.told(self.cast.pipeline())

            version = kube.wait(f"a version made in {variant}", self.cast.namespace, trained, limit=LIMIT)
            kube.say(f"  {version} is recorded")
            traffic.wait(f"an answer of {version}", lambda records: any(r["version"] == version for r in records[-20:]), LIMIT)
            self._until_more(traffic, judged_on)
        self.cast.wait_quiet(LIMIT)
        return self._end(name, kind, traffic.records, f"{variant} adopted")

    def refused(self, name, variant, kind, part):
        """The tag moves to an environment in which training breaks: refused, what is in force stays so."""
        self._begin(f"{name}: the tag moves to {variant}")
        before = self.cast.pipeline()["status"]["environment"]["image"]
        with self._traffic(kind, part) as traffic:
            digest = self.cast.move_tag(variant)

            def probe():
                pipeline = self.cast.pipeline()
                said = kube.condition(pipeline, "EnvironmentAccepted")
                refused = said.get("status") == "False" and said.get("reason") == "Refused" and digest in said.get("message", "")
                return refused and said["message"], kube.told(pipeline)

            message = kube.wait(f"{variant} to be refused", self.cast.namespace, probe, limit=LIMIT)
            kube.say(f"  EnvironmentAccepted=False, Refused: {message}")
            self._until_more(traffic, part)
        row = self._end(name, kind, traffic.records, f"{variant} refused")
        after = self.cast.pipeline()["status"]["environment"]["image"]
        return row | {"message": message, "imageBefore": before, "imageAfter": after}


def returning(story):
    """A, B, A, B: the part of the story that is also played without switching."""
    yield story.data("A first", "A", part=1, judged_on=1)
    yield story.data("B first", "B", part=0, judged_on=1)
    yield story.data("A again", "A", part=2, judged_on=3)
    yield story.data("B again", "B", part=2, judged_on=3)


def renumbered(story):
    """The inputs stay what they are, and what they mean changes: labels alone show it."""
    yield story.data("A first", "A", part=1, judged_on=1)
    yield story.data("R first", "R", part=0, judged_on=1)
    yield story.data("A again", "A", part=2, judged_on=3)
    yield story.data("R again", "R", part=2, judged_on=3)


def routed(story):
    """Requests say what they are: each goes to the version that was made for it."""
    yield story.data("A first", "A", part=1, judged_on=1)
    yield story.data("B first", "B", part=0, judged_on=1)
    yield from story.at_once(("A", "B"), part=2)


def environments(story):
    """The trainer's image changes, while B goes on."""
    yield story.adopted("numpy moves", "1.1", "B", part=1, judged_on=2)
    yield story.refused("python moves", "2.0", "B", part=2)
