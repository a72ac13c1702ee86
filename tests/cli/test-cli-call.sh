#!/bin/bash
# What `tally call` prints and how it exits, against the calculator's server. Arguments: tally, the server, the directory with its
# IDL, the script that makes certificates.
set -u
tally=$(realpath "$1")
server=$(realpath "$2")
certificates=$(realpath "$4")
. "$(dirname "$0")/said.sh"
cd "$3" || exit 1

# calls NAME STATUS PATTERN WORD…: `tally call` with the words.
calls ()
{
  says "$1" "$2" "$3" "$tally" call "${@:4}" </dev/null
}

cat >"$scratch/other.thrift" <<'END'
include "calculator.thrift"
service Calculator {
  i32 ad (1: i32 left)
  i32 add (1: i64 left, 2: string right)
  list<string> calculate (1: i32 id, 2: calculator.Work work)
  oneway void ping ()
}
service Empty {}
END
printf '{"method": "add", "args": {"left": 1, "right": 2}}\n{"method": "calculate", "args": {"id": 9, "work": {"operation": 4}}}' >"$scratch/calls"
printf '{"method": "ping"}\n{"method": "pong"}' >"$scratch/bad-calls"
printf '{"left": 20, "right": 22}' >"$scratch/args"
file=calculator.thrift

echo 1..32
serves "$server" tcp://localhost:0
calls result 0 '^3$' "$uri" $file Calculator.add '{"left": 1, "right": 2}'
calls arguments_in_a_file 0 '^42$' "$uri" $file add "@$scratch/args"
calls no_arguments_on_standard_input 2 'standard input:1:1: a value is missing at the end' "$uri" $file add -
calls oneway 0 '^null$' "$uri" $file forget
calls declared 3 '"why": "nothing can be divided by 0".*threw InvalidWork' "$uri" $file calculate '{"id": 1, "work": {"operation": "DIVIDE"}}'
calls refused 4 'the server has no method "ad".*where it may be called add\. A server' -I . "$uri" "$scratch/other.thrift" Calculator.ad '{"left": 1}'
calls result_of_another_idl 6 'neither a result nor a declared exception.*another result' -I . "$uri" "$scratch/other.thrift" Calculator.calculate '{"id": 1, "work": {"operation": 4}}'
calls result_of_another_type 6 'where the IDL has list success' -v -I . "$uri" "$scratch/other.thrift" Calculator.calculate '{"id": 1, "work": {"operation": 1}}'
calls unsent 5 'nothing was sent$' tcp://localhost:1 $file ping
calls another_protocol 6 'may have been executed' "$uri?protocol=compact" $file ping
calls several 3 '^\{"method": "Calculator.add", "result": 3\}.*"exception": \{"InvalidWork"' -c "$scratch/calls" "$uri" $file
calls several_of_which_one_is_wrong 2 '^tally: the service Calculator has no method "pong", did you mean "ping"\?$' -c "$scratch/bad-calls" "$uri" $file
calls repeated 0 'null.null.null.3 calls, 3 answered; milliseconds: least ' --repeat 3 "$uri" $file ping
calls repeated_never 2 '--repeat: 0 is less than 1' --repeat 0 "$uri" $file ping
calls timeout 2 '--timeout: -1 is less than 0' --timeout=-1 "$uri" $file ping
calls shared 0 '^sent 30 bytes:.*received 23 bytes:.*3$' -v "$uri?mode=shared" $file add '{"left": 1, "right": 2}'
calls uri 2 'URI "tcp:/x": ' tcp:/x $file ping
calls words 2 'there are three words or four' "$uri" $file
calls unknown_option 2 'Unknown option --tiemout' --tiemout 3 "$uri" $file ping
calls missing_idl 2 "the IDL has mistakes; nothing was sent" "$uri" nowhere.thrift ping
calls header_without_its_transport 2 'headers travel by transport=header only' -H a=b "$uri" $file ping
serves "$server" 'tcp://localhost:0?transport=auto&protocol=auto'
calls header 0 'sent.*header transport.*2 headers.*"tenant": "blue".*received.*header transport.*3$' -v -H tenant=blue "${uri%%\?*}?transport=header&protocol=compact" $file add '{"left": 1, "right": 2}'
calls compressed 0 'zlib: .*inflated:.*compact protocol, call.*3$' -v "${uri%%\?*}?transport=header&protocol=compact&transform=zlib" $file calculate "{\"id\": 1, \"work\": {\"operation\": 1, \"left\": 3, \"comment\": \"$(printf 'a%.0s' {1..2000})\"}}"
calls wrong_header 2 'is no NAME=VALUE' -H tenant "${uri%%\?*}?transport=header" $file ping
calls unframed 0 'received 23 bytes:.*3$' -v "${uri%%\?*}?transport=buffered" $file add '{"left": 1, "right": 2}'
calls multiplexed 4 'calc:ping|calc' -m calc "${uri%%\?*}" $file ping
# Answers each ping with the bytes that are left of "reply, seqid" and a rest, in a frame of that many more.
cat >"$scratch/wrong.py" <<'END'
import signal, socket, struct
listener = socket.create_server (('127.0.0.1', 0))
print ('listening on tcp://127.0.0.1:%d' % listener.getsockname ()[1], flush=True)
for rest, more in (b'junk', 0), (b'', 9), (b'', 0x48545450):
    connection, _ = listener.accept ()
    request = connection.recv (65536)
    reply = struct.pack ('>II4s', 0x80010002, 4, b'ping') + request[16:20] + b'\0' + rest
    connection.sendall (struct.pack ('>I', len (reply) + more) + reply)
    connection.close ()
signal.pause ()
END
serves python3 "$scratch/wrong.py"
calls rest_of_a_frame 0 'received 21 bytes:.*end of ping_result.*0011  6a 75 6e 6b .*behind the message' -v "$uri" $file ping
calls torn_frame 6 'received 21 bytes, and no whole message:.*frame of 26 bytes.*reply.*connection lost' -v "$uri" $file ping
calls no_frame 6 'received [0-9]+ bytes, and no whole message:.*48 54 54 .*was announced' -v "$uri" $file ping
number=$((number + 1))
if [ "$("$tally" --help | awk 'length ($0) > 79 { print } END { if (NR > 24) print NR }')" = '' ]
then
  echo "ok $number - the_help_fits_a_screen"
else
  echo "not ok $number - the_help_fits_a_screen"
fi

# LeakSanitizer itself crashes where GIO has loaded a module.
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
if command -v openssl >/dev/null && sh "$certificates" "$scratch" >/dev/null 2>&1 && serves "$server" "tls://localhost:0?cert=$scratch/server.pem"
then
  uri=${uri%%\?*}
  calls over_tls 0 '^sent 30 bytes:.*received 23 bytes:.*3$' -t 600000 -v "$uri?ca=$scratch/ca.pem" $file add '{"left": 1, "right": 2}'
  calls by_a_certificate_that_is_not_trusted 5 'is not trusted; nothing was sent$' -t 600000 "$uri" $file ping
else
  echo 'ok 31 - over_tls # SKIP openssl makes no certificates, or GIO has no TLS'
  echo 'ok 32 - by_a_certificate_that_is_not_trusted # SKIP as above'
fi
