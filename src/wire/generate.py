#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns src/wire/schema/*.kmsg (schema/README.md describes the language) into messages.h, the C
structs, and tables.c, the constant tables that the codec interprets. Run by meson:

    generate.py <messages.h> <tables.c> <schema files ...>

Any mistake in a schema ends it with "file:line: message" and status 1. The output depends on the
input only, whatever the order of files.
"""

import os
import re
import sys

END = 255  # KCI_VERSION_MAX: a range without end, or no flexible version

# name: C type, kind, least bytes on the wire (classic, compact), least and greatest default
SCALARS = {
    'bool': ('bool', 'KCI_BOOL', 1, 1, 0, 1),
    'int8': ('int8_t', 'KCI_INT8', 1, 1, -2**7, 2**7 - 1),
    'int16': ('int16_t', 'KCI_INT16', 2, 2, -2**15, 2**15 - 1),
    'uint16': ('uint16_t', 'KCI_UINT16', 2, 2, 0, 2**16 - 1),
    'int32': ('int32_t', 'KCI_INT32', 4, 4, -2**31, 2**31 - 1),
    'uint32': ('uint32_t', 'KCI_UINT32', 4, 4, 0, 2**32 - 1),
    'int64': ('int64_t', 'KCI_INT64', 8, 8, -2**63, 2**63 - 1),
    'float64': ('double', 'KCI_FLOAT64', 8, 8, 0, 0),
    'uuid': ('kc_uuid', 'KCI_UUID', 16, 16, 0, 0),
    'string': ('kc_bytes', 'KCI_STRING', 2, 1, 0, 0),
    'bytes': ('kc_bytes', 'KCI_BYTES', 4, 1, 0, 0),
    'records': ('kc_bytes', 'KCI_RECORDS', 4, 1, 0, 0),
}
BYTES = ('string', 'bytes', 'records')
NUMBERS = ('int8', 'int16', 'uint16', 'int32', 'uint32', 'int64')


class Bad(Exception):
    """A mistake in a schema; the argument is the message with its place."""


class Field:
    def __init__(self, name, where):
        self.name, self.where = name, where
        self.type = ''       # of the element, if array
        self.array = False
        self.versions = (0, END)
        self.nullable = None
        self.tag = -1
        self.classic = False
        self.default = None  # as written
        self.struct = None   # Struct, once resolved
        self.message = None  # that it belongs to

    def null_at(self, version):
        return self.nullable is not None and self.nullable[0] <= version <= self.nullable[1]

    def by_pointer(self):
        return self.struct is not None and not self.array and self.nullable is not None


class Struct:
    def __init__(self, name, message, where):
        self.name, self.message, self.where = name, message, where
        self.fields = []

    def c_name(self):
        base = 'kci_' + snake(self.message.name)
        return base if self is self.message.root else base + '_' + snake(self.name)

    def title(self):
        root = self is self.message.root
        return self.name if root else self.message.name + '.' + self.name

    def wire_order(self):
        tagged = sorted((f for f in self.fields if f.tag >= 0), key=lambda f: f.tag)
        return [f for f in self.fields if f.tag < 0] + tagged


class Message:
    def __init__(self, name, versions, flexible, where):
        self.name, self.versions, self.flexible = name, versions, flexible
        self.root = Struct(name, self, where)
        self.structs = {}


class Api:
    def __init__(self, key, name, versions, unstable, flexible, where):
        self.key, self.name, self.where = key, name, where
        self.versions, self.unstable, self.flexible = versions, unstable, flexible
        self.messages = {}


def all_versions(message):
    return range(message.versions[0], message.versions[1] + 1)


def snake(name):
    name = re.sub(r'([A-Z]+)([A-Z][a-z])', r'\1_\2', name)
    return re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', name).lower()


# ---- reading

RANGE = r'(?:\d+\+|\d+-\d+|-\d+)'
FIELD = re.compile(
    r'(?P<name>[a-z]\w*)\s+(?P<open>\[)?(?P<type>\w+)(?P<close>\])?(?P<null>\?(?P<nullrange>' +
    RANGE + r')?)?(?:\s+(?P<versions>' + RANGE + r'))?(?P<classic>\s+classic)?'
    r'(?:\s+tag\s+(?P<tag>\d+))?(?:\s+=\s*(?P<default>\S+))?$')
HEAD = r'versions\s+(\d+)-(\d+)(?:\s+unstable\s+(\d+))?(?:\s+flexible\s+(\d+)\+)?$'
API = re.compile(r'(api|foreign)\s+(\d+)\s+([A-Z]\w*)\s+' + HEAD)
MESSAGE = re.compile(r'message\s+([A-Z]\w*)\s+' + HEAD)
STRUCT = re.compile(r'struct\s+([A-Z]\w*)$')


def parse_range(text, low, high):
    """"7+", "2-5" or "-5"; what is not given is low and high."""
    if text.endswith('+'):
        return (int(text[:-1]), high)
    first, last = text.split('-')
    return (int(first) if first else low, int(last))


def parse_field(text, where):
    m = FIELD.match(text)
    if not m or bool(m['open']) != bool(m['close']):
        raise Bad(f'{where}: not a field: {text}')
    f = Field(m['name'], where)
    f.type, f.array = m['type'], bool(m['open'])
    if m['versions']:
        f.versions = parse_range(m['versions'], 0, END)
    if m['null']:
        f.nullable = parse_range(m['nullrange'], *f.versions) if m['nullrange'] else f.versions
    f.classic = bool(m['classic'])
    f.tag = int(m['tag']) if m['tag'] else -1
    f.default = m['default']
    return f


class Parser:
    """Collects APIs and messages over all files."""

    def __init__(self):
        self.apis, self.foreign, self.messages = [], [], []
        self.api = self.message = self.struct = None

    def read(self, path):
        self.api = self.message = self.struct = None
        with open(path, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                text = line.split('#', 1)[0].rstrip()
                if text:
                    self.line(text, f'{os.path.basename(path)}:{number}')

    def line(self, text, where):
        if text[0].isspace():
            if not self.struct:
                raise Bad(f'{where}: a field outside of a message')
            self.struct.fields.append(parse_field(text.strip(), where))
        elif text in ('request', 'response'):
            self.direction(text, where)
        elif m := STRUCT.match(text):
            self.open_struct(m[1], where)
        elif m := API.match(text):
            versions, unstable, flexible = parse_head(m, 4, where)
            api = Api(int(m[2]), m[3], versions, unstable, flexible, where)
            self.api = api if m[1] == 'api' else None  # of a foreign one there is no more
            (self.apis if self.api else self.foreign).append(api)
            self.message = self.struct = None
        elif m := MESSAGE.match(text):
            versions, unstable, flexible = parse_head(m, 2, where)
            self.api = None
            self.open_message(m[1], (versions[0], unstable), flexible, where)
        else:
            raise Bad(f'{where}: not understood: {text}')

    def direction(self, text, where):
        if not self.api or text in self.api.messages:
            raise Bad(f'{where}: {text} outside of an api, or twice')
        a = self.api
        self.open_message(a.name + text.capitalize(), (a.versions[0], a.unstable), a.flexible,
                          where)
        a.messages[text] = self.message

    def open_message(self, name, versions, flexible, where):
        self.message = Message(name, versions, flexible, where)
        self.struct = self.message.root
        self.messages.append(self.message)

    def open_struct(self, name, where):
        if not self.message or name in self.message.structs:
            raise Bad(f'{where}: struct {name} outside of a message, or twice')
        self.struct = Struct(name, self.message, where)
        self.message.structs[name] = self.struct


def parse_head(m, group, where):
    first, last = int(m[group]), int(m[group + 1])
    unstable = int(m[group + 2]) if m[group + 2] else last
    flexible = int(m[group + 3]) if m[group + 3] else END
    if not first <= last <= unstable < END:
        raise Bad(f'{where}: bad versions')
    return (first, last), unstable, flexible


# ---- checking

def unique(items, what, key):
    seen = {}
    for item in items:
        if key(item) in seen:
            raise Bad(f'{item.where}: {what} {key(item)} twice')
        seen[key(item)] = item


def check_default(f):
    if f.default is None:
        return
    if f.default == 'null':
        if f.nullable is None:
            raise Bad(f'{f.where}: default null, but the field is never null')
    elif f.type == 'bool' and not f.array:
        if f.default not in ('true', 'false'):
            raise Bad(f'{f.where}: default of a bool is true or false')
    elif f.type in NUMBERS and not f.array:
        try:
            value = int(f.default, 0)
        except ValueError:
            raise Bad(f'{f.where}: default is not a number') from None
        if not SCALARS[f.type][4] <= value <= SCALARS[f.type][5]:
            raise Bad(f'{f.where}: default does not fit the type')
    else:
        raise Bad(f'{f.where}: this type cannot have that default')


def find_struct(f):
    if f.type in SCALARS:
        return None
    if f.type not in f.message.structs:
        raise Bad(f'{f.where}: no struct {f.type} in {f.message.name}')
    return f.message.structs[f.type]


def check_field(f):
    message = f.message
    if f.versions[0] > f.versions[1]:
        raise Bad(f'{f.where}: empty versions')
    if f.nullable and not (f.array or f.struct or f.type in BYTES):
        raise Bad(f'{f.where}: {f.type} cannot be null')
    if f.tag >= 0 and (f.versions[0] < message.flexible > message.versions[0]):
        raise Bad(f'{f.where}: tagged before flexible versions')
    if f.tag >= 0 and (f.type == 'records' or f.by_pointer()):
        raise Bad(f'{f.where}: the codec has no tagged records or nullable structs')
    if f.array and f.struct and not all(least(f.struct, v) for v in all_versions(message)):
        raise Bad(f'{f.where}: elements may take no bytes, so their count cannot be checked')
    if f.array and f.type == 'records':
        raise Bad(f'{f.where}: the codec has no arrays of records')
    if f.by_pointer() and f.default != 'null':
        raise Bad(f'{f.where}: a nullable struct needs the default null')
    check_default(f)


def check_struct(s, path):
    """Fields, and no struct in itself."""
    if s in path:
        raise Bad(f'{s.where}: struct {s.name} contains itself')
    unique(s.fields, 'field', lambda f: f.name)
    unique([f for f in s.fields if f.tag >= 0], 'tag', lambda f: f.tag)
    if sum(f.tag >= 0 for f in s.fields) > 32 or len(s.fields) > 255:
        raise Bad(f'{s.where}: the codec has at most 32 tagged fields in a struct, and 255 in all')
    for f in s.fields:
        f.message = s.message
        f.struct = find_struct(f)
        if f.struct:
            check_struct(f.struct, path + [s])
        check_field(f)


def check(parser):
    unique(parser.apis + parser.foreign, 'api key', lambda a: a.key)
    for a in parser.apis:
        if set(a.messages) != {'request', 'response'}:
            raise Bad(f'{a.where}: {a.name} needs a request and a response')
    everything = [s for m in parser.messages for s in [m.root, *m.structs.values()]]
    for m in parser.messages:
        check_struct(m.root, [])
        for s in m.structs.values():
            if s not in inner_first(m):
                raise Bad(f'{s.where}: struct {s.name} is not used')
    unique(everything, 'C name', lambda s: s.c_name())


# ---- writing

def inner_first(message):
    """The structs of a message, each after those it contains; the message itself is the last."""
    order = []

    def visit(s):
        for f in s.fields:
            if f.struct:
                visit(f.struct)
        if s not in order:
            order.append(s)

    visit(message.root)
    return order


def c_type(f):
    return f.struct.c_name() if f.struct else SCALARS[f.type][0]


def c_member(f):
    if f.array:
        return f'struct {{ {c_type(f)} *data; int32_t count; }} {f.name};'
    return f'{c_type(f)} {"*" if f.by_pointer() else ""}{f.name};'


def c_number(f):
    value = int(f.default, 0)
    if value == SCALARS[f.type][4] and value < 0:
        return f'INT{f.type[3:]}_MIN'
    return f'INT64_C({value})' if f.type == 'int64' else str(value)


def c_default(f):
    """Initialiser of the field, or None where zeroed memory is the default."""
    if f.array:
        return '{ NULL, -1 }' if f.default == 'null' else None
    if f.by_pointer():
        return None
    if f.struct:
        return c_defaults(f.struct)
    if f.type in BYTES:
        return None if f.default == 'null' or f.type == 'records' else 'EMPTY'
    if f.type == 'bool':
        return f.default if f.default == 'true' else None
    return None if f.default is None else c_number(f)


def c_defaults(s):
    """Initialiser of the struct, or None."""
    parts = [f'.{f.name} = {d}' for f in s.fields if (d := c_default(f)) is not None]
    return '{ ' + ', '.join(parts) + ' }' if parts else None


def least_field(f, version):
    compact = version >= f.message.flexible and not f.classic
    if f.array:
        return 1 if compact else 4
    if f.struct:
        return 1 if f.null_at(version) else least(f.struct, version)
    return SCALARS[f.type][3 if compact else 2]


def least(s, version):
    """The fewest bytes that a struct takes on the wire, which bounds counts in a decoder."""
    size = 1 if version >= s.message.flexible else 0
    for f in s.fields:
        if f.tag < 0 and f.versions[0] <= version <= f.versions[1]:
            size += least_field(f, version)
    return size


def write_header(parser, out):
    print('/* Generated from src/wire/schema by src/wire/generate.py. Do not edit. */', file=out)
    print('#ifndef WIRE_MESSAGES_H\n#define WIRE_MESSAGES_H\n\n#include "wire/codec.h"\n', file=out)
    print('/* Keys of APIs. */\nenum {', file=out)
    for a in parser.apis:
        print(f'    KCI_API_{snake(a.name).upper()} = {a.key},', file=out)
    print(f'}};\n\nenum {{ KCI_API_KEY_END = {parser.apis[-1].key + 1} }};', file=out)
    for m in parser.messages:
        flexible = '' if m.flexible == END else f', flexible from {m.flexible}'
        print(f'\n/* {m.name}, versions {m.versions[0]} to {m.versions[1]}{flexible} */', file=out)
        for s in inner_first(m):
            print(f'typedef struct {s.c_name()} {{', file=out)
            for member in [c_member(f) for f in s.fields] or ['char unused;']:
                print('    ' + member, file=out)
            print(f'}} {s.c_name()};', file=out)
            print(f'extern const kci_msg {s.c_name()}_msg;', file=out)
    print('\n#endif', file=out)


def c_field(s, f):
    flags = ' | '.join(name for name, on in (('KCI_FIELD_ARRAY', f.array),
                                             ('KCI_FIELD_CLASSIC', f.classic)) if on) or '0'
    kind = 'KCI_STRUCT' if f.struct else SCALARS[f.type][1]
    msg = f'&{f.struct.c_name()}_msg' if f.struct else 'NULL'
    null = f.nullable or (1, 0)
    return (f'    {{ {msg}, offsetof({s.c_name()}, {f.name}), {kind}, {flags}, '
            f'{{ {f.versions[0]}, {f.versions[1]} }}, {{ {null[0]}, {null[1]} }}, {f.tag} }},')


def write_struct(s, out):
    name, m = s.c_name(), s.message
    fields = s.wire_order()
    tagged = sum(f.tag >= 0 for f in fields)
    sizes = [str(least(s, v)) for v in all_versions(m)]
    if fields:
        print(f'\nstatic const kci_field {name}_fields[] = {{', file=out)
        for f in fields:
            print(c_field(s, f), file=out)
        print('};', file=out)
    else:
        print(file=out)
    print(f'static const {name} {name}_defaults = {c_defaults(s) or "{ 0 }"};', file=out)
    print(f'static const uint16_t {name}_sizes[] = {{ {", ".join(sizes)} }};', file=out)
    print(f'const kci_msg {name}_msg = {{', file=out)
    print(f'    "{s.title()}", {name + "_fields" if fields else "NULL"}, &{name}_defaults, '
          f'{name}_sizes, sizeof({name}), {len(fields) - tagged}, {tagged}, '
          f'{{ {m.versions[0]}, {m.versions[1]} }}, {m.flexible}', file=out)
    print('};', file=out)


def write_apis(table, apis, out):
    """The table of kci_api, and its size; with a row of zeros behind it, since C has no empty one."""
    print(f'\nconst kci_api {table}[] = {{', file=out)
    for a in apis:
        messages = ', '.join(f'&kci_{snake(a.name)}_{m}_msg' for m in a.messages) or 'NULL, NULL'
        print(f'    {{ {a.key}, "{a.name}", {a.versions[0]}, {a.versions[1]}, {a.unstable}, '
              f'{a.flexible}, {messages} }},', file=out)
    print(f'    {{ 0 }}\n}};\nconst size_t {table}_size = sizeof {table} / sizeof {table}[0] - 1;',
          file=out)


def write_tables(parser, out):
    print('/* Generated from src/wire/schema by src/wire/generate.py. Do not edit. */', file=out)
    print('#include "wire/messages.h"\n#include "wire/tables.h"\n', file=out)
    print('#define EMPTY { (const uint8_t *)"", 0 }', file=out)
    for m in parser.messages:
        for s in inner_first(m):
            write_struct(s, out)
    write_apis('kci_api_table', parser.apis, out)
    write_apis('kci_api_foreign_table', parser.foreign, out)
    print('\nconst kci_msg *const kci_msg_table[] = {', file=out)
    for m in parser.messages:
        print(f'    &{m.root.c_name()}_msg,', file=out)
    print('};\nconst size_t kci_msg_table_size = sizeof kci_msg_table / sizeof kci_msg_table[0];',
          file=out)


def main(argv):
    if len(argv) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    parser = Parser()
    try:
        for path in sorted(argv[3:]):
            parser.read(path)
        check(parser)
        parser.apis.sort(key=lambda a: a.key)
        parser.foreign.sort(key=lambda a: a.key)
        parser.messages.sort(key=lambda m: m.name)
        for path, write in ((argv[1], write_header), (argv[2], write_tables)):
            with open(path, 'w', encoding='utf-8') as out:
                write(parser, out)
    except Bad as bad:
        print(bad, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
