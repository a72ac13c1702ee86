"""Runs the benchmark's programs in turn and prints what their figures mean against each other.

Every figure is a ratio within one round: the limit, Apache's and Tally's programs run one after the other,
round after round, so that a machine that is busy for a while slows all of them. What is reported is the
median of the rounds' ratios, with the smallest and the largest. This file knows programs, placements and
tables; goals.py what is to come of them; the programs know how to make and check a call.
"""
import argparse
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile

from goals import Verdicts

PARTS = ['call', 'struct', 'large', 'server', 'unpooled', 'shared', 'threads', 'async', 'codec', 'pool', 'tls']
FIGURES = ['p50', 'p90', 'p99', 'max', 'mean']


class Bench:
    def __init__(self, options):
        self.options = options
        self.directory = options.programs
        self.servers = []
        self.results = []
        self.verdicts = Verdicts()
        self.cores = sorted(os.sched_getaffinity(0))
        self.scratch = tempfile.TemporaryDirectory()
        self.requests = {}

    def program(self, name):
        inside = 'apache' if name.startswith('apache-') else ''
        return os.path.join(self.directory, inside, 'bench-' + name)

    def has(self, name):
        return os.access(self.program(name), os.X_OK)

    def command(self, name, arguments, core=None):
        placed = [] if core is None else ['taskset', '-c', str(core)]
        return placed + [self.program(name)] + arguments

    def output(self, command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit('bench: %s: exit status %d\n%s' % (' '.join(command), done.returncode, done.stderr))
        if done.stderr:
            sys.stderr.write(done.stderr)
        return done

    def start(self, name, core, wrapper=(), arguments=()):
        """Starts a server; it says which port it took when it listens."""
        server = subprocess.Popen(list(wrapper) + self.command(name, list(arguments), core), stdout=subprocess.PIPE, text=True)
        self.servers.append(server)
        line = server.stdout.readline()
        if not line.strip().isdigit():
            sys.exit('bench: bench-%s did not start' % name)
        return int(line)

    def stop_servers(self):
        for server in self.servers:
            server.kill()
            server.wait()
            server.stdout.close()
        self.servers = []

    def request(self, payload):
        """The file with the request's bytes, which the limit's client sends."""
        if payload not in self.requests:
            path = os.path.join(self.scratch.name, payload)
            writer = 'apache-client' if self.has('apache-client') else 'tally-client'
            self.output(self.command(writer, ['--payload', payload, '--dump', path]))
            self.requests[payload] = path
        return self.requests[payload]

    def client(self, name, port, payload='string', mode='pooled'):
        arguments = ['--port', str(port), '--payload', payload, '--mode', mode]
        return arguments + (['--request', self.request(payload)] if name == 'limit' else [])

    def figures(self, command):
        """{operation: {figure: nanoseconds}} from the lines that a program prints."""
        found = {}
        for line in self.output(command).stdout.splitlines():
            name, *values = line.split()
            found[name] = dict(zip(FIGURES, map(float, values)))
        return found

    def rounds(self, title, contenders, reference, unit=1000.0):
        """contenders: [(label, program, arguments, core)]. Runs them in turn; the first figures of each
        program's output are its own, or for a program of several operations each operation's."""
        rows = {}
        present = [contender for contender in contenders if self.has(contender[1])]
        for number in range(self.options.rounds):
            self.progress(title, number)
            for label, program, arguments, core in present:
                found = self.figures(self.command(program, arguments, core))
                for operation, figures in found.items():
                    name = label if operation == 'call' else '%s %s' % (label, operation)
                    rows.setdefault(name, []).append(figures)
        self.progress(None, 0)
        for label, program, _, _ in contenders:
            if not self.has(program):
                print('(%s: bench-%s is not built)' % (label, program))
        self.report(title, rows, reference, unit)
        return rows

    def progress(self, title, number):
        if sys.stderr.isatty():
            sys.stderr.write('\r\033[K' if title is None else '\r\033[K%s: round %d' % (title, number + 1))
            sys.stderr.flush()

    def report(self, title, rows, reference, unit):
        """reference: a row's name, or {row's name: the name of the row it is compared with}."""
        print('\n%s' % title)
        width = max([len(name) for name in rows] + [20])
        scale = 'µs' if unit == 1000.0 else 'ns'
        print('  %-*s %9s %9s %9s %9s   %s' % (width, scale, 'p50', 'p90', 'p99', 'max', '×  (smallest to largest)'))
        for name, figures in rows.items():
            base = reference.get(name) if isinstance(reference, dict) else reference
            middle = [statistics.median(round_[figure] for round_ in figures) / unit for figure in FIGURES[:4]]
            entry = {'part': title, 'name': name, 'unit': 'ns', 'rounds': figures}
            text = ''
            if base in rows:
                ratio = ratios(figures, rows[base])
                text = '%.2f  (%.2f to %.2f)' % ratio
                entry.update(reference=base, ratio=ratio[0], ratio_min=ratio[1], ratio_max=ratio[2])
            print('  %-*s %9.2f %9.2f %9.2f %9.1f   %s' % (width, name, *middle, text))
            self.results.append(entry)
        sys.stdout.flush()

    def judge_ratio(self, goal, rows, name, base, detail=''):
        if name in rows and base in rows:
            self.verdicts.judge(goal, ratios(rows[name], rows[base])[0], detail)

    def judge_recompiled(self, goal, how, counted):
        """counted: {program: instructions of a call}."""
        if 'apache-client' in counted and 'recompiled-client' in counted:
            self.verdicts.judge(goal, counted['recompiled-client'] / counted['apache-client'], how)

    # ---- the parts ----

    def placements(self):
        here = self.cores[0]
        yield 'same core', here, here
        if len(self.cores) > 1:
            yield 'two cores', here, self.cores[1]

    def calls(self, count):
        return ['--calls', str(max(20, int(count * self.options.scale)))]

    def part_call(self):
        for placement, mine, other in self.placements():
            port = self.start('ideal-server', other)
            rows = self.rounds('One call at a time, 16 bytes, framed binary, ideal server, ' + placement, [
                (label, program, self.client(program, port) + self.calls(20000), mine)
                for label, program in CLIENTS] + [
                ('limit, a second thread', 'limit', self.client('limit', port) + self.calls(20000) + ['--second-thread'], mine)],
                'limit')
            if placement == 'same core':
                self.judge_ratio('call', rows, 'Tally pooled', 'limit')
                self.judge_ratio('call-apache', rows, 'Tally pooled', 'Apache C GLib')
            self.stop_servers()

    def part_struct(self):
        for placement, mine, other in self.placements():
            port = self.start('ideal-server', other)
            rows = self.rounds('Rich struct echoed, 15.7 kB, framed binary, ideal server, ' + placement, [
                (label, program, self.client(program, port, 'struct') + self.calls(500 if 'Apache' in label else 5000), mine)
                for label, program in CLIENTS], 'limit')
            if placement == 'same core':
                self.judge_ratio('struct', rows, 'Tally pooled', 'limit')
                self.judge_ratio('struct-apache', rows, 'Apache C GLib', 'Tally pooled')
            self.stop_servers()
        self.struct_by_codec()

    def struct_by_codec(self):
        core = self.cores[0]
        contenders = [('limit', 'limit', self.client('limit', self.start('ideal-server', core), 'struct') + self.calls(5000), core)]
        for protocol in ('binary', 'compact'):
            port = self.start('tally-server', core, arguments=['--uri-options', '?protocol=' + protocol])
            contenders.append(('Tally pooled, ' + protocol, 'tally-client', self.client('tally-client', port, 'struct') + self.calls(2000)
                               + ['--uri-options', 'protocol=' + protocol], core))
        self.rounds('Rich struct by codec, Tally server, the limit\'s in binary over the ideal server, same core', contenders, 'limit')
        self.stop_servers()

    def part_large(self):
        for placement, mine, other in self.placements():
            for server in ('ideal-server', 'tally-server'):
                port = self.start(server, other)
                rows = self.rounds('64 KiB of text echoed, framed binary, %s, %s' % (server.replace('-', ' '), placement), [
                    (label, program, self.client(program, port, 'large') + self.calls(3000), mine)
                    for label, program in CLIENTS], 'limit')
                if placement == 'same core' and server == 'ideal-server':
                    self.judge_ratio('large', rows, 'Tally pooled', 'limit')
                self.stop_servers()

    def part_server(self):
        for placement, mine, other in self.placements():
            contenders = []
            for label, server in SERVERS:
                if self.has(server):
                    port = self.start(server, other)
                    contenders.append((label, 'limit', self.client('limit', port) + self.calls(20000), mine))
                    if server == 'tally-server':
                        contenders.append(('Tally server, Tally pooled', 'tally-client',
                                           self.client('tally-client', port) + self.calls(20000), mine))
            self.rounds('Servers under the limit\'s client, 16 bytes, ' + placement, contenders, 'ideal server')
            self.stop_servers()
        self.server_of_many()

    def server_of_many(self):
        """Where the kernel places both sides: one thread that has 64 connections, by epoll, against the same."""
        together = ['--together', '64']
        ports = [('limit, epoll', self.start('ideal-server', None, arguments=together)), ('Tally server', self.start('tally-server', None))]
        rows = self.rounds('64 connections of one epoll client, time for each call, 16 bytes, free placement', [
            (label, 'limit', self.client('limit', port) + self.calls(200000) + together + ['--epoll'], None) for label, port in ports],
            'limit, epoll')
        self.judge_ratio('server-64', rows, 'limit, epoll', 'Tally server')
        self.stop_servers()

    def part_unpooled(self):
        core = self.cores[0]
        port = self.start('ideal-server', core)
        rows = self.rounds('A connection for each call against one for all, 16 bytes, same core', [
            (label + (' unpooled' if mode == 'unpooled' else ''), program,
             self.client(program, port, 'string', mode) + self.calls(1500 if mode == 'unpooled' else 5000), core)
            for label, program in CLIENTS for mode in ('unpooled', 'pooled')],
            {name + ' unpooled': name for name, _ in CLIENTS} | {name: 'limit' for name, _ in CLIENTS})
        self.judge_ratio('unpooled', rows, 'Tally pooled unpooled', 'limit unpooled')
        self.judge_ratio('unpooled-pooled', rows, 'Tally pooled unpooled', 'Tally pooled')
        self.stop_servers()
        print('  %-38s %14s %14s' % ('for each call', 'instructions', 'system calls'))
        self.count_unpooled()

    def part_shared(self):
        for placement, mine, other in self.placements():
            port = self.start('ideal-server', other)
            together = ['--together', '64']
            rows = self.rounds('Calls at once on one connection, time for each, 16 bytes, ideal server, ' + placement, [
                ('limit, one', 'limit', self.client('limit', port) + self.calls(20000), mine),
                ('Tally shared, one caller', 'tally-client', self.client('tally-client', port, mode='shared') + self.calls(20000), mine),
                ('limit, 64 in flight', 'limit', self.client('limit', port) + self.calls(5000) + together, mine),
                ('Tally shared, 64 threads', 'tally-client', self.client('tally-client', port, mode='shared') + self.calls(200000) + together, mine)],
                {'limit, one': 'limit, one', 'Tally shared, one caller': 'limit, one',
                 'limit, 64 in flight': 'limit, one', 'Tally shared, 64 threads': 'limit, one'})
            if placement == 'same core':
                self.judge_ratio('shared-alone', rows, 'Tally shared, one caller', 'limit, one')
            self.stop_servers()

    def part_threads(self):
        """Where the kernel places 64 threads and the server as it likes: every thread of the limit has a connection of its own."""
        port = self.start('ideal-server', None, arguments=['--together', '64'])
        contenders, reference = [], {}
        for threads in (2, 8, 64):
            limit, tally = 'limit, %d threads' % threads, 'Tally pooled, %d threads' % threads
            common = self.calls(200000) + ['--together', str(threads)]
            contenders += [
                (limit, 'limit', self.client('limit', port) + common + ['--threads'], None),
                (tally, 'tally-client', self.client('tally-client', port) + common, None)]
            reference.update({limit: limit, tally: limit})
        rows = self.rounds('Threads that call at once, a connection for each, time for each call, 16 bytes, ideal server, free placement', contenders, reference)
        for threads in (2, 8, 64):
            self.judge_ratio('threads-%d' % threads, rows, 'limit, %d threads' % threads, 'Tally pooled, %d threads' % threads)
        self.stop_servers()

    def part_async(self):
        for placement, mine, other in self.placements():
            port = self.start('tally-server', other)
            contenders = [('Tally pooled, one caller that waits', 'tally-client', self.client('tally-client', port) + self.calls(20000), mine)]
            reference = {}
            for together in (1, 64, 1024):
                limit, tally = 'limit, %d in flight' % together, 'Tally asynchronous, %d in flight' % together
                at_once = ['--together', str(together)]
                contenders += [
                    (limit, 'limit', self.client('limit', port) + self.calls(max(200000 // together, 200)) + ['--warmup', '20'] + at_once, mine),
                    (tally, 'tally-async', self.client('tally-async', port, mode='shared') + self.calls(20000 if together == 1 else 300000) + at_once, mine)]
                reference.update({limit: limit, tally: limit})
            rows = self.rounds('One thread on one shared connection, time for each call, 16 bytes, Tally server, ' + placement, contenders, reference)
            if placement == 'two cores':
                self.judge_ratio('async-64', rows, 'limit, 64 in flight', 'Tally asynchronous, 64 in flight')
                self.judge_ratio('async-1024', rows, 'Tally pooled, one caller that waits', 'Tally asynchronous, 1024 in flight')
                self.burst(port, mine)
            self.stop_servers()

    def burst(self, port, core):
        """The first calls of a new process, all begun in one turn of its main loop; the best round, since a turn in which the
        thread lost its processor tells of the machine."""
        rows = self.rounds('A main loop that begins 10,000 calls in one turn, two cores', [
            ('burst', 'tally-async', self.client('tally-async', port, mode='shared') + ['--calls', '10000', '--burst'], core)], None)
        for name in ('burst turn', 'burst timer'):
            if name in rows:
                self.verdicts.judge(name.replace(' ', '-'), min(row['max'] for row in rows[name]) / 1e6)

    def part_codec(self):
        core = self.cores[0]
        rows = self.rounds('Codec alone, rich struct; the limit is written by hand', [
            ('limit', 'codec-limit', ['--request', self.request('struct')] + self.calls(3000), core),
            ('Apache C GLib', 'apache-codec', self.calls(300), core),
            ('Recompiled', 'recompiled-codec', self.calls(1000), core),
            ('Tally', 'tally-codec', self.calls(3000), core)],
            {'%s %s%s' % (who, what, how): 'limit %s' % what
             for who, hows in (('limit', ('',)), ('Apache C GLib', APACHES_WAYS), ('Recompiled', APACHES_WAYS),
                               ('Tally', ('', '-public', '-compact', '-public-compact')))
             for what in ('encode', 'decode') for how in hows}, unit=1.0)
        self.judge_ratio('decode-compact', rows, 'Tally decode-compact', 'Tally decode')
        for what in ('encode', 'decode'):
            self.judge_ratio(what, rows, 'Tally ' + what, 'limit ' + what)
            for how in APACHES_WAYS:
                self.judge_ratio('recompiled-' + what, rows, 'Recompiled %s%s' % (what, how), 'Apache C GLib %s%s' % (what, how), ', ' + how[1:])
            tries = ['Apache C GLib %s%s' % (what, how) for how in APACHES_WAYS]
            if all(name in rows for name in tries + ['Tally ' + what]):
                best = min(tries, key=lambda name: statistics.median(round_['p50'] for round_ in rows[name]))
                self.judge_ratio(what + '-apache', rows, best, 'Tally ' + what)

    def part_pool(self):
        if not self.has('pool'):
            print('\n(bench-pool is not built)')
            return
        print('\nThe pool alone: a connection of 8 borrowed and given back; the limit is a mutex and a stack')
        print('  %-8s %8s %12s %12s %10s %10s' % ('hold', 'threads', 'limit, ns', 'Tally, ns', '×', 'least'))
        pairs = {}
        for run in json.loads(self.output(self.command('pool', ['--json'])).stdout)['runs']:
            pairs.setdefault((run['hold'], run['threads']), {})[run['who']] = run
            self.results.append({'part': 'pool', **run})
        for (hold, threads), both in pairs.items():
            limit, tally = both['limit']['ns_per_pair'], both['tally']['ns_per_pair']
            print('  %-8s %8d %12.1f %12.1f %10.2f %10.2f' % (hold, threads, limit, tally, tally / limit, both['tally']['least_share']))
            if hold == 'none':
                self.verdicts.judge('pool-%d' % threads, tally)
            elif (hold, threads) == ('yield', 64):
                self.verdicts.judge('pool-64-yield', tally / limit)
        sys.stdout.flush()

    # ---- instructions and system calls ----

    CALLGRIND = ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null']
    STRACE = ['strace', '-c', '-f']

    def certificates(self):
        """What both sides of TLS need, made by openssl: options for its programs, and Tally's in a URI."""
        def file(name):
            return os.path.join(self.scratch.name, name)
        if not os.path.exists(file('server.pem')):
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'runtime', 'make-certificates.sh')
            subprocess.run(['sh', script, self.scratch.name], check=True, stdout=subprocess.DEVNULL)
        return file('ca.pem'), file('server.pem')

    def tls_clients(self, port):
        ca, _ = self.certificates()
        return [('OpenSSL', 'openssl', self.client('limit', port) + ['--ca', ca]),
                ('Tally pooled over TLS', 'tally-client',
                 self.client('tally-client', port) + ['--scheme', 'tls', '--uri-options', 'ca=' + ca])]

    def part_tls(self):
        if not self.has('openssl'):
            print('(bench-openssl is not built: no libssl-dev)')
            return
        _, server = self.certificates()
        partners = [('OpenSSL server', 'openssl', ['--serve', '--certificate', server]),
                    ('Tally server', 'tally-server', ['--scheme', 'tls', '--uri-options', '?cert=' + server])]
        for placement, mine, other in self.placements():
            for name, program, arguments in partners:
                port = self.start(program, other, arguments=arguments)
                rows = self.rounds('One call at a time over TLS, 16 bytes, %s, %s' % (name, placement), [
                    (label, client, options + self.calls(10000), mine)
                    for label, client, options in self.tls_clients(port)], 'OpenSSL')
                if placement == 'same core' and program == 'openssl':
                    self.judge_ratio('tls', rows, 'Tally pooled over TLS', 'OpenSSL')
                self.stop_servers()

    def count_tls(self):
        if not self.has('openssl'):
            return
        port = self.start('openssl', None, arguments=['--serve', '--certificate', self.certificates()[1]])
        for label, program, arguments in self.tls_clients(port):
            self.count(label + ' client, string', lambda wrapper, calls: self.run_client(wrapper, program, arguments, calls),
                       200, 1200)
        self.stop_servers()

    def instructions(self, run):
        path = os.path.join(self.scratch.name, 'callgrind')
        run(self.CALLGRIND + ['--log-file=' + path])
        with open(path) as log:
            return int(re.search(r'Collected : (\d+)', log.read()).group(1))

    def system_calls(self, run, which=()):
        path = os.path.join(self.scratch.name, 'strace')
        run(self.STRACE + list(which) + ['-o', path])
        with open(path) as lines:
            for line in lines:
                words = line.split()
                if words and words[-1] == 'total':
                    return int(words[3])
        sys.exit('bench: strace counted nothing')

    def run_client(self, wrapper, name, arguments, calls):
        self.output(wrapper + self.command(name, arguments + ['--count-only', '--warmup', '50', '--calls', str(calls)]))

    def run_server(self, wrapper, name, calls, client='limit', payload='string', mode='pooled'):
        """Starts a server below the wrapper, lets a client call it, and ends the server alone, so that the wrapper
        reports."""
        port = self.start(name, None, wrapper)
        self.run_client([], client, self.client(client, port, payload, mode), calls)
        pid = self.servers[-1].pid
        with open('/proc/%d/task/%d/children' % (pid, pid)) as children:
            pid = int((children.read().split() or [pid])[0])
        os.kill(pid, signal.SIGTERM)
        server = self.servers.pop()
        server.wait()
        server.stdout.close()

    def count_codec(self):
        """Instructions of the rich struct alone, with the check of what came; decoding ends with freeing it."""
        if not self.has('tally-codec'):
            return
        for how in ('', '-public'):
            for protocol in ('', '-compact'):
                for what in ('encode', 'decode'):
                    name = what + how + protocol
                    self.count('Tally codec, ' + name,
                               lambda wrapper, calls: self.run_client(wrapper, 'tally-codec', ['--only', name], calls), 50, 250)

    def count(self, name, run, few, many):
        """What one call costs: the difference of two runs, so that start and end do not count. Of several such runs the one that
        took least: threads that look at a clock take more, the slower the machine is."""
        def count_calls(count, calls, times):
            return least(lambda: count(lambda wrapper: run(wrapper, calls)), times)
        costs = [(count_calls(count, many, times) - count_calls(count, few, times)) / (many - few)
                 for count, times in ((self.instructions, 3), (self.system_calls, 1))]
        print('  %-38s %14.0f %14.2f' % (name, *costs))
        sys.stdout.flush()
        self.results.append({'part': 'counts', 'name': name, 'instructions': costs[0], 'system_calls': costs[1]})
        return costs

    def count_client(self, label, program, arguments, few=200, many=1200):
        return self.count(label, lambda wrapper, calls: self.run_client(wrapper, program, arguments, calls), few, many)

    def count_unpooled(self):
        port = self.start('ideal-server', None)
        for label, program in CLIENTS:
            if self.has(program):
                costs = self.count_client(label + ' client, string, unpooled', program, self.client(program, port, mode='unpooled'))
                if program == 'tally-client':
                    self.verdicts.judge('unpooled-system-calls', costs[1])
        self.stop_servers()
        for label, server in SERVERS:
            if server in ('ideal-server', 'tally-server'):
                costs = self.count(label + ', string, unpooled',
                                   lambda wrapper, calls: self.run_server(wrapper, server, calls, mode='unpooled'), 200, 1200)
                if server == 'tally-server':
                    self.verdicts.judge('unpooled-server-system-calls', costs[1])

    def count_pooled(self):
        port = self.start('ideal-server', None)
        counted = {}
        for payload, few, many in (('string', 200, 1200), ('struct', 20, 60), ('large', 20, 60)):
            for label, program in CLIENTS:
                if self.has(program):
                    costs = self.count_client('%s client, %s' % (label, payload), program, self.client(program, port, payload), few, many)
                    if payload == 'string':
                        counted[program] = costs
        instructions = {program: costs[0] for program, costs in counted.items()}
        self.verdicts.judge('call-instructions', counted['tally-client'][0])
        self.verdicts.judge('call-system-calls', counted['tally-client'][1])
        self.judge_recompiled('recompiled', '', instructions)
        shared = self.count_client('Tally shared client, string', 'tally-client', self.client('tally-client', port, mode='shared'))
        self.verdicts.judge('shared-alone-instructions', shared[0] / instructions['tally-client'])
        self.count_client('Tally asynchronous client, 64 in flight', 'tally-async',
                          self.client('tally-async', port, mode='shared') + ['--together', '64'], 1280, 12800)
        self.stop_servers()
        for goal, option in (('call-compact', 'protocol=compact'), ('call-buffered', 'transport=buffered')):
            port = self.start('tally-server', None, arguments=['--uri-options', '?' + option])
            costs = self.count_client('Tally pooled client, string, ' + option, 'tally-client',
                                      self.client('tally-client', port) + ['--uri-options', option])
            self.verdicts.judge(goal, costs[0] / instructions['tally-client'])
            self.stop_servers()

    def count_recompiled(self):
        port = self.start('tally-server', None, arguments=['--uri-options', '?transport=buffered'])
        for transport in ('buffered', 'socket', 'own'):
            counted = {}
            for label, program in CLIENTS:
                if program in ('apache-client', 'recompiled-client') and self.has(program):
                    counted[program] = self.count_client('%s client, string, %s' % (label, transport), program,
                                                         self.client(program, port) + ['--transport', transport])[0]
            self.judge_recompiled('recompiled-own' if transport == 'own' else 'recompiled', ', ' + transport, counted)
        self.stop_servers()

    # ---- memory that the kernel gives and takes ----

    def count_memory(self):
        """Page faults, and system calls for memory, of a call with much in it, after the first ones."""
        print('\nFor each call, pooled, framed binary')
        print('  %-38s %14s %14s' % ('', 'page faults', 'memory calls'))
        for payload in ('large', 'list'):
            for side, count in (('client', self.memory_of_client), ('server', self.memory_of_server)):
                faults, calls = count(payload, 100, 300)
                print('  %-38s %14.2f %14.2f' % ('Tally %s, %s' % (side, payload), faults, calls))
                self.verdicts.judge('%s-faults-%s' % (payload, side), faults)
                self.verdicts.judge('%s-memory-%s' % (payload, side), calls)

    MEMORY = ['-e', 'trace=%memory']

    def memory_of_client(self, payload, few, many):
        arguments = self.client('tally-client', self.start('ideal-server', None), payload)

        def run(wrapper, calls):
            self.run_client(wrapper, 'tally-client', arguments, calls)

        def faults(calls):
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
            run([], calls)
            return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before
        counts = [least(lambda: count(many), 3) - least(lambda: count(few), 3) for count in (
            faults, lambda calls: self.system_calls(lambda wrapper: run(wrapper, calls), self.MEMORY))]
        self.stop_servers()
        return [count / (many - few) for count in counts]

    def memory_of_server(self, payload, few, many):
        port = self.start('tally-server', None)

        def faults(calls):
            def so_far():
                with open('/proc/%d/stat' % self.servers[-1].pid) as stat:
                    return int(stat.read().rsplit(')', 1)[1].split()[7])
            before = so_far()
            self.run_client([], 'tally-client', self.client('tally-client', port, payload), calls)
            return so_far() - before
        faults(few)
        later = least(lambda: faults(few), 8) / few  # a thread that starts meanwhile has memory of its own
        self.stop_servers()
        calls = [self.system_calls(lambda wrapper: self.run_server(wrapper, 'tally-server', n, 'tally-client', payload), self.MEMORY)
                 for n in (few, many)]
        return later, (calls[1] - calls[0]) / (many - few)

    def part_counts(self):
        print('\nFor each call, framed binary')
        print('  %-38s %14s %14s' % ('', 'instructions', 'system calls'))
        self.count_pooled()
        self.count_unpooled()
        self.count_recompiled()
        for label, server in SERVERS:
            if self.has(server):
                costs = self.count(label + ', string', lambda wrapper, calls: self.run_server(wrapper, server, calls), 200, 1200)
                if server == 'tally-server':
                    self.verdicts.judge('server-instructions', costs[0])
        self.count_tls()
        self.count_codec()
        self.count_memory()


SERVERS = [('ideal server', 'ideal-server'), ('Apache C GLib simple server', 'apache-server'),
           ('Apache C GLib simple server, recompiled', 'recompiled-server'), ('Tally server', 'tally-server')]
CLIENTS = [('limit', 'limit'), ('Apache C GLib', 'apache-client'), ('Apache C GLib, recompiled', 'recompiled-client'), ('Tally pooled', 'tally-client')]


# Of Apache's codecs: over a transport that only copies, over its memory buffer, framed over that.
APACHES_WAYS = ('-plain', '-memory', '-framed')


def least(count, times):
    return min(count() for _ in range(times))


def ratios(figures, base):
    of_rounds = [mine['p50'] / other['p50'] for mine, other in zip(figures, base)]
    return statistics.median(of_rounds), min(of_rounds), max(of_rounds)


def main():
    parser = argparse.ArgumentParser(prog='script/bench', description=__doc__.splitlines()[0])
    parser.add_argument('--programs', required=True, help=argparse.SUPPRESS)
    parser.add_argument('--rounds', type=int, default=5, help='rounds of each part (default 5)')
    parser.add_argument('--scale', type=float, default=1.0, help='multiply the number of operations (default 1)')
    parser.add_argument('--parts', default=','.join(PARTS), help='of %s (default all)' % ', '.join(PARTS))
    parser.add_argument('--counts', action='store_true', help='only instructions (callgrind) and system calls (strace) for each call')
    parser.add_argument('--json', metavar='FILE', help='write every round\'s figures there')
    options = parser.parse_args()
    parts = ['counts'] if options.counts else options.parts.split(',')
    unknown = [part for part in parts if not hasattr(Bench, 'part_' + part)]
    if unknown:
        parser.error('no part %s; there are %s' % (', '.join(unknown), ', '.join(PARTS + ['counts'])))
    bench = Bench(options)
    try:
        for part in parts:
            getattr(bench, 'part_' + part)()
        bench.verdicts.summarise()
    finally:
        bench.stop_servers()
    if options.json:
        with open(options.json, 'w') as output:
            json.dump({'rounds': options.rounds, 'cores': bench.cores, 'results': bench.results + bench.verdicts.results}, output, indent=1)


if __name__ == '__main__':
    main()
