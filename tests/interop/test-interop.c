/* Owns the matrix of peers: for each case one server program and one client program, which checks
 * everything that it gets back. Knows how to start, await and stop programs, and nothing of what
 * they say. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define PATIENCE 60000 /* milliseconds for one program */

/* A program's path is empty where its library is not installed. */
typedef struct
{
  const gchar *name;
  const gchar *command[4];
  const gchar *missing;
} Peer;

static const Peer tally = { "Tally", { PEER_TALLY }, "not built" };
static const Peer glib = { "Apache C GLib", { PEER_GLIB }, "no thrift compiler" };
static const Peer cpp = { "Apache C++",
                          { PEER_CPP },
                          "no thrift compiler, or no C++ library for it" };
static const Peer python = { "Python",
                             { PEER_PYTHON, PEER_SCRIPT, PEER_GENERATED },
                             "no thrift module for Python" };

typedef struct
{
  GPid pid;
  gint output;       /* its standard output's end */
  gchar *complaints; /* the file with its standard error */
} Program;

static gchar *directory; /* of sockets and captured output */

static void
on_child (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* Starts @peer with @first (nullable: not given) and the words of @more as arguments. */
static gboolean
start (Program *program, const Peer *peer, const gchar *const *arguments, const gchar *flags)
{
  g_autoptr (GPtrArray) command = g_ptr_array_new ();
  g_auto (GStrv) words = g_strsplit (flags, " ", -1);
  g_autoptr (GError) error = NULL;
  static guint number;
  gint pipes[2];
  gint complaints;
  guint i;

  for (i = 0; peer->command[i] != NULL; i++)
    g_ptr_array_add (command, (gpointer) peer->command[i]);
  for (i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (command, (gpointer) arguments[i]);
  for (i = 0; words[i] != NULL && *words[i] != '\0'; i++)
    g_ptr_array_add (command, words[i]);
  g_ptr_array_add (command, NULL);
  program->complaints = g_strdup_printf ("%s/complaints-%u", directory, number++);
  complaints = open (program->complaints, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (complaints < 0 || pipe2 (pipes, O_CLOEXEC) != 0)
    g_error ("no file for output: %s", g_strerror (errno));
  g_spawn_async_with_fds (NULL, (gchar **) command->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
                          on_child, NULL, &program->pid, -1, pipes[1], complaints, &error);
  close (pipes[1]);
  close (complaints);
  program->output = pipes[0];
  assert_no_error (error);
  return error == NULL;
}

static void
forget (Program *program)
{
  close (program->output);
  g_unlink (program->complaints);
  g_free (program->complaints);
}

/* Waits for its end, and kills it when that does not come. (nullable): what was wrong with it. */
static gchar *
finish (Program *program, const Peer *peer)
{
  struct pollfd ended = { .fd = syscall (SYS_pidfd_open, program->pid, 0), .events = POLLIN };
  gboolean late = poll (&ended, 1, PATIENCE) != 1;
  gint status;

  if (late)
    kill (program->pid, SIGKILL);
  waitpid (program->pid, &status, 0);
  close (ended.fd);
  if (late)
    return g_strdup_printf ("%s does not end", peer->name);
  if (WIFSIGNALED (status))
    return g_strdup_printf ("%s: signal %d", peer->name, WTERMSIG (status));
  return WEXITSTATUS (status) == 0
             ? NULL
             : g_strdup_printf ("%s: exit status %d", peer->name, WEXITSTATUS (status));
}

/* The last of what a program wrote to its standard error. */
static gchar *
dup_complaints (Program *program)
{
  g_autofree gchar *text = NULL;
  gsize length;

  if (!g_file_get_contents (program->complaints, &text, &length, NULL))
    return g_strdup ("");
  g_strdelimit (g_strstrip (text), "\n", ' ');
  length = strlen (text);
  return g_utf8_make_valid (length > 600 ? text + length - 600 : text, -1);
}

static void
report (const gchar *wrong, Program *program)
{
  g_autofree gchar *complaints = dup_complaints (program);
  g_autofree gchar *text = g_strdup_printf ("%s: %s", wrong, complaints);

  CU_assertImplementation (CU_FALSE, __LINE__, text, __FILE__, "", CU_FALSE);
}

/* The line that a server prints when it listens; (nullable). */
static gchar *
read_address (Program *server)
{
  struct pollfd readable = { .fd = server->output, .events = POLLIN };
  g_autoptr (GString) line = g_string_new (NULL);
  gchar byte;

  while (poll (&readable, 1, PATIENCE) == 1 && read (server->output, &byte, 1) == 1)
    {
      if (byte == '\n')
        return g_strdup (line->str);
      g_string_append_c (line, byte);
    }
  return NULL;
}

static void
stop_server (Program *server, const Peer *peer)
{
  g_autofree gchar *wrong = NULL;

  kill (server->pid, SIGTERM);
  wrong = finish (server, peer);
  /* Tally's server drains and ends well; the others die of the signal. */
  if (wrong != NULL && peer == &tally && !g_str_has_suffix (wrong, "signal 15"))
    report (wrong, server);
  forget (server);
}

static void
run_client (const Peer *peer,
            const gchar *protocol,
            const gchar *transport,
            const gchar *address,
            const gchar *flags)
{
  const gchar *arguments[] = { "client", protocol, transport, address, NULL };
  g_autofree gchar *wrong = NULL;
  Program client;

  if (!start (&client, peer, arguments, flags))
    return;
  wrong = finish (&client, peer);
  if (wrong != NULL)
    report (wrong, &client);
  else
    CU_PASS ();
  forget (&client);
}

static gboolean
is_there (const Peer *peer)
{
  if (*peer->command[0] != '\0')
    return TRUE;
  test_skip (peer->missing);
  return FALSE;
}

static void
run_case (const Peer *client,
          const gchar *client_flags,
          const Peer *server,
          const gchar *server_flags,
          const gchar *protocol,
          const gchar *transport,
          const gchar *wire)
{
  g_autofree gchar *path = g_strdup_printf ("%s/socket", directory);
  g_autofree gchar *place =
      g_str_equal (wire, "tcp") ? g_strdup ("tcp:0") : g_strconcat ("unix:", path, NULL);
  const gchar *arguments[] = { "server", protocol, transport, place, NULL };
  g_autofree gchar *address = NULL;
  Program running;

  if (!is_there (client) || !is_there (server)
      || !start (&running, server, arguments, server_flags))
    return;
  address = read_address (&running);
  if (address != NULL)
    run_client (client, protocol, transport, address, client_flags);
  else
    report ("the server does not listen", &running);
  stop_server (&running, server);
  g_unlink (path);
}

/* What the bytes of Python's protocols are compared with, without a connection. */
static void
tally_writes_and_reads_what_python_does (void)
{
  const gchar *const vectors[] = { "vectors", NULL };
  g_autofree gchar *path = g_strdup_printf ("%s/vectors", directory);
  const gchar *const check[] = { "vectors", "-", "-", path, NULL };
  const Peer *peers[] = { &python, &tally };
  const gchar *const *arguments[] = { vectors, check };
  guint i;

  for (i = 0; i < 2; i++)
    {
      g_autofree gchar *wrong = NULL;
      g_autoptr (GString) text = g_string_new (NULL);
      Program program;
      gchar buffer[4096];
      gssize got;

      if (!is_there (peers[i]) || !start (&program, peers[i], arguments[i], ""))
        return;
      while ((got = read (program.output, buffer, sizeof buffer)) > 0)
        g_string_append_len (text, buffer, got);
      if (i == 0)
        g_file_set_contents (path, text->str, text->len, NULL);
      wrong = finish (&program, peers[i]);
      if (wrong != NULL)
        report (wrong, &program);
      else
        CU_PASS ();
      forget (&program);
    }
  g_unlink (path);
}

/* ---- the matrix ---- */

/* What Apache C GLib's generated server cannot do: NaN, sets in containers and much else of Wide,
 * and an unknown method on a service that extends another, which ends it. */
#define BEYOND_GLIB "no-nan no-wide no-unknown"

/* X (client, its flags, server, its flags), for every protocol, transport and kind of socket. */
#define FULL(X)                                                                                    \
  X (tally_calls_tally, tally, "", tally, "")                                                      \
  X (tally_calls_glib, tally, BEYOND_GLIB, glib, "")                                               \
  X (tally_calls_cpp, tally, "", cpp, "")                                                          \
  X (tally_calls_python, tally, "", python, "")                                                    \
  X (glib_calls_tally, glib, "", tally, "")                                                        \
  X (cpp_calls_tally, cpp, "", tally, "")                                                          \
  X (python_calls_tally, python, "", tally, "")                                                    \
  X (glib_calls_tally_under_apache_server, glib, "", tally, "apache-stack")                        \
  X (tally_over_apache_protocols_calls_glib, tally, "apache-stack " BEYOND_GLIB, glib, "")

/* The same over TCP alone: what differs is in the protocols and processors. */
#define TCP(X)                                                                                     \
  X (tally_calls_tally_shared, tally, "shared", tally, "")                                         \
  X (tally_calls_glib_shared, tally, "shared " BEYOND_GLIB, glib, "")                              \
  X (tally_calls_cpp_shared, tally, "shared", cpp, "")                                             \
  X (tally_calls_python_shared, tally, "shared", python, "")                                       \
  X (tally_calls_cpp_templates, tally, "", cpp, "templates")                                       \
  X (cpp_templates_calls_tally, cpp, "templates", tally, "")                                       \
  X (tally_calls_python_accelerated, tally, "", python, "accelerated")                             \
  X (python_accelerated_calls_tally, python, "accelerated", tally, "")                             \
  X (tally_calls_glib_plain_service, tally, "no-nan no-wide no-inherited", glib, "plain-service")  \
  X (cpp_calls_tally_under_apache_server, cpp, "", tally, "apache-stack")                          \
  X (tally_over_apache_protocols_calls_cpp, tally, "apache-stack", cpp, "")                        \
  X (tally_over_apache_protocols_calls_tally, tally, "apache-stack", tally, "")                    \
  X (glib_calls_tally_multiplexed, glib, "multiplexed no-failure", tally,                          \
     "apache-stack multiplexed")                                                                   \
  X (python_calls_tally_multiplexed, python, "multiplexed no-failure", tally,                      \
     "apache-stack multiplexed")                                                                   \
  X (tally_over_apache_protocols_calls_cpp_multiplexed, tally,                                     \
     "apache-stack multiplexed no-failure", cpp, "multiplexed")

/* The peers among themselves: when these fail, a peer is wrong and not Tally. */
#define PEERS(X)                                                                                   \
  X (glib_calls_cpp, glib, "", cpp, "")                                                            \
  X (cpp_calls_python, cpp, "", python, "")                                                        \
  X (python_calls_glib, python, BEYOND_GLIB, glib, "")

#define DEFINE(name, client, client_flags, server, server_flags, protocol, transport, wire)        \
  static void name##_##protocol##_##transport##_##wire (void)                                      \
  {                                                                                                \
    run_case (&client, client_flags, &server, server_flags, #protocol, #transport, #wire);         \
  }
#define LIST(name, client, client_flags, server, server_flags, protocol, transport, wire)          \
  TEST (name##_##protocol##_##transport##_##wire),

#define ON_WIRE(X, wire, ...)                                                                      \
  X (__VA_ARGS__, binary, framed, wire)                                                            \
  X (__VA_ARGS__, binary, buffered, wire)                                                          \
  X (__VA_ARGS__, compact, framed, wire)                                                           \
  X (__VA_ARGS__, compact, buffered, wire)
#define DEFINE_TCP(...) ON_WIRE (DEFINE, tcp, __VA_ARGS__)
#define DEFINE_FULL(...) DEFINE_TCP (__VA_ARGS__) ON_WIRE (DEFINE, local, __VA_ARGS__)
#define LIST_TCP(...) ON_WIRE (LIST, tcp, __VA_ARGS__)
#define LIST_FULL(...) LIST_TCP (__VA_ARGS__) ON_WIRE (LIST, local, __VA_ARGS__)

FULL (DEFINE_FULL)
TCP (DEFINE_TCP)
PEERS (DEFINE_TCP)

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (tally_writes_and_reads_what_python_does),
                                    FULL (LIST_FULL) TCP (LIST_TCP) PEERS (LIST_TCP){ NULL } };
  int status;

  directory = g_dir_make_tmp ("tally-interop-XXXXXX", NULL);
  if (directory == NULL)
    g_error ("no temporary directory");
  status = test_main ("interop", cases, argc, argv);
  g_rmdir (directory);
  g_free (directory);
  return status;
}
