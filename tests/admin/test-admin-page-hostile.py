#!/usr/bin/env python3
"""The admin listener's page in a browser, of which a server asks for the worst: names that are markup, that turn the direction of
text or have no end; answers that do not come, that go backwards, or that fail for a while. Argument: the page's file.
"""
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from html.parser import HTMLParser

HERE = os.path.dirname (os.path.realpath (__file__))
PATHS = ('/servers', '/methods', '/pools', '/connections')
HOSTILE = [
    '<script>fetch ("/owned")</script>', '</script><script>fetch ("/owned")</script>', '<img src="/owned" onerror="fetch (\'/owned\')">',
    '"><svg onload=fetch("/owned")>', "' onmouseover='fetch(\"/owned\")", 'unix:@<b>bold</b>&lt;&amp;', '<!-- <textarea> <style>*{display:none}',
    'javascript:fetch("/owned")', '__proto__', 'a\u2028b\u2029c', 'back\u202eslash\u2066\u200f', 'bell\x07null\x00esc\x1b[2J', '\ufffd\ufffd broken',
    '\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627', 'Z' + '\u0301' * 500, 'W' * 5000, '\u200b' * 400, '\U0001f600' * 400, '' ]

# In the browser: the third round has no answers. Its virtual time stands still while a true server lets it wait.
SILENT_NETWORK = b"""<script>
const network = window.fetch;
let asked = 0;
window.fetch = (path, options) => ++asked <= 8 ? network (path, options) : new Promise ((_, refuse) => {
  if (options.signal) options.signal.addEventListener ('abort', () => refuse (options.signal.reason));
});
</script>"""


class Facts:
    """What the server answers; a test changes it by the number of rounds that were asked for."""

    def __init__ (self, change=None):
        self.change, self.rounds, self.asked = change, 0, []
        self.names, self.calls, self.time_us = ['greeter'], 1000, 100_000_000
        self.fails, self.lock = False, threading.Lock ()

    def begin_round (self):
        with self.lock:
            self.rounds += 1
            self.time_us += 1_000_000
            if self.change is not None:
                self.change (self)

    def answer (self, path):
        times = {'count': 5, 'sum': 50, 'max': 20, 'p50': 10, 'p90': 15, 'p99': 20, 'bins': [[15, 4], [20, 1]]}
        every = [(name, {'server': name, 'name': name, 'pool': name, 'service': name, 'method': name, 'endpoint': name, 'label': name,
                         'peer': name}) for name in self.names]
        answer = {'time_us': self.time_us}
        if path == '/servers':
            answer['servers'] = [{**texts, 'state': 'serving', 'connections': 1, 'workers': 1, 'requests': 1, 'refused': 1, 'timed_out': 0,
                                  'dropped': 0} for _, texts in every]
        elif path == '/methods':
            answer['methods'] = [{**texts, 'side': 'client', 'calls': self.calls, 'errors': 1, 'latency_us': times} for _, texts in every]
        elif path == '/pools':
            answer['pools'] = [{**texts, 'open': 3, 'busy': 1, 'idle': 2, 'waiting': 0, 'failures': 1, 'wait_us': times} for _, texts in every]
        else:
            answer['connections'] = [{**texts, 'state': 'busy', 'leaked': False, 'for_us': 5, 'thread': 7} for _, texts in every]
            answer['peers'] = [{**texts, 'state': 'serving', 'under_way': 1, 'method_for_us': 5, 'for_us': 5, 'requests': 1, 'waiting': 0,
                                'held_bytes': 10} for _, texts in every]
            answer['peer_count'] = len (every)
        return json.dumps (answer)


class Handler (http.server.BaseHTTPRequestHandler):
    def do_GET (self):
        facts = self.server.facts
        facts.asked.append (self.path)
        if self.path == '/servers':
            facts.begin_round ()
        if self.path == '/':
            body, kind = self.server.page, 'text/html; charset=utf-8'
        else:
            body, kind = facts.answer (self.path).encode () if self.path in PATHS else b'', 'application/json'
        self.send_response (503 if facts.fails and self.path != '/' else 200 if self.path in (*PATHS, '/') else 404)
        self.send_header ('Content-Type', kind)
        self.send_header ('Content-Length', str (len (body)))
        self.end_headers ()
        self.wfile.write (body)

    def log_message (self, *words):
        pass


class Page (HTMLParser):
    """Elements by name, all texts, data by key."""

    def __init__ (self, dom):
        super ().__init__ ()
        self.elements, self.texts, self.data, self.note_class, self.open = {}, [], {}, None, []
        self.feed (dom)

    def handle_starttag (self, tag, attrs):
        attrs = dict (attrs)
        self.elements[tag] = self.elements.get (tag, 0) + 1
        self.open.append (tag)
        if 'data-key' in attrs:
            self.data.setdefault (attrs['data-key'], []).append (attrs['data-value'])
        if attrs.get ('id') == 'note':
            self.note_class = attrs.get ('class', '')

    def handle_data (self, data):
        self.texts.append (data)


browser = next (filter (None, map (shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)


class Site:
    """A server of these facts, and a browser that has its page open."""

    def __init__ (self, facts):
        self.facts = facts
        self.server = http.server.ThreadingHTTPServer (('127.0.0.1', 0), Handler)
        self.server.facts, self.server.daemon_threads = facts, True
        with open (sys.argv[1], 'rb') as file:
            self.server.page = file.read ()
        self.uri = f'http://127.0.0.1:{self.server.server_address[1]}/'
        threading.Thread (target=self.server.serve_forever, daemon=True).start ()

    def __enter__ (self):
        return self

    def __exit__ (self, *_):
        self.server.shutdown ()
        self.server.server_close ()

    def browse (self, *options, budget=8000, uri=None):
        with tempfile.TemporaryDirectory () as profile:
            return subprocess.run ([browser, '--headless', '--no-sandbox', '--disable-gpu', f'--user-data-dir={profile}',
                                    f'--virtual-time-budget={budget}', *options, '--dump-dom', uri or self.uri],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=500, check=True).stdout.decode ()


def is_shown (page, name):
    """As the page escapes it: what it looks like to a person."""
    marks = re.sub ('\u0301{4,}', lambda run: '\\u{301}' * len (run[0]), name)
    wanted = ''.join (f'\\u{{{ord (each):x}}}' if ord (each) < 32 or each in '\u2028\u2029\u202e\u2066\u200f\u200b' else each
                      for each in marks)
    wanted = wanted[:300] + '…' if len (wanted) > 300 else wanted
    return wanted in page.texts


def hostile_names ():
    facts = Facts ()
    facts.names = HOSTILE
    with Site (facts) as site:
        dom = site.browse ()
        page = Page (dom)
        assert page.note_class == '', page.texts
        assert set (facts.asked) <= {'/', *PATHS}, set (facts.asked)
        assert page.elements['script'] == 1 and page.elements['style'] == 1, page.elements
        assert not {'img', 'svg', 'b', 'textarea', 'a', 'iframe'} & set (page.elements), page.elements
        for name in HOSTILE:
            assert name == '' or is_shown (page, name), name
        assert len (page.data['rate']) == len (HOSTILE) and len (page.data['held']) == len (HOSTILE)
        return dom


def nothing_overlaps (dom):
    with tempfile.TemporaryDirectory () as scratch:
        still, frame, seen = (os.path.join (scratch, name) for name in ('still.html', 'frame.html', 'frame.dom'))
        with open (still, 'w', encoding='utf-8') as file:
            file.write (re.sub (r'<script>.*?</script>', '', dom, flags=re.DOTALL))
        tool = [sys.executable, os.path.join (HERE, '..', 'cli', 'report-page.py')]
        with open (frame, 'wb') as file:
            subprocess.run ([*tool, 'frame', still], stdout=file, check=True)
        with Site (Facts ()) as site, open (seen, 'w', encoding='utf-8') as file:
            file.write (site.browse ('--window-size=1400,2000', uri='file://' + frame))
        wrong = subprocess.run ([*tool, 'overlaps', seen], stdout=subprocess.PIPE, check=True).stdout.decode ()
        assert wrong == '', wrong[:2000]


def another_process_answers ():
    """It was restarted: its counters begin anew."""
    def change (facts):
        facts.calls = 5 if facts.rounds == 3 else facts.calls + 10
    facts = Facts (change)
    with Site (facts) as site:
        page = Page (site.browse ())
    assert facts.rounds > 4, facts.rounds
    assert page.note_class == ''
    assert float (page.data['calls'][0]) < 1000 and 5 < float (page.data['rate'][0]) < 20, page.data


def the_clock_jumps ():
    """As that of another machine, which answers at the same address."""
    def change (facts):
        facts.calls += 10
        if facts.rounds == 3:
            facts.time_us = 1_000_000
    with Site (Facts (change)) as site:
        page = Page (site.browse ())
    assert 5 < float (page.data['rate'][0]) < 20, page.data


def it_fails_and_comes_back ():
    def change (facts):
        facts.fails = 2 <= facts.rounds <= 3
    facts = Facts (change)
    with Site (facts) as site:
        page = Page (site.browse ())
    assert facts.rounds > 4 and page.note_class == '', page.note_class


def it_fails_for_good ():
    """What was there stays, and the page says that it is old."""
    def change (facts):
        facts.fails = facts.rounds >= 3
    with Site (Facts (change)) as site:
        page = Page (site.browse ())
    assert page.note_class == 'lost' and len (page.data['rate']) == 1
    assert any ('what is shown is old' in text for text in page.texts)


def it_does_not_answer ():
    """As a program that is blocked, whose listener has a connection; the page does not wait for ever."""
    with Site (Facts ()) as site:
        site.server.page = SILENT_NETWORK + site.server.page
        page = Page (site.browse (budget=40000))
    assert page.note_class == 'lost' and len (page.data['rate']) == 1


def two_pages_at_once ():
    facts = Facts ()
    pages = []
    with Site (facts) as site:
        threads = [threading.Thread (target=lambda: pages.append (Page (site.browse ()))) for _ in range (2)]
        for thread in threads:
            thread.start ()
        for thread in threads:
            thread.join ()
    assert [page.note_class for page in pages] == ['', ''] and facts.asked.count ('/') == 2


def main ():
    if browser is None:
        print ('1..0 # SKIP there is no chromium')
        return
    dom = []
    cases = [('hostile_names', lambda: dom.append (hostile_names ())), ('nothing_overlaps', lambda: nothing_overlaps (dom[0])),
             *((case.__name__, case) for case in (another_process_answers, the_clock_jumps, it_fails_and_comes_back, it_fails_for_good, it_does_not_answer,
                                                  two_pages_at_once))]
    print (f'1..{len (cases)}', flush=True)
    for number, (name, case) in enumerate (cases, 1):
        try:
            case ()
            print (f'ok {number} - {name}', flush=True)
        except Exception as error:  # whatever it is, the others are tried
            print (f'not ok {number} - {name}\n# ' + repr (error).replace ('\n', ' ')[:3000], flush=True)


main ()
