# Counts the tests in meson's test log: each TAP line of a test program is a test, and so is a program
# that speaks no TAP. A program that crashed, ran out of time or ran fewer tests than it planned has at
# least one failure. Prints what the failing programs said, and as last line "PASSED FAILED SKIPPED".

function end_program (  failed_before, succeeded)
{
  if (name == "")
    return
  failed_before = failed
  succeeded = (result == "exit status 0")
  if (is_tap)
    {
      passed += good
      skipped += ignored
      failed += bad
      if (bad == 0 && (bailed_out || !succeeded || good + ignored + bad != plan))
        failed++
      if (plan == 0 && succeeded)
        skipped++
    }
  else if (succeeded)
    passed++
  else if (result == "exit status 77")
    skipped++
  else
    failed++
  if (failed > failed_before)
    printf "---- failed: %s (%s)\n%s", name, result, output
  name = ""
}

/^=+ [0-9]+\/[0-9]+ =+$/ {
  end_program()
  name = result = output = part = ""
  is_tap = plan = good = bad = ignored = bailed_out = 0
  next
}
part == "" && /^test: / { name = substr ($0, 15); next }
part == "" && /^result: / { result = substr ($0, 15); next }
part == "" && /^(start time|duration|command):/ { next }
name != "" && /^-+ stdout -+$/ { part = "stdout"; next }
name != "" && /^-+ stderr -+$/ { part = "stderr"; next }
/^=+$/ { end_program(); next }
name != "" {
  output = output $0 "\n"
  if (part != "stdout")
    next
  if ($0 ~ /^1\.\.[0-9]+/)
    {
      is_tap = 1
      plan = substr ($0, 4) + 0
    }
  else if ($0 ~ /^not ok/)
    bad++
  else if ($0 ~ /^ok.* # (SKIP|skip)/)
    ignored++
  else if ($0 ~ /^ok( |$)/)
    good++
  else if ($0 ~ /^Bail out!/)
    bailed_out = 1
}
END {
  end_program()
  print passed + 0, failed + 0, skipped + 0
}
