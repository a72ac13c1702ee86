/* A plugin with generated code, and through it libtally. test-resident.c loads and unloads it. */
#include <tally.h>

#include "demo_echo.h"

gboolean plugin_use (void);

static gpointer
serve (gpointer server)
{
  g_autoptr (GError) error = NULL;

  return GINT_TO_POINTER (thrift_server_serve (server, &error));
}

/* Uses a type of each kind: struct, interface, handler, processor, client. The handler implements
 * nothing, so that the call is refused. */
gboolean
plugin_use (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) refusal = NULL;
  g_autoptr (GObject) handler = g_object_new (DEMO_TYPE_ECHO_HANDLER, NULL);
  g_autoptr (DemoEchoProcessor) processor =
      g_object_new (DEMO_TYPE_ECHO_PROCESSOR, "handler", handler, NULL);
  g_autoptr (TallyServer) server =
      tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0", &error);
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (DemoEchoClient) client = NULL;
  g_autoptr (DemoPayload) payload = g_object_new (DEMO_TYPE_PAYLOAD, NULL);
  g_autoptr (DemoPayload) reply = g_object_new (DEMO_TYPE_PAYLOAD, NULL);
  g_autofree gchar *uri = NULL;
  GThread *thread;
  gboolean succeeded;

  if (server == NULL || !tally_server_listen (server, &error))
    return FALSE;
  thread = g_thread_new ("server", serve, server);
  uri = tally_server_dup_uri (server);
  channel = tally_channel_new_with_pool (uri, pool, &error);
  client = demo_echo_client_new (channel);
  succeeded = !demo_echo_if_echo_payload (DEMO_ECHO_IF (client), &reply, payload, &refusal)
              && g_error_matches (refusal, THRIFT_APPLICATION_EXCEPTION_ERROR,
                                  THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD);
  tally_pool_close (pool);
  tally_server_stop (server);
  return GPOINTER_TO_INT (g_thread_join (thread)) && succeeded;
}
