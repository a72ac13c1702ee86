/* Starts programs, talks to them and awaits their end; knows nothing of what they do. */
#include "program.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define PATIENCE 240000 /* milliseconds for anything that a program is waited for */

static void
die_with_parent (gpointer data)
{
  dup2 (STDOUT_FILENO, STDERR_FILENO);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

gboolean
test_program_start (TestProgram *program, const gchar *const *command)
{
  g_autoptr (GError) error = NULL;

  /* A program that is gone is noticed by what it does not answer. */
  signal (SIGPIPE, SIG_IGN);
  if (g_spawn_async_with_pipes (NULL, (gchar **) command, NULL,
                                G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, die_with_parent,
                                NULL, &program->pid, &program->input, &program->output, NULL,
                                &error))
    return TRUE;
  g_printerr ("%s\n", error->message);
  return FALSE;
}

/* FALSE at the end of its output, or when nothing comes. */
static gboolean
read_byte (TestProgram *program, gchar *byte)
{
  struct pollfd readable = { .fd = program->output, .events = POLLIN };

  return poll (&readable, 1, PATIENCE) == 1 && read (program->output, byte, 1) == 1;
}

gchar *
test_program_read_line (TestProgram *program)
{
  g_autoptr (GString) line = g_string_new (NULL);
  gchar byte;

  while (read_byte (program, &byte))
    {
      if (byte == '\n')
        return g_strdup (line->str);
      g_string_append_c (line, byte);
    }
  return NULL;
}

gchar *
test_program_start_server (TestProgram *program, const gchar *const *command)
{
  static const gchar prefix[] = "listening on ";
  g_autofree gchar *line = NULL;

  if (!test_program_start (program, command))
    return NULL;
  line = test_program_read_line (program);
  if (line != NULL && g_str_has_prefix (line, prefix))
    return g_strdup (line + strlen (prefix));
  assert_string (line, prefix);
  test_program_wait (program);
  return NULL;
}

gchar *
test_program_read_all (TestProgram *program)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gchar byte;

  while (read_byte (program, &byte))
    g_string_append_c (text, byte);
  return g_strdup (text->str);
}

void
test_program_write (TestProgram *program, const gchar *text)
{
  gssize written;

  do
    written = write (program->input, text, strlen (text));
  while (written < 0 && errno == EINTR);
}

gint
test_program_wait (TestProgram *program)
{
  struct pollfd ended = { .fd = syscall (SYS_pidfd_open, program->pid, 0), .events = POLLIN };
  gboolean late;
  gint status;

  close (program->input);
  /* valgrind knows no pidfd; there, patience has no end */
  late = ended.fd >= 0 && poll (&ended, 1, PATIENCE) != 1;
  if (late)
    kill (program->pid, SIGKILL);
  waitpid (program->pid, &status, 0);
  if (ended.fd >= 0)
    close (ended.fd);
  close (program->output);
  if (late)
    return -1;
  return WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
}
