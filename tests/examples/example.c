/* Owns how a test runs an example program. It knows none of them. */
#include "example.h"

#include <signal.h>
#include <string.h>

#include "harness.h"

void
assert_contains_at (const gchar *text, const gchar *part, int line)
{
  if (text == NULL || strstr (text, part) == NULL)
    test_assert_string (text, part, __FILE__, line);
  else
    CU_PASS ();
}

void
example_stop (TestProgram *server)
{
  kill (server->pid, SIGTERM);
  assert_int (test_program_wait (server), 0);
}

gchar *
example_run (const gchar *const *command, gint expected_status)
{
  TestProgram program;
  gchar *output;

  if (!test_program_start (&program, command))
    return NULL;
  output = test_program_read_all (&program);
  assert_int (test_program_wait (&program), expected_status);
  return output;
}
