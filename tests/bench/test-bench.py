"""Tests of bench.py's own logic, in TAP: its programs are scripts here that print figures which are known, and so are valgrind and
strace. Argument: bench.py.
"""
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile

BENCH = sys.argv[1]

# A program of a part in time: prints the next of its figures each time that it runs.
CLIENT = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" != --dump ] || exec touch "$2"; shift; done
n=$(cat "$0.runs" 2>/dev/null || echo 0)
echo $((n + 1)) >"$0.runs"
set -- %s
shift $((n %% $#))
echo "call $1 $1 $1 $1 $1"
"""
SERVER = """#!/bin/sh
echo 4711
exec sleep 1000
"""
FAILING = """#!/bin/sh
echo 'what failed' >&2
exit 3
"""
POOL = """#!/bin/sh
echo '{"runs": [{"who": "limit", "hold": "yield", "threads": 64, "ns_per_pair": 100, "least_share": 1},
 {"who": "tally", "hold": "yield", "threads": 64, "ns_per_pair": 150, "least_share": 0.5}]}'
"""
# Instructions: 1,000 for the start and 7 for each call, and now and then more.
VALGRIND = """#!/bin/sh
for word; do case $word in --log-file=*) log=${word#*=} ;; esac; last=$word; done
case $last in *[!0-9]*) exit 0 ;; esac
n=$(cat "$0.runs" 2>/dev/null || echo 0)
echo $((n + 1)) >"$0.runs"
echo "==1== Collected : $((1000 + 7 * last + n % 2 * 50))" >"$log"
"""
STRACE = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" != -o ] || log=$2; last=$1; shift; done
case $last in *[!0-9]*) exit 0 ;; esac
echo "100.00 0.1 1 $((30 + 3 * last)) total" >"$log"
"""

number = 0


def check(name, holds, said=''):
    global number
    number += 1
    print('%s %d - %s' % ('ok' if holds else 'not ok', number, name))
    if not holds:
        print(''.join('# %s\n' % line for line in str(said).splitlines()))


class Place:
    """A directory of programs, and one of tools, in which there are no others."""

    def __init__(self, programs, tools={}):
        self.directory = tempfile.TemporaryDirectory()
        for name, text in programs.items():
            self.write('bench-' + name, text)
        for name, text in tools.items():
            self.write(os.path.join('tools', name), text)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), 'w') as file:
            file.write(text)
        os.chmod(self.path(name), 0o755)

    def run(self, *options):
        """(exit status, standard output, standard error, what --json wrote)"""
        for name in ('valgrind', 'strace', 'taskset', 'openssl'):
            if not os.path.exists(self.path(os.path.join('tools', name))):
                self.write(os.path.join('tools', name), '#!/bin/sh\nexit 1\n')
        path = self.path('tools') + os.pathsep + os.environ['PATH']
        done = subprocess.run([sys.executable, '-B', BENCH, '--programs', self.directory.name, '--json', self.path('json'), *options],
                              capture_output=True, text=True, env=dict(os.environ, PATH=path))
        found = {}
        if os.path.exists(self.path('json')):
            with open(self.path('json')) as file:
                found = json.load(file)
        return done.returncode, done.stdout, done.stderr, found


def find(results, **wanted):
    return [result for result in results.get('results', []) if all(result.get(key) == value for key, value in wanted.items())]


def ratios_are_of_a_round():
    # The limit runs twice in a round.
    place = Place({'ideal-server': SERVER, 'limit': CLIENT % '1000 1 2000 1 4000 1', 'tally-client': CLIENT % '1100 2000 4800'})
    status, said, error, found = place.run('--rounds', '3', '--parts', 'call')
    rows = [row for row in find(found, name='Tally pooled') if 'ratio' in row]
    check('ratios_are_of_a_round', status == 0 and rows and [round(rows[0][key], 2) for key in ('ratio', 'ratio_min', 'ratio_max')] == [1.1, 1.0, 1.2]
          and '1.10  (1.00 to 1.20)' in said, said + error)
    goals = find(found, part='goals', name='call')
    check('a_goal_is_missed', goals and goals[0]['met'] is False and goals[0]['value'] == 1.1
          and 'MISS Tally pooled against the limit, p50: 1.1 (goal: at most 1.06)' in said, said)
    check('what_cannot_be_measured_is_neither_met_nor_missed', find(found, part='goals', name='call-apache')[0]['met'] is None
          and '0 of 1 goals are met' in said, said)
    check('what_is_missing_is_told', 'Missing: Apache C GLib' in said and 'Missing: valgrind' in said and 'Missing: bench-pool is not built' in said, said)


def a_goal_is_met():
    place = Place({'ideal-server': SERVER, 'limit': CLIENT % '1000', 'tally-client': CLIENT % '1059'})
    status, said, error, found = place.run('--rounds', '1', '--parts', 'call')
    check('a_goal_is_met', find(found, part='goals', name='call')[0]['met'] is True and '1 of 1 goals are met' in said, said + error)


def a_program_that_fails_ends_it():
    status, said, error, found = Place({'ideal-server': SERVER, 'limit': CLIENT % '1000', 'tally-client': CLIENT % '1000; exit 3'}).run('--parts', 'call')
    check('a_program_that_fails_ends_it', status != 0 and 'bench-tally-client' in error and 'exit status 3' in error, said + error)
    status, said, error, found = Place({'ideal-server': FAILING, 'limit': CLIENT % '1', 'tally-client': CLIENT % '1'}).run('--parts', 'call')
    check('a_server_that_does_not_start_ends_it', status != 0 and 'bench-ideal-server did not start' in error, said + error)


def pairs_are_compared():
    status, said, error, found = Place({'pool': POOL}).run('--parts', 'pool')
    goal = find(found, part='goals', name='pool-64-yield')
    check('pairs_are_compared', status == 0 and goal and goal[0]['value'] == 1.5 and goal[0]['met'] is False, said + error)


def start_and_end_are_not_counted():
    place = Place({'ideal-server': SERVER, 'limit': CLIENT % '1', 'tally-client': CLIENT % '1', 'tally-server': SERVER, 'tally-async': CLIENT % '1',
                   'tally-codec': CLIENT % '1'}, {'valgrind': VALGRIND, 'strace': STRACE})
    sys.path.insert(0, os.path.dirname(BENCH))
    sys.dont_write_bytecode = True
    os.environ['PATH'] = place.path('tools') + os.pathsep + os.environ['PATH']
    from counts import Counts
    from goals import Verdicts
    counts = Counts(place.directory.name, None, Verdicts())
    with contextlib.redirect_stdout(io.StringIO()):
        costs = counts.count_client('a client', 'tally-client', ['--port', '1'])
        counts.judge_counted('call-system-calls', costs, 1)
    check('start_and_end_are_not_counted', costs == {'': (7.0, 3.0)}, costs)
    check('what_was_counted_is_judged', counts.verdicts.results[0]['met'] is True and counts.verdicts.results[0]['value'] == 3, counts.verdicts.results)


def mistakes_are_named():
    status, said, error, found = Place({}).run('--parts', 'call,nothing')
    check('a_part_that_is_none_is_named', status == 2 and 'no part nothing' in error, error)
    status, said, error, found = Place({}).run('--rounds', '0')
    check('no_round_is_refused', status == 2 and 'nothing to measure' in error, error)


print('1..12')
ratios_are_of_a_round()
a_goal_is_met()
a_program_that_fails_ends_it()
pairs_are_compared()
start_and_end_are_not_counted()
mistakes_are_named()
