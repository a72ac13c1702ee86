#!/bin/bash
# `tally call` opens and closes a session of a server like HiveServer2, which is Apache's Python library's. Arguments: tally, this
# directory, the thrift compiler, Python.
set -u
tally=$(realpath "$1")
. "$2/../cli/said.sh"
if [ -z "$3" ] || [ -z "$4" ]
then
  echo '1..0 # SKIP no thrift compiler, or no thrift module for Python'
  exit
fi

echo 1..6
"$3" --gen py -out "$scratch" "$2/sessions.thrift"
serves "$4" "$2/sessions.py" "$scratch"

# calls NAME STATUS PATTERN WORD…: `tally call` with the words.
calls ()
{
  says "$1" "$2" "$3" "$tally" call "$uri?transport=buffered" "$idl" "${@:4}"
}

idl=$2/sessions.thrift
calls session_opens 0 '"statusCode": "SUCCESS_STATUS".*"serverProtocolVersion": "HIVE_CLI_SERVICE_PROTOCOL_V10".*"guid": "AAECAwQFBgcICQoLDA0ODw==".*"opened": "1".*"use:database": "default"' OpenSession '{"req": {"username": "anna", "configuration": {"use:database": "default"}}}'
calls older_client 0 '"serverProtocolVersion": "HIVE_CLI_SERVICE_PROTOCOL_V1"' OpenSession '{"req": {"client_protocol": "HIVE_CLI_SERVICE_PROTOCOL_V1", "username": "anna"}}'
calls session_closes 0 '"statusCode": "SUCCESS_STATUS"' CloseSession '{"req": {"sessionHandle": {"sessionId": {"guid": {"$hex": "000102030405060708090a0b0c0d0e0f"}, "secret": "/////////////////////w=="}}}}'
calls session_is_closed 0 '"statusCode": "INVALID_HANDLE_STATUS"' CloseSession '{"req": {"sessionHandle": {"sessionId": {"guid": {"$hex": "000102030405060708090a0b0c0d0e0f"}, "secret": ""}}}}'
calls stranger 0 '"statusCode": "ERROR_STATUS",.*"errorMessage": "who is bert\?"' OpenSession '{"req": {"username": "bert"}}'
calls misspelt 2 'OpenSession: arguments:1:22: req: TOpenSessionReq has no field "usrname", did you mean "username"\?' OpenSession '{"req": {"usrname":  "anna"}}'
