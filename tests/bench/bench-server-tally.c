/* Tally's own server with the service that echoes, until a signal ends it. */
#include <stdio.h>
#include <string.h>

#include "bench-common.h"
#include "bench-handler.h"

int
main (int argc, char **argv)
{
  g_autoptr (BenchEchoHandler) handler = NULL;
  g_autoptr (BenchEchoProcessor) processor = NULL;
  g_autoptr (TallyServer) server = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;
  g_autofree gchar *listening = NULL;

  bench_parse (&argc, &argv, NULL);
  bench_die_with_parent ();
  listening = g_strconcat (bench_options.scheme != NULL ? bench_options.scheme : "tcp",
                           "://127.0.0.1:0", bench_options.uri_options, NULL);
  handler = bench_handler_new ();
  processor = g_object_new (BENCH_TYPE_ECHO_PROCESSOR, "handler", handler, NULL);
  server = tally_server_new (THRIFT_PROCESSOR (processor), listening, &error);
  if (server == NULL || !tally_server_listen (server, &error))
    bench_fail ("%s", error->message);
  uri = tally_server_dup_uri (server);
  printf ("%d\n", atoi (strrchr (uri, ':') + 1));
  fflush (stdout);
  if (!thrift_server_serve (THRIFT_SERVER (server), &error))
    bench_fail ("%s", error->message);
  return 0;
}
