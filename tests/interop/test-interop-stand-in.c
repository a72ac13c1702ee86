/* Clients of other libraries call `tally serve`, whose answers are in stand-in.json: all that they check of a server they find
 * there. */
#include <glib.h>
#include <string.h>

#include "peer-programs.h"

static const Peer stand_in = { "tally serve",
                               { TALLY_PROGRAM, "serve", "--quiet",
                                 "--answers=" INTEROP_DIR "/stand-in.json" },
                               "not built" };

/* "tcp:PORT" of "listening on tcp://localhost:PORT?…". (transfer full) */
static gchar *
get_address (const gchar *line)
{
  const gchar *port = strrchr (line, ':');

  return g_strdup_printf ("tcp:%u", (guint) g_ascii_strtoull (port + 1, NULL, 10));
}

static void
call_stand_in (const Peer *client,
               const gchar *protocol,
               const gchar *transport,
               const gchar *query)
{
  g_autofree gchar *uri = g_strdup_printf ("tcp://localhost:0?%s", query);
  const gchar *arguments[] = { INTEROP_DIR "/interop.thrift", uri, NULL };
  g_autofree gchar *line = NULL;
  g_autofree gchar *address = NULL;
  Program running;

  if (!peer_is_there (client) || !program_start (&running, &stand_in, arguments, ""))
    return;
  line = program_read_address (&running);
  if (line != NULL && g_str_has_prefix (line, "listening on tcp:"))
    {
      address = get_address (line);
      peer_run_client (client, protocol, transport, address, "");
    }
  else
    program_report ("tally serve does not listen", &running);
  program_stop_server (&running, &tally);
}

#define EACH(X)                                                                                    \
  X (cpp, binary, framed, "")                                                                  \
  X (cpp, compact, buffered, "protocol=compact&transport=buffered")                            \
  X (python, binary, buffered, "protocol=auto&transport=auto")                                 \
  X (python, compact, framed, "protocol=auto&transport=auto")                                  \
  X (java, binary, framed, "")                                                                 \
  X (go, binary, framed, "")

#define DEFINE(peer, protocol, transport, query)                                            \
  static void peer##_##protocol##_##transport (void)                                               \
  {                                                                                                \
    call_stand_in (&peer, #protocol, #transport, query);                                    \
  }
#define LIST(peer, protocol, transport, query) TEST (peer##_##protocol##_##transport),

EACH (DEFINE)

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { EACH (LIST){ NULL } };

  return programs_main ("interop-stand-in", cases, argc, argv);
}
