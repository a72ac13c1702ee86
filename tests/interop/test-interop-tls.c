/* Owns the matrix of peers over TLS: versions 1.3 and 1.2, with and without a client's certificate, and
 * OpenSSL's own client and server, through which plain peers speak. */
#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer-programs.h"

static const Peer openssl = { "openssl", { "openssl" }, "there is no openssl" };

/* FALSE: a test has been skipped. */
static gboolean
has_certificates (void)
{
  const gchar *argv[] = { "/bin/sh", MAKE_CERTIFICATES, NULL, NULL };
  static gboolean made;
  g_autofree gchar *program = g_find_program_in_path ("openssl");
  g_autoptr (GError) error = NULL;
  gint status = -1;

  if (program == NULL)
    {
      test_skip (openssl.missing);
      return FALSE;
    }
  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    {
      test_skip ("GIO has no TLS here (glib-networking)");
      return FALSE;
    }
  if (made)
    return TRUE;
  argv[2] = g_getenv ("PEER_CERTIFICATES");
  g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL,
                &status, &error);
  assert_no_error (error);
  made = g_spawn_check_wait_status (status, NULL);
  CU_ASSERT_FATAL (made);
  return TRUE;
}

/* ---- OpenSSL's programs ---- */

static struct sockaddr_in
make_local_address (guint port)
{
  return (struct sockaddr_in){ .sin_family = AF_INET,
                               .sin_port = htons ((guint16) port),
                               .sin_addr = { htonl (INADDR_LOOPBACK) } };
}

/* A socket at a port that nothing else gets, which a program may listen at nevertheless. */
static gint
bind_somewhere (guint *port)
{
  struct sockaddr_in address = make_local_address (0);
  socklen_t length = sizeof address;
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gint yes = TRUE;

  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  CU_ASSERT_FATAL (bind (fd, (struct sockaddr *) &address, sizeof address) == 0
                   && getsockname (fd, (struct sockaddr *) &address, &length) == 0);
  *port = ntohs (address.sin_port);
  return fd;
}

/* -1: nothing listens there. */
static gint
connect_to (guint port)
{
  struct sockaddr_in address = make_local_address (port);
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;
  close (fd);
  return -1;
}

static void
end_openssl (Program *program)
{
  g_autofree gchar *wrong = NULL;

  kill (program->pid, SIGTERM);
  wrong = program_finish (program, &openssl);
  program_forget (program);
}

static Program
start_server (const Peer *peer, const gchar *place, const gchar *flags, guint *port)
{
  const gchar *arguments[] = { "server", "binary", "framed", place, NULL };
  g_autofree gchar *address = NULL;
  Program program;

  CU_ASSERT_FATAL (program_start (&program, peer, arguments, flags));
  address = program_read_address (&program);
  CU_ASSERT_FATAL (address != NULL);
  *port = (guint) g_ascii_strtoull (strchr (address, ':') + 1, NULL, 10);
  return program;
}

static Program
start_tally_client (const gchar *kind, guint port, const gchar *flags)
{
  g_autofree gchar *address = g_strdup_printf ("%s:%u", kind, port);
  const gchar *arguments[] = { "client", "binary", "framed", address, NULL };
  Program client;

  CU_ASSERT_FATAL (program_start (&client, &tally, arguments, flags));
  return client;
}

static void
finish_tally_client (Program *client)
{
  g_autofree gchar *wrong = program_finish (client, &tally);

  if (wrong != NULL)
    program_report (wrong, client);
  program_forget (client);
}

/* A plain client, whose bytes go on to a server over TLS. */
static void
call_through_s_client (const gchar *version, gboolean mutual)
{
  guint server_port, port;
  g_autofree gchar *target = NULL;
  g_autofree gchar *ca = NULL;
  g_autofree gchar *alice = NULL;
  gint listener, fd;
  Program server, client, front;

  if (!has_certificates ())
    return;
  server = start_server (&tally, "tls:0", mutual ? "mutual" : "", &server_port);
  target = g_strdup_printf ("127.0.0.1:%u", server_port);
  ca = g_strdup_printf ("%s/ca.pem", g_getenv ("PEER_CERTIFICATES"));
  alice = g_strdup_printf ("%s/alice.pem", g_getenv ("PEER_CERTIFICATES"));
  listener = bind_somewhere (&port);
  CU_ASSERT (listen (listener, 1) == 0);
  {
    const gchar *command[] = { "s_client",
                               "-quiet",
                               "-connect",
                               target,
                               "-CAfile",
                               ca,
                               "-verify_return_error",
                               "-verify_ip",
                               "127.0.0.1",
                               version,
                               mutual ? "-cert" : NULL,
                               alice,
                               NULL };

    client = start_tally_client ("tcp", port, "");
    fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
    CU_ASSERT_FATAL (program_start_on (&front, &openssl, command, "", fd));
    close (fd);
    finish_tally_client (&client);
  }
  close (listener);
  end_openssl (&front);
  program_stop_server (&server, &tally);
}

/* A plain server, whose bytes `openssl s_server` takes to clients over TLS. */
static void
call_s_server (const gchar *version, const gchar *flags)
{
  guint server_port, port;
  g_autofree gchar *place = NULL;
  g_autofree gchar *ca = NULL;
  g_autofree gchar *certificate = NULL;
  gboolean mutual = strstr (flags, "mutual") != NULL;
  gint64 end = g_get_monotonic_time () + 120 * G_TIME_SPAN_SECOND;
  gint reserved, inside, probe;
  Program server, client, front;

  if (!has_certificates ())
    return;
  server = start_server (&tally, "tcp:0", "", &server_port);
  reserved = bind_somewhere (&port);
  inside = connect_to (server_port);
  place = g_strdup_printf ("127.0.0.1:%u", port);
  ca = g_strdup_printf ("%s/ca.pem", g_getenv ("PEER_CERTIFICATES"));
  certificate = g_strdup_printf ("%s/server.pem", g_getenv ("PEER_CERTIFICATES"));
  {
    const gchar *command[] = { "s_server",
                               "-quiet",
                               "-accept",
                               place,
                               "-cert",
                               certificate,
                               "-CAfile",
                               ca,
                               "-verify_return_error",
                               version,
                               mutual ? "-Verify" : NULL,
                               "1",
                               NULL };

    CU_ASSERT_FATAL (program_start_on (&front, &openssl, command, "", inside));
  }
  close (inside);
  while ((probe = connect_to (port)) < 0 && g_get_monotonic_time () < end)
    g_thread_yield ();
  CU_ASSERT_FATAL (probe >= 0);
  close (probe);
  client = start_tally_client ("tls", port, flags);
  finish_tally_client (&client);
  close (reserved);
  end_openssl (&front);
  program_stop_server (&server, &tally);
}

static void
plain_tally_calls_tally_through_s_client (void)
{
  call_through_s_client ("-tls1_3", FALSE);
  call_through_s_client ("-tls1_3", TRUE);
  call_through_s_client ("-tls1_2", FALSE);
  call_through_s_client ("-tls1_2", TRUE);
}

static void
tally_calls_plain_tally_through_s_server (void)
{
  call_s_server ("-tls1_3", "");
  call_s_server ("-tls1_3", "mutual");
  call_s_server ("-tls1_2", "mutual");
  call_s_server ("-tls1_2", "shared");
}

/* ---- the matrix ---- */

/* X (client, its flags, server, its flags), for both versions, with a client's certificate and without. Go and Java send
 * no union in which not exactly one field is set. */
#define MATRIX(X)                                                                                  \
  X (tally_calls_tally, tally, "", tally)                                                          \
  X (tally_calls_tally_unpooled, tally, "unpooled", tally)                                         \
  X (tally_calls_tally_shared, tally, "shared", tally)                                             \
  X (tally_calls_cpp, tally, "", cpp_ssl)                                                          \
  X (tally_calls_cpp_unpooled, tally, "unpooled", cpp_ssl)                                         \
  X (tally_calls_cpp_shared, tally, "shared", cpp_ssl)                                             \
  X (tally_calls_python, tally, "", python)                                                        \
  X (tally_calls_python_unpooled, tally, "unpooled", python)                                       \
  X (tally_calls_python_shared, tally, "shared", python)                                           \
  X (tally_calls_go, tally, "no-odd-union", go)                                                    \
  X (tally_calls_go_shared, tally, "no-odd-union shared", go)                                      \
  X (tally_calls_java, tally, "no-odd-union", java)                                                \
  X (tally_calls_java_unpooled, tally, "no-odd-union unpooled", java)                              \
  X (go_calls_tally, go, "", tally)                                                                \
  X (java_calls_tally, java, "", tally)                                                            \
  X (cpp_calls_tally, cpp_ssl, "", tally)                                                          \
  X (python_calls_tally, python, "", tally)                                                        \
  X (cpp_calls_python, cpp_ssl, "", python)

/* Apache C GLib's framed transport takes a frame to be what one read gives, which over TLS is a record. */
#define BUFFERED(X)                                                                                \
  X (glib_calls_tally, glib_ssl, "", tally)                                                        \
  X (glib_calls_cpp, glib_ssl, "", cpp_ssl)

#define DEFINE(name, client, client_flags, server, protocol, transport, version, flags)            \
  static void name##_##protocol##_##version (void)                                                 \
  {                                                                                                \
    if (has_certificates ())                                                                       \
      peer_run_case (&client, client_flags flags, &server, flags, #protocol, #transport, "tls");   \
  }
#define LIST(name, client, client_flags, server, protocol, transport, version, flags)              \
  TEST (name##_##protocol##_##version),

#define EACH(X, ...)                                                                               \
  X (__VA_ARGS__, binary, framed, tls_1_3, "")                                                     \
  X (__VA_ARGS__, compact, buffered, mutual_tls_1_3, " mutual")                                    \
  X (__VA_ARGS__, compact, framed, tls_1_2, " tls1.2")                                             \
  X (__VA_ARGS__, binary, buffered, mutual_tls_1_2, " mutual tls1.2")
#define EACH_BUFFERED(X, ...)                                                                      \
  X (__VA_ARGS__, binary, buffered, tls_1_3, "")                                                   \
  X (__VA_ARGS__, compact, buffered, mutual_tls_1_3, " mutual")                                    \
  X (__VA_ARGS__, compact, buffered, tls_1_2, " tls1.2")                                           \
  X (__VA_ARGS__, binary, buffered, mutual_tls_1_2, " mutual tls1.2")
#define DEFINE_EACH(...) EACH (DEFINE, __VA_ARGS__)
#define LIST_EACH(...) EACH (LIST, __VA_ARGS__)
#define DEFINE_BUFFERED(...) EACH_BUFFERED (DEFINE, __VA_ARGS__)
#define LIST_BUFFERED(...) EACH_BUFFERED (LIST, __VA_ARGS__)

MATRIX (DEFINE_EACH)
BUFFERED (DEFINE_BUFFERED)

static void
remove_certificates (const gchar *directory)
{
  GDir *dir = g_dir_open (directory, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (directory, name, NULL);

      g_unlink (path);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (directory);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { MATRIX (LIST_EACH) BUFFERED (LIST_BUFFERED)
                                        TEST (plain_tally_calls_tally_through_s_client),
                                    TEST (tally_calls_plain_tally_through_s_server),
                                    { NULL } };
  g_autofree gchar *directory = g_dir_make_tmp ("tally-peers-XXXXXX", NULL);
  int status;

  if (directory == NULL)
    g_error ("no temporary directory");
  g_setenv ("PEER_CERTIFICATES", directory, TRUE);
  g_tls_backend_supports_tls (g_tls_backend_get_default ()); /* its threads are no test's */
  status = programs_main ("interop-tls", cases, argc, argv);
  remove_certificates (directory);
  return status;
}
