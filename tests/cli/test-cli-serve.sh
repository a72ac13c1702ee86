#!/bin/bash
# `tally serve` as `tally call` sees it, and what it says of files of answers that are wrong. Arguments: tally, the directory with the
# calculator's IDL.
set -u
tally=$(realpath "$1")
. "$(dirname "$0")/said.sh"
cd "$2" || exit 1
file=calculator.thrift

# calls NAME STATUS PATTERN WORD…: `tally call` with the words, at the stand-in.
calls ()
{
  says "$1" "$2" "$3" "$tally" call "$uri" $file "${@:4}" </dev/null
}

# refuses NAME PATTERN ANSWER: the file that has the answer is refused.
refuses ()
{
  printf '%s' "$3" >"$scratch/wrong.json"
  says "$1" 2 "$2" "$tally" serve --answers "$scratch/wrong.json" $file tcp://localhost:0
}

cat >"$scratch/answers.json" <<'END'
{"method": "Calculator.add", "args": {"left": 1}, "result": 100}
{"method": "add", "args": {"left": 2}, "times": 1, "result": 7}
{"method": "add", "args": {"left": 2}, "turns": [{"result": 8}, {"result": 9}]}
{"method": "add", "args": {"left": 3}, "echo": "right"}
{"method": "add", "args": {"left": 4}, "turns": [{"fault": "close"}, {"fault": "half"}, {"fault": "seqid"}, {"fault": "name"}, {"fault": "type"}, {"fault": "silence"}]}
{"method": "add", "args": {"left": 5}, "error": {"type": "MISSING_RESULT", "message": "nothing today"}}
{"method": "add", "args": {"left": 6}, "delay": 600000}
{"method": "calculate", "args": {"work": {"operation": "DIVIDE"}}, "exception": {"InvalidWork": {"why": "no"}}}
{"method": "calculate", "args": {"work": {"comment": {"$matches": "^h.llo"}}}, "result": 1}
{"method": "calculate", "args": {"work": {"comment": {"$any": true}}}, "result": 2}
{"method": "calculate", "args": {"work": {"comment": null, "left": 3}}, "result": 3}
END

echo 1..45
# On every connection the server finds out how its client speaks.
serves "$tally" serve --answers "$scratch/answers.json" $file 'tcp://localhost:0?protocol=auto&transport=auto'
uri=${uri%%\?*}
calls by_arguments 0 '^100$' add '{"left": 1, "right": 5}'
calls once 0 '^7$' add '{"left": 2, "right": 5}'
calls then_in_turn 0 '^8$' add '{"left": 2, "right": 5}'
calls and_in_turn 0 '^9$' add '{"left": 2, "right": 5}'
calls and_again 0 '^8$' add '{"left": 2, "right": 5}'
calls echo 0 '^-12$' add '{"left": 3, "right": -12}'
calls closed 6 'the peer closed it; 0 of ' add '{"left": 4, "right": 5}'
calls half 6 'the peer closed it; 13 of at least 27 bytes' add '{"left": 4, "right": 5}'
calls seqid 6 'expected the reply with sequence id 1, got one with 2' add '{"left": 4, "right": 5}'
calls name 6 'got one to "add_"' add '{"left": 4, "right": 5}'
calls type 6 'got one of type 1' add '{"left": 4, "right": 5}'
calls error 4 'the server says: nothing today' add '{"left": 5, "right": 5}'
calls default 0 '^0$' add '{"left": 50, "right": 5}'
calls exception 3 '"why": "no"' calculate '{"id": 1, "work": {"operation": "DIVIDE"}}'
calls expression 0 '^1$' calculate '{"id": 1, "work": {"operation": "ADD", "comment": "hello"}}'
calls anything 0 '^2$' calculate '{"id": 1, "work": {"operation": "ADD", "comment": "other"}}'
calls nothing 0 '^3$' calculate '{"id": 1, "work": {"operation": "ADD", "left": 3}}'
calls default_struct 0 '^\{.*"id": 0,.*"text": ""' get_entry '{"id": 1}'
calls oneway 0 '^null$' forget
hears 'Calculator.forget'
here=$uri
for query in 'transport=buffered' 'protocol=compact' 'protocol=compact&transport=buffered' 'transport=header'
do
  uri="$here?$query"
  calls "by_$query" 0 '^100$' add '{"left": 1, "right": 5}'
done
calls multiplexed 0 '^100$' --multiplexed Calculator add '{"left": 1, "right": 5}'
calls unknown_service 4 'the server has no method "add"' --multiplexed Nobody add '{"left": 1, "right": 5}'
uri="$here"
hears 'there is no method'
says a_line_for_each_request 0 '^25 .*"Calculator.add", "args": \{"left": 1, "right": 5\}, "result": 100, "line": 1\}.*"fault": "half", "line": 5\}.*"error": "nothing today".*"exception": \{"InvalidWork": \{"why": "no"\}\}, "line": 8\}.*"Calculator.forget"' sh -c "wc -l '$scratch/heard'; cat '$scratch/heard'"

# A stop does not wait for a delay, and until then nothing answers the call that is met by silence.
"$tally" call -t 600000 "$uri" $file add '{"left": 6, "right": 5}' >"$scratch/late" 2>&1 &
late=$!
hears '"delay": 600000'
"$tally" call -t 600000 "$uri" $file add '{"left": 4, "right": 5}' >"$scratch/silent" 2>&1 &
silent=$!
hears '"fault": "silence"'
kill "$server_pid"
status=0
wait "$server_pid" || status=$?
server_pid=
wait "$late" "$silent"
says silence 0 'the peer closed it; 0 of|the server is stopping' cat "$scratch/silent"
says a_stop_ends_delays 0 "^status 0.*0$" printf 'status %s\n%s' "$status" "$(cat "$scratch/late")"

serves "$tally" serve --strict --quiet --answers "$scratch/answers.json" $file tcp://localhost:0
calls strict 4 'no answer of the file fits this call' add '{"left": 50, "right": 5}'
kill "$server_pid"
wait "$server_pid"
server_pid=
says quiet 0 '^0$' sh -c 'wc -l <&9'

# Where answers leave in any order, a connection ends all the same.
serves "$tally" serve --quiet --answers "$scratch/answers.json" $file 'tcp://localhost:0?order=any'
uri=${uri%%\?*}
calls closed_in_any_order 6 'the peer closed it; 0 of ' add '{"left": 4, "right": 5}'
calls half_in_any_order 6 'the peer closed it; 13 of at least 27 bytes' add '{"left": 4, "right": 5}'
calls seqid_in_any_order 6 'expected the reply with sequence id 1, got one with 2' add '{"left": 4, "right": 5}'

refuses no_json 'wrong.json:1:12: ' '{"method": x}'
refuses no_object 'wrong.json:1:1: an answer is written as an object, not as a number' 1
refuses unknown_member 'wrong.json:1:31: an answer has no "reslt", did you mean "result"\?' '{"method": "add", "reslt":    3}'
refuses no_method 'written as \{"method"' '{"result": 3}'
refuses unknown_method 'wrong.json:1:12: the service Calculator has no method "addd", did you mean "add"\?' '{"method": "Calculator.addd"}'
refuses unknown_argument 'wrong.json:2:19: args: the method has no argument "lft", did you mean "left"\?' '{"method": "add",
 "args": {"lft":  1}}'
refuses wrong_argument 'args.work.operation: Operation has no value "DIVDE"' '{"method": "calculate", "args": {"work": {"operation": "DIVDE"}}}'
refuses wrong_result 'wrong.json:1:29: result: i32 is written' '{"method": "add", "result": "x"}'
refuses wrong_exception 'the method throws no "Invalid"; there is InvalidWork|did you mean "InvalidWork"' '{"method": "calculate", "exception": {"Invalid": {}}}'
refuses wrong_fault 'there is no fault "clos", did you mean "close"\?' '{"method": "add", "fault": "clos"}'
refuses wrong_echo 'there is no argument "middle"' '{"method": "add", "echo": "middle"}'
refuses two_answers 'an answer has one of "result", "echo"' '{"method": "add", "result": 1, "error": "x"}'
