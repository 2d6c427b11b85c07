#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the kclient command against an embedded cluster: what it prints, where, and how it ends.

usage: check.py KCLIENT [DOCS/CONFIGURATION.md] [-k PART-OF-A-NAME]

Every test is a function test_...(t). Nothing may take longer than the time-out of a run, and nothing but
the expected may be on standard error."""
import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TIMEOUT = 60


class Failed(Exception):
    pass


class Result:
    def __init__(self, args, code, out, err, seconds):
        self.args, self.code, self.out, self.err, self.seconds = args, code, out, err, seconds

    def describe(self):
        shown = self.out if len(self.out) < 2000 else self.out[:2000] + b"..."
        return "kclient %s\n  exit %s after %.1f s\n  stdout: %r\n  stderr: %r" % (
            " ".join(map(str, self.args)), self.code, self.seconds, shown, self.err[-1500:])

    def expect(self, code=0, out=None, err=b"", err_has=(), out_has=()):
        problems = []
        if self.code != code:
            problems.append("exit code is not %s" % code)
        if out is not None and self.out != out:
            problems.append("stdout is not %r" % out)
        problems += ["stdout lacks %r" % p for p in out_has if p not in self.out]
        problems += ["stderr lacks %r" % p for p in err_has if p not in self.err]
        if not err_has and err is not None and self.err != err:
            problems.append("stderr is not %r" % err)
        if problems:
            raise Failed("; ".join(problems) + "\n" + self.describe())
        return self

    def lines(self):
        return self.out.decode().splitlines()

    def json(self):
        return [json.loads(line) for line in self.out.decode().splitlines()]


class Tests:
    def __init__(self, kclient, docs):
        self.kclient, self.docs = kclient, docs
        self.count = 0
        self.mock, self.servers = self.start_mock("--brokers", "3", "--racks", "a,b,c")

    def start_mock(self, *options):
        mock = subprocess.Popen([self.kclient, "mock", *options], stdout=subprocess.PIPE)
        return mock, mock.stdout.readline().decode().strip()

    def stop_mock(self, mock):
        mock.send_signal(signal.SIGTERM)
        code = mock.wait(TIMEOUT)
        mock.stdout.close()
        if code != 0:
            raise Failed("kclient mock ended with %s" % code)

    def topic(self, partitions=1):
        self.count += 1
        name = "topic-%d" % self.count
        self.run("topics", "create", "-t", name, "--partitions", partitions).expect(
            out=b"created topic %s (%d partitions, replication factor 3)\n" % (name.encode(), partitions))
        return name

    def run(self, *args, data=b"", servers=True, timeout=TIMEOUT, stdout=subprocess.PIPE):
        args = list(map(str, args))
        if servers:
            words = 2 if args[0] in ("topics", "perf") else 1
            args[words:words] = ["-b", servers if isinstance(servers, str) else self.servers]
        begun = time.monotonic()
        p = subprocess.run([self.kclient] + args, input=data, stdout=stdout, stderr=subprocess.PIPE,
                           timeout=timeout)
        return Result(args, p.returncode, p.stdout or b"", p.stderr, time.monotonic() - begun)

    def start(self, *args, **more):
        args = list(map(str, args))
        return subprocess.Popen([self.kclient, args[0], "-b", self.servers] + args[1:],
                                stderr=subprocess.PIPE, **more)


def assert_equal(found, wanted):
    if found != wanted:
        raise Failed("%r is not %r" % (found, wanted))


# ---- the command itself

def test_help_and_version(t):
    t.run("--version", servers=False).expect(out_has=[b"kclient 0."])
    t.run("--help", servers=False).expect(out_has=[b"topics", b"produce", b"consume", b"perf", b"mock"])
    for words in ("topics create", "topics list", "topics describe", "topics delete", "produce", "consume",
                  "perf produce", "perf consume", "perf e2e", "mock", "config"):
        t.run(*words.split(), "--help", servers=False).expect(
            out_has=[b"usage: kclient " + words.encode(), b"Exit status"])
    for words in ("topics", "perf"):
        t.run(words, "--help", servers=False).expect(out_has=[b"usage: kclient " + words.encode()])


def test_usage_errors(t):
    for args in ([], ["frobnicate"], ["topics"], ["topics", "frobnicate"], ["produce"], ["consume", "--nope"],
                 ["consume", "-t"], ["consume", "-t", "x"], ["perf", "produce", "-t", "x", "-b", "y"],
                 ["perf", "e2e", "-b", "x:1", "-t", "x", "-n", "1"], ["topics", "create", "-b", "x:1"],
                 ["topics", "list", "-b", "x:1", "more"], ["mock", "--brokers", "0"],
                 ["consume", "-b", "x:1", "-t", "x", "-o", "nowhere"],
                 ["consume", "-b", "x:1", "-t", "x", "-f", "%q"], ["consume", "-b", "x:1", "-t", "x", "-f", "%"],
                 ["consume", "-b", "x:1", "-t", "x", "-f", "\\q"], ["consume", "-b", "x:1", "-t", "x", "-p", "-2"],
                 ["produce", "-b", "x:1", "-t", "x", "-H", "=v"], ["consume", "-b", "x:1", "-t", "x", "-t", "y"],
                 ["produce", "-b", "x:1", "-t", "x", "-t", "y"], ["consume", "-b", "x:1", "-t", "x", "-J", "-f", "%s"], ["produce", "-b", "x:1", "-t", "x", "-K", ""],
                 ["produce", "-b", "x:1", "-t", "x", "-z", "brotli"], ["produce", "-b", "x:1", "-t", "x", "-c", "0"],
                 ["topics", "create", "-b", "x:1", "-t", "x", "--partitions", "none"],
                 ["topics", "create", "-b", "x:1", "-t", "x", "--config", "novalue"]):
        r = t.run(*args, servers=False).expect(code=1, out=b"", err_has=[b"kclient: "])
        if r.err.count(b"\n") != 1:
            raise Failed("more than one line\n" + r.describe())


def test_habits_of_other_tools(t):
    for args, said in ((["-L"], b"`kclient topics describe`"), (["-C", "-b", "x:1"], b"`kclient consume`"),
                       (["-P"], b"`kclient produce`"), (["--list"], b"`kclient topics list`"),
                       (["topics", "--create"], b"`kclient topics create`"),
                       (["topic"], b"did you mean `kclient topics`?"), (["consum"], b"did you mean `kclient consume`?"),
                       (["topics", "creat"], b"did you mean `kclient topics create`?"),
                       (["consume", "-b", "x:1", "--from-begining"], b"--from-begining; did you mean --from-beginning?"),
                       (["consume", "-b", "x:1", "--zzzzzzzz=1"], b"there is no option --zzzzzzzz;"),
                       (["consume", "-b", "x:1", "-t", "x", "--property", "print.key=true"], b"here it is -K SEP"),
                       (["produce", "-b", "x:1", "-t", "x", "--property", "parse.key=true"], b"here it is -K SEP")):
        t.run(*args, servers=False).expect(code=1, out=b"", err_has=[said])
    t.run("consume", "-h", servers=False).expect(out_has=[b"usage: kclient consume"])
    t.run("topics", "list", "-X", "topic.acks=1", "-X", "enable.idempotence=false").expect()
    t.run("topics", "list", "--property", "client.id=x").expect()


def test_wrong_properties(t):
    t.run("topics", "list", "-X", "linger.msx=1").expect(code=1, err_has=[b"did you mean linger.ms?"])
    t.run("topics", "list", "-X", "acks=2").expect(code=1, err_has=[b"acks=2", b"all, 0, 1"])
    t.run("topics", "list", "-X", "acks").expect(code=1, err_has=[b"name=value"])
    t.run("topics", "list", "-F", "/nowhere").expect(code=1, err_has=[b"/nowhere cannot be read"])
    t.run("topics", "list", servers=False).expect(code=1, err_has=[b"use -b HOST:PORT"])
    t.run("topics", "list", "-X", "security.protocol=SASL_PLAINTEXT").expect(
        code=1, err_has=[b"sasl.mechanism=GSSAPI is not built in"])
    t.run("produce", "-t", "x", "-X", "enable.idempotence=true", "--acks", "1").expect(
        code=1, err_has=[b"needs acks=all"])


def assert_equal(found, wanted):
    if found != wanted:
        raise Failed("%r is not %r" % (found, wanted))


GROUP = {
    "members": [
        {"member_id": "m2", "rack": "a", "topics": ["t"]},
        {"member_id": "m1", "group_instance_id": None, "rack": "b", "topics": ["t", "not there"],
         "owned": [{"topic": "t", "partition": 0}], "generation": 3},
        {"member_id": "idle", "topics": []},
    ],
    "topics": [{"name": "t", "partitions": [
        {"leader_rack": "a", "replica_racks": ["a", None]}, {"leader_rack": "b", "replica_racks": ["b", "a"]},
        {}]}],
}


def test_groups_plan(t):
    def plan(group, *options):
        text = group if isinstance(group, bytes) else json.dumps(group).encode()
        return t.run("groups", "plan", *options, servers=False, data=text)

    assert_equal(plan(GROUP, "--json").expect().json(), [{
        "assignment": {"idle": [], "m1": [{"topic": "t", "partitions": [1, 2]}],
                       "m2": [{"topic": "t", "partitions": [0]}]},
        "in_rack": 2, "leader_in_rack": 2, "partitions": 3}])
    rows = plan(GROUP, "--assignor", "com.example.RackAwareRangeAssignor").expect().lines()
    assert_equal(rows[:4], ["MEMBER\tRACK\tTOPIC\tPARTITIONS", "idle\t-\t-\t-", "m1\tb\tt\t1,2", "m2\ta\tt\t0"])
    held = plan(GROUP, "--assignor", "rack-aware-range", "--cooperative", "--json").expect().json()[0]
    assert_equal((held["withheld"], held["assignment"]["m2"]), (1, []))
    for group, options, said in [
            (b"{", (), b"no JSON"), (b"[]", (), b"the input must be an object"),
            ({"topics": 3}, (), b"topics must be a list"),
            ({"topics": [{"name": "t", "partitions": [None]}]}, (), b"topics[0].partitions[0] must be an object"),
            ({"topics": [{"name": "t"}, {"name": "t"}]}, (), b"topic t is in the plan twice"),
            ({"members": [{"member_id": "m", "topics": ["t", None]}]}, (), b"members[0].topics[1] must be a string"),
            ({"members": [{"member_id": "m", "generation": 1.5}]}, (), b"members[0].generation must be a whole number"),
            ({"members": [{"rack": "a"}]}, (), b"members[0].member_id must be a string"),
            ({"members": [{"member_id": "m", "owned": [{"partition": 1}]}]}, (), b"members[0].owned[0].topic"),
            (GROUP, ("--assignor", "rang"), b"no assignor rang"),
            (GROUP, ("--cooperative",), b"does not support the cooperative protocol")]:
        plan(group, *options).expect(code=1, err_has=[said])
    t.run("groups", "plan", "/not/there", servers=False).expect(code=1, err_has=[b"/not/there cannot be opened"])


def test_config_lists_properties(t):
    rows = t.run("config", "--json", servers=False).expect().json()
    names = [r["name"] for r in rows]
    for name in ("bootstrap.servers", "linger.ms", "fetch.buffer.bytes", "client.threads"):
        if name not in names:
            raise Failed("no " + name)
    t.run("config", "linger", servers=False).expect(out_has=[b"linger.ms\n", b"queue.buffering.max.ms"])
    t.run("config", "no-such-name", servers=False).expect(code=1, err_has=[b"no property's name"])


def test_configuration_document_is_generated(t):
    if not t.docs:
        return
    with open(t.docs, "rb") as f:
        if t.run("config", "--markdown", servers=False).expect().out != f.read():
            raise Failed("docs/CONFIGURATION.md is old: kclient config --markdown > docs/CONFIGURATION.md")


# ---- topics

def test_topics(t):
    t.run("topics", "create", "-t", "one", "--partitions", 3, "--replication-factor", 2, "--config",
          "retention.ms=1000").expect(out=b"created topic one (3 partitions, replication factor 2)\n")
    t.run("topics", "create", "two", "three").expect(out_has=[b"created topic two", b"created topic three"])
    t.run("topics", "create", "-t", "one").expect(code=2, err_has=[b"TOPIC_ALREADY_EXISTS"])
    t.run("topics", "create", "-t", "one", "--if-not-exists").expect(out=b"")
    t.run("topics", "create", "-t", "one", "-t", "four").expect(
        code=3, out_has=[b"created topic four"], err_has=[b"TOPIC_ALREADY_EXISTS"])
    t.run("topics", "create", "-t", "five", "--validate-only").expect(out_has=[b"could create topic five"])
    t.run("topics", "create", "-t", "six", "--replication-factor", 9).expect(
        code=2, err_has=[b"INVALID_REPLICATION_FACTOR"])
    names = t.run("topics", "list").expect().lines()
    if [n for n in names if not n.startswith("topic-")] != ["four", "one", "three", "two"]:
        raise Failed("listed are %s" % names)
    row = [r for r in t.run("topics", "list", "--json").expect().json() if r["topic"] == "one"][0]
    if row["partitions"] != 3 or row["internal"] or len(row["id"]) != 22:
        raise Failed("%s" % row)
    t.run("topics", "delete", "-t", "two", "three").expect(out=b"deleted topic two\ndeleted topic three\n")
    t.run("topics", "delete", "-t", "two").expect(code=2, err_has=[b"UNKNOWN_TOPIC_OR_PARTITION"])
    t.run("topics", "delete", "-t", "two", "--if-exists").expect(out=b"")
    t.run("topics", "delete", "-t", "two", "four").expect(code=3, out=b"deleted topic four\n",
                                                         err_has=[b"topic two"])


def test_topics_describe(t):
    topic = t.topic(3)
    text = t.run("topics", "describe", "-t", topic).expect().lines()
    if len(text) != 4 or not text[0].startswith("Topic: %s\tTopicId: " % topic):
        raise Failed("%s" % text)
    for i, line in enumerate(text[1:]):
        fields = dict(f.split(": ") for f in line.strip().split("\t"))
        if fields["Partition"] != str(i) or sorted(fields["Replicas"].split(",")) != ["1", "2", "3"]:
            raise Failed(line)
        racks = {"1": "a", "2": "b", "3": "c"}
        if fields["Racks"].split(",") != [racks[r] for r in fields["Replicas"].split(",")]:
            raise Failed(line)
    described = t.run("topics", "describe", "-t", topic, "--json").expect().json()[0]
    if [p["partition"] for p in described["partitions"]] != [0, 1, 2]:
        raise Failed("%s" % described)
    t.run("topics", "describe", "-t", topic, "nothing").expect(
        code=3, out_has=[b"Topic: " + topic.encode()], err_has=[b"topic nothing: "])
    t.run("topics", "describe", "-t", "nothing").expect(code=2, err_has=[b"UNKNOWN_TOPIC_OR_PARTITION"])


# ---- produce and consume

def test_round_trip(t):
    topic = t.topic(3)
    lines = b"".join(b"%d\tvalue %d\n" % (i % 100, i) for i in range(20000))
    t.run("produce", "-t", topic, "-K", "\\t", data=lines).expect(out=b"")
    got = t.run("consume", "-t", topic, "-e", "-f", "%p %o %k\\t%s\\n").expect()
    seen, keys, last = [], {}, {}
    for line in got.lines():
        where, value = line.split("\t")
        partition, offset, key = where.split(" ")
        if int(offset) != last.get(partition, -1) + 1:
            raise Failed("offset %s of partition %s" % (offset, partition))
        last[partition] = int(offset)
        if keys.setdefault(key, partition) != partition:
            raise Failed("key %s is in two partitions" % key)
        seen.append("%s\t%s" % (key, value))
    if sorted(seen) != sorted(lines.decode().splitlines()):
        raise Failed("records differ")


def features(t):
    """What this build has, as --version tells: "kclient 0.1.0 (tls,gzip)"."""
    text = t.run("--version", servers=False).expect().out.decode()
    return text[text.index("(") + 1 : text.index(")")].split(",")


def test_codecs(t):
    topic = t.topic()
    wanted = b""
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        if codec not in ("none", *features(t)):
            t.run("produce", "-t", topic, "-z", codec, data=b"x").expect(code=1, err_has=[codec.encode()])
            continue
        data = b"".join(b"%s %d\n" % (codec.encode(), i) for i in range(1000))
        t.run("produce", "-t", topic, "-z", codec, data=data).expect()
        wanted += data
    t.run("consume", "-t", topic, "-e").expect(out=wanted)


def test_files_and_separators(t):
    topic = t.topic()
    path = "/tmp/kclient-cli-test-%d" % os.getpid()
    with open(path, "wb") as f:
        f.write(b"a;;b;c;;d")
    try:
        t.run("produce", "-t", topic, "-D", ";;", path).expect()
        t.run("produce", "-t", topic, "-D", ";;", "-c", 1, "-l", path).expect()
        t.run("produce", "-t", topic, path + "-missing").expect(code=1, err_has=[b"cannot be read"])
    finally:
        os.unlink(path)
    t.run("produce", "-t", topic, "-", data=b"stdin").expect()
    t.run("consume", "-t", topic, "-e", "-D", "|").expect(out=b"a|b;c|d|a|stdin|")


def test_a_file_is_one_record_or_lines(t):
    topic = t.topic()
    with tempfile.TemporaryDirectory() as folder:
        path, empty = os.path.join(folder, "two"), os.path.join(folder, "empty")
        for name, content in ((path, b"k:1\n2\n"), (empty, b"")):
            with open(name, "wb") as f:
                f.write(content)
        t.run("produce", "-t", topic, path, empty).expect()
        t.run("produce", "-t", topic, "-l", path, empty).expect()
        t.run("produce", "-t", topic, "-K", ":", path).expect()
        t.run("consume", "-t", topic, "-e", "-f", "%K(%s)").expect(out=b"-1(k:1\n2\n)-1()-1(k:1)-1(2)1(1)-1(2)")
        r = t.run("produce", "-t", topic, "-X", "max.request.size=100", data=b"", timeout=TIMEOUT)
        r.expect()
        with open(path, "wb") as f:
            f.write(b"x" * 1000000 + b"\n")
        t.run("produce", "-t", topic, "-X", "max.request.size=1000", path).expect(code=2, err_has=[b"lines with -l"])


def test_separators_stand_for_themselves(t):
    topic = t.topic()
    t.run("produce", "-t", topic, "-K", "%", data=b"k1%v1\nk2%v2\n").expect()
    t.run("consume", "-t", topic, "-e", "-K", "%").expect(out=b"k1%v1\nk2%v2\n")
    t.run("consume", "-t", topic, "-e", "-D", "%").expect(out=b"v1%v2%")
    t.run("consume", "-t", topic, "-e", "-O", "-K", "%t:").expect(out=b"0%t:k1%t:v1\n1%t:k2%t:v2\n")


def test_reading_does_not_bring_a_topic_back(t):
    topic = t.topic()
    t.run("produce", "-t", topic, data=b"one\n").expect()
    p = t.start("consume", "-t", topic, "-X", "metadata.max.age.ms=100", stdout=subprocess.PIPE)
    assert_equal(p.stdout.readline(), b"one\n")
    t.run("topics", "delete", "-t", topic).expect(out=b"deleted topic %s\n" % topic.encode())
    time.sleep(1)  # some metadata requests
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=TIMEOUT)
    assert_equal(topic in t.run("topics", "list").expect().lines(), False)


def test_interrupted_transfers_say_so(t):
    topic = t.topic()
    t.run("produce", "-t", topic, data=b"x" * 99 + b"\n" * 1 + (b"y" * 99 + b"\n") * 60000).expect()
    for options, said in ((["-e"], b"1 of 1 partitions are not read to their end"), (["-c", "60001"], b"of 60001 records")):
        p = t.start("consume", "-t", topic, *options, stdout=subprocess.PIPE)
        p.stdout.read(1000)  # the rest does not fit into the pipe: it stays until the signal
        p.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        out, err = p.communicate(timeout=TIMEOUT)
        Result(p.args, p.returncode, out, err, 0).expect(code=3, out=None, err_has=[b"interrupted", said])
    with tempfile.TemporaryDirectory() as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        p = t.start("produce", "-t", t.topic(), "-l", fifo, "/dev/null")
        with open(fifo, "wb") as f:
            f.write(b"one\ntwo\n")
            f.flush()
            time.sleep(0.3)
            p.send_signal(signal.SIGTERM)
            _, err = p.communicate(timeout=TIMEOUT)
        Result(p.args, p.returncode, b"", err, 0).expect(code=3, err_has=[b"from %s on, was not read" % fifo.encode()])


def test_closed_descriptors(t):
    topic = t.topic()
    t.run("produce", "-t", topic, data=b"1\n2\n").expect()

    def shell(command):
        command = command.format(k=t.kclient, b="-b " + t.servers, t="-t " + topic)
        p = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
        return Result([command], p.returncode, p.stdout, p.stderr, 0)

    shell("{k} consume {b} {t} -e <&- >&-").expect(code=3, err_has=[b"standard output cannot be written"])
    shell("{k} produce {b} {t} <&-").expect(code=1, err_has=[b"standard input cannot be read"])
    shell("{k} topics list {b} -vv <&- >&- 2>&-").expect(code=3)
    shell("{k} consume {b} {t} -e 2>&-").expect(out=b"1\n2\n")


def test_a_reader_that_went_away_ends_it(t):
    topic = t.topic()
    t.run("produce", "-t", topic, data=b"one\n").expect()
    p = t.start("consume", "-t", topic, stdout=subprocess.PIPE)
    assert_equal(p.stdout.readline(), b"one\n")
    p.stdout.close()
    p.stdout = None
    _, err = p.communicate(timeout=TIMEOUT)
    assert_equal((p.returncode, err), (0, b""))


def test_output_that_does_not_block(t):
    topic = t.topic()
    lines = b"".join(b"%06d %s\n" % (i, b"z" * 90) for i in range(20000))
    t.run("produce", "-t", topic, data=lines).expect()
    read, write = os.pipe()
    os.set_blocking(write, False)
    p = t.start("consume", "-t", topic, "-e", stdout=write)
    os.close(write)
    with os.fdopen(read, "rb") as f:
        assert_equal(f.read() == lines, True)
    assert_equal((p.wait(TIMEOUT), p.stderr.read()), (0, b""))
    p.stderr.close()


def test_keys_headers_and_null(t):
    topic = t.topic()
    t.run("produce", "-t", topic, "-K", ":", "-k", "fixed", "-H", "a=1", "-H", "b=", "-Z",
          data=b"k:v\n:empty key\nno separator\nk2:\nk3:x:y\n").expect()
    t.run("consume", "-t", topic, "-e", "-f", "%k|%K|%s|%S|%h\\n").expect(
        out=b"k|1|v|1|a=1,b=\n|-1|empty key|9|a=1,b=\nfixed|5|no separator|12|a=1,b=\n"
            b"k2|2||-1|a=1,b=\nk3|2|x:y|3|a=1,b=\n")
    t.run("consume", "-t", topic, "-e", "-K", "=", "-Z", "-o", 3).expect(out=b"k2=NULL\nk3=x:y\n")
    t.run("consume", "-t", topic, "-e", "-O", "-o", 4).expect(out=b"4\tx:y\n")
    t.run("consume", "-t", topic, "-e", "-c", 1, "-f", "%R%%\\x41\\t").expect(out=b"\0\0\0\1%A\t")


def test_json(t):
    topic = t.topic()
    t.run("produce", "-t", topic, "-k", "key", "-H", "h=1", data=b"quote \" \\ tab \t \xc3\xa9 bad \xff.\n").expect()
    t.run("produce", "-t", topic, "-Z", data=b"\n").expect()
    first, second = t.run("consume", "-t", topic, "-e", "-J").expect().json()
    if list(first) != ["topic", "partition", "offset", "tstype", "ts", "broker", "headers", "key", "payload"]:
        raise Failed("fields are %s" % list(first))
    if first["payload"] != "quote \" \\ tab \t \u00e9 bad \ufffd." or first["headers"] != ["h", "1"]:
        raise Failed("%s" % first)
    if abs(first["ts"] / 1000 - time.time()) > 600 or first["tstype"] != "create":
        raise Failed("%s" % first)
    if second["key"] is not None or second["payload"] is not None or "headers" in second:
        raise Failed("%s" % second)


def test_positions(t):
    topic = t.topic(2)
    for p in (0, 1):
        t.run("produce", "-t", topic, "-p", p, data=b"".join(b"%d-%d\n" % (p, i) for i in range(5))).expect()
    t.run("consume", "-t", topic, "-p", 1, "-e").expect(out=b"1-0\n1-1\n1-2\n1-3\n1-4\n")
    t.run("consume", "-t", topic, "-p", 1, "--from-beginning", "-c", 2).expect(out=b"1-0\n1-1\n")
    t.run("consume", "-t", topic, "-p", 0, "-o", 3, "-e").expect(out=b"0-3\n0-4\n")
    t.run("consume", "-t", topic, "-p", 0, "-o", -2, "-e").expect(out=b"0-3\n0-4\n")
    t.run("consume", "-t", topic, "-p", 0, "-o", -99, "-e").expect(out=b"0-0\n0-1\n0-2\n0-3\n0-4\n")
    t.run("consume", "-t", topic, "--partition", 0, "--offset", "end", "-e").expect(out=b"")
    t.run("consume", "-t", topic, "-p", 0, "-o", "@0", "--max-messages", 1).expect(out=b"0-0\n")
    t.run("consume", "-t", topic, "-p", 0, "-o", "@99999999999999", "-e").expect(out=b"")
    t.run("consume", "-t", topic, "-p", 0, "-p", 1, "-o", 4, "-e").expect(out_has=[b"0-4\n", b"1-4\n"])


def test_empty_topic_ends(t):
    t.run("consume", "-t", t.topic(5), "-e").expect(out=b"")


def test_waits_for_new_records(t):
    topic = t.topic()
    p = t.start("consume", "-t", topic, "-c", 2, "-u", stdout=subprocess.PIPE)
    t.run("produce", "-t", topic, data=b"first\n").expect()
    if p.stdout.readline() != b"first\n":
        raise Failed("the record did not come")
    t.run("produce", "-t", topic, data=b"second\nthird\n").expect()
    out, err = p.communicate(timeout=TIMEOUT)
    if (p.returncode, out, err) != (0, b"second\n", b""):
        raise Failed("%s %r %r" % (p.returncode, out, err))


def test_signals(t):
    topic = t.topic()
    t.run("produce", "-t", topic, data=b"there\n").expect()
    for which in (signal.SIGINT, signal.SIGTERM):
        p = t.start("consume", "-t", topic, "-u", stdout=subprocess.PIPE)
        if p.stdout.readline() != b"there\n":
            raise Failed("the record did not come")
        p.send_signal(which)  # it has begun, and waits for more
        if p.communicate(timeout=TIMEOUT)[0] != b"" or p.returncode != 0:
            raise Failed("consume ended with %s" % p.returncode)
    topic = t.topic()
    p = t.start("produce", "-t", topic, stdin=subprocess.PIPE)
    p.stdin.write(b"taken\n")
    p.stdin.flush()
    t.run("consume", "-t", topic, "-c", 1).expect(out=b"taken\n")  # it has been read and sent
    p.send_signal(signal.SIGTERM)
    p.wait(timeout=TIMEOUT)  # with standard input still open: its end is not what ends it
    err = p.communicate(timeout=TIMEOUT)[1]
    if p.returncode != 0 or b"interrupted; the 1 records" not in err:
        raise Failed("produce ended with %s %r" % (p.returncode, err))
    t.run("consume", "-t", topic, "-e").expect(out=b"taken\n")


def test_unknown_topic_and_partition(t):
    t.run("consume", "-t", "not-there", "-e").expect(code=2, err_has=[b"there is no topic not-there", b"create"])
    topic = t.topic(2)
    t.run("consume", "-t", topic, "-p", 2).expect(code=2, err_has=[b"has no partition 2", b"it has 2"])
    t.run("produce", "-t", topic, "-p", 2, data=b"x\n").expect(code=2, err_has=[b"has no partition 2"])
    t.run("produce", "-t", "bad/name", data=b"x\n").expect(code=2, err_has=[b"INVALID_TOPIC"])


def test_too_large(t):
    topic = t.topic()
    for size in (1048576, 5000000):
        r = t.run("produce", "-t", topic, data=b"before\n" + b"x" * size + b"\nafter\n")
        r.expect(code=3, err_has=[b"record 2: ", b"1 of 3 records are not acknowledged", b"RECORD_TOO_LARGE"])
    t.run("consume", "-t", topic, "-e").expect(out=b"before\nafter\nbefore\nafter\n")
    t.run("produce", "-t", topic, data=b"x" * 5000000).expect(code=2, err_has=[b"1 of 1 records"])


def test_separators_of_several_bytes(t):
    topic = t.topic()
    t.run("produce", "-t", topic, "-K", "::", "-D", "--\\n", data=b"a::b--\nc:::d--\n::e--\n").expect()
    t.run("consume", "-t", topic, "-e", "-f", "%k=%s;").expect(out=b"a=b;c=:d;=e;")


def test_the_command_line_says_where(t):
    t.run("topics", "list", "-X", "bootstrap.servers=127.0.0.1:1").expect()


def test_numbers_have_limits(t):
    for option, number in (("-c", "9223372036854775808"), ("-c", "99999999999999999999"), ("-c", "0"), ("-c", "1x"),
                           ("-p", "2147483648"), ("-p", "-1")):
        t.run("consume", "-t", "t", option, number).expect(code=1, err_has=[b"is not a number from"])


def test_a_partition_that_cannot_be_read(t):
    topic = t.topic()
    t.run("produce", "-t", topic, data=b"x\n").expect()
    t.run("consume", "-t", topic, "-e", "-X", "auto.offset.reset=none", "-o", 100).expect(
        code=2, out=b"", err_has=[b"NO_OFFSET"])


# ---- output that fails

def test_full_disk(t):
    topic = t.topic()
    t.run("produce", "-t", topic, data=b"x\n" * 1000).expect()
    with open("/dev/full", "wb") as full:
        for args in (["consume", "-t", topic, "-e"], ["consume", "-t", topic], ["topics", "list"],
                     ["topics", "describe"]):
            t.run(*args, stdout=full).expect(code=3, err_has=[b"standard output cannot be written: No space"])
        t.run("--help", servers=False, stdout=full).expect(code=3, err_has=[b"No space"])
        t.run("config", servers=False, stdout=full).expect(code=3, err_has=[b"No space"])


def test_closed_pipe(t):
    topic = t.topic()
    t.run("produce", "-t", topic, data=b"x\n" * 300000).expect()
    p = t.start("consume", "-t", topic, stdout=subprocess.PIPE)
    p.stdout.readline()
    p.stdout.close()
    code, err = p.wait(TIMEOUT), p.stderr.read()
    p.stderr.close()
    if code != 0 or err != b"":
        raise Failed("ended with %s %r" % (code, err))


# ---- clusters that are not there

UNREACHABLE = ((["topics", "list"], b""), (["consume", "-t", "x"], b""), (["produce", "-t", "x"], b"x\n"),
               (["perf", "produce", "-t", "x", "-n", "10"], b""))


# All at the same time: each does nothing but wait for what is given to it by -m.
def expect_unreachable(t, servers, *parts):
    with concurrent.futures.ThreadPoolExecutor(len(UNREACHABLE)) as pool:
        running = [pool.submit(t.run, *args, "-m", 2, "-X", "reconnect.backoff.ms=200", servers=servers, data=data)
                   for args, data in UNREACHABLE]
    for r in (one.result() for one in running):
        if r.code not in (2, 4):
            raise Failed("exit code is %s\n%s" % (r.code, r.describe()))
        r.expect(code=r.code, out=b"", err_has=parts)


def test_unknown_host(t):
    expect_unreachable(t, "no-such-host.invalid:9092", b"no-such-host.invalid", b"resolve")


def test_closed_port(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    expect_unreachable(t, "127.0.0.1:%d" % port, b"127.0.0.1:%d" % port, b"refused")


def answer_as_http(server):
    while True:
        try:
            s, _ = server.accept()
        except OSError:
            return
        with s:
            s.recv(100)
            s.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html></html>")


def test_http_server_on_the_port(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        threading.Thread(target=answer_as_http, args=(s,), daemon=True).start()
        servers = "127.0.0.1:%d" % s.getsockname()[1]
        expect_unreachable(t, servers, servers.encode(), b"Kafka")
        s.shutdown(socket.SHUT_RDWR)


def test_silent_server(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        expect_unreachable(t, "127.0.0.1:%d" % s.getsockname()[1], b"127.0.0.1:")


def test_tls_where_there_is_none(t):
    r = t.run("topics", "list", "-m", 2, "-X", "security.protocol=SSL", timeout=TIMEOUT)
    if "tls" in features(t):
        r.expect(code=2, err_has=[b"TLS"])
    else:
        r.expect(code=1, err_has=[b"-Dtls=enabled"])


def test_cluster_goes_away(t):
    mock, servers = t.start_mock("--brokers", "1")
    t.run("topics", "create", "-t", "gone", servers=servers).expect(out_has=[b"created"])
    p = subprocess.Popen([t.kclient, "produce", "-b", servers, "-t", "gone", "-q", "-X", "delivery.timeout.ms=2000",
                          "-X", "request.timeout.ms=1000"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdin.write(b"one\n")
    p.stdin.flush()
    t.run("consume", "-t", "gone", "-c", 1, servers=servers).expect(out=b"one\n")
    time.sleep(1)  # its answer is a moment behind
    t.stop_mock(mock)
    p.stdin.write(b"two\nthree\n")
    p.stdin.close()
    p.stdin = None
    err = p.communicate(timeout=TIMEOUT)[1]
    if p.returncode != 3 or b"2 of 3 records are not acknowledged" not in err:
        raise Failed("ended with %s %r" % (p.returncode, err))


def test_authentication(t):
    mock, servers = t.start_mock("--brokers", "1", "--sasl-plain", "alice:secret")
    sasl = ["-X", "security.protocol=SASL_PLAINTEXT", "-X", "sasl.mechanism=PLAIN", "-X", "sasl.username=alice"]
    try:
        r = t.run("topics", "list", *sasl, "-X", "sasl.password=secret", servers=servers)
        if b"not built in yet" in r.err:
            print("skipped: SASL is not in this build")
            return
        r.expect(out=b"")
        r = t.run("topics", "list", "-m", 5, *sasl, "-X", "sasl.password=wrong", servers=servers, timeout=TIMEOUT)
        r.expect(code=2, err_has=[b"AUTHENTICATION"])
        if b"wrong" in r.err.replace(b"wrong host", b"") and b"password=wrong" in r.err:
            raise Failed("the password is shown\n" + r.describe())
        r = t.run("topics", "list", "-m", 2, servers=servers, timeout=TIMEOUT)
        r.expect(code=r.code if r.code in (2, 4) else 2, err_has=[b"kclient: "])
    finally:
        t.stop_mock(mock)


# ---- perf

PERF = ["records", "bytes", "seconds", "records_per_s", "mb_per_s", "cpu_user_s", "cpu_sys_s", "rss_peak_bytes"]


def expect_figures(result, names, records, size):
    row = result.expect().json()[-1]
    missing = [n for n in names if not isinstance(row.get(n), (int, float))]
    if missing or row["records"] != records or row["bytes"] != row["records"] * size:
        raise Failed("%s: missing %s" % (row, missing))
    return row


def test_perf(t):
    topic = t.topic(3)
    expect_figures(t.run("perf", "produce", "-t", topic, "-n", 20000, "-s", 50, "--json"), PERF, 20000, 50)
    expect_figures(t.run("perf", "consume", "-t", topic, "-n", 20000, "--json"), PERF, 20000, 50)
    expect_figures(t.run("perf", "consume", "-t", topic, "-n", 12345, "--json"), PERF, 12345, 50)
    t.run("perf", "produce", "-t", topic, "-n", 1000).expect(out_has=[b"1000 records acknowledged in"])
    row = expect_figures(t.run("perf", "e2e", "-t", topic, "-n", 500, "-r", 1000, "-s", 100, "--json"),
                         PERF + ["p50", "p90", "p99", "p99.9", "max"], 500, 100)
    if not 0 < row["p50"] <= row["p90"] <= row["p99"] <= row["p99.9"] <= row["max"]:
        raise Failed("%s" % row)


def main():
    args = sys.argv[1:]
    only = args[args.index("-k") + 1] if "-k" in args else ""
    args = args[:args.index("-k")] if "-k" in args else args
    t = Tests(args[0], args[1] if len(args) > 1 else None)
    passed = failed = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_") or only not in name:
            continue
        begun = time.monotonic()
        try:
            test(t)
            passed += 1
            print("ok: %s (%.1f s)" % (name, time.monotonic() - begun), flush=True)
        except (Failed, subprocess.TimeoutExpired, ValueError, KeyError, IndexError, OSError) as e:
            failed += 1
            print("FAILED: %s: %s: %s" % (name, type(e).__name__, e), flush=True)
    t.stop_mock(t.mock)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)


main()
