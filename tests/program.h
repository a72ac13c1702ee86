/* A program that a test runs: its input and output are pipes, and waiting for it ends. */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include <glib.h>

typedef struct
{
  GPid pid;
  gint input;
  gint output; /* standard output and standard error */
} TestProgram;

/* @command ends with NULL. The program dies when the test does. */
gboolean test_program_start (TestProgram *program, const gchar *const *command);
/* Starts a server, which says "listening on" first. (transfer full) (nullable): where. */
gchar *test_program_start_server (TestProgram *program, const gchar *const *command);
/* (transfer full) (nullable): without its newline; NULL at the end, or when nothing comes. */
gchar *test_program_read_line (TestProgram *program);
/* (transfer full): everything up to the end of its output. */
gchar *test_program_read_all (TestProgram *program);
void test_program_write (TestProgram *program, const gchar *text);
/* Closes its input, waits for its end and closes the rest. Its exit status, 128 + the signal that
 * ended it, or -1 when it had to be killed for not ending. */
gint test_program_wait (TestProgram *program);

#endif /* TESTS_PROGRAM_H */
