#!/usr/bin/python3
"""A fleet on this machine: ZooKeeper, three servers, a client that finds them there, and one that goes through HAProxy.

Restarts each server in turn, kills one, and takes ZooKeeper away for a while, under load all the time; then prints a table of what
became of the calls. ZooKeeper and HAProxy are Debian's packages zookeeper (with a JRE) and haproxy; without haproxy its rows are left
out. Argument: the directory with fleet-server and fleet-client, such as build/examples/fleet.
"""
import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

JAR = '/usr/share/java/zookeeper.jar'
HAPROXY = shutil.which('haproxy', path=os.environ.get('PATH', '') + ':/usr/sbin')
PATIENCE = 600  # seconds for anything that is waited for
N_SERVERS = 3


def find_port(taken):
    """A port that is free, and that the kernel gives to no client, so that it stays so while a server restarts."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(('127.0.0.1', port))
            except OSError:
                continue
        if port not in taken:
            taken.add(port)
            return port


def ask_port(port, question):
    """What is answered first; nothing where nobody listens."""
    try:
        with socket.create_connection(('127.0.0.1', port), 10) as connection:
            connection.sendall(question)
            return connection.recv(4096)
    except OSError:
        return b''


def can_connect(port):
    try:
        socket.create_connection(('127.0.0.1', port), 10).close()
        return True
    except OSError:
        return False


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit('fleet: %s in %d s' % (what, PATIENCE))
        time.sleep(0.02)


class Program:
    """A process, with pipes to its input and output where it is to be talked to."""

    def __init__(self, *command, talks=False):
        pipe = subprocess.PIPE if talks else subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1,
                                        stderr=None if talks else subprocess.DEVNULL)

    def read_line(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit('fleet: %s has ended' % self.process.args[0])
        return line.rstrip('\n')

    def ask(self, line):
        self.process.stdin.write(line + '\n')
        return self.read_line()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.communicate()


class ZooKeeper:
    def __init__(self, directory, taken):
        self.port = find_port(taken)
        self.configuration = os.path.join(directory, 'zoo.cfg')
        self.data = os.path.join(directory, 'zookeeper')
        with open(self.configuration, 'w') as file:
            file.write('dataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\ntickTime=500\nadmin.enableServer=false\n'
                       'maxClientCnxns=0\n4lw.commands.whitelist=srvr\n' % (self.data, self.port))
        self.start()

    def answers(self):
        return b'Mode:' in ask_port(self.port, b'srvr')

    def start(self):
        self.program = Program('java', '-Xmx128m', '-XX:+UseSerialGC', '-cp', JAR,
                               'org.apache.zookeeper.server.quorum.QuorumPeerMain', self.configuration)
        wait_until(self.answers, 'ZooKeeper does not answer')

    def stop(self):
        self.program.end(signal.SIGKILL)


class Server:
    def __init__(self, programs, port, zookeeper):
        self.command = (os.path.join(programs, 'fleet-server'), '--zookeeper', zookeeper, 'tcp://127.0.0.1:%d?transport=framed' % port)
        self.start()

    def start(self):
        self.program = Program(*self.command, talks=True)
        self.program.read_line()  # listening on


def start_haproxy(directory, port, ports):
    configuration = os.path.join(directory, 'haproxy.cfg')
    with open(configuration, 'w') as file:
        file.write('defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n  option redispatch 1\n'
                   '  retries 3\nlisten fleet\n  bind 127.0.0.1:%d\n  balance leastconn\n  default-server check inter 100ms fall 1 rise 1\n'
                   % port)
        for i, server in enumerate(ports):
            file.write('  server s%d 127.0.0.1:%d\n' % (i, server))
    return Program(HAPROXY, '-db', '-f', configuration)


class Fleet:
    def __init__(self, programs, directory):
        taken = set()
        self.zookeeper = ZooKeeper(directory, taken)
        path = 'zookeeper://127.0.0.1:%d/services/fleet' % self.zookeeper.port
        ports = [find_port(taken) for _ in range(N_SERVERS)]
        self.servers = [Server(programs, port, path) for port in ports]
        ways = {'ZooKeeper': path}
        self.haproxy = None
        if HAPROXY:
            port = find_port(taken)
            self.haproxy = start_haproxy(directory, port, ports)
            wait_until(lambda: can_connect(port), 'HAProxy does not listen')
            ways['HAProxy'] = 'tcp://127.0.0.1:%d?attempts=3' % port
        client = os.path.join(programs, 'fleet-client')
        self.clients = {way: Program(client, uri, talks=True) for way, uri in ways.items()}
        self.rows = []

    def ask(self, way):
        return self.clients[way].ask('').split(' ', 5)

    def phase(self, name, act, seconds):
        """Has act() happen under load, and goes on for so long."""
        for way in self.clients:
            self.ask(way)
        act()
        time.sleep(seconds)
        for way in self.clients:
            self.rows.append([name, way] + self.ask(way))

    def warm_up(self):
        """Until each client has made calls that did not fail."""
        for way in self.clients:
            def works(way=way):
                calls, errors = [int(number) for number in self.ask(way)[:2]]
                return calls > 0 and errors == 0
            wait_until(works, '%s leads to no server' % way)

    def restart(self, count):
        for i in range(count):
            server = self.servers[i % N_SERVERS]
            server.program.end()
            server.start()
            time.sleep(0.5)  # as an operator's pause: clients find it meanwhile

    def kill(self):
        self.servers[0].program.end(signal.SIGKILL)

    def stop_zookeeper(self, seconds):
        self.zookeeper.stop()
        time.sleep(seconds)
        self.zookeeper.start()

    def end(self):
        for client in self.clients.values():
            client.end()
        for server in self.servers:
            server.program.end()
        if self.haproxy:
            self.haproxy.end()
        self.zookeeper.stop()


def show(rows):
    print('| phase | way | calls | errors | wrong | p50, µs | p99, µs |\n|---|---|---|---|---|---|---|')
    for row in rows:
        print('| %s |' % ' | '.join(row[:7]))
    for row in rows:
        if row[3] != '0':
            print('\n%s, %s: %s' % (row[0], row[1], row[7]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('programs', help='the directory with fleet-server and fleet-client')
    parser.add_argument('--restarts', type=int, default=12, help='how many restarts of servers (12)')
    parser.add_argument('--away', type=float, default=15, help='seconds without ZooKeeper (15)')
    parser.add_argument('--seconds', type=float, default=3, help='seconds of the other phases (3)')
    options = parser.parse_args()
    if not os.path.exists(JAR) or not shutil.which('java'):
        sys.exit('fleet: there is no ZooKeeper server: packages zookeeper and default-jre-headless')
    with tempfile.TemporaryDirectory() as directory:
        fleet = Fleet(options.programs, directory)
        fleet.warm_up()
        fleet.phase('nothing happens', lambda: None, options.seconds)
        fleet.phase('%d restarts in turn' % options.restarts, lambda: fleet.restart(options.restarts), 0)
        fleet.phase('a server is killed', fleet.kill, options.seconds)
        fleet.servers[0].start()
        fleet.phase('ZooKeeper is away %g s' % options.away, lambda: fleet.stop_zookeeper(options.away), options.seconds)
        fleet.end()
    show(fleet.rows)


if __name__ == '__main__':
    main()
