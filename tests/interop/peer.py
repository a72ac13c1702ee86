"""The Python peer: a server or a client of interop.thrift over Apache's Python library, and the bytes that
its protocols make of chosen structs.

  peer.py GENERATED server|client PROTOCOL TRANSPORT ADDRESS [FLAG…]
  peer.py GENERATED vectors

ADDRESS is tcp:PORT, tls:PORT or unix:PATH. A server prints its own once it listens. Flags: accelerated, multiplexed,
no-nan, no-wide, no-unknown, no-failure; over TLS mutual and tls1.2; with the transport header zlib. The client checks everything that it gets back and exits with 1 at the first difference.
"""
import logging
import math
import os
import signal
import ssl
import sys

sys.path.insert(0, sys.argv[1])

from thrift.Thrift import TApplicationException, TProcessor
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory, TBinaryProtocolFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolAcceleratedFactory, TCompactProtocolFactory
from thrift.protocol.THeaderProtocol import THeaderProtocol, THeaderProtocolFactory
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.server.TServer import TThreadedServer
from thrift.transport.THeaderTransport import THeaderClientType, THeaderSubprotocolID, THeaderTransformID
from thrift.transport.TSocket import TServerSocket, TSocket
from thrift.transport.TSSLSocket import TSSLServerSocket, TSSLSocket
from thrift.transport.TTransport import (TBufferedTransportFactory, TFramedTransportFactory, TMemoryBuffer,
                                         TTransportFactoryBase)

from peer import Extended, Stranger
from peer.ttypes import (Choice, Color, Nested, Overflow, Point, Refusal, Scalars, Wide)

FACTORIES = {
    ('binary', False): TBinaryProtocolFactory,
    ('binary', True): TBinaryProtocolAcceleratedFactory,
    ('compact', False): TCompactProtocolFactory,
    ('compact', True): TCompactProtocolAcceleratedFactory,
    'framed': TFramedTransportFactory,
    'buffered': TBufferedTransportFactory,
    'header': TTransportFactoryBase,
}
HEADER_IDS = {'binary': THeaderSubprotocolID.BINARY, 'compact': THeaderSubprotocolID.COMPACT}
I64_MIN, I64_MAX = -2 ** 63, 2 ** 63 - 1


# ---- values ----

def make_scalars():
    return Scalars(yes=True, tiny=-128, small=-32768, medium=-2 ** 31, large=I64_MIN, number=-0.1,
                   text='grüße \u65e5\u672c \U0001f33f', bytes=bytes(range(256)), color=Color.FAR, stamp=I64_MAX,
                   no=False, last=2 ** 31 - 1)


def make_nested():
    return Nested(
        flags=[True, False, True], tinies=[-128, 0, 127], smalls=[-32768, 32767], numbers=list(range(-5, 300)),
        larges=[I64_MIN, -1, 0, I64_MAX], doubles=[0.5, -1e300, math.inf], names=['', 'a', 'ü' * 300],
        blobs=[b'', b'\0\xff'], points=[Point(1, 2, 'p'), Point(-3, 4)], colors=[Color.RED, Color.DARK, Color.FAR],
        chosen={1, -2, 3}, words={'x', 'y', ''}, ages={'a': 1, 'b': -2}, titles={I64_MIN: 'low', 5: 'five'},
        switches={1: True, 0: False}, series={'odd': [1, 3], 'none': []}, corners={-1: Point(9, 8, 'c')},
        matrix=[[1], [], [2, 3]], tables={'t': {'u': 0.25}, 'empty': {}}, records=[{'k': 7}, {}],
        origin=Point(0, 0, ''), choice=Choice(text='chosen'), scalars=[make_scalars(), Scalars()], maybe=False)


def make_wide():
    return Wide(sets=[{1, 2}, set(), {-7}], groups={'g': {'a', 'b'}, 'none': set()}, colors={Color.RED, Color.DARK},
                names={Color.RED: 'red', Color.FAR: 'far'}, stamps=[I64_MIN, I64_MAX], blobs={b'', b'\0a', b'\xff'},
                sizes={b'\0': 1, b'\0\0': 2}, doubles={0.5, -2.25}, bools={True, False}, levels={1.5: True, -1.5: False},
                deep=[[['a'], []], [], [['b', 'c']]])


# ---- the server ----

class Handler:
    def __init__(self):
        self.token = 0

    def nothing(self):
        pass

    def join(self, yes, number, text, parts):
        return '%s|%d|%s|%s' % ('yes' if yes else 'no', number, text, ','.join(parts))

    def check(self, kind):
        if kind == 0:
            return 1
        if kind == 1:
            raise Refusal(17, 'refused', Point(1, -2))
        if kind == 2:
            raise Overflow(I64_MAX)
        raise ValueError('kind %d' % kind)

    def check_nothing(self, kind):
        self.check(kind)

    def remember(self, token):
        self.token = token

    def remembered(self):
        return self.token

    def whoami(self):
        return 'python'

    def __getattr__(self, name):
        if name.startswith('echo_'):
            return lambda value: value
        raise AttributeError(name)


class Listener(TServerSocket):
    """Says where it listens, as soon as it does."""

    def listen(self):
        TServerSocket.listen(self)
        address = self._unix_socket
        print('unix:' + address if address else 'tcp:%d' % self.handle.getsockname()[1], flush=True)


class SecureListener(TSSLServerSocket):
    """Says where it listens, too."""

    def listen(self):
        TSSLServerSocket.listen(self)
        print('tls:%d' % self.handle.getsockname()[1], flush=True)


def tls_arguments(certificate, flags):
    """What both sides give their sockets; a server takes any trusted client."""
    def file(name):
        return '%s/%s.pem' % (os.environ['PEER_CERTIFICATES'], name)
    arguments = {'ca_certs': file('ca'), 'cert_reqs': ssl.CERT_REQUIRED}
    if certificate:
        arguments.update(certfile=file(certificate), keyfile=file(certificate))
    if 'tls1.2' in flags:
        arguments['ssl_version'] = ssl.PROTOCOL_TLSv1_2
    return arguments


def make_listener(kind, place, flags):
    if kind == 'unix':
        return Listener(unix_socket=place)
    if kind == 'tcp':
        return Listener('127.0.0.1', int(place))
    arguments = tls_arguments('server', flags)
    if 'mutual' not in flags:
        arguments['cert_reqs'] = ssl.CERT_NONE
    return SecureListener('127.0.0.1', int(place), validate_callback=lambda certificate, address: None, **arguments)


class EchoingHeaderProtocol(THeaderProtocol):
    """Answers each request with the request's headers."""

    def readMessageBegin(self):
        message = THeaderProtocol.readMessageBegin(self)
        for name, value in self.get_headers().items():
            self.set_header(name, value)
        return message


class HeaderFactory(THeaderProtocolFactory):
    """Of a server's protocols, or of a client's."""

    def __init__(self, protocol, flags, is_server):
        self.arguments = (THeaderClientType.HEADERS,), HEADER_IDS[protocol]
        self.flags = flags
        self.made = EchoingHeaderProtocol if is_server else THeaderProtocol

    def getProtocol(self, transport):
        protocol = self.made(transport, *self.arguments)
        if 'zlib' in self.flags:
            protocol.add_transform(THeaderTransformID.ZLIB)
        return protocol


def make_protocol_factory(protocol, transport, flags, is_server):
    if transport == 'header':
        return HeaderFactory(protocol, flags, is_server)
    return FACTORIES[protocol, 'accelerated' in flags]()


def serve(protocol, transport, address, flags):
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    kind, _, place = address.partition(':')
    listener = make_listener(kind, place, flags)
    processor = Extended.Processor(Handler())
    if 'multiplexed' in flags:
        multiplexed = TMultiplexedProcessor()
        multiplexed.registerProcessor('probe', processor)
        processor = multiplexed
    server = TThreadedServer(processor, listener, FACTORIES[transport](),
                             make_protocol_factory(protocol, transport, flags, True), daemon=True)
    server.serve()


# ---- the client ----

def expect(what, actual, expected):
    if actual != expected:
        sys.exit('peer.py: %s: %r instead of %r' % (what, actual, expected))


def raised(function, *arguments):
    try:
        function(*arguments)
    except Exception as exception:
        return exception
    sys.exit('peer.py: %s raised nothing' % function.__name__)


def check_base_types(client, flags):
    client.nothing()
    for value in (True, False):
        expect('bool', client.echo_bool(value), value)
    for bits in (8, 16, 32, 64):
        echo = getattr(client, 'echo_i%d' % bits)
        for value in (0, 1, -1, 2 ** (bits - 1) - 1, -2 ** (bits - 1), 63, 64, -65):
            expect('i%d' % bits, echo(value), value)
    for value in (0.0, -1.5, 1e-310, 1.7976931348623157e308, math.inf, -math.inf):
        expect('double', client.echo_double(value), value)
    expect('negative zero', math.copysign(1, client.echo_double(-0.0)), -1.0)
    if 'no-nan' not in flags:
        expect('nan', math.isnan(client.echo_double(math.nan)), True)
    for value in ('', 'plain', 'grüße \u65e5\u672c \U0001f33f', 'long ' * 20000):
        expect('string', client.echo_string(value), value)
    for value in (b'', b'\0', bytes(range(256)) * 300):
        expect('binary', client.echo_binary(value), value)
    for value in (Color.RED, Color.GREEN, Color.DARK, Color.FAR):
        expect('enum', client.echo_color(value), value)


def check_structs(client, flags):
    for value in (make_scalars(), Scalars(yes=True, tiny=0, small=0, medium=0, large=0, number=0.0, text='', bytes=b'',
                                          color=0, stamp=0, no=True, last=0)):
        expect('scalars', client.echo_scalars(value), value)
    nested = client.echo_nested(make_nested())
    # Fields that were not sent come back as a peer's defaults, which need not be None.
    nested.scalars[1] = Scalars()
    expect('nested', nested, make_nested())
    for value in (Choice(number=-7), Choice(text=''), Choice(point=Point(1, 2)), Choice(numbers=[]), Choice(numbers=[1])):
        expect('union', client.echo_choice(value), value)
    if 'no-wide' not in flags:
        expect('wide', client.echo_wide(make_wide()), make_wide())


def check_containers(client):
    for value in ([], [True], [False] * 20, [True, False] * 5000):
        expect('list of bool', client.echo_flags(value), value)
    paths = {'': [], 'a': [Point(1, 2), Point(3, 4, 'z')], 'b': [Point(-1, -1)] * 100}
    expect('map of lists', client.echo_paths(paths), paths)
    expect('empty map', client.echo_paths({}), {})
    words = {'w%d' % number for number in range(500)}
    expect('set', client.echo_words(words), words)
    expect('empty set', client.echo_words(set()), set())
    expect('arguments', client.join(True, -7, 'hello', ['a', 'b']), 'yes|-7|hello|a,b')


def check_outcomes(client):
    expect('no exception', client.check(0), 1)
    refusal = raised(client.check, 1)
    expect('refusal', refusal, Refusal(17, 'refused', Point(1, -2)))
    expect('overflow', raised(client.check, 2), Overflow(I64_MAX))
    client.check_nothing(0)
    expect('refusal of void', raised(client.check_nothing, 1), Refusal(17, 'refused', Point(1, -2)))
    client.remember(2 ** 62 + 1)
    expect('oneway', client.remembered(), 2 ** 62 + 1)
    expect('inherited', bool(client.whoami()), True)


def check_failures(client, stranger, flags):
    if 'no-unknown' not in flags:
        unknown = raised(stranger.unheard_of, 'x')
        expect('unknown method', (type(unknown), unknown.type), (TApplicationException, TApplicationException.UNKNOWN_METHOD))
        client.nothing()
    expect('undeclared', type(raised(client.check, 3)), TApplicationException)


def check_headers(client, spoken):
    """Headers go with a call, and come back."""
    for value in (b'first', 'grüße'.encode(), b'v' * 200, b''):
        spoken.set_header(b'trace', value)
        client.whoami()
        expect('header', spoken.get_headers().get(b'trace'), value)
    client.whoami()
    expect('no header', spoken.get_headers(), {})


def make_wire(kind, place, flags):
    if kind == 'unix':
        return TSocket(unix_socket=place)
    if kind == 'tcp':
        return TSocket('127.0.0.1', int(place))
    return TSSLSocket('127.0.0.1', int(place), **tls_arguments('alice' if 'mutual' in flags else None, flags))


def run_client(protocol, transport, address, flags):
    kind, _, place = address.partition(':')
    wire = make_wire(kind, place, flags)
    wire.setTimeout(120000)
    channel = FACTORIES[transport]().getTransport(wire)
    spoken = make_protocol_factory(protocol, transport, flags, False).getProtocol(channel)
    if 'multiplexed' in flags:
        spoken = TMultiplexedProtocol(spoken, 'probe')
    channel.open()
    client = Extended.Client(spoken)
    if transport == 'header':
        check_headers(client, spoken)
    check_base_types(client, flags)
    check_structs(client, flags)
    check_containers(client)
    check_outcomes(client)
    if 'no-failure' not in flags:
        check_failures(client, Stranger.Client(spoken), flags)
    channel.close()


# ---- the bytes ----

def trim(table):
    """A set or map of one element: the order of more is nobody's promise."""
    kept = min(table)
    return {kept: trim_value(table[kept])} if isinstance(table, dict) else {kept}


def trim_value(value):
    if isinstance(value, (dict, set)) and value:
        return trim(value)
    return [trim_value(element) for element in value] if isinstance(value, list) else value


def make_trimmed(value):
    for name, content in vars(value).items():
        setattr(value, name, trim_value(content))
    return value


def print_vectors():
    """One line each: struct, protocol, bytes in hexadecimal."""
    nested = make_nested()
    nested.names[2] = 'ü'
    nested.scalars.pop()
    values = [
        ('scalars', make_scalars()),
        ('nested', make_trimmed(nested)),
        ('wide', make_trimmed(make_wide())),
        ('choice', Choice(numbers=[1, -1])),
        ('point', Point(7, -8)),
        ('refusal', Refusal(17, 'refused', Point(1, -2))),
    ]
    for name, value in values:
        for protocol in ('binary', 'compact'):
            plain, fast = (write(value, protocol, accelerated) for accelerated in (False, True))
            expect('%s %s, accelerated' % (name, protocol), fast, plain)
            print(name, protocol, plain.hex())


def write(value, protocol, accelerated):
    memory = TMemoryBuffer()
    value.write(FACTORIES[protocol, accelerated]().getProtocol(memory))
    return memory.getvalue()


def main():
    role, *rest = sys.argv[2:]
    if role == 'vectors':
        print_vectors()
    else:
        {'server': serve, 'client': run_client}[role](*rest[:3], set(rest[3:]))


main()
