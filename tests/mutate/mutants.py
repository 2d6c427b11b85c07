# SPDX-License-Identifier: Apache-2.0
"""The list of mutants: mutants/<area>.toml, read and checked. See tests/mutate/run --help."""
import collections
import dataclasses
import hashlib
import pathlib
import tomllib

AREAS = ("base", "wire", "record", "io", "core", "producer", "consumer", "admin", "mock", "cli")
FOLDERS = {"consumer": ("src/consumer/", "src/reading/")}  # where they are not named like the area

# What kind of slip it is. The score is printed by these too: a kind that nobody sees is a gap in the tests.
KINDS = {
    "limit": "off by one, or wrong at the edge of a range",
    "wake-up": "somebody who waits is not told, or is told too early",
    "field": "the wrong one of two similar things",
    "reset": "something is not set back for its next use",
    "comparison": "a comparison turned round or left out",
    "swallowed": "an error is dropped, or a failed answer taken for a good one",
    "lock": "a lock or an atomic step left out, or given back twice",
    "sign": "a sign, a width or a conversion",
    "return": "an early return that leaves something undone",
    "refcount": "a reference too many or too few; memory not freed, or too early",
    "order": "two statements in the wrong order",
    "reconnect": "a state that outlives the connection or session it belongs to",
    "clock": "a deadline or pause computed from the wrong time",
}
FIELDS = {"file", "kind", "old", "new", "why"}
OPTIONAL = {"harmless"}


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str  # area-number: its place in the area's file
    area: str
    file: str
    kind: str
    old: str
    new: str
    why: str
    harmless: str = ""

    @property
    def key(self):
        """The same mutant, wherever in its list it stands."""
        return hashlib.sha256("\0".join((self.file, self.old, self.new)).encode()).hexdigest()[:16]


def complaints_of_entry(name, area, entry):
    missing, unknown = FIELDS - entry.keys(), entry.keys() - FIELDS - OPTIONAL
    if missing or unknown:
        yield f"{name}: missing {sorted(missing)}, unknown {sorted(unknown)}"
        return
    if entry["kind"] not in KINDS:
        yield f"{name}: kind '{entry['kind']}' is none of {', '.join(KINDS)}"
    if not entry["file"].startswith(FOLDERS.get(area, (f"src/{area}/",))):
        yield f"{name}: {entry['file']} is not of src/{area}"
    if entry["old"] == entry["new"]:
        yield f"{name}: old and new are the same"


def load(folder):
    """All mutants, and what is wrong with the files."""
    mutants, wrong = [], []
    for path in sorted(pathlib.Path(folder).glob("*.toml"), key=lambda p: p.name):
        if path.stem not in AREAS:
            wrong.append(f"{path.name}: no such area")
            continue
        try:
            entries = tomllib.loads(path.read_text()).get("mutant", [])
        except tomllib.TOMLDecodeError as error:
            wrong.append(f"{path.name}: {error}")
            continue
        for number, entry in enumerate(entries, 1):
            name = f"{path.stem}-{number}"
            bad = list(complaints_of_entry(name, path.stem, entry))
            wrong += bad
            if not bad:
                mutants.append(Mutant(name=name, area=path.stem, **entry))
    mutants.sort(key=lambda m: AREAS.index(m.area))
    return mutants, wrong


def complaints_of_text(root, mutants):
    """Each old text must stand exactly once in its file: else the mutant is not the one that is meant."""
    texts = {}
    for m in mutants:
        path = root / m.file
        if m.file not in texts:
            texts[m.file] = path.read_text() if path.is_file() else None
        if texts[m.file] is None:
            yield f"{m.name}: {m.file} does not exist"
        elif (count := texts[m.file].count(m.old)) != 1:
            yield f"{m.name}: its old text stands {count} times in {m.file}, not once"


def check(root, folder):
    mutants, wrong = load(folder)
    wrong += complaints_of_text(root, mutants)
    counts = collections.Counter(m.key for m in mutants)
    wrong += [f"{m.name}: the same as another" for m in mutants if counts[m.key] > 1]
    return mutants, wrong
