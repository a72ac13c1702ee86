"""Runs the benchmark's programs in turn and prints what their figures mean against each other.

Every figure is a ratio within one round: the limit, Apache's and Tally's programs run one after the other,
round after round, so that a machine that is busy for a while slows all of them. What is reported is the
median of the rounds' ratios, with the smallest and the largest. This file has what is measured in time, its placements and
tables; counts.py what is counted; programs.py how programs are started, and older.py those of an older Tally; goals.py
what is to come of the figures; the programs know how to make and check a call.
"""
import argparse
import json
import statistics
import sys
import time

from counts import CLIENTS, SERVERS, Counts
from goals import Verdicts
from older import build_older
from programs import BEFORE, Failed

# Each part's seconds, about, on a machine with nothing else to do: of a round, and besides.
PARTS = {'call': (6, 0), 'struct': (3, 0), 'large': (4, 0), 'server': (11, 0), 'unpooled': (1, 60), 'shared': (6, 0), 'threads': (21, 0),
         'async': (7, 0), 'codec': (1, 0), 'pool': (0, 20), 'tls': (3, 0), 'counts': (0, 400)}
FIGURES = ['p50', 'p90', 'p99', 'max', 'mean']
# Of Apache's codecs: over a transport that only copies, over its memory buffer, framed over that.
APACHES_WAYS = ('-plain', '-memory', '-framed')


def ratios(figures, base):
    of_rounds = [mine['p50'] / other['p50'] for mine, other in zip(figures, base)]
    return statistics.median(of_rounds), min(of_rounds), max(of_rounds)


def older(name, rows):
    """The row of the older version, where there is one; else @name's."""
    return name + BEFORE if name + BEFORE in rows else name


class Bench(Counts):
    def __init__(self, options):
        super().__init__(options.programs, options.before, Verdicts(options.against))
        self.options = options

    def tell_missing(self):
        """What is not measured, and for want of what."""
        instructions, system_calls = self.can_count()
        for there, text in ((self.has('apache-client'), "Apache C GLib's programs are not built (no thrift compiler): its rows, and the recompiled ones, are left out"),
                            (self.has_tls(), 'no TLS: libssl-dev was not there, or the program openssl is not'),
                            (instructions, 'valgrind is not there, or does not work: no instructions are counted'),
                            (system_calls, 'strace is not there, or may not trace: no system calls are counted'),
                            (self.can_place(), 'taskset is not there, or does not work: the kernel places all programs'),
                            (len(self.cores) > 1, 'one core: nothing is measured on two')):
            if not there:
                print('Missing: ' + text)
        for name in ('tally-client', 'tally-server', 'tally-async', 'tally-codec', 'pool'):
            if not self.has(name):
                print('Missing: bench-%s is not built' % name)
            elif self.before and len(self.versions(name)) < 2:
                print('Missing: %s has no bench-%s that today\'s sources make' % (self.options.against, name))

    def figures(self, command):
        """{operation: {figure: nanoseconds}} from the lines that a program prints."""
        found = {}
        for line in self.output(command).splitlines():
            name, *values = line.split()
            found[name] = dict(zip(FIGURES, map(float, values)))
        return found

    def rounds(self, title, contenders, reference, unit=1000.0):
        """contenders: [(label, program, arguments, core)]. Runs them in turn, those of which there are two versions in both; the
        first figures of each program's output are its own, or for a program of several operations each operation's."""
        rows = {}
        present = [(label, suffix, version, arguments, core) for label, program, arguments, core in contenders
                   for suffix, version in self.versions(program)]
        for number in range(self.options.rounds):
            self.progress(title, number)
            for contender in list(present):
                label, suffix, version, arguments, core = contender
                try:
                    found = self.figures(self.command(version, arguments, core))
                except Failed as failure:
                    if not suffix:
                        raise
                    present.remove(contender)
                    self.leave_out(label + suffix, failure)
                    continue
                for operation, figures in found.items():
                    name = label if operation == 'call' else '%s %s' % (label, operation)
                    rows.setdefault(name + suffix, []).append(figures)
        self.progress(None, 0)
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
            base = reference
            if isinstance(reference, dict):
                base = reference.get(name.removesuffix(BEFORE))
                base = older(base, rows) if base and name.endswith(BEFORE) else base
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

    def judge_best(self, goal, rows, name, value, best):
        """Where the best round is what counts."""
        def found(name):
            return best(value(row) for row in rows[name]) if name in rows else None
        self.verdicts.judge(goal, found(name), found(name + BEFORE))

    def judge_ratio(self, goal, rows, name, base, detail=''):
        def ratio(name, base):
            return ratios(rows[name], rows[base])[0] if name in rows and base in rows else None
        of_before = older(name, rows), older(base, rows)
        self.verdicts.judge(goal, ratio(name, base), None if of_before == (name, base) else ratio(*of_before), detail)

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
                for suffix, version in self.versions(server):
                    port = self.start(version, other)
                    contenders.append((label + suffix, 'limit', self.client('limit', port) + self.calls(20000), mine))
                if server == 'tally-server':
                    port = self.start(server, other)
                    contenders.append(('Tally server, Tally pooled', 'tally-client',
                                       self.client('tally-client', port) + self.calls(20000), mine))
            self.rounds('Servers under the limit\'s client, 16 bytes, ' + placement, contenders, 'ideal server')
            self.stop_servers()
        self.server_of_many()

    def server_of_many(self):
        """Where the kernel places both sides: one thread that has 64 connections, by epoll, against the same."""
        together = ['--together', '64']
        ports = [('limit, epoll', self.start('ideal-server', None, arguments=together))]
        ports += [('Tally server' + suffix, self.start(version, None)) for suffix, version in self.versions('tally-server')]
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
                self.judge_best('shared-64', rows, 'Tally shared, 64 threads', lambda row: 1e6 / row['p50'], max)
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
                    (limit, 'limit', self.client('limit', port) + self.calls(min(max(200000 // together, 200), 20000)) + ['--warmup', '20'] + at_once, mine),
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
            self.judge_best(name.replace(' ', '-'), rows, name, lambda row: row['max'] / 1e6, min)

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
        print('\nThe pool alone: a connection of 8 borrowed and given back; the limit is a mutex and a stack')
        print('  %-8s %8s %12s %12s %10s %10s' % ('hold', 'threads', 'limit, ns', 'Tally, ns', '×', 'least'))
        versions = self.of_versions('Tally', 'pool', self.pairs)
        for hold, threads in versions.get('', {}):
            costs = {}
            for suffix, pairs in versions.items():
                limit, tally = (pairs[hold, threads][who]['ns_per_pair'] for who in ('limit', 'tally'))
                costs[suffix] = (tally, tally / limit)
                print('  %-8s %8d %12.1f %12.1f %10.2f %10.2f%s' % (hold, threads, limit, tally, tally / limit,
                                                                  pairs[hold, threads]['tally']['least_share'], suffix))
            if hold == 'none':
                self.judge_counted('pool-%d' % threads, costs, 0)
            elif (hold, threads) == ('yield', 64):
                self.judge_counted('pool-64-yield', costs, 1)
        sys.stdout.flush()

    def pairs(self, version):
        """{(what holds a connection, by how many threads): {'limit' and 'tally': figures}}"""
        pairs = {}
        for run in json.loads(self.output(self.command(version, ['--json'])))['runs']:
            pairs.setdefault((run['hold'], run['threads']), {})[run['who']] = run
            self.results.append({'part': 'pool', 'program': version, **run})
        return pairs

    def part_tls(self):
        if not self.has_tls():
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


def tell_time(seconds):
    return '%d min' % ((seconds + 59) // 60) if seconds > 90 else '%d s' % seconds


def estimate(parts, options):
    """Seconds. With an older version there are half as many programs again."""
    of_rounds = sum(PARTS[part][0] for part in parts) * options.rounds * options.scale
    besides = sum(PARTS[part][1] for part in parts)
    return (of_rounds + besides) * (1.5 if options.before else 1)


def parse():
    parser = argparse.ArgumentParser(prog='script/bench', description=__doc__.splitlines()[0])
    parser.add_argument('--programs', required=True, help=argparse.SUPPRESS)
    parser.add_argument('--against', metavar='COMMIT', help='build that commit, too, and measure it in the same rounds: a table of before and after')
    parser.add_argument('--rounds', type=int, default=5, help='rounds of each part (default 5)')
    parser.add_argument('--scale', type=float, default=1.0, help='multiply the number of operations (default 1)')
    parser.add_argument('--parts', default=','.join(PARTS), help='of %s (default all)' % ', '.join(PARTS))
    parser.add_argument('--counts', action='store_true', help='only instructions (callgrind) and system calls (strace) for each call')
    parser.add_argument('--json', metavar='FILE', help='write every round\'s figures there')
    options = parser.parse_args()
    options.parts = ['counts'] if options.counts else options.parts.split(',')
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error('no part %s; there are %s' % (', '.join(unknown), ', '.join(PARTS)))
    if options.rounds < 1 or options.scale <= 0:
        parser.error('nothing to measure')
    return options


def main():
    options = parse()
    options.before = build_older(options.against, options.programs) if options.against else None
    bench = Bench(options)
    start = time.monotonic()
    print('%d rounds of %s: about %s where nothing else runs' % (options.rounds, ', '.join(options.parts), tell_time(estimate(options.parts, options))))
    bench.tell_missing()
    sys.stdout.flush()
    try:
        for part in options.parts:
            getattr(bench, 'part_' + part)()
    except Failed as failure:
        sys.exit('bench: %s' % failure)
    finally:
        bench.stop_servers()
        bench.verdicts.summarise()
        print('This took %s.' % tell_time(time.monotonic() - start))
    if options.json:
        with open(options.json, 'w') as output:
            json.dump({'rounds': options.rounds, 'cores': bench.cores, 'results': bench.results + bench.verdicts.results}, output, indent=1)


if __name__ == '__main__':
    main()
