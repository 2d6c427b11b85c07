#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the APIs in src/core/throttle.c with those of the schema whose response has the field."""
import glob
import re
import sys

schema_dir, table = sys.argv[1:]


def upper(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


expected = set()
for path in glob.glob(schema_dir + "/*.kmsg"):
    api, top = None, False
    for line in open(path):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "api":
            api = words[2]
        top = words[0] == "response" or top and words[0] not in ("api", "request", "struct")
        if top and words[0] == "throttle_time_ms":
            expected.add(upper(api))

found = set(re.findall(r"ROW\((\w+), ", open(table).read())) - {"KEY"}
print(f"{len(expected)} in the schema, {len(found)} in the table")
for name in sorted(expected ^ found):
    print(("missing: " if name in expected else "not in the schema: ") + name)
sys.exit(expected != found or not found)
