"""What docs/pool.md's program talks to: the part of a Redis server that it needs. Prints its port; at the end of its
input it prints the counter and how many connections there were at once, and ends."""
import socketserver
import sys
import threading

lock = threading.Lock()
counters = {}
open_now = 0
most_open = 0


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        global open_now, most_open
        selected = 0
        with lock:
            open_now += 1
            most_open = max(most_open, open_now)
        for line in self.rfile:
            name, argument = line.decode().split()
            if name == 'SELECT':
                selected = int(argument)
                answer = '+OK'
            else:
                with lock:
                    key = (selected, argument)
                    counters[key] = counters.get(key, 0) + 1
                    answer = ':%d' % counters[key]
            self.wfile.write((answer + '\r\n').encode())
        with lock:
            open_now -= 1


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


server = Server(('127.0.0.1', 0), Connection)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
print(counters.get((1, 'visits')), most_open)
