"""What script/bench measures Tally by: of each figure the goal. A figure is a ratio against the limit of the same round, or a
count, so that it means the same on another machine; the few in time are of a quiet machine.
"""

AT_MOST, AT_LEAST = 'at most', 'at least'

# name: (what is measured, which way, how much)
GOALS = {
    # A call of 16 bytes, one at a time, all on one core, over a server that only echoes
    'call': ('Tally pooled against the limit, p50', AT_MOST, 1.06),
    'call-apache': ('Tally pooled against Apache C GLib, p50', AT_MOST, 1.0),
    'call-instructions': ('instructions of a pooled call, client', AT_MOST, 1560),
    'call-system-calls': ('system calls of a pooled call, client', AT_MOST, 3),
    'call-compact': ('instructions of a pooled call, compact against binary', AT_MOST, 1.03),
    'call-buffered': ('instructions of a pooled call, buffered against framed', AT_MOST, 1.03),
    'shared-alone': ('Tally shared, a lone caller, against the limit, p50', AT_MOST, 1.09),
    'shared-alone-instructions': ('instructions of a lone shared call against a pooled one', AT_MOST, 1.25),
    'shared-64': ('thousand calls a second of 64 threads on one shared connection, one core, best round', AT_LEAST, 200),
    'tls': ('Tally pooled over TLS against a ping-pong of OpenSSL\'s, p50', AT_MOST, 2.0),

    # A connection for each call
    'unpooled': ('Tally unpooled against the limit unpooled', AT_MOST, 1.15),
    'unpooled-pooled': ('Tally unpooled against pooled', AT_LEAST, 4),
    'unpooled-system-calls': ('system calls of an unpooled call, client', AT_MOST, 7),
    'unpooled-server-system-calls': ('system calls of an unpooled call, server, all threads', AT_MOST, 8),

    # The server
    'server-instructions': ('instructions of a request, server', AT_MOST, 1500),
    'server-64': ('Tally server\'s calls a second of the limit\'s, 64 connections', AT_LEAST, 0.95),

    # Many callers
    'threads-2': ('Tally\'s calls a second of the limit\'s, 2 threads', AT_LEAST, 0.95),
    'threads-8': ('Tally\'s calls a second of the limit\'s, 8 threads', AT_LEAST, 0.95),
    'threads-64': ('Tally\'s calls a second of the limit\'s, 64 threads', AT_LEAST, 0.95),
    'async-64': ('the limit\'s time for a call of that of an asynchronous one, 64 in flight', AT_LEAST, 0.5),
    'async-1024': ('times as many calls as one caller that waits, 1,024 in flight', AT_LEAST, 40),
    'burst-turn': ('longest turn of a loop that begins 10,000 calls at once, ms', AT_MOST, 20),
    'burst-timer': ('longest time from one 10 ms timer to the next of a loop that begins 10,000 calls at once, ms', AT_MOST, 25),

    # The pool alone: a connection borrowed and given back without I/O
    'pool-1': ('ns of a pair, 1 thread', AT_MOST, 40),
    'pool-2': ('ns of a pair, 2 threads', AT_MOST, 50),
    'pool-8': ('ns of a pair, 8 threads', AT_MOST, 45),
    'pool-64': ('ns of a pair, 64 threads', AT_MOST, 55),
    'pool-64-yield': ('a pair against the limit\'s, 64 threads that yield while they hold', AT_MOST, 1.1),

    # A rich struct, 15.7 kB
    'struct': ('rich struct echoed, Tally pooled against the limit, p50', AT_MOST, 4),
    'struct-apache': ('times faster than Apache C GLib, rich struct', AT_LEAST, 5),
    'encode': ('rich struct, encode, Tally against the limit', AT_MOST, 2.6),
    'decode': ('rich struct, decode and free, Tally against the limit', AT_MOST, 10.7),
    'decode-instructions': ('rich struct, instructions to decode and free it', AT_MOST, 350000),
    'decode-compact': ('rich struct, decode, compact against binary', AT_MOST, 1.3),
    'encode-apache': ('times faster than Apache C GLib\'s best, encode', AT_LEAST, 8),
    'decode-apache': ('times faster than Apache C GLib\'s best, decode', AT_LEAST, 1.7),
    'recompiled': ('instructions of Apache\'s client recompiled, of those with its own code', AT_MOST, 0.6),
    # Of a program's own transport no more is known than that it reads what it is asked for.
    'recompiled-own': ('instructions of Apache\'s client recompiled, of those with its own code', AT_MOST, 1.0),
    'recompiled-encode': ('Apache C GLib recompiled against its own code, encode', AT_MOST, 0.25),
    'recompiled-decode': ('Apache C GLib recompiled against its own code, decode', AT_MOST, 0.5),

    # Large messages. What is left of a start counts, too, so it is not quite none.
    'large': ('64 KiB of text echoed, Tally pooled against the limit, p50', AT_MOST, 2),
    'large-faults-client': ('page faults of a call with 64 KiB of text, client', AT_MOST, 0.1),
    'large-faults-server': ('page faults of a call with 64 KiB of text, server', AT_MOST, 0.1),
    'large-memory-client': ('system calls for memory of a call with 64 KiB of text, client', AT_MOST, 0.1),
    'large-memory-server': ('system calls for memory of a call with 64 KiB of text, server', AT_MOST, 0.1),
    'list-faults-client': ('page faults of a call with a list of 1 MiB, client', AT_MOST, 0.1),
    'list-faults-server': ('page faults of a call with a list of 1 MiB, server', AT_MOST, 0.1),
    'list-memory-client': ('system calls for memory of a call with a list of 1 MiB, client', AT_MOST, 0.1),
    'list-memory-server': ('system calls for memory of a call with a list of 1 MiB, server', AT_MOST, 0.1),
}


class Verdicts:
    """What became of the goals that a run has measured."""

    def __init__(self, against=None):
        """@against: (nullable): the name of the older version, where there is one."""
        self.against = against
        self.results = []

    def judge(self, name, value, before=None, detail=''):
        """Prints the goal @name and whether @value meets it, and keeps that. @value: (nullable): it could not be measured. @before:
        (nullable): the older version's."""
        text, way, goal = GOALS[name]
        result = {'part': 'goals', 'name': name, 'text': text + detail, 'way': way, 'goal': goal, 'value': value, 'before': before, 'met': None}
        self.results.append(result)
        if value is None:
            return
        result['value'] = value = round(value, 2)  # what is compared is what is printed
        result['met'] = value <= goal if way == AT_MOST else value >= goal
        result['before'] = None if before is None else round(before, 2)
        print('  %-4s %s: %s (goal: %s %g)' % (verdict(result), result['text'], shown(value), way, goal))

    def summarise(self):
        """The table of all goals."""
        if not self.results:
            return
        width = max(len(result['text']) for result in self.results)
        print('\n%-*s %s%9s  %-14s' % (width, 'goal', '%9s ' % 'before' if self.against else '', 'after' if self.against else 'now', 'goal'))
        for result in self.results:
            before = '%9s ' % shown(result['before']) if self.against else ''
            print('%-*s %s%9s  %-8s %7g %s' % (width, result['text'], before, shown(result['value']), result['way'], result['goal'], verdict(result)))
        measured = [result for result in self.results if result['met'] is not None]
        print('%d of %d goals are met' % (sum(result['met'] for result in measured), len(measured)))
        if self.against:
            print('before: %s' % self.against)


def shown(value):
    return '-' if value is None else '%.10g' % value


def verdict(result):
    return {True: 'ok', False: 'MISS', None: ''}[result['met']]
