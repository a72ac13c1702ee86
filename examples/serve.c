/* Serves until a signal asks it to stop. Knows nothing of the service. */
#include "serve.h"

#include <signal.h>
#include <stdio.h>

static TallyServer *server; /* what a signal stops */

static void
on_signal (int number)
{
  tally_server_stop (server);
}

/* What only a channel heeds would be heeded by nobody. */
static gboolean
check_options (const gchar *uri, GError **error)
{
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, error);

  if (endpoint == NULL)
    return FALSE;
  if (tally_endpoint_get_mode (endpoint) == TALLY_MODE_POOLED
      && tally_endpoint_get_timeout (endpoint) < 0)
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
               "%s: mode= and timeout= are a client's: the server takes calls of every mode", uri);
  return FALSE;
}

gboolean
serve (ThriftProcessor *processor, const gchar *uri, GError **error)
{
  return serve_prepared (processor, uri, NULL, NULL, error);
}

gboolean
serve_prepared (
    ThriftProcessor *processor,
    const gchar *uri,
    gboolean (*prepare) (TallyServer *server, const gchar *uri, gpointer user_data, GError **error),
    gpointer user_data,
    GError **error)
{
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
  g_autofree gchar *real_uri = NULL;
  gboolean served;

  if (!check_options (uri, error))
    return FALSE;
  server = tally_server_new (processor, uri, error);
  if (server == NULL)
    return FALSE;
  if (!tally_server_listen (server, error))
    {
      g_clear_object (&server);
      return FALSE;
    }
  sigaction (SIGTERM, &action, NULL);
  sigaction (SIGINT, &action, NULL);
  real_uri = tally_server_dup_uri (server);
  printf ("listening on %s\n", real_uri);
  served = prepare == NULL || prepare (server, real_uri, user_data, error);
  fflush (stdout);
  served = served && thrift_server_serve (THRIFT_SERVER (server), error);

  action.sa_handler = SIG_IGN; /* nothing is left to stop */
  sigaction (SIGTERM, &action, NULL);
  sigaction (SIGINT, &action, NULL);
  g_clear_object (&server);
  return served;
}
