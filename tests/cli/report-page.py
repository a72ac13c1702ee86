"""What test-cli-report.sh asks of Python.

report-page.py frame PAGE     writes to standard output a page that opens PAGE at two widths, and says in
                              <pre id="result"> which texts overlap or lie outside, and which figures it shows
report-page.py overlaps DOM   prints what that said of texts
report-page.py figures DOM JSON
                              prints figures of the JSON that the page does not show, or shows otherwise
"""
import html
import json
import re
import sys

FRAME = """<!DOCTYPE html><meta charset="utf-8"><body><script>
const page = %s;
const widths = [1280, 400];
const frames = widths.map (width => {
  const frame = document.createElement ('iframe');
  frame.style.cssText = 'border:0;height:6000px;width:' + width + 'px';
  frame.srcdoc = page;
  document.body.append (frame);
  return frame;
});
function texts (document) {
  const walker = document.createTreeWalker (document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode ()) {
    const node = walker.currentNode, range = document.createRange ();
    if (node.data.trim () === '' || node.parentElement.closest ('script, style')) continue;
    range.selectNodeContents (node);
    for (const box of range.getClientRects ())
      found.push ({ text: node.data.trim (), box, node, scrolls: !!node.parentElement.closest ('.scroll') });
  }
  return found;
}
function look (frame, width) {
  const document = frame.contentDocument, all = texts (document), wrong = [];
  if (all.length < 30) wrong.push ('there are few texts: ' + all.length);
  if (document.documentElement.scrollWidth > width) wrong.push ('the page is wider: ' + document.documentElement.scrollWidth);
  for (let i = 0; i < all.length; i++) {
    const a = all[i].box;
    if (!all[i].scrolls && (a.left < -1 || a.right > width + 1)) wrong.push ('outside: ' + all[i].text);
    for (let k = i + 1; k < all.length; k++) {
      const b = all[k].box;
      if (all[i].node !== all[k].node
          && Math.min (a.right, b.right) - Math.max (a.left, b.left) > 1
          && Math.min (a.bottom, b.bottom) - Math.max (a.top, b.top) > 4)
        wrong.push ('overlap: ' + all[i].text + ' / ' + all[k].text);
    }
  }
  return wrong.map (text => width + ' px: ' + text);
}
window.onload = () => {
  const result = { wrong: [], figures: [] };
  frames.forEach ((frame, i) => result.wrong.push (...look (frame, widths[i])));
  for (const element of frames[0].contentDocument.querySelectorAll ('[data-key]'))
    result.figures.push ([+element.dataset.mode, element.dataset.key, +element.dataset.value, element.textContent]);
  const pre = document.createElement ('pre');
  pre.id = 'result';
  pre.textContent = JSON.stringify (result);
  document.body.append (pre);
};
</script></body>"""


def read (path):
    with open (path, encoding='utf-8') as file:
        return file.read ()


def read_result (path):
    found = re.search (r'<pre id="result">(.*?)</pre>', read (path), re.DOTALL)
    if found is None:
        sys.exit ('the browser gave no result')
    return json.loads (html.unescape (found.group (1)))


def expect (mode):
    """Each figure that the page has of a mode, and where the JSON has it."""
    yield 'calls_per_second', mode['calls_per_second']
    for name in ('p50', 'p90', 'p99', 'p99_9', 'p99_99', 'max', 'mean'):
        yield name, mode['latency_us'][name]
    for name in ('calls', 'failures', 'connects', 'time_waits'):
        yield name, mode[name]
    for name in ('hits', 'waits', 'wait_p99_us'):
        yield name, mode['pool'][name]
    yield 'client', mode['cpu_us_per_call']['client']
    for name in ('connect', 'wait', 'send', 'answer'):
        yield name, mode['steps_us'][name]


def parse_text (text):
    """A number as a person reads it: "1.5 ms" in microseconds, "6,406 calls/s"."""
    number, _, unit = text.replace ('\u00a0', ' ').partition (' ')
    return float (number.replace (',', '')) * {'s': 1e6, 'ms': 1e3}.get (unit, 1)


def compare_figures (dom, source):
    shown = read_result (dom)['figures']
    for index, mode in enumerate (json.loads (read (source))['modes']):
        for key, value in expect (mode):
            of_key = [(number, text) for at, name, number, text in shown if (at, name) == (index, key)]
            if not of_key:
                print (mode['mode'], key, 'is not shown')
            for number, text in of_key:
                if abs (number - value) > 0.001 or abs (parse_text (text) - value) > 0.006 * value + 0.5:
                    print (mode['mode'], key, 'is', value, 'and is shown as', number, text)


if sys.argv[1] == 'frame':
    print (FRAME % json.dumps (read (sys.argv[2])).replace ('</', '<\\/'))
elif sys.argv[1] == 'overlaps':
    print (*read_result (sys.argv[2])['wrong'], sep='\n', end='')
else:
    compare_figures (sys.argv[2], sys.argv[3])
