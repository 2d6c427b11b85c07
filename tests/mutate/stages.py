# SPDX-License-Identifier: Apache-2.0
"""The tests of a build as stages: what meson knows of them, and the long runs of tools/test."""
import dataclasses
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import time

STAGES = ("layer", "unit", "sim", "hostile", "integration")
OF_LAYER = {"core": ("unit/core", "unit/config"), "wire": ("unit/wire", "vectors"), "record": ("unit/record", "vectors"),
            "producer": ("unit/producer", "integration/producer/settling"), "consumer": ("unit/consumer", "unit/reading", "integration/consumer/settling"),
            "admin": ("unit/admin", "integration/admin"), "cli": ("integration/cli",)}
# Freed memory is filled with a pattern whose bits vary, by glibc: what uses it does not get far.
POISON = {"MALLOC_PERTURB_": str(0xDB), "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
LEAST_LIMIT = 40   # seconds that any test may take
LONGEST = 900      # without a mutant
LIMIT_FACTOR = 12  # times what it took without a mutant: the machine may be busy
MORE = (  # what tools/test runs beside the suites of meson: stage, name, program, arguments
    ("sim", "sim/3000-seeds", "tests/sim/run", ("--seeds", "301..3000", "--no-shrink")),
    ("sim", "sim/scenarios-10", "tests/sim/run", ("--scenario", "all", "--seeds", "5..10", "--no-shrink")),
    ("hostile", "hostile/20000", "tests/hostile/run", ("--sample", "20000")),
)


@dataclasses.dataclass
class Test:
    name: str
    stage: str
    command: list
    targets: list  # what has to be built for it, relative to the build folder
    env: dict
    folder: str
    seconds: float = 0  # without a mutant
    digest: str = ""    # of its targets, without a mutant

    @property
    def limit(self):
        return max(LEAST_LIMIT, LIMIT_FACTOR * self.seconds)


def introspect(build, what):
    return json.loads(subprocess.run(["meson", "introspect", str(build), f"--{what}"],
                                     check=True, capture_output=True).stdout)


def stage_of(name, suites):
    if "sim" in suites:
        return "hostile" if name == "sim/hostile" else "sim"
    return "integration" if "integration" in suites else "unit"


def tests_of(build):
    build = pathlib.Path(build).resolve()
    files = {t["id"]: [os.path.relpath(f, build) for f in t["filename"]] for t in introspect(build, "targets")}
    tests = []
    for t in introspect(build, "tests"):
        suites = [s.split(":")[-1] for s in t["suite"]]
        targets = [f for d in t["depends"] for f in files[d]]
        tests.append(Test(t["name"], stage_of(t["name"], suites), t["cmd"], targets, t["env"], t["workdir"] or str(build)))
    for stage, name, program, arguments in MORE:
        tests.append(Test(name, stage, [str(build / program), *arguments], [program], {}, str(build)))
    return tests


def needed(tests, stages, areas):
    """Those that any of the stages runs for any of the areas."""
    names = {t.name for area in areas for stage, group in stages_for(tests, area) if stage in stages for t in group}
    return [t for t in tests if t.name in names]


def targets_of(tests):
    return sorted({target for t in tests for target in t.targets})


def digest_of(build, test):
    """Of what it runs: a test whose programs are the same bytes as without the mutant cannot find it."""
    digest = hashlib.sha256()
    for target in test.targets:
        digest.update((pathlib.Path(build) / target).read_bytes())
    return digest.hexdigest()


def run_once(test, limit):
    """'' when it passes, else what is wrong."""
    started = time.monotonic()
    process = subprocess.Popen(test.command, cwd=test.folder, env={**os.environ, **POISON, **test.env}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        said, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"hangs: {limit:.0f} s are over"
    test.took = time.monotonic() - started
    if process.returncode == 0:
        return ""
    return f"status {process.returncode}: {first_complaint(said.decode(errors='replace'))}"


def first_complaint(said):
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for word in ("CRASH", "Assertion", "Failed", "FAILED", "violation", "Error"):
        for line in lines:
            if word in line:
                return line[:160]
    return (lines or ["no word"])[-1][:160]


def run(test):
    """A failure must happen twice, or a test that fails by chance would be taken for one that sees."""
    wrong = run_once(test, test.limit)
    if not wrong or wrong.startswith("hangs"):
        return wrong
    return run_once(test, test.limit) and wrong


def stages_for(tests, area):
    """(stage, tests) in the order in which they run: the quickest first in each."""
    own = OF_LAYER.get(area, (f"unit/{area}",))
    of_layer = [t for t in tests if t.name.startswith(own)]
    rest = [t for t in tests if t not in of_layer]
    yield "layer", sorted(of_layer, key=lambda t: t.seconds)
    for stage in STAGES[1:]:
        yield stage, sorted((t for t in rest if t.stage == stage), key=lambda t: t.seconds)
