#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The schema language: what it means and that mistakes are told with their place.

test_generate.py <path of generate.py>
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

GENERATE = sys.argv.pop(1)
HEAD = 'api 1 Thing versions 0-4 flexible 3+\nrequest\n'


def run(*texts):
    """Exit status, standard error, header and tables for schemas of these texts."""
    with tempfile.TemporaryDirectory() as d:
        paths = []
        for i, text in enumerate(texts):
            paths.append(pathlib.Path(d) / f's{i}.kmsg')
            paths[-1].write_text(text)
        out = [pathlib.Path(d) / 'messages.h', pathlib.Path(d) / 'tables.c']
        p = subprocess.run([sys.executable, GENERATE, *out, *paths], text=True,
                           capture_output=True, check=False)
        return p.returncode, p.stderr, *[o.read_text() if o.exists() else '' for o in out]


class Language(unittest.TestCase):
    def refused(self, text, place, words):
        status, err, *_ = run(text)
        self.assertEqual(status, 1, text)
        self.assertTrue(err.startswith(place + ': '), err)
        self.assertIn(words, err)

    def test_structs_and_tables(self):
        status, err, header, tables = run(
            HEAD + '  the_id int32 1+ = -5  # a comment\n  rows [Row]?2+\n'
            'struct Row\n  name string\nresponse\n  ok bool\n')
        self.assertEqual((status, err), (0, ''))
        self.assertIn('KCI_API_THING = 1', header)
        self.assertIn('int32_t the_id;', header)
        self.assertIn('struct { kci_thing_request_row *data; int32_t count; } rows;', header)
        self.assertIn('.the_id = -5', tables)
        self.assertIn('{ 0, 255 }, { 2, 255 }', tables)
        self.assertIn('kci_thing_request_row_sizes[] = { 2, 2, 2, 2, 2 }', tables)

    def test_order_of_files_does_not_matter(self):
        a = 'message Aa versions 0-0\n  x int8\n'
        b = 'message Bb versions 0-0\n  y int8\n'
        self.assertEqual(run(a, b)[2:], run(b, a)[2:])

    def test_mistakes(self):
        end = 'response\n  ok bool\n'
        for field, words in (
                ('  x int33', 'no struct int33'),
                ('  x Row', 'no struct Row'),
                ('  x int32?', 'cannot be null'),
                ('  x int8 = 300', 'does not fit'),
                ('  x int8 = z', 'not a number'),
                ('  x bool = 1', 'true or false'),
                ('  x string = null', 'never null'),
                ('  x uuid = 1', 'cannot have'),
                ('  x int8 4-3', 'empty versions'),
                ('  x int8 2+ tag 0', 'before flexible'),
                ('  x records 3+ tag 0', 'tagged records'),
                ('  x [records]', 'arrays of records'),
                ('  X int8', 'not a field'),
                ('  x [int8', 'not a field'),
                ('bogus', 'not understood')):
            self.refused(HEAD + field + '\n' + end, 's0.kmsg:3', words)

    def test_twice(self):
        self.refused(HEAD + '  x int8\n  x int8\nresponse\n', 's0.kmsg:4', 'twice')
        self.refused(HEAD + '  x int8 3+ tag 0\n  y int8 3+ tag 0\nresponse\n', 's0.kmsg:4', 'twice')
        self.refused(HEAD + '  x int8\nrequest\n', 's0.kmsg:4', 'twice')

    def test_structs_in_themselves(self):
        self.refused(HEAD + '  a [Aa]\nstruct Aa\n  b [Bb]\nstruct Bb\n  a [Aa]\nresponse\n',
                     's0.kmsg:4', 'contains itself')

    def test_elements_of_no_bytes(self):
        self.refused(HEAD + '  a [Aa]\nstruct Aa\n  x int8 2+\nresponse\n', 's0.kmsg:3', 'no bytes')

    def test_unused_struct(self):
        self.refused(HEAD + '  a int8\nstruct Aa\n  x int8\nresponse\n', 's0.kmsg:4', 'not used')

    def test_api_without_response(self):
        self.refused(HEAD + '  a int8\n', 's0.kmsg:1', 'needs a request and a response')

    def test_foreign_api(self):
        status, _, header, tables = run(
            HEAD + 'response\nforeign 7 Theirs versions 0-2 flexible 1+\n')
        self.assertEqual(status, 0)
        self.assertNotIn('THEIRS', header)
        self.assertIn('{ 7, "Theirs", 0, 2, 2, 1, NULL, NULL },', tables)
        self.refused(HEAD.replace('api', 'foreign'), 's0.kmsg:2', 'outside of an api')
        self.refused('foreign 7 Theirs versions 0-2\n' * 2, 's0.kmsg:2', 'twice')

    def test_field_outside(self):
        self.refused('  a int8\n', 's0.kmsg:1', 'outside')


if __name__ == '__main__':
    unittest.main()
