"""What a call costs, counted: instructions by callgrind, system calls by strace, page faults by the kernel. These hardly depend on
what else the machine does. What counts what, and for which goal, is here; programs.py knows how to start things.
"""
import os
import re
import resource
import signal
import sys

from programs import BEFORE, Programs

INSTRUCTIONS, SYSTEM_CALLS = 0, 1

SERVERS = [('ideal server', 'ideal-server'), ('Apache C GLib simple server', 'apache-server'),
           ('Apache C GLib simple server, recompiled', 'recompiled-server'), ('Tally server', 'tally-server')]
CLIENTS = [('limit', 'limit'), ('Apache C GLib', 'apache-client'), ('Apache C GLib, recompiled', 'recompiled-client'), ('Tally pooled', 'tally-client')]


def least(count, times):
    return min(count() for _ in range(times))


def shown(cost, digits):
    return '-' if cost is None else '%.*f' % (digits, cost)


class Counts(Programs):
    # A processor copies many bytes by one instruction, of which callgrind counts every byte: the C library is told to do without.
    CALLGRIND = ['env', 'GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000',
                 'valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null']
    STRACE = ['strace', '-c', '-f']
    MEMORY = ['-e', 'trace=%memory']

    def __init__(self, directory, before, verdicts):
        super().__init__(directory, before)
        self.verdicts = verdicts
        self.results = []
        self.counted_unpooled = False

    def can_count(self):
        return (self.has_tool('valgrind', ['--tool=callgrind', '--callgrind-out-file=/dev/null', 'true']),
                self.has_tool('strace', ['-c', '-f', '-o', '/dev/null', 'true']))

    def instructions(self, run):
        """(nullable): of all that @run does below a wrapper."""
        if not self.can_count()[INSTRUCTIONS]:
            return None
        path = os.path.join(self.scratch.name, 'callgrind')
        run(self.CALLGRIND + ['--log-file=' + path])
        with open(path) as log:
            return int(re.search(r'Collected : (\d+)', log.read()).group(1))

    def system_calls(self, run, which=()):
        if not self.can_count()[SYSTEM_CALLS]:
            return None
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

    @staticmethod
    def for_each(count, few, many, times):
        """(nullable): what one call costs by @count, which is given a number of calls: the difference of two runs, so that start
        and end do not count. Of several such runs the one that took least: threads that look at a clock take more, the slower the
        machine is."""
        def counted(calls):
            found = [count(calls) for _ in range(times)]
            return None if None in found else min(found)
        some = counted(few)
        return None if some is None else (counted(many) - some) / (many - few)

    def count(self, label, program, run, few=200, many=1200):
        """{what a version's label ends in: its instructions and system calls}. @run: of a wrapper, a version's name and a number of
        calls."""
        def measure(version):
            def below(wrapped, calls):
                return wrapped(lambda wrapper: run(wrapper, version, calls))
            return (self.for_each(lambda calls: below(self.instructions, calls), few, many, 2),
                    self.for_each(lambda calls: below(self.system_calls, calls), few, many, 1))
        costs = self.of_versions(label, program, measure)
        for suffix, (instructions, system_calls) in costs.items():
            print('  %-60s %14s %14s' % (label + suffix, shown(instructions, 0), shown(system_calls, 2)))
            self.results.append({'part': 'counts', 'name': label + suffix, 'instructions': instructions, 'system_calls': system_calls})
        sys.stdout.flush()
        return costs

    def count_client(self, label, program, arguments, few=200, many=1200):
        return self.count(label, program, lambda wrapper, version, calls: self.run_client(wrapper, version, arguments, calls), few, many)

    def count_server(self, label, program, mode='pooled'):
        return self.count(label, program, lambda wrapper, version, calls: self.run_server(wrapper, version, calls, mode=mode))

    def judge_counted(self, goal, costs, which, base=None, detail=''):
        """@base: (nullable): what the costs are compared with, of the same version where there are two."""
        def value(suffix):
            mine = costs.get(suffix, (None, None))[which]
            other = 1 if base is None else base.get(suffix, base.get('', (None, None)))[which]
            return None if mine is None or other is None else mine / other
        self.verdicts.judge(goal, value(''), value(BEFORE), detail)

    # ---- the parts ----

    def head(self, title, *columns):
        print('\n%s' % title)
        print('  %-60s %14s %14s' % ('', *columns))

    def count_pooled(self):
        port = self.start('ideal-server', None)
        counted = {}
        for payload, few, many in (('string', 200, 1200), ('struct', 20, 60), ('large', 20, 60)):
            for label, program in CLIENTS:
                if payload == 'string' or not program.startswith('apache'):
                    costs = self.count_client('%s client, %s' % (label, payload), program, self.client(program, port, payload), few, many)
                    counted.setdefault(program, costs)
        pooled = counted['tally-client']
        self.judge_counted('call-instructions', pooled, INSTRUCTIONS)
        self.judge_counted('call-system-calls', pooled, SYSTEM_CALLS)
        self.judge_recompiled('recompiled', counted)
        shared = self.count_client('Tally shared client, string', 'tally-client', self.client('tally-client', port, mode='shared'))
        self.judge_counted('shared-alone-instructions', shared, INSTRUCTIONS, pooled)
        self.count_client('Tally asynchronous client, 64 in flight', 'tally-async',
                          self.client('tally-async', port, mode='shared') + ['--together', '64'], 1280, 12800)
        self.stop_servers()
        for goal, option in (('call-compact', 'protocol=compact'), ('call-buffered', 'transport=buffered')):
            port = self.start('tally-server', None, arguments=['--uri-options', '?' + option])
            costs = self.count_client('Tally pooled client, string, ' + option, 'tally-client',
                                      self.client('tally-client', port) + ['--uri-options', option])
            self.judge_counted(goal, costs, INSTRUCTIONS, pooled)
            self.stop_servers()

    def count_unpooled(self):
        """Also a part of what is measured in time; once is enough."""
        if self.counted_unpooled:
            return
        self.counted_unpooled = True
        self.head('For each call on a connection of its own, framed binary', 'instructions', 'system calls')
        port = self.start('ideal-server', None)
        for label, program in CLIENTS:
            costs = self.count_client(label + ' client, string', program, self.client(program, port, mode='unpooled'))
            if program == 'tally-client':
                self.judge_counted('unpooled-system-calls', costs, SYSTEM_CALLS)
        self.stop_servers()
        for label, server in SERVERS:
            if server in ('ideal-server', 'tally-server'):
                costs = self.count_server(label + ', string', server, 'unpooled')
                if server == 'tally-server':
                    self.judge_counted('unpooled-server-system-calls', costs, SYSTEM_CALLS)

    def judge_recompiled(self, goal, counted, detail=''):
        """@counted: {program: what count () returned}."""
        if counted.get('apache-client') and counted.get('recompiled-client'):
            self.judge_counted(goal, counted['recompiled-client'], INSTRUCTIONS, counted['apache-client'], detail)

    def count_recompiled(self):
        port = self.start('tally-server', None, arguments=['--uri-options', '?transport=buffered'])
        for transport in ('buffered', 'socket', 'own'):
            counted = {program: self.count_client('%s client, string, %s' % (label, transport), program,
                                                  self.client(program, port) + ['--transport', transport])
                       for label, program in CLIENTS if program in ('apache-client', 'recompiled-client')}
            self.judge_recompiled('recompiled-own' if transport == 'own' else 'recompiled', counted, ', ' + transport)
        self.stop_servers()

    def count_servers(self):
        for label, server in SERVERS:
            costs = self.count_server(label + ', string', server)
            if server == 'tally-server':
                self.judge_counted('server-instructions', costs, INSTRUCTIONS)

    def count_tls(self):
        if not self.has_tls():
            return
        port = self.start('openssl', None, arguments=['--serve', '--certificate', self.certificates()[1]])
        for label, program, arguments in self.tls_clients(port):
            self.count_client(label + ' client, string', program, arguments)
        self.stop_servers()

    def count_codec(self):
        """Instructions of the rich struct alone, with the check of what came; decoding ends with freeing it."""
        for how in ('', '-public'):
            for protocol in ('', '-compact'):
                for what in ('encode', 'decode'):
                    name = what + how + protocol
                    costs = self.count_client('Tally codec, ' + name, 'tally-codec', ['--only', name], 50, 250)
                    if name == 'decode':
                        self.judge_counted('decode-instructions', costs, INSTRUCTIONS)

    # ---- memory that the kernel gives and takes ----

    def count_memory(self):
        """Page faults, and system calls for memory, of a call with much in it, after the first ones."""
        self.head('For each call with much in it, pooled, framed binary', 'page faults', 'memory calls')
        for payload in ('large', 'list'):
            for side, program, count in (('client', 'tally-client', self.memory_of_client), ('server', 'tally-server', self.memory_of_server)):
                label = 'Tally %s, %s' % (side, payload)
                costs = self.of_versions(label, program, lambda version: count(version, payload, 100, 300))
                for suffix, figures in costs.items():
                    print('  %-60s %14s %14s' % (label + suffix, *(shown(cost, 2) for cost in figures)))
                self.judge_counted('%s-faults-%s' % (payload, side), costs, 0)
                self.judge_counted('%s-memory-%s' % (payload, side), costs, 1)

    def memory_of_client(self, version, payload, few, many):
        arguments = self.client('tally-client', self.start('ideal-server', None), payload)

        def run(wrapper, calls):
            self.run_client(wrapper, version, arguments, calls)

        def faults(calls):
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
            run([], calls)
            return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before

        def memory_calls(calls):
            return self.system_calls(lambda wrapper: run(wrapper, calls), self.MEMORY)
        costs = [self.for_each(count, few, many, 3) for count in (faults, memory_calls)]
        self.stop_servers()
        return costs

    def memory_of_server(self, version, payload, few, many):
        """Each of a server's threads makes its faults with the first messages that it serves: what counts is the best time."""
        port = self.start(version, None)

        def faults(calls):
            def so_far():
                with open('/proc/%d/stat' % self.servers[-1].pid) as stat:
                    return int(stat.read().rsplit(')', 1)[1].split()[7])
            before = so_far()
            self.run_client([], 'tally-client', self.client('tally-client', port, payload), calls)
            return so_far() - before
        faults(few)
        later = least(lambda: faults(few), 8) / few
        self.stop_servers()

        def memory_calls(calls):
            return self.system_calls(lambda wrapper: self.run_server(wrapper, version, calls, 'tally-client', payload), self.MEMORY)
        return later, self.for_each(memory_calls, few, many, 1)

    def part_counts(self):
        self.head('For each call, framed binary', 'instructions', 'system calls')
        self.count_pooled()
        self.count_recompiled()
        self.count_servers()
        self.count_tls()
        self.count_codec()
        self.count_unpooled()
        self.count_memory()
