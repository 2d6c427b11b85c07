# SPDX-License-Identifier: Apache-2.0
"""The result file (a line of JSON a mutant, the last one counts) and the tables made of it."""
import collections
import json

from mutants import AREAS, KINDS
from stages import STAGES


def read(path):
    results = {}
    if path.is_file():
        for line in path.read_text().splitlines():
            row = json.loads(line)
            results[row["key"]] = row
    return results


def add(path, row):
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def row_of(title, mutants, results):
    seen = collections.Counter(results[m.key]["stage"] for m in mutants)
    found = sum(seen[s] for s in STAGES)
    harmless = sum(1 for m in mutants if m.harmless and not results[m.key]["stage"])
    cells = "".join(f"{seen[s] or '-':>12}" for s in STAGES)
    return f"{title:<12}{len(mutants):>8}{found:>7}{cells}{harmless:>10}{len(mutants) - found - harmless:>10}"


def table(first, groups, results):
    """groups: pairs of a title and its mutants."""
    print(f"\n{first:<12}{'mutants':>8}{'found':>7}" + "".join(f"{s:>12}" for s in STAGES) + f"{'harmless':>10}{'not found':>10}")
    for title, mutants in groups:
        if mutants:
            print(row_of(title, mutants, results))


def show(mutants, results, state):
    """True when all that have a result are found or argued to be harmless in 95 of 100."""
    done = [m for m in mutants if m.key in results and not results[m.key].get("broken")]
    table("area", [(a, [m for m in done if m.area == a]) for a in AREAS] + [("all", done)], results)
    table("kind", [(k, [m for m in done if m.kind == k]) for k in KINDS], results)
    missed = [m for m in done if not results[m.key]["stage"]]
    for m in missed:
        print(f"\nnot found: {m.name} ({m.kind}) in {m.file}: {m.why}")
        if m.harmless:
            print(f"    harmless: {m.harmless}")
    show_odd(mutants, results, state)
    found = len(done) - len(missed)
    open_ones = sum(1 for m in missed if not m.harmless)
    if done:
        print(f"\n{found} of {len(done)} found ({100 * found / len(done):.1f} %), {len(missed) - open_ones} harmless, {open_ones} open")
    return bool(done) and open_ones == 0 and found >= 0.95 * len(done)


def show_odd(mutants, results, state):
    for m in mutants:
        row = results.get(m.key)
        if row and row.get("broken"):
            print(f"\nno mutant: {m.name} does not build: {row['broken'][-400:]}")
        elif row and m.harmless and row["stage"]:
            print(f"\nnot harmless: {m.name} is found by {row['test']}")
    older = sum(1 for m in mutants if m.key in results and results[m.key]["state"] != state)
    if older:
        print(f"\n{older} results are of another state of the tree than {state}: --fresh runs them again")
