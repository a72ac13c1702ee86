#!/bin/bash
# What `tally bench` prints, writes and how it exits, against the calculator's server. Arguments: tally, the server, the directory
# with its IDL. Nothing here depends on how long something takes.
set -u
tally=$(realpath "$1")
server=$(realpath "$2")
. "$(dirname "$0")/said.sh"
cd "$3" || exit 1
file=calculator.thrift

# benches NAME STATUS PATTERN WORD…: `tally bench` with the words.
benches ()
{
  says "$1" "$2" "$3" "$tally" bench "${@:4}" </dev/null
}

# holds NAME CODE: the JSON that the last run wrote is as Python's code says, which has it as data, and modes by name.
holds ()
{
  says "$1" 0 '^$' python3 -c "import json, sys
data = json.load(open(sys.argv[1]))
modes = {m['mode']: m for m in data['modes']}
$2" "$scratch/json"
}

add='{"left": "${counter}", "right": "${random:1-1000}"}'
few='-q -c 2 -n 40 -r 2 -w 10'
everything=unpooled,pooled,shared,async-unpooled,async-pooled,async-shared

echo 1..36
serves "$server" tcp://localhost:0
benches every_mode 0 'Calculator.add at tcp://.*2 callers; in each mode 2 rounds of 40 calls, after 10 calls to warm up.*async-shared' \
  $few -M "$everything" -j "$scratch/json" --name "a \"name\"" --server-pid "$server_pid" "$uri" $file Calculator.add "$add"
holds the_json_has_all "
assert list(modes) == '$everything'.split(','), modes
assert data['format'] == 'tally-bench-1' and data['name'] == 'a \"name\"' and data['method'] == 'Calculator.add', data
assert data['callers'] == 2 and data['rounds'] == 2 and data['calls_per_round'] == 40 and data['cores'] > 0, data
assert not data['interrupted'] and data['machine']['glib'] and data['when'].endswith('Z'), data
for m in modes.values():
    assert m['calls'] == 80 and m['failures'] == 0, m
    assert len(m['calls_per_second_by_round']) == 2, m
    l = m['latency_us']
    assert 0 < l['min'] <= l['p50'] <= l['p90'] <= l['p99'] <= l['p99_9'] <= l['p99_99'] <= l['max'], m
    assert sum(n for _, n in m['histogram_us']) == 80, m
    assert [p for p, _ in m['percentiles_us']][-1] == 100, m
    assert m['over_time'] and m['steps_us']['calls'] == 200 and m['steps_us']['answer'] > 0, m
    assert m['cpu_us_per_call']['client'] > 0 and 'server' in m['cpu_us_per_call'], m
    for name, most in ('hold', m['pool']['borrows']), ('dial', m['pool']['dials_done']), ('wait', 92):
        times = m['pool'][name + '_us']
        assert times['count'] == sum(n for _, _, n in times['bins']) <= most and times['mean'] <= times['max'], m
        assert all(a < b for a, b, _ in times['bins']), m
assert modes['unpooled']['connects'] == 92 and 2 <= modes['pooled']['connects'] <= 4, modes # each round has its own
assert modes['shared']['connects'] == 2, modes"
says no_line_is_too_long 0 '^$' bash -c '"$@" | awk "length (\$0) > 80"' bash "$tally" bench $few "$uri" $file add "$add"
benches results_as_expected 0 'calls/s' $few -M pooled,async-shared -e '"${counter}"' "$uri" $file add '{"left": "${counter}", "right": 0}'
benches results_not_as_expected 1 'the first failure: a result is not as --expect says: 7.*pooled: 159 of 160 calls failed, more than 0' -q -c 2 -n 80 -r 2 -w 0 -M pooled -j "$scratch/json" -e '"${counter:7}"' "$uri" $file add '{"left": 7, "right": 0}'
holds failures_are_counted "
m = modes['pooled']
assert m['calls'] == 1 and m['failures'] == 159 and m['failed'][0]['calls'] == 159, m"
benches some_errors_are_allowed 0 'calls/s' $few --max-errors 100% -M pooled -e 8 "$uri" $file add '{"left": 7, "right": "${random:0-1}"}'
benches the_p99_has_a_limit 1 'pooled: p99 is .* ms, more than 0.000' $few -M pooled --max-p99 0 "$uri" $file add "$add"
benches the_p99_is_within_its_limit 0 'calls/s' $few -M pooled --max-p99 1000000 "$uri" $file add "$add"
benches exceptions_are_failures 6 'nothing is measured: InvalidWork' $few -M pooled "$uri" $file calculate '{"id": 1, "work": {"operation": "DIVIDE"}}'
benches oneway 0 'calls/s' $few -M pooled,async-pooled "$uri" $file forget
benches a_rate 0 '1000 calls begin per second; a call.s time counts from when it was to begin' $few -M pooled -j "$scratch/json" -R 1000 "$uri" $file ping
holds the_rate_is_noted "
assert data['intended_calls_per_second'] == 1000 and modes['pooled']['calls'] == 80, data"
benches a_duration 0 '2 rounds of 0.05 s' -q -c 2 -d 0.05 -r 2 -M pooled,async-shared "$uri" $file ping
benches async_is_async_pooled 0 'async-pooled' $few -M async "$uri" $file ping
benches unknown_mode 2 '"poled" is none of unpooled, pooled, shared' -M poled "$uri" $file ping
benches wrong_number 2 '--callers takes a number from 1 to 10000' -c 0 "$uri" $file ping
benches wrong_template 2 'left: \$\{conter\} is none of \$\{counter\}' "$uri" $file add '{"left": "${conter}"}'
benches wrong_limit 2 '"many" is neither a number of calls' --max-errors many "$uri" $file ping
benches nothing_to_expect 2 '--expect: ping returns nothing' -e 1 "$uri" $file ping
benches no_server 5 'the first call failed, so that nothing is measured: .*; nothing was sent' unix:@nobody-is-here $file ping
benches a_p99_that_is_none 2 '--max-p99 takes a number from 0' --max-p99 nan "$uri" $file ping
benches a_p99_below_0 2 '--max-p99 takes a number from 0' --max-p99=-1 "$uri" $file ping
benches no_such_process 2 '--server-pid: there is no process 2147483647' --server-pid 2147483647 "$uri" $file ping
benches a_directory 2 '--report: / cannot be written: Is a directory' --report / "$uri" $file ping
benches calls_that_failed_say_nothing 1 'pooled +0 .* - +- .*pooled: too many calls failed for its rate' -q -c 2 -n 40 -r 2 -w 0 -M unpooled,pooled --max-errors 1 -e 8 "$uri" $file add '{"left": 7, "right": 0}'
benches words 2 'there are three words or four' "$uri" $file

# The heading comes once the signal is caught; a call that is begun is waited for.
"$tally" bench -q -d 1000 -M pooled -j "$scratch/json" "$uri" $file ping >"$scratch/out" 2>&1 &
bench_pid=$!
until grep -q cores "$scratch/out"; do :; done
kill -INT "$bench_pid"
wait "$bench_pid"
says interrupted 0 'interrupted; what was measured until then:.*calls/s' cat "$scratch/out"
holds interruption_is_noted "assert data['interrupted'] and modes['pooled']['failures'] == 0, data"

# What is no file does not become one, and what cannot be written is said.
mkfifo "$scratch/pipe"
exec 8<>"$scratch/pipe"
says json_goes_to_a_pipe 0 'calls/s.*format.*is a pipe' bash -c '"${@:2}" && head -n 2 <"$1" && [ -p "$1" ] && echo is a pipe' \
  bash "$scratch/pipe" "$tally" bench $few -M pooled -j "$scratch/pipe" "$uri" $file ping
exec 8>&-
ln -s /dev/full "$scratch/full"
benches json_to_a_full_disk 6 'full: cannot write: No space left on device' $few -M pooled -j "$scratch/full" "$uri" $file ping
benches nowhere_to_write_it 2 '^tally: --report: nowhere/page.html cannot be written: No such file or directory$' $few --report nowhere/page.html "$uri" $file ping
says output_to_a_full_disk 6 '^tally: standard output: ' bash -c '"$@" >/dev/full' bash "$tally" bench $few -M pooled "$uri" $file ping
says output_is_closed 6 '^tally: standard output: ' bash -c '"$@" >&-' bash "$tally" bench $few -M pooled "$uri" $file ping
says reader_goes 0 '^Calculator.ping at [^ ]* 0$' bash -c 'set -o pipefail; "$@" | sed q | tr "\n" " "; echo ${PIPESTATUS[0]}' bash "$tally" bench $few -M pooled,shared "$uri" $file ping

# A server that sees to one connection at a time: neither the first call nor a mode whose turn is over leaves it one.
serves python3 -c '
import socket
listening = socket.create_server(("127.0.0.1", 0))
print("listening on tcp://127.0.0.1:%d" % listening.getsockname()[1], flush=True)
while True:
    stream = listening.accept()[0].makefile("rwb")
    while frame := stream.read(4):
        call = stream.read(int.from_bytes(frame, "big"))
        stream.write(b"\0\0\0\x11" + call[:3] + b"\2" + call[4:16] + b"\0")
        stream.flush()'
benches one_connection_at_a_time 0 'async-shared' -q -c 1 -n 20 -r 2 -w 5 -M unpooled,pooled,shared,async-shared -t 100000 -j "$scratch/json" "$uri" $file ping
