#!/usr/bin/python3
"""The example of a fleet: what its table says of calls that are made by way of ZooKeeper. Arguments: the example, its programs' directory."""
import os
import subprocess
import sys

# Calls in flight when a server is killed: one of each of the client's threads.
MAX_LOST = 4

if not os.path.exists('/usr/share/java/zookeeper.jar'):
    print('1..0 # SKIP no ZooKeeper server, which is Debian\'s package zookeeper')
    sys.exit()
run = subprocess.run([sys.argv[1], sys.argv[2], '--restarts', '6', '--away', '3', '--seconds', '1'], text=True, capture_output=True)
rows = [line.strip('| ').split(' | ') for line in run.stdout.splitlines() if line.startswith('| ')][1:]
ours = [row for row in rows if row[1] == 'ZooKeeper']
phases = [row[0] for row in ours]
allowed = [MAX_LOST if phase == 'a server is killed' else 0 for phase in phases]
checks = {
    'it_ends_well': run.returncode == 0,
    'it_has_all_phases': phases == ['nothing happens', '6 restarts in turn', 'a server is killed', 'ZooKeeper is away 3 s'],
    'calls_are_made_in_each': all(int(row[2]) > 0 for row in rows),
    'no_call_fails_but_in_flight_on_a_killed_server': all(int(row[3]) <= most for row, most in zip(ours, allowed)),
    'no_answer_is_wrong': all(int(row[4]) == 0 for row in rows),
}
print('1..%d' % len(checks))
for number, (name, passed) in enumerate(checks.items(), 1):
    print('%sok %d - %s' % ('' if passed else 'not ', number, name))
if not all(checks.values()):
    for line in (run.stdout + run.stderr).splitlines():
        print('# ' + line)
