#!/bin/bash
# What `tally simulate` prints, writes and how it exits. Arguments: tally, the calculator's server, the directory with its IDL. Its
# clock is simulated, so that nothing here depends on how long something takes.
set -u
tally=$(realpath "$1")
server=$(realpath "$2")
. "$(dirname "$0")/said.sh"
cd "$3" || exit 1

# simulates NAME STATUS PATTERN WORD…: `tally simulate` with the words. A space of the pattern may be the end of a line.
simulates ()
{
  says "$1" "$2" "${3// /[[:space:]]+}" "$tally" simulate "${@:4}" </dev/null
}

# holds NAME CODE: the JSON that the last run wrote is as Python's code says, which has it as data, and settings by max-open.
holds ()
{
  says "$1" 0 '^$' python3 -c "import json, sys
data = json.load(open(sys.argv[1]))
by = {s['max_open']: s for s in data['settings']}
$2" "$scratch/json"
}

few='-n 2000 -j '$scratch/json
busy='-R 400 -s exponential:10'

echo 1..59
simulates a_table 0 'Calls come at random, 400 per second.*max-open p50 p99 p99.9.*On average 4.0 connections are in use.*max-open 7 is the smallest of these' \
  $busy -m 4-8,8,12 -n 50000 -j "$scratch/json"
holds the_json_has_all "
assert data['format'] == 'tally-simulate-1' and data['max_open'] == 7 and data['seed'] == 1 and data['calls'] == 50000, data
assert list(by) == [4, 5, 6, 7, 8, 12], by
assert data['load']['arrivals'] == 'poisson' and data['load']['calls_at_once'] == 4 and data['load']['service_us'] == 10000, data
waits = [s['wait_us']['p99'] for s in data['settings']]
assert waits == sorted(waits, reverse=True) and waits[0] > 20 * waits[1], waits
for s in data['settings']:
    w = s['wait_us']
    assert 0 <= w['p50'] <= w['p90'] <= w['p99'] <= w['p99_9'] <= w['max'] and w['mean'] >= 0, s
    assert s['answered'] + s['broken'] + s['overdue'] + sum(s['refused'].values()) == 50000, s
    assert s['open_mean'] <= s['open_most'] <= s['max_open'] and s['dials'] <= s['max_open'], s
    assert abs(s['calls_per_second'] - 400) < 12 or s['max_open'] == 4, s"
cp "$scratch/json" "$scratch/before"
"$tally" simulate $busy -m 4-8,8,12 -n 50000 -j "$scratch/json" >/dev/null
says one_seed_is_one_run 0 '^$' cmp "$scratch/before" "$scratch/json"
simulates another_seed_is_another_run 0 'seed 2' $busy -m 4-8,8,12 -n 50000 --seed 2 -j "$scratch/json"
says seeds_differ 1 'differ' cmp "$scratch/before" "$scratch/json"
says no_line_is_too_long 0 '^$' bash -c '"$@" | awk "length (\$0) > 80"' bash "$tally" simulate $busy -m 1-10,100000 -n 1000 -t 100 --failing-dials 50 --broken-calls 33.3 \
  --dial lognormal:1000,5000 --max-wait-p99 1234.5 --max-refused 0.5
simulates limits_are_chosen 0 'max-open 5 is the smallest of these with which 99 of 100 calls have a connection within 50.0 ms and at most 1 % are refused' \
  $busy -m 4-8 --max-wait-p99 50 --max-refused 1
simulates nothing_is_enough 1 'There is no max-open among these with which .* within 0 ms and none is refused\.' $busy -m 1-2 $few --max-wait-p99 0
holds that_is_null "assert data['max_open'] is None and data['limits']['wait_p99_us'] == 0, data"
simulates a_limit_that_nobody_set 0 'There is no max-open.*--max-wait-p99 sets another limit' $busy -m 1-2 $few
simulates who_must_not_wait 0 'refused, % of the calls' $busy -m 2 $few -p wait-timeout=0
holds is_refused "assert by[2]['refused']['full'] > 800 and by[2]['wait_us']['max'] <= 2000, by"
simulates full 0 'full: the queue was' $busy -m 2 $few -p max-waiters=3 -p order=fifo
holds full_is_counted "assert by[2]['refused']['full'] > 500 and by[2]['refused']['timeout'] == 0 and data['pool'] == ['max-waiters=3', 'order=fifo'], data"
simulates time_outs 0 'a call has 5 ms in all' -R 100 -s 8 -t 5 -m 3 $few
holds overdue_calls_are_counted "assert by[3]['overdue'] >= 1990 and by[3]['dials'] >= 1980, by"
simulates failing_dials 0 '100 % of the dials fail' $busy -m 4 $few --failing-dials 100
holds failures_are_counted "
assert by[4]['answered'] == 0 and by[4]['dials_failed'] > 0 and by[4]['refused']['dial'] > 0, by
assert by[4]['refused']['dial'] + by[4]['refused']['backoff'] == 2000, by"
simulates broken_calls 0 '10 % of the calls end their connection' $busy -m 8 $few --broken-calls 10
holds broken_calls_are_dialed_for "assert 150 < by[8]['broken'] < 250 and by[8]['dials'] >= 100, by"
simulates callers 0 '6 callers think for 5.00 ms between calls' -c 6 --think exponential:5 -s lognormal:5,20 $few
holds no_more_connections_than_callers "assert max(by) <= 6 and data['load']['callers'] == 6 and data['load']['service'] == 'lognormal', data"
simulates evenly 0 'Calls come evenly, 100 per second' -R 100 --evenly -s 9.5 -m 1 $few
holds even_calls_do_not_wait "assert by[1]['wait_us']['max'] == 0 and by[1]['open_most'] == 1, by"
simulates shared 0 'On average 4.0 calls have a connection at once, which carries 8\.' $busy $few -p streams-per-connection=8
simulates refusals_have_a_limit 1 'at most 5 % are refused\.' $busy -m 2 $few -p wait-timeout=0 --max-refused 5
simulates kept_ready 0 'p99 is 0 ms' -R 20 -s 1 --dial 500 -m 4 $few -p min-idle=2 -p idle-timeout=20
simulates not_kept_ready 0 'There is no max-open' -R 20 -s 1 --dial 500 -m 4 $few -p idle-timeout=20

serves "$server" tcp://localhost:0
"$tally" bench -q -c 4 --connections 2 -n 400 -r 2 -M unpooled,pooled,async-pooled,shared -j "$scratch/bench" "$uri" calculator.thrift ping >/dev/null
simulates of_a_bench 0 '4 callers think for .* \(measured\).*Times are those of .*/bench\.' -f "$scratch/bench" $few
holds as_measured "assert data['load']['callers'] == 4 and data['load']['times_of'].endswith('bench') and data['load']['service_us'] > 0, data"
simulates of_a_mode 0 'measured' -f "$scratch/bench" --mode async-pooled $few
simulates at_another_rate 0 'Calls come at random, 50 per second.*\(measured\)' -f "$scratch/bench" -R 50 $few
simulates with_other_times 0 '4 callers.*\(exponential\), a dial takes 3.00 ms \(constant\)' -f "$scratch/bench" -s exponential:1 --dial 3 $few
simulates not_of_shared 2 'bench: shared: only pooled calls can be simulated' -f "$scratch/bench" --mode shared
simulates unknown_mode 2 'has no calls in mode poled' -f "$scratch/bench" --mode poled
python3 -c "import json, sys
data = json.load(open(sys.argv[1]))
del data['modes'][1]['pool']['hold_us']
json.dump(data, open(sys.argv[2], 'w'))" "$scratch/bench" "$scratch/old"
simulates too_little_is_known 2 'old: pooled: the file does not say for how long calls had their connections' -f "$scratch/old"
simulates no_file 2 'No such file' -f "$scratch/nowhere"
echo '{"modes": []}' >"$scratch/empty"
simulates not_of_a_bench 2 'is not what .tally bench --json. or echo-compare --json writes' -f "$scratch/empty"

ln -s /dev/full "$scratch/full"
simulates a_full_disk 2 'full: cannot write: No space left' $busy -m 5 -n 2000 -j "$scratch/full"
says what_is_no_file_stays 0 '^$' test -L "$scratch/full"

simulates no_load 2 '--service says' -R 5
simulates no_rate 2 '--rate says how many calls come per second, or --callers' -s 5
simulates both 2 'exclude each other' -s 5 -R 5 -c 5
simulates wrong_time 2 '--service takes MS, exponential:MEAN or lognormal:MEDIAN,P99 in milliseconds, not "gamma:5"' -R 5 -s gamma:5
simulates wrong_lognormal 2 '--dial takes MS' -R 5 -s 5 --dial lognormal:5,4
simulates negative_time 2 '--think takes MS' -c 5 -s 5 --think -1
simulates endless_time 2 '--service takes MS' -R 5 -s inf
simulates wrong_rate 2 '--rate takes a number' -R nan -s 5
simulates no_connections 2 '--max-open takes numbers and ranges' -R 5 -s 5 -m 0
simulates backwards 2 '--max-open takes numbers and ranges.*not "5-4"' -R 5 -s 5 -m 5-4
simulates too_many 2 'at most 64 of them' -R 5 -s 5 -m 1-40,50-90
simulates no_property 2 'a pool has no property "min-idel", did you mean "min-idle"\?' -R 5 -s 5 -p min-idel=1
simulates no_value 2 '--pool takes NAME=VALUE, as min-idle=2, not "min-idle"' -R 5 -s 5 -p min-idle
simulates wrong_value 2 'order is lifo or fifo, not "random"' -R 5 -s 5 -p order=random
simulates wrong_number 2 'wait-timeout is a whole number from -1, not "-2"' -R 5 -s 5 -p wait-timeout=-2
simulates max_open_is_an_option 2 '--max-open says which' -R 5 -s 5 -p max-open=4
simulates one_endpoint 2 'max-idle-total is for several endpoints, and one is simulated' -R 5 -s 5 -p max-idle-total=4
simulates wrong_seed 2 '--seed takes a number' -R 5 -s 5 --seed -1
simulates words 2 '"tcp://x" is no option' -R 5 -s 5 tcp://x
