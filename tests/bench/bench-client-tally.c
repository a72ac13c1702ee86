/* Tally's way to a server: a channel, in the mode that the command line names. */
#include "bench-client.h"

#include "bench-common.h"

BenchEchoIf *
bench_client_open (void)
{
  g_autofree gchar *uri =
      g_strdup_printf ("%s://127.0.0.1:%d?mode=%s%s%s",
                       bench_options.scheme != NULL ? bench_options.scheme : "tcp",
                       bench_options.port,
                       bench_options.mode != NULL ? bench_options.mode : "pooled",
                       bench_options.uri_options != NULL ? "&" : "",
                       bench_options.uri_options != NULL ? bench_options.uri_options : "");
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyChannel) channel = tally_channel_new (uri, &error);

  if (channel == NULL)
    bench_fail ("%s", error->message);
  return (BenchEchoIf *) bench_echo_client_new (channel);
}

void
bench_client_close (BenchEchoIf *opened)
{
  g_object_unref (opened);
}

gboolean
bench_client_has_channel (void)
{
  return TRUE;
}
