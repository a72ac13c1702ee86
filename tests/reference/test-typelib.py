#!/usr/bin/python3
"""Uses libtally from Python, through its typelib, and reads what the GIR leaves out. Arguments: the directory of
the GIR and typelib, the sources' directory."""
import ctypes
import re
import socket
import struct
import sys
import threading
import traceback
from pathlib import Path

try:
    import gi
    gi.require_version ('Tally', '0')
    from gi.repository import Gio, GLib, GObject, Tally
except (ImportError, ValueError) as reason:
    print (f'1..0 # SKIP {reason}')
    sys.exit (0)

DIRECTORY, SOURCES = Path (sys.argv[1]), Path (sys.argv[2])


def a_pool_has_properties ():
    pool = Tally.Pool.new ()
    heard = []
    pool.connect ('notify::max-open', lambda object, pspec: heard.append (pspec.name))
    pool.props.max_open = 3
    pool.props.check = Tally.PoolCheck.AUTO
    assert pool.props.max_open == 3 and heard == ['max-open']
    assert pool.props.check == Tally.PoolCheck.AUTO and pool.props.check.value_nick == 'auto'


def a_borrow_is_told_and_counted ():
    with socket.create_server (('127.0.0.1', 0)) as listener:
        pool, events = Tally.Pool.new (), []
        pool.connect ('event', lambda object, event: events.append ((event.kind, event.endpoint.get_uri ())))
        endpoint = Tally.Endpoint.new (f'tcp://127.0.0.1:{listener.getsockname ()[1]}')
        bucket = pool.dup_bucket (endpoint)
        done, lease = bucket.borrow (None, -1, None)
        assert done and not lease.reused
        busy = pool.dup_snapshot ()
        counts = busy.open, busy.busy, busy.dials, busy.dial_time.count
        assert counts == (1, 1, 1, 1), counts
        bucket.release (lease, Tally.Outcome.BROKEN)
        pool.close ()
        after = bucket.dup_snapshot ()
        assert after.open == 0 and after.closes[Tally.CloseReason.BROKEN] == 1, after.closes
        assert events == [(Tally.PoolEventKind.OPENED, endpoint.get_uri ()),
                          (Tally.PoolEventKind.CLOSED, endpoint.get_uri ())], events


def a_failure_is_an_exception ():
    pool = Tally.Pool.new ()
    bucket = pool.dup_bucket (Tally.Endpoint.new ('tcp://127.0.0.1:0'))
    try:
        bucket.borrow (None, -1, None)
    except GLib.Error as error:
        assert error.matches (Tally.error_quark (), Tally.Error.CONNECT_FAILED), error
    else:
        raise AssertionError ('port 0 was reached')


def a_channel_is_made_of_its_properties ():
    pool = Tally.Pool.new ()
    channel = Tally.Channel.new_with_pool ('tcp://h:1?timeout=250&protocol=compact', pool)
    assert channel.props.timeout == 250 and channel.props.pool is pool
    assert channel.get_endpoint ().get_protocol () == Tally.ProtocolId.COMPACT
    channel.set_max_depth (7)
    assert channel.props.max_depth == 7
    assert isinstance (channel, Gio.Initable)
    try:
        Tally.Channel.new ('tcp://h')
    except GLib.Error as error:
        assert error.matches (Tally.error_quark (), Tally.Error.INVALID_ARGUMENT) and 'no port' in error.message
    else:
        raise AssertionError ('a URI without port was taken')


class Gate (GObject.Object, Tally.Interceptor):
    """An interceptor written in Python."""

    def __init__ (self):
        super ().__init__ ()
        self.begun, self.ended = [], None

    def do_before (self, info):
        self.begun.append ((info.get_method (), info.get_seqid (), info.is_server ()))
        raise GLib.Error ('not today', 'g-io-error-quark', Gio.IOErrorEnum.PERMISSION_DENIED)

    def do_after (self, info):
        self.ended = info


def ask (*interceptors):
    """Adds them to a server that runs, and calls "ping" there once. Thrift's functions are in no typelib. Returns the answer."""
    serve = ctypes.CDLL ('libthrift_c_glib.so.0').thrift_server_serve
    serve.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    server = GObject.new (Tally.Server, uri='tcp://127.0.0.1:0', processor=GObject.new (Tally.Processor))
    for interceptor in interceptors:
        server.add_interceptor (interceptor)
    server.listen ()
    thread = threading.Thread (target=serve, args=(hash (server), None))
    thread.start ()
    with socket.create_connection (('127.0.0.1', int (server.dup_uri ().split (':')[-1].split ('?')[0]))) as peer:
        peer.sendall (struct.pack ('>iIi4sib', 17, 0x80010001, 4, b'ping', 9, 0))
        answer = peer.recv (1000)
    server.stop ()
    thread.join ()
    return answer


def an_interceptor_refuses ():
    gate = Gate ()
    assert b'not today' in ask (gate)
    assert gate.begun == [('ping', 9, True)], gate.begun
    assert gate.ended.get_outcome () == Tally.CallOutcome.REFUSED and gate.ended.get_request_bytes () == 17
    assert Tally.CallOutcome.to_string (Tally.CallOutcome.TIMED_OUT) == 'timed-out'


def statistics_are_counted ():
    statistics = Tally.CallStatistics.new ()
    ask (statistics)
    entry, = statistics.dup_snapshot ()
    assert (entry.is_server, entry.service, entry.method, entry.calls) == (True, None, '(others)', 1), entry.method
    assert entry.outcomes[Tally.CallOutcome.EXCEPTION] == 1 and entry.request_bytes == 17, entry.outcomes
    assert entry.time.count == 1


def a_server_listens ():
    server = GObject.new (Tally.Server, uri='tcp://127.0.0.1:0', max_message_size=1000)
    assert server.init (None) and server.listen ()
    assert re.fullmatch (r'tcp://127\.0\.0\.1:[1-9]\d*', server.dup_uri ()), server.dup_uri ()
    assert server.dup_snapshot ().accepted == 0


def nothing_is_left_out_unasked ():
    """A function that a language cannot call is one whose comment says (skip)."""
    text = (DIRECTORY / 'Tally-0.gir').read_text ()
    left_out = set (re.findall (r'<(?:function|method|constructor) [^>]*c:identifier="(tally_\w+)"[^>]*introspectable="0"',
                                text))
    sources = '\n'.join (path.read_text () for folder in ('pool', 'runtime')
                         for path in (SOURCES / folder).rglob ('*.[ch]'))
    asked = set (re.findall (r'^ \* (tally_\w+): \(skip\)$', sources, re.M))
    assert left_out <= asked, sorted (left_out - asked)
    declared = set (re.findall (r'^TALLY_API\s[^;(]*?\b(tally_\w+) \(', sources, re.M))
    declared = {name for name in declared if not name.endswith ('_get_type')}
    known = set (re.findall (r'c:identifier="(tally_\w+)"', text))
    assert declared <= known, sorted (declared - known)


TESTS = [a_pool_has_properties, a_borrow_is_told_and_counted, a_failure_is_an_exception,
         a_channel_is_made_of_its_properties, an_interceptor_refuses, statistics_are_counted,
         a_server_listens, nothing_is_left_out_unasked]

print (f'1..{len (TESTS)}')
for number, test in enumerate (TESTS, 1):
    try:
        test ()
        print (f'ok {number} - {test.__name__}')
    except Exception:  # each is one failed test
        print (f'not ok {number} - {test.__name__}', *traceback.format_exc ().splitlines (), sep='\n# ')
    sys.stdout.flush ()
