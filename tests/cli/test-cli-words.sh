#!/bin/bash
# What `tally describe` and `tally decode` print and how they exit. Arguments: tally, the directory with the calculator's IDL.
set -u
tally=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0
cd "$2" || exit 1
file=calculator.thrift

# says NAME STATUS PATTERN WORD…: tally with the words exits so, and what it prints on both outputs matches.
says ()
{
  local name=$1 expected=$2 pattern=$3 said status=0
  shift 3
  said=$("$tally" "$@" 2>&1 <"$scratch/input") || status=$?
  number=$((number + 1))
  if [ "$status" -eq "$expected" ] && [[ $said =~ $pattern ]]
  then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name"
    printf 'status %s\n%s\n' "$status" "$said" | sed 's/^/# /'
  fi
}

call=800100010000000361646400000001080001000000010800020000000200
printf %s "$call" >"$scratch/hex"
printf '\x80\x01\x00\x04\x00\x00\x00\x04ping\x00\x00\x00\x01\x00\x82\x21\x01\x04ping\x00' >"$scratch/two"
printf '\x00\x00\x00\x09\x82\x21\x01\x04ping\x00' >"$scratch/framed"
cp "$scratch/framed" "$scratch/input"
base64 "$scratch/framed" >"$scratch/base64"

echo 1..21
says services 0 '^service Calculator.*oneway void forget \(\).*from shared.Journal:.*get_entry' describe $file
says service 0 '^service Calculator.*Number add' describe $file Calculator
says method 0 'struct Work.*left: Number \(i32\), has a default.*operation: Operation, required.*DIVIDE = 4.*tally call takes.*"operation": "ADD"' describe $file Calculator.calculate
says template 0 '^\{.*"left": 0,.*\}$' describe -j $file add
says unknown_method 2 'has no method "addd", did you mean "add"\?' describe $file Calculator.addd
says unknown_name 2 'has no method "Else"' describe $file Else
says template_of_nothing 2 'with --json there are two words' describe -j $file
says no_file 2 'there is one word or two' describe
says no_idl 2 'the IDL has mistakes' describe nowhere.thrift
says hex 0 '"method": "add",.*"1:i32": 1,.*"2:i32": 2' decode $call
says by_idl 0 '"left": 1,.*"right": 2' decode -f $file "${call:0:10} ${call:10}"
says every_byte 0 '0012  00 00 00 01 .* 1.*001d  00 .*end of add_args' decode -v -f $file -x "@$scratch/hex"
says two_messages 0 '"protocol": "binary".*"protocol": "compact"' decode "@$scratch/two"
says standard_input 0 '"transport": "framed"' decode -
says base64 0 '"transport": "framed"' decode -b "@$scratch/base64"
says damaged 1 'the message that begins at byte 0 is damaged: byte 18 \(0x12\): i32 needs 4 bytes, and 2 are left' decode "${call:0:40}"
says no_hex 2 'the bytes: character 1 is no hexadecimal digit' decode xyz
says no_bytes 2 'there are no bytes' decode ''
says no_protocol 2 '"json" is none of auto, binary and compact' decode -p json $call
printf '\xd4\xc3\xb2\xa1%020d' 0 >"$scratch/capture"
says capture_without_a_port 2 '--port says which connections count' decode "@$scratch/capture"
says port_without_a_capture 2 '--port: this is no capture of packets' decode --port 9090 $call
