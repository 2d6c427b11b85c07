#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes, from the public headers, the two programs that look at all of the public interface:

  generate.py nulls  OUT.c HEADER...   calls every function with NULL handles and places for results
  generate.py layout OUT.c HEADER...   prints size and offsets of every public struct
  generate.py names HEADER...          the functions' names, one a line

What is not in a header cannot be missed, and what is in one cannot be forgotten.
"""
import re
import sys

# Functions that have no handle, or whose answer to NULL their comment gives: the expected result, or None for any.
OTHERS = {
    "kc_config_new": None,  # nothing to be NULL
    "kc_error_name": None, "kc_error_text": None, "kc_error_flags": None,
    "kc_error_at": "true",  # each result may be left out
    "kc_version": None, "kc_features": None,
    "kc_log_level_name": None, "kc_log_level_of": "-1",
    "kc_partition_of_key": "KC_PARTITION_ANY",
    "kc_records_timestamp_type": "KC_TIMESTAMP_NONE",
    "kc_client_timeout": "KC_E_INVALID_ARGUMENT",
    "kc_plan_partition_count": "0",
    "kc_assignor_at": None,  # the first
}
# Frees, and others that may be called without anything: they take the live handles away from the second pass.
ENDS = re.compile(r"_(free|close|new)$")
# Arguments that are not pointers.
VALUES = {"kc_bytes": "(kc_bytes){ NULL, 0 }", "kc_position": "(kc_position){ 0, -1, 0 }"}
HANDLES = ["kc_client", "kc_producer", "kc_consumer", "kc_admin", "kc_config", "kc_mock", "kc_records", "kc_deliveries",
           "kc_cluster", "kc_configs", "kc_topic_results", "kc_partitions", "kc_plan"]


def text_of(header):
    text = re.sub(r"/\*.*?\*/", " ", open(header).read(), flags=re.S)
    return re.sub(r"\\\n", " ", text)


def functions(header):
    """(result, name, [type of each argument])"""
    for m in re.finditer(r"KC_API\s+([^;(]*?)(\**)(kc_\w+)\(([^;]*?)\)\s*;", text_of(header)):
        result = " ".join((m.group(1) + m.group(2)).split())
        args = [] if m.group(4).strip() == "void" else [" ".join(a.split()) for a in m.group(4).split(",")]
        yield result, m.group(3), [re.sub(r"\w+$", "", a).strip() for a in args]


def argument(kind, live):
    for handle in HANDLES:
        if live and re.fullmatch(r"(const )?" + handle + r" \*", kind):
            return "live_" + handle
    if kind.endswith("*") or kind.endswith("_fn"):
        return "NULL"
    return VALUES.get(kind, "0")


def expected(name, result):
    if name in OTHERS:
        return OTHERS[name]
    if result == "kc_err" or name.startswith("kc_mock_") and result == "int64_t":
        return "KC_E_INVALID_ARGUMENT"
    if result in ("size_t", "bool", "uint32_t"):
        return "0"
    if result in ("int", "int32_t", "int64_t"):
        return "-1"
    return "NULL" if result.endswith("*") else None


def call(result, name, args, live):
    """one call as C; with live handles only that it comes back matters"""
    text = f"{name}({', '.join(argument(a, live) for a in args)})"
    want = None if live else expected(name, result)
    if result == "kc_config *" and (live or want is None):  # the caller's: a leak otherwise
        return f'    begin("{name}");\n    kc_config_free({text});\n'
    if result == "void" or want is None and result != "kc_bytes":
        return f'    begin("{name}");\n    (void){text};\n'
    if result == "kc_bytes" and not live:
        return f'    begin("{name}");\n    expect({text}.data == NULL);\n'
    if live:
        return f'    begin("{name}");\n    (void){text};\n'
    return f'    begin("{name}");\n    expect({text} == {want});\n'


def write_nulls(out, headers):
    every = [f for h in headers for f in functions(h)]
    with open(out, "w") as to:
        to.write('#include "nulls.h"\n\nvoid call_with_nulls(void)\n{\n')
        to.writelines(call(*f, live=False) for f in every)
        to.write("}\n\nvoid call_with_live_handles(void)\n{\n")
        to.writelines(call(*f, live=True) for f in every if not ENDS.search(f[1]))
        to.write("}\n")


def fields(body):
    for line in body.split(";"):
        pointer = re.search(r"\(\*(\w+)\)\s*\(", line)
        plain = re.search(r"(\w+)\s*(\[[^]]*\])?\s*$", line.strip())
        if pointer or plain:
            yield (pointer or plain).group(1)


def write_layout(out, headers):
    with open(out, "w") as to:
        to.write("#include <stddef.h>\n#include <stdio.h>\n\n#include <kclient/kclient.h>\n#include <kclient/mock.h>\n\n"
                 "int main(void)\n{\n")
        for header in headers:
            for m in re.finditer(r"typedef struct (kc_\w+) \{(.*?)\n\} \1;", text_of(header), re.S):
                to.write(f'    printf("{m.group(1)} %zu\\n", sizeof({m.group(1)}));\n')
                for field in fields(m.group(2)):
                    to.write(f'    printf("  {field} %zu\\n", offsetof({m.group(1)}, {field}));\n')
        to.write("    return 0;\n}\n")


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "names":
        print("\n".join(sorted(name for h in rest for _, name, _ in functions(h))))
    else:
        {"nulls": write_nulls, "layout": write_layout}[what](rest[0], rest[1:])


main()
