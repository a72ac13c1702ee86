/* Owns several servers in this process and a channel to them. */
#include "fleet-fixture.h"

#include <string.h>

#include "tls-relay-socket.h"

const gchar *const fleet_modes[3] = { "pooled", "unpooled", "shared" };

void
fleet_add (Fleet *self, const gchar *address)
{
  g_string_append_printf (self->list, "%s%s", self->list->len > 0 ? "," : "", address);
}

/* The address in @uri. (transfer full) */
static gchar *
dup_address (const gchar *uri)
{
  const gchar *begin = strstr (uri, "://") + strlen ("://");

  return g_strndup (begin, strcspn (begin, "?"));
}

void
fleet_start (Fleet *self, const gchar *address, const gchar *server_options)
{
  gboolean is_secured = tls_relay_is_on ();

  *self = (Fleet){ .list = g_string_new (NULL), .pool = tls_relay_new_pool () };
  self->scheme = g_strdup (is_secured ? "tls://" : "tcp://");
  self->files = is_secured ? g_strconcat ("&ca=", tls_relay_get_file (), NULL) : g_strdup ("");
  for (guint i = 0; i < FLEET_SERVERS; i++)
    {
      self->servers[i] = running_start (&framed_binary, address, server_options);
      self->addresses[i] = dup_address (self->servers[i]->uri);
      fleet_add (self, self->addresses[i]);
    }
}

void
fleet_open (Fleet *self, const gchar *options)
{
  g_autofree gchar *uri = g_strconcat (self->scheme, self->list->str, "?strict=yes",
                                       *options != '\0' ? "&" : "", options, self->files, NULL);
  GError *error = NULL;

  self->channel = tally_channel_new_with_pool (uri, self->pool, &error);
  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (self->channel);
}

void
fleet_stop_server (Fleet *self, guint i)
{
  test_handler_release (self->servers[i]->handler);
  running_stop (g_steal_pointer (&self->servers[i]));
}

/* tally_pool_snapshot () has all buckets' locks at once, and ThreadSanitizer knows of 64 at most. */
void
fleet_snapshot (const Fleet *self, TallyPoolSnapshot *sum)
{
  g_autoptr (GPtrArray) buckets = tally_pool_dup_buckets (self->pool);

  *sum = (TallyPoolSnapshot){ 0 };
  for (guint i = 0; i < buckets->len; i++)
    {
      TallyPoolSnapshot part;

      tally_bucket_snapshot (g_ptr_array_index (buckets, i), &part);
      sum->leases += part.leases;
      sum->open += part.open;
      sum->dials += part.dials;
    }
}

void
fleet_stop (Fleet *self)
{
  TallyPoolSnapshot snapshot;

  fleet_snapshot (self, &snapshot);
  assert_int (snapshot.leases, 0);
  tally_pool_close (self->pool);
  g_clear_object (&self->channel);
  g_object_unref (self->pool);
  for (guint i = 0; i < FLEET_SERVERS; i++)
    {
      if (self->servers[i] != NULL)
        fleet_stop_server (self, i);
      g_free (self->addresses[i]);
    }
  g_string_free (self->list, TRUE);
  g_free (self->scheme);
  g_free (self->files);
}

/* ---- a resolver ---- */

typedef TallyResolver PushResolver;
typedef TallyResolverClass PushResolverClass;

static GType push_resolver_get_type (void);

G_DEFINE_TYPE (PushResolver, push_resolver, TALLY_TYPE_RESOLVER)

static void
push_resolver_class_init (PushResolverClass *class)
{
}

static void
push_resolver_init (PushResolver *self)
{
}

TallyResolver *
fleet_resolver_new (void)
{
  return g_object_new (push_resolver_get_type (), NULL);
}

/* ---- a process that forks ---- */

gboolean
fleet_can_follow_children (void)
{
#ifdef __SANITIZE_THREAD__
  test_skip ("ThreadSanitizer cannot follow a thread that a child process starts");
  return FALSE;
#else
  if (tls_relay_is_on ())
    test_skip ("GIO's threads for TLS are not in the child: docs/tls.md");
  return !tls_relay_is_on ();
#endif
}

/* ---- calls ---- */

guint
fleet_count (const Fleet *self, guint i)
{
  return test_handler_n_calls (self->servers[i]->handler);
}

guint
fleet_find_blocked (const Fleet *self)
{
  for (guint i = 0;; i = (i + 1) % FLEET_SERVERS)
    {
      TestHandler *handler = self->servers[i]->handler;
      gboolean is_inside;

      pthread_mutex_lock (&handler->lock);
      is_inside = handler->n_inside > 0;
      pthread_mutex_unlock (&handler->lock);
      if (is_inside)
        return i;
      g_thread_yield ();
    }
}

gboolean
fleet_echo (const Fleet *self, const TallyCallOptions *options, GError **error)
{
  TextArgs args = { (gchar *) "hello" };
  g_autofree gchar *text = NULL;
  gpointer results[] = { &text };

  return tally_channel_call_with (self->channel, test_echo_method, &args, results, options, error)
         && strcmp (text, "hello") == 0;
}

static void
on_echoed (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

gboolean
fleet_echo_async (const Fleet *self, const TallyCallOptions *options, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;
  TextArgs args = { (gchar *) "hello" };
  g_autofree gchar *text = NULL;
  gpointer results[] = { &text };

  g_main_context_push_thread_default (context);
  tally_channel_call_async (self->channel, test_echo_method, &args, options, NULL, on_echoed,
                            &result);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return tally_channel_call_finish (self->channel, test_echo_method, result, results, error)
         && strcmp (text, "hello") == 0;
}

const FleetEcho fleet_echoes[2] = { fleet_echo, fleet_echo_async };

void
fleet_check_echoes (const Fleet *self, FleetEcho echo, guint count)
{
  for (guint i = 0; i < count; i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_TRUE (echo (self, NULL, &error));
      assert_no_error (error);
    }
}
