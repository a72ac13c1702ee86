#!/usr/bin/python3
"""Reads /metrics with Prometheus' own parser and holds it against the JSON. Argument: the program of examples/admin."""
import http.client
import json
import math
import subprocess
import sys
import traceback

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
except ImportError:
    print ('1..0 # SKIP there is no python3-prometheus-client')
    sys.exit (0)

ORDERS = 250


def ask (path, method='GET'):
    connection = http.client.HTTPConnection (host, timeout=300)
    connection.request (method, path)
    answer = connection.getresponse ()
    text = answer.read ().decode ()
    connection.close ()
    return answer, text


def ask_json (path):
    return json.loads (ask (path)[1])


def read_families ():
    return {family.name: family for family in text_string_to_metric_families (ask ('/metrics')[1])}


def samples (family, **labels):
    """The values of all samples of @family that have these labels, by the samples' names."""
    found = {}
    for sample in family.samples:
        if labels.items () <= sample.labels.items ():
            found.setdefault (sample.name, []).append (sample.value)
    return found


def await_orders ():
    """Until all orders are over on both sides."""
    while True:
        orders = [method for method in ask_json ('/methods')['methods'] if method['method'] == 'order']
        if len (orders) == 2 and all (method['calls'] == ORDERS for method in orders):
            return orders


def the_parser_takes_it ():
    families = read_families ()
    assert len (families) > 40, len (families)
    for name, family in families.items ():
        assert family.documentation, name
        assert name.startswith ('tally_'), name
        assert family.type in ('counter', 'gauge', 'histogram', 'stateset'), family.type
        assert not family.unit or name.endswith ('_' + family.unit), name


def it_says_what_it_is ():
    answer, text = ask ('/metrics')
    assert answer.getheader ('Content-Type') == 'application/openmetrics-text; version=1.0.0; charset=utf-8'
    assert text.endswith ('\n# EOF\n') and text.count ('# EOF') == 1
    head, nothing = ask ('/metrics', 'HEAD')
    assert head.status == 200 and nothing == ''


def methods_are_those_of_the_json ():
    families = read_families ()
    for method in await_orders ():
        labels = {name: method[name] for name in ('side', 'name', 'service', 'method')}
        for outcome, count in method['outcomes'].items ():
            assert samples (families['tally_method_calls'], outcome=outcome, **labels) == {'tally_method_calls_total': [count]}
        assert method['errors'] == ORDERS // 5 and method['outcomes']['declared'] == ORDERS // 5
        for kind in method['error_kinds']:
            found = samples (families['tally_method_errors'], domain=kind['domain'], code=str (kind['code']), **labels)
            assert found == {'tally_method_errors_total': [kind['count']]}
        assert samples (families['tally_method_request_bytes'], **labels)['tally_method_request_bytes_total'] == [method['request_bytes']]
        check_histogram (families['tally_method_latency_seconds'], labels, method['latency_us'])


def check_histogram (family, labels, times):
    """Each bin lies whole below a limit or whole above it."""
    found = samples (family, **labels)
    assert found[family.name + '_count'] == [times['count']]
    assert math.isclose (found[family.name + '_sum'][0], times['sum'] / 1e6)
    buckets = {float (sample.labels['le']): sample.value for sample in family.samples
               if sample.name.endswith ('_bucket') and labels.items () <= sample.labels.items ()}
    assert len (buckets) > 20 and buckets[math.inf] == times['count']
    for limit, count in buckets.items ():
        assert count == sum (number for most, number in times['bins'] if most < limit * 1e6), (limit, times['bins'])


def the_state_is_one_of_several ():
    states = {sample.labels['tally_server_state']: sample.value for sample in read_families ()['tally_server_state'].samples}
    assert states == {'closed': 0, 'listening': 0, 'serving': 1, 'leaving': 0, 'draining': 0}, states


def a_pool_adds_up ():
    families = read_families ()
    number = {name: samples (family)[family.name + ('_total' if family.type == 'counter' else '')][0]
              for name, family in families.items () if name.startswith ('tally_pool_') and family.type in ('counter', 'gauge')
              and name != 'tally_pool_closes'}
    assert number['tally_pool_connections_open'] == sum (
        number['tally_pool_connections_' + part] for part in ('idle', 'busy', 'dialing', 'closing'))
    assert number['tally_pool_connections_open'] > 0
    assert number['tally_pool_borrows'] == number['tally_pool_releases'] + number['tally_pool_leases']
    assert number['tally_pool_borrows'] == sum (number['tally_pool_' + part] for part in ('hits', 'dials', 'waits')) - number['tally_pool_stale']


def counters_only_grow ():
    before, after = read_families (), read_families ()
    for name, family in before.items ():
        if family.type == 'counter':
            later = {(sample.name, tuple (sample.labels.items ())): sample.value for sample in after[name].samples}
            for sample in family.samples:
                assert later[sample.name, tuple (sample.labels.items ())] >= sample.value, sample


tests = [the_parser_takes_it, it_says_what_it_is, methods_are_those_of_the_json, the_state_is_one_of_several, a_pool_adds_up,
         counters_only_grow]
print (f'1..{len (tests)}')
shop = subprocess.Popen ([sys.argv[1], '--uri', 'tcp://127.0.0.1:0', '--admin', 'http://127.0.0.1:0', '--orders', str (ORDERS),
                          '--customers', '8'], stdout=subprocess.PIPE, text=True)
try:
    assert shop.stdout.readline ().startswith ('listening on ')
    host = shop.stdout.readline ().strip ().removeprefix ('admin at http://')
    await_orders ()
    for number, test in enumerate (tests, 1):
        try:
            test ()
            print (f'ok {number} - {test.__name__}')
        except Exception:
            print (f'not ok {number} - {test.__name__}')
            print ('# ' + traceback.format_exc ().replace ('\n', '\n# '))
finally:
    shop.terminate ()
    if shop.wait () != 0:
        sys.exit ('the shop did not end well')
