/* Clients and servers of other libraries with `tally proxy` between them: they find all as it is without, and it finds that
 * each reply is its call's, which its exit status says. */
#include <glib.h>
#include <string.h>

#include "peer-programs.h"

static const Peer proxy = { "tally proxy", { TALLY_PROGRAM, "proxy" }, "not built" };

/* The client at the proxy, which passes on to @address's port. What the proxy says fits a pipe. */
static void
call_through (const Peer *client,
              const gchar *protocol,
              const gchar *transport,
              const gchar *address)
{
  g_autofree gchar *target = g_strdup_printf ("tcp://127.0.0.1:%s", strchr (address, ':') + 1);
  const gchar *arguments[] = { "tcp://127.0.0.1:0", target, NULL };
  g_autofree gchar *line = NULL;
  g_autofree gchar *place = NULL;
  Program running;

  if (!program_start (&running, &proxy, arguments, ""))
    return;
  line = program_read_address (&running);
  if (line != NULL && g_str_has_prefix (line, "listening on tcp:"))
    {
      place = g_strconcat ("tcp:", strrchr (line, ':') + 1, NULL);
      peer_run_client (client, protocol, transport, place, "");
    }
  else
    program_report ("tally proxy does not listen", &running);
  program_stop_server (&running, &tally);
}

static void
put_between (const Peer *client, const Peer *server, const gchar *protocol, const gchar *transport)
{
  const gchar *arguments[] = { "server", protocol, transport, "tcp:0", NULL };
  g_autofree gchar *address = NULL;
  Program running;

  if (!peer_is_there (client) || !peer_is_there (server)
      || !program_start (&running, server, arguments, ""))
    return;
  address = program_read_address (&running);
  if (address != NULL)
    call_through (client, protocol, transport, address);
  else
    program_report ("the server does not listen", &running);
  program_stop_server (&running, server);
}

#define EACH(X)                                                                                    \
  X (cpp, python, binary, framed)                                                                  \
  X (cpp, cpp, compact, buffered)                                                                  \
  X (cpp, python, compact, header)                                                                 \
  X (python, cpp, binary, buffered)                                                                \
  X (python, python, compact, framed)                                                              \
  X (python, tally, binary, header)                                                                \
  X (java, tally, binary, framed)                                                                  \
  X (tally, python, compact, framed)

#define DEFINE(client, server, protocol, transport)                                                \
  static void client##_calls_##server##_##protocol##_##transport (void)                            \
  {                                                                                                \
    put_between (&client, &server, #protocol, #transport);                                         \
  }
#define LIST(client, server, protocol, transport)                                                  \
  TEST (client##_calls_##server##_##protocol##_##transport),

EACH (DEFINE)

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { EACH (LIST){ NULL } };

  return programs_main ("interop-proxy", cases, argc, argv);
}
