# SPDX-License-Identifier: Apache-2.0
"""A copy of the tree with a build folder of its own, in which mutants are planted. The original is only read."""
import os
import pathlib
import shutil
import subprocess

# Assertions are on, as in no release: a mutant that trips one is found. Warnings do not stop a mutant.
SETUP = ("--buildtype=plain", "-Doptimization=1", "-Db_ndebug=false", "-Dwerror=false", "-Dc_args=-w")


def source_files(root):
    """What git tracks or would track."""
    said = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                          cwd=root, check=True, capture_output=True).stdout.decode()
    return [name for name in said.split("\0") if name and (root / name).is_file()]


class Tree:
    def __init__(self, original, place, jobs):
        self.original = original
        self.source = place / "tree"
        self.build = place / "build"
        self.jobs = jobs
        self.planted = None  # path and text of the file that is changed

    def sync(self):
        """Copies what differs; files keep their times, so that what is built stays built."""
        names = set(source_files(self.original))
        for name in names:
            self._copy(name)
        for path in [p for p in self.source.rglob("*") if not p.is_dir()]:
            if str(path.relative_to(self.source)) not in names and "__pycache__" not in path.parts:
                path.unlink()

    def _copy(self, name):
        theirs, ours = self.original / name, self.source / name
        if ours.is_file() and ours.read_bytes() == theirs.read_bytes():
            return
        ours.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(theirs, ours)

    def configure(self):
        if not (self.build / "build.ninja").is_file():
            subprocess.run(["meson", "setup", self.build, self.source, *SETUP],
                           check=True, capture_output=True, env=self._environment())

    def _environment(self):
        return {**os.environ, "CCACHE_BASEDIR": str(self.source), "CCACHE_NOHASHDIR": "1"}

    def ninja(self, targets=()):
        """Builds; None, or the compiler's words if it fails."""
        done = subprocess.run(["ninja", "-C", str(self.build), f"-j{self.jobs}", *targets],
                              capture_output=True, text=True, env=self._environment())
        return None if done.returncode == 0 else (done.stdout + done.stderr)[-3000:]

    def plant(self, mutant):
        path = self.source / mutant.file
        text = path.read_text()
        assert text.count(mutant.old) == 1, mutant.name
        self.planted = (path, text)
        path.write_text(text.replace(mutant.old, mutant.new))

    def restore(self):
        path, text = self.planted
        path.write_text(text)


def state_of(root):
    """The commit, to tell results of one tree from those of another."""
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True)
    return said.stdout.strip()


def place_for(work, number):
    place = pathlib.Path(work) / f"worker-{number}"
    place.mkdir(parents=True, exist_ok=True)
    return place
