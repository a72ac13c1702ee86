#!/bin/bash
# What `tally describe` and `tally decode` print and how they exit. Arguments: tally, the directory with the calculator's IDL.
set -u
tally=$(realpath "$1")
. "$(dirname "$0")/said.sh"
cd "$2" || exit 1
file=calculator.thrift

# tells NAME STATUS PATTERN WORD…: tally with the words.
tells ()
{
  says "$1" "$2" "$3" "$tally" "${@:4}" <"$scratch/input"
}

call=800100010000000361646400000001080001000000010800020000000200
printf %s "$call" >"$scratch/hex"
printf '\x80\x01\x00\x04\x00\x00\x00\x04ping\x00\x00\x00\x01\x00\x82\x21\x01\x04ping\x00' >"$scratch/two"
printf '\x00\x00\x00\x09\x82\x21\x01\x04ping\x00' >"$scratch/framed"
cp "$scratch/framed" "$scratch/input"
base64 "$scratch/framed" >"$scratch/base64"

printf '/** red \033[31m, \302\233 */\nservice S { void a () }' >"$scratch/doc.thrift"

echo 1..25
tells services 0 '^service Calculator.*oneway void forget \(\).*from shared.Journal:.*get_entry' describe $file
tells what_a_doc_comment_does_to_terminals 0 '    red \?\[31m, \?' describe "$scratch/doc.thrift"
tells service 0 '^service Calculator.*Number add' describe $file Calculator
tells method 0 'struct Work.*left: Number \(i32\), has a default.*operation: Operation, required.*DIVIDE = 4.*tally call takes.*"operation": "ADD"' describe $file Calculator.calculate
tells template 0 '^\{.*"left": 0,.*\}$' describe -j $file add
tells unknown_method 2 'has no method "addd", did you mean "add"\?' describe $file Calculator.addd
tells unknown_name 2 'has no method "Else"' describe $file Else
tells template_of_nothing 2 'with --json there are two words' describe -j $file
tells no_file 2 'there is one word or two' describe
tells no_idl 2 'the IDL has mistakes' describe nowhere.thrift
tells hex 0 '"method": "add",.*"1:i32": 1,.*"2:i32": 2' decode $call
tells by_idl 0 '"left": 1,.*"right": 2' decode -f $file "${call:0:10} ${call:10}"
tells enum_without_a_name 0 '"operation": 99' decode -f $file 8221010963616c63756c61746515021c35c6010000
tells every_byte 0 '0012  00 00 00 01 .* 1.*001d  00 .*end of add_args' decode -v -f $file -x "@$scratch/hex"
tells two_messages 0 '"protocol": "binary".*"protocol": "compact"' decode "@$scratch/two"
tells standard_input 0 '"transport": "framed"' decode -
tells base64 0 '"transport": "framed"' decode -b "@$scratch/base64"
tells damaged 1 'the message that begins at byte 0 is damaged: byte 18 \(0x12\): i32 needs 4 bytes, and 2 are left' decode "${call:0:40}"
tells no_hex 2 'the bytes: character 1 is no hexadecimal digit' decode xyz
tells no_bytes 2 'there are no bytes' decode ''
tells no_protocol 2 '"json" is none of auto, binary and compact' decode -p json $call
printf '\xd4\xc3\xb2\xa1%020d' 0 >"$scratch/capture"
tells capture_without_a_port 2 '--port says which connections count' decode "@$scratch/capture"
tells port_without_a_capture 2 '--port: this is no capture of packets' decode --port 9090 $call
printf '\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0' >"$scratch/capture"
tells capture_of_nothing 2 '^tally: the capture has nothing that went over TCP to or from port 9090$' decode -P 9090 "@$scratch/capture"
printf 'torn' >>"$scratch/capture"
tells capture_that_is_cut_off 1 '^tally: the capture ends within a packet: its last 4 bytes are left out$' decode -P 9090 "@$scratch/capture"
