"""The benchmark's programs and the tools they are run by: what there is of them, how each is started and ended."""
import os
import subprocess
import sys
import tempfile

BEFORE = ', before'


class Failed(Exception):
    """A program that did not do what it was started for."""


class Programs:
    def __init__(self, directory, before=None):
        """@before: (nullable): where those of an older Tally are, for versions ()."""
        self.directory = directory
        self.before = before
        self.servers = []
        self.scratch = tempfile.TemporaryDirectory()
        self.requests = {}
        self.tools = {}
        self.cores = sorted(os.sched_getaffinity(0))

    def program(self, name):
        directory = self.directory
        if name.startswith('before-'):
            directory, name = self.before, name[len('before-'):]
        inside = 'apache' if name.startswith('apache-') else ''
        return os.path.join(directory, inside, 'bench-' + name)

    def has(self, name):
        return os.access(self.program(name), os.X_OK)

    def versions(self, name):
        """[(what its label ends in, its name)] of what is built: a program of Tally's may be there in two versions."""
        both = [('', name)]
        if self.before and (name.startswith('tally-') or name == 'pool'):
            both.append((BEFORE, 'before-' + name))
        return [(suffix, version) for suffix, version in both if self.has(version)]

    @staticmethod
    def leave_out(label, failure):
        """For what an older version cannot do."""
        print('(%s is left out: %s)' % (label, str(failure).strip().splitlines()[-1]))

    def of_versions(self, label, name, measure):
        """{what a label ends in: what @measure gives of that version}, without an older one that cannot do it."""
        found = {}
        for suffix, version in self.versions(name):
            try:
                found[suffix] = measure(version)
            except Failed as failure:
                if not suffix:
                    raise
                self.leave_out(label + suffix, failure)
        return found

    def has_tool(self, name, arguments):
        """Whether a tool is there and may do its work: strace may not everywhere."""
        if name not in self.tools:
            try:
                done = subprocess.run([name] + arguments, capture_output=True)
                self.tools[name] = done.returncode == 0
            except FileNotFoundError:
                self.tools[name] = False
        return self.tools[name]

    def has_tls(self):
        return self.has('openssl') and self.has_tool('openssl', ['version'])

    def can_place(self):
        return self.has_tool('taskset', ['-c', str(self.cores[0]), 'true'])

    def command(self, name, arguments, core=None):
        placed = core is not None and self.can_place()
        return (['taskset', '-c', str(core)] if placed else []) + [self.program(name)] + arguments

    def output(self, command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed('%s: exit status %d\n%s' % (' '.join(command), done.returncode, done.stderr))
        if done.stderr:
            sys.stderr.write(done.stderr)
        return done.stdout

    def start(self, name, core, wrapper=(), arguments=()):
        """Starts a server; it says which port it took when it listens."""
        server = subprocess.Popen(list(wrapper) + self.command(name, list(arguments), core), stdout=subprocess.PIPE, text=True)
        self.servers.append(server)
        line = server.stdout.readline()
        if not line.strip().isdigit():
            raise Failed('bench-%s did not start' % name)
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
        """A client's arguments."""
        arguments = ['--port', str(port), '--payload', payload, '--mode', mode]
        return arguments + (['--request', self.request(payload)] if name == 'limit' else [])

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
