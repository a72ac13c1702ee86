/* Owns `tally proxy`: its options, where it listens, and what it says in the end. */
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli-commands.h"
#include "cli-proxy.h"

/* Descriptors for all but connections. */
#define SPARE_FDS 16u

typedef struct
{
  gchar **include_dirs;
  gchar **injections;
  gchar *idl_path;
  gint64 seed;
  gint max_connections;
  gdouble idle_timeout_s;
  gboolean is_json;

  TallyEndpoint *listening;
  TallyEndpoint *target;
  GSocketService *service;
  guint16 port; /* the real one; TCP */
  gchar *path;  /* nullable: a Unix socket's */
  CliRules *rules;
  CliRecord record;
  CliRelay relay;
} Proxy;

static void
proxy_clear (Proxy *self)
{
  g_strfreev (self->include_dirs);
  g_strfreev (self->injections);
  g_free (self->idl_path);
  g_free (self->path);
  g_clear_object (&self->service);
  g_clear_pointer (&self->listening, tally_endpoint_unref);
  g_clear_pointer (&self->target, tally_endpoint_unref);
  g_clear_pointer (&self->rules, cli_rules_free);
  g_clear_pointer (&self->record.idl, cli_idl_free);
  cli_relay_clear (&self->relay);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Proxy, proxy_clear)

/* ---- listening ---- */

static TallyEndpoint *
read_uri (const gchar *uri, GError **error)
{
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, error);

  if (endpoint == NULL)
    return NULL;
  if (tally_endpoint_get_scheme (endpoint) != TALLY_SCHEME_TLS)
    return g_steal_pointer (&endpoint);
  g_set_error (error, CLI_INPUT_ERROR, 0,
               "%s: a proxy reads what it passes on, and so cannot pass on TLS", uri);
  return NULL;
}

/* With the port that the first address got, so that "localhost" has one on all its addresses. */
static gboolean
listen_at (Proxy *self, GSocketAddress *address, GError **error)
{
  g_autoptr (GSocketAddress) wanted = g_object_ref (address);
  g_autoptr (GSocketAddress) bound = NULL;

  if (self->port != 0 && G_IS_INET_SOCKET_ADDRESS (address))
    {
      g_object_unref (wanted);
      wanted = g_inet_socket_address_new (g_inet_socket_address_get_address (
                                              G_INET_SOCKET_ADDRESS (address)),
                                          self->port);
    }
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), wanted,
                                      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL, &bound,
                                      error))
    return FALSE;
  if (G_IS_INET_SOCKET_ADDRESS (bound))
    self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  else if (g_unix_socket_address_get_address_type (G_UNIX_SOCKET_ADDRESS (bound))
           == G_UNIX_SOCKET_ADDRESS_PATH)
    self->path = g_strdup (g_unix_socket_address_get_path (G_UNIX_SOCKET_ADDRESS (bound)));
  return TRUE;
}

/* At all addresses; one that fails behind one that does not is left out, as an IPv6 address is where there is none. */
static gboolean
listen_everywhere (Proxy *self, GError **error)
{
  g_autoptr (GSocketAddressEnumerator) addresses =
      g_socket_connectable_enumerate (tally_endpoint_get_connectable (self->listening));
  g_autoptr (GError) first = NULL;
  guint n_bound = 0;

  for (;;)
    {
      g_autoptr (GError) failed = NULL;
      g_autoptr (GSocketAddress) address =
          g_socket_address_enumerator_next (addresses, NULL, &failed);

      if (address == NULL && failed == NULL)
        break;
      if (address != NULL && listen_at (self, address, &failed))
        n_bound++;
      else if (first == NULL)
        first = g_steal_pointer (&failed);
      if (address == NULL)
        break;
    }
  if (n_bound > 0)
    return TRUE;
  if (first == NULL)
    g_set_error (&first, CLI_INPUT_ERROR, 0, "it has no address");
  g_propagate_prefixed_error (error, g_steal_pointer (&first),
                              "%s: ", tally_endpoint_get_uri (self->listening));
  return FALSE;
}

/* Where it can be reached. */
static void
print_place (const Proxy *self)
{
  const gchar *uri = tally_endpoint_get_uri (self->listening);
  const gchar *colon = strrchr (uri, ':');
  const gsize length = strcspn (uri, "?");

  if (self->port != 0 && (gsize) (colon - uri) < length)
    printf ("listening on %.*s:%u\n", (gint) (colon - uri), uri, self->port);
  else
    printf ("listening on %.*s\n", (gint) length, uri);
  fflush (stdout);
}

/* ---- the command line ---- */

static gboolean
check_proxy_words (gchar **words, GError **error)
{
  if (g_strv_length (words) == 3)
    return TRUE;
  g_set_error (error, CLI_INPUT_ERROR, 0, "there are two words: LISTEN-URI TARGET-URI");
  return FALSE;
}

static gboolean
check_limits (const Proxy *self, GError **error)
{
  if (!(self->idle_timeout_s >= 0 && self->idle_timeout_s <= 1e9))
    g_set_error (error, CLI_INPUT_ERROR, 0, "--idle-timeout takes a number of seconds");
  else if (self->max_connections < 1 || self->max_connections > CLI_MAX_LINKS)
    g_set_error (error, CLI_INPUT_ERROR, 0, "--max-connections takes a number from 1 to %u",
                 CLI_MAX_LINKS);
  else
    return TRUE;
  return FALSE;
}

static gboolean
read_rules (Proxy *self, GError **error)
{
  const guint32 seed = self->seed >= 0 ? (guint32) self->seed : g_random_int ();

  self->rules = cli_rules_new (seed);
  for (guint i = 0; self->injections != NULL && self->injections[i] != NULL; i++)
    if (!cli_rules_add (self->rules, self->injections[i], error))
      return FALSE;
  if (cli_rules_are_random (self->rules))
    g_printerr ("seed %u\n", seed);
  return TRUE;
}

static gboolean
prepare_proxy (Proxy *self, gchar ***words, GError **error)
{
  const GOptionEntry entries[] = {
    { "idl", 'f', 0, G_OPTION_ARG_FILENAME, &self->idl_path,
      "Show arguments and results, by that IDL", "FILE.thrift" },
    { "include", 'I', 0, G_OPTION_ARG_FILENAME_ARRAY, &self->include_dirs,
      "Look for included files in DIR too", "DIR" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->is_json, "Print each call as a JSON object", NULL },
    { "inject", 'i', 0, G_OPTION_ARG_STRING_ARRAY, &self->injections,
      "Do METHOD (*: any) wrong: WHAT[,every=N][,percent=P]; WHAT is delay=MS, stall=MS, drop, "
      "lose, close, half, reset or seqid",
      "METHOD:WHAT" },
    { "seed", 's', 0, G_OPTION_ARG_INT64, &self->seed, "Choose by percentage as another time did",
      "N" },
    { "idle-timeout", 't', 0, G_OPTION_ARG_DOUBLE, &self->idle_timeout_s,
      "End connections on which nothing comes or goes for so long (default: never)", "SECONDS" },
    { "max-connections", 'n', 0, G_OPTION_ARG_INT, &self->max_connections,
      "Close clients' connections past so many (default: 8192)", "N" },
    { NULL },
  };

  if (!cli_parse_options (words, "LISTEN-URI TARGET-URI",
                          "Passes connections on, prints each call, and checks that each reply is "
                          "its call's.",
                          entries, error)
      || !check_proxy_words (*words, error) || !check_limits (self, error)
      || !read_rules (self, error))
    return FALSE;
  if (self->idl_path != NULL)
    {
      self->record.idl =
          cli_idl_load (self->idl_path, (const gchar *const *) self->include_dirs, error);
      if (self->record.idl == NULL)
        return FALSE;
    }
  self->listening = read_uri ((*words)[1], error);
  self->target = self->listening != NULL ? read_uri ((*words)[2], error) : NULL;
  if (self->target == NULL)
    return FALSE;
  self->service = g_socket_service_new ();
  return listen_everywhere (self, error);
}

/* ---- passing on ---- */

static gboolean
on_signal (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

/* As many as there are descriptors for, two for each. */
static guint
find_max_links (const Proxy *self)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return (guint) self->max_connections;
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  return (guint) MIN ((rlim_t) self->max_connections,
                      limit.rlim_cur > SPARE_FDS + 2 ? (limit.rlim_cur - SPARE_FDS) / 2 : 1);
}

/* Until a signal comes; a second one ends the process. */
static void
pass_until_signal (Proxy *self)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  g_unix_signal_add (SIGINT, on_signal, loop);
  g_unix_signal_add (SIGTERM, on_signal, loop);
  self->record.output = stdout;
  self->record.is_json = self->is_json;
  cli_relay_init (&self->relay, self->rules, &self->record,
                  tally_endpoint_get_connectable (self->target));
  self->relay.max_links = find_max_links (self);
  self->relay.idle_timeout_us = (gint64) (self->idle_timeout_s * G_USEC_PER_SEC);
  cli_relay_serve (&self->relay, self->service);
  print_place (self);
  g_main_loop_run (loop);
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  cli_relay_stop (&self->relay);
  while (g_main_context_iteration (NULL, FALSE)) /* connects that were cancelled */
    continue;
  if (self->path != NULL)
    unlink (self->path);
  g_printerr ("calls: %" G_GUINT64_FORMAT ", connections: %u, wrong: %" G_GUINT64_FORMAT "\n",
              self->record.n_calls, self->relay.n_accepted, self->record.n_wrong);
}

CliStatus
cli_proxy (gchar **words)
{
  g_auto (Proxy) proxy = { .seed = -1, .max_connections = CLI_MAX_LINKS };
  g_auto (GStrv) rest = g_strdupv (words);
  g_autoptr (GError) error = NULL;

  if (!prepare_proxy (&proxy, &rest, &error))
    return cli_complain (error);
  pass_until_signal (&proxy);
  return proxy.record.n_wrong == 0 ? CLI_OK : CLI_DAMAGED;
}
