"""What test-admin-page.sh asks of Python.

admin-page.py figures DOM JSON   prints figures of /methods that the page shows otherwise, of methods that are not called any more
admin-page.py still DOM          prints the page without its script, as it stood
"""
import html.parser
import json
import re
import sys


class Page (html.parser.HTMLParser):
    """Of each method's row the figures, and their text."""

    def __init__ (self):
        super ().__init__ ()
        self.methods, self.states, self.row, self.cell = {}, [], None, None

    def handle_starttag (self, tag, attrs):
        attrs = dict (attrs)
        if 'data-method' in attrs:
            self.row = self.methods.setdefault (attrs['data-method'], {})
        elif 'data-pool' in attrs:
            self.row = None
        if attrs.get ('data-key') == 'state':
            self.states.append (attrs['data-value'])
        elif 'data-key' in attrs and self.row is not None:
            self.cell = self.row[attrs['data-key']] = [float (attrs['data-value']), '']

    def handle_endtag (self, tag):
        self.cell = None

    def handle_data (self, data):
        if self.cell is not None:
            self.cell[1] += data


def parse_text (text):
    """A number as a person reads it: "1.50 ms" in microseconds, "6,406"."""
    number, _, unit = text.partition (' ')
    return float (number.replace (',', '')) * {'s': 1e6, 'ms': 1e3, 'min': 60e6}.get (unit, 1)


def compare (dom, source):
    page = Page ()
    page.feed (dom)
    if page.states != ['serving']:
        print ('states are', page.states)
    compared = 0
    for method in source['methods']:
        key = ' '.join (method[name] for name in ('side', 'name', 'service', 'method'))
        shown = page.methods.get (key)
        if shown is None:
            print (key, 'is not shown')
        elif method['method'] == 'order':
            times = method['latency_us']
            for name, value in [('calls', method['calls']), ('errors', method['errors']), ('p50', times['p50']), ('p99', times['p99'])]:
                compared += 1
                if shown[name][0] != value or abs (parse_text (shown[name][1]) - value) > 0.006 * value + 0.5:
                    print (key, name, 'is', value, 'and is shown as', *shown[name])
        elif not (0 < shown['calls'][0] <= method['calls'] and 0 < shown['p50'][0] <= shown['p99'][0]):
            print (key, 'is shown with', shown)
    if compared != 8:
        print ('figures that were compared:', compared)
    if not any (shown['rate'][0] > 0 for shown in page.methods.values ()):
        print ('no method has calls per second')


with open (sys.argv[2], encoding='utf-8') as file:
    dom = file.read ()
if sys.argv[1] == 'still':
    print (re.sub (r'<script>.*?</script>', '', dom, flags=re.DOTALL))
else:
    with open (sys.argv[3], encoding='utf-8') as file:
        compare (dom, json.load (file))
