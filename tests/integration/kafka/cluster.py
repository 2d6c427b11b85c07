# SPDX-License-Identifier: Apache-2.0
"""Real clusters by tools/kafka-cluster, and the counting of checks."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Cluster:
    def __init__(self, version, port, directory, brokers=3):
        self.version, self.port, self.dir, self.brokers = version, port, pathlib.Path(directory), brokers
        self.tool = [str(ROOT / "tools/kafka-cluster"), "--dir", directory, "--heap", "400m"]

    def servers(self, shift=0, host="127.0.0.1"):
        """bootstrap servers of a listener: shift 0 PLAINTEXT, 100 SSL, 200 SASL_PLAINTEXT, 300 SASL_SSL"""
        return ",".join(f"{host}:{self.port + shift + i}" for i in range(self.brokers))

    def up(self, *more):
        more += ("--zookeeper",) if self.version.startswith("3.") else ()
        subprocess.run(self.tool + ["up", "--version", self.version, "--brokers", str(self.brokers), "--racks", "a,b,c",
                                    "--port", str(self.port), *more], check=True, timeout=400, stdout=subprocess.DEVNULL)

    def down(self):
        if (self.dir / "cluster.json").exists():
            self.do("down")

    def do(self, *args):
        subprocess.run(self.tool + list(args), check=True, timeout=120)

    def java(self, *args, stdin=None, timeout=240):
        return subprocess.run(self.tool + ["java", *args], input=stdin, stdout=subprocess.PIPE, check=True,
                              timeout=timeout).stdout


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, ok, why=""):
        print(f"{'ok    ' if ok else 'FAILED'} {name}{'' if ok else ': ' + str(why)}", flush=True)
        self.passed += bool(ok)
        self.failed += not ok
