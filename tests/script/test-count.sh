#!/bin/sh
# Shows that count.awk misses no way in which a test program can fail. Argument: count.awk.
count_awk=$1
number=0

# log [RESULT [STDOUT [STDERR]]]: what meson writes for one test program.
log ()
{
  if [ $# -eq 0 ]
  then
    return
  fi
  printf '%s\n' 'Log of Meson test suite run on 2024-01-01T00:00:00' '' \
    '==================================== 1/1 =====================================' \
    'test:         tally:pool / rules' 'start time:   18:57:55' 'duration:     0.01s' \
    "result:       $1" 'command:      ./rules'
  if [ $# -gt 1 ]
  then
    printf '%s\n' '----------------------------------- stdout -----------------------------------'
    printf "$2"
  fi
  if [ $# -gt 2 ]
  then
    printf '%s\n' '----------------------------------- stderr -----------------------------------'
    printf "$3"
  fi
  printf '%s\n' '==============================================================================' '' '' \
    'Summary of Failures:' '' '1/7 x:a / bad   ERROR           0.01s   exit status 1' '' 'Ok:  2'
}

# check NAME EXPECTED [RESULT [STDOUT [STDERR]]]: the log of that one program has these counts.
check ()
{
  name=$1
  expected=$2
  shift 2
  number=$((number + 1))
  actual=$(log "$@" | awk -f "$count_awk" | tail -n 1)
  if [ "$actual" = "$expected" ]
  then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name"
    echo "# counted \"$actual\", expected \"$expected\""
  fi
}

echo 1..13
check every_tap_line_is_a_test '2 0 0' 'exit status 0' '1..2\nok 1 - a\nok 2 - b\n'
check skipped_is_not_passed '1 0 1' 'exit status 0' '1..2\nok 1 - a\nok 2 - b # SKIP why\n'
check not_ok_fails '1 1 0' 'exit status 1' '1..2\nok 1 - a\nnot ok 2 - b\n# why\n'
check not_ok_fails_whatever_the_status '1 1 0' 'exit status 0' '1..2\nok 1 - a\nnot ok 2 - b\n'
check crash_fails '1 1 0' 'killed by signal 11 SIGSEGV' '1..2\nok 1 - a\n'
check crash_after_the_last_test_fails '1 1 0' 'killed by signal 6 SIGABRT' '1..1\nok 1 - a\n'
check missing_tests_fail '1 1 0' 'exit status 0' '1..2\nok 1 - a\n'
check empty_plan_is_skipped '0 0 1' 'exit status 0' '1..0 # SKIP all\n'
check stderr_is_no_tap '1 0 0' 'exit status 0' '1..1\nok 1 - a\n' 'ok 2\nnot ok 3\n'
check plain_program_passes '1 0 0' 'exit status 0'
check plain_program_fails '0 1 0' 'exit status 3'
check plain_program_skips '0 0 1' 'exit status 77'
check nothing_ran '0 0 0'
