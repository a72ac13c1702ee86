/* Owns the matrix of peers: for each case one server program and one client program, which checks
 * everything that it gets back. */
#include <glib/gstdio.h>
#include <unistd.h>

#include "peer-programs.h"

/* What the bytes of Python's protocols are compared with, without a connection. */
static void
tally_writes_and_reads_what_python_does (void)
{
  const gchar *const vectors[] = { "vectors", NULL };
  g_autofree gchar *path = g_strdup_printf ("%s/vectors", programs_get_directory ());
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

      if (!peer_is_there (peers[i]) || !program_start (&program, peers[i], arguments[i], ""))
        return;
      while ((got = read (program.output, buffer, sizeof buffer)) > 0)
        g_string_append_len (text, buffer, got);
      if (i == 0)
        g_file_set_contents (path, text->str, text->len, NULL);
      wrong = program_finish (&program, peers[i]);
      if (wrong != NULL)
        program_report (wrong, &program);
      else
        CU_PASS ();
      program_forget (&program);
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

/* Over TCP alone: what differs is in the protocols and processors. Go and Java send no union in which not exactly one
 * field is set. */
#define TCP(X)                                                                                     \
  X (tally_calls_go, tally, "no-odd-union", go, "")                                                \
  X (tally_calls_java, tally, "no-odd-union", java, "")                                            \
  X (go_calls_tally, go, "", tally, "")                                                            \
  X (java_calls_tally, java, "", tally, "")                                                        \
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

/* Over the header transport. Apache's C++ library inflates no long messages, not even its own. */
#define HEADER(X)                                                                                  \
  X (tally_calls_tally, tally, "", tally, "")                                                      \
  X (tally_calls_tally_zlib, tally, "zlib", tally, "zlib")                                         \
  X (tally_calls_tally_shared, tally, "shared", tally, "")                                         \
  X (tally_calls_cpp, tally, "", cpp, "")                                                          \
  X (tally_calls_cpp_zlib, tally, "zlib brief", cpp, "zlib")                                       \
  X (tally_calls_cpp_shared, tally, "shared", cpp, "")                                             \
  X (tally_calls_python, tally, "", python, "")                                                    \
  X (tally_calls_python_zlib, tally, "zlib", python, "zlib")                                       \
  X (tally_calls_python_shared, tally, "shared", python, "")                                       \
  X (tally_calls_go, tally, "no-odd-union", go, "")                                                \
  X (tally_calls_go_zlib, tally, "zlib no-odd-union", go, "zlib")                                  \
  X (tally_calls_go_shared, tally, "shared no-odd-union", go, "")                                  \
  X (go_calls_tally, go, "", tally, "")                                                            \
  X (go_calls_tally_zlib, go, "zlib", tally, "zlib")                                               \
  X (cpp_calls_tally, cpp, "", tally, "")                                                          \
  X (cpp_calls_tally_zlib, cpp, "zlib brief", tally, "zlib")                                       \
  X (python_calls_tally, python, "", tally, "")                                                    \
  X (python_calls_tally_zlib, python, "zlib", tally, "zlib")                                       \
  X (cpp_calls_python_header, cpp, "", python, "")

/* A server that finds out how its client speaks. */
#define AUTO(X)                                                                                    \
  X (tally_calls_tally_auto, tally, "", tally, "auto")                                             \
  X (cpp_calls_tally_auto, cpp, "", tally, "auto")                                                 \
  X (python_calls_tally_auto, python, "", tally, "auto")                                           \
  X (go_calls_tally_auto, go, "", tally, "auto")                                                   \
  X (glib_calls_tally_auto, glib, "", tally, "auto")

/* The peers among themselves: when these fail, a peer is wrong and not Tally. */
#define PEERS(X)                                                                                   \
  X (glib_calls_cpp, glib, "", cpp, "")                                                            \
  X (cpp_calls_python, cpp, "", python, "")                                                        \
  X (python_calls_glib, python, BEYOND_GLIB, glib, "")

#define DEFINE(name, client, client_flags, server, server_flags, protocol, transport, wire)        \
  static void name##_##protocol##_##transport##_##wire (void)                                      \
  {                                                                                                \
    peer_run_case (&client, client_flags, &server, server_flags, #protocol, #transport, #wire);    \
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
#define ON_HEADER(X, ...) X (__VA_ARGS__, binary, header, tcp) X (__VA_ARGS__, compact, header, tcp)
#define DEFINE_HEADER(...) ON_HEADER (DEFINE, __VA_ARGS__)
#define LIST_HEADER(...) ON_HEADER (LIST, __VA_ARGS__)

FULL (DEFINE_FULL)
TCP (DEFINE_TCP)
PEERS (DEFINE_TCP)
HEADER (DEFINE_HEADER)
AUTO (DEFINE_TCP)

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (tally_writes_and_reads_what_python_does),
                                    FULL (LIST_FULL) TCP (LIST_TCP) PEERS (LIST_TCP)
                                        HEADER (LIST_HEADER) AUTO (LIST_TCP){ NULL } };

  return programs_main ("interop", cases, argc, argv);
}
