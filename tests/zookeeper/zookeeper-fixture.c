/* Owns servers of the echo service in this process, and channels to them by way of ZooKeeper. */
#include "zookeeper-fixture.h"

#include <string.h>

#include "harness.h"

#define PATIENCE (10 * G_TIME_SPAN_MINUTE)
/* Microseconds between two looks. */
#define PAUSE 1000
/* Calls in which round-robin comes to each server. */
#define ROUND 12

/* ---- a server ---- */

typedef struct
{
  DemoEchoHandler parent_instance;
  EchoServer *server;
} CountingEcho;

typedef DemoEchoHandlerClass CountingEchoClass;

static GType counting_echo_get_type (void);
G_DEFINE_TYPE (CountingEcho, counting_echo, DEMO_TYPE_ECHO_HANDLER)

static gboolean
count_echo (DemoEchoIf *iface, gchar **_return, const gchar *text, GError **error)
{
  g_atomic_int_inc (&((CountingEcho *) iface)->server->n_calls);
  *_return = g_strdup (text);
  return TRUE;
}

static void
counting_echo_class_init (CountingEchoClass *klass)
{
  klass->echo = count_echo;
}

static void
counting_echo_init (CountingEcho *self)
{
}

/* A registration that tells when those before it have entered. */
typedef struct
{
  TallyRegistration parent_instance;
  GAsyncQueue *entered; /* borrowed until then */
} Witness;

typedef TallyRegistrationClass WitnessClass;

static GType witness_get_type (void);
G_DEFINE_TYPE (Witness, witness, TALLY_TYPE_REGISTRATION)

static gboolean
witness_enter (TallyRegistration *registration,
               const gchar *uri,
               GCancellable *cancellable,
               GError **error)
{
  g_async_queue_push (((Witness *) registration)->entered, registration);
  return TRUE;
}

static void
witness_class_init (WitnessClass *klass)
{
  klass->enter = witness_enter;
}

static void
witness_init (Witness *self)
{
}

static gpointer
serve_echo (gpointer server)
{
  return GINT_TO_POINTER (thrift_server_serve (THRIFT_SERVER (server), NULL));
}

/* It serves, and has entered @registration (nullable), when this returns. */
static void
start_server (EchoServer *self, TallyRegistration *registration)
{
  g_autoptr (GAsyncQueue) entered = g_async_queue_new ();
  g_autoptr (TallyRegistration) witness = g_object_new (witness_get_type (), NULL);
  CountingEcho *handler = g_object_new (counting_echo_get_type (), NULL);
  g_autoptr (DemoEchoProcessor) processor =
      g_object_new (DEMO_TYPE_ECHO_PROCESSOR, "handler", handler, NULL);
  g_autofree gchar *uri = NULL;
  const gchar *address;
  GError *error = NULL;

  handler->server = self;
  self->server = tally_server_new (THRIFT_PROCESSOR (processor), "tcp://127.0.0.1:0", &error);
  g_object_unref (handler);
  assert_no_error (error);
  ((Witness *) witness)->entered = entered;
  if (registration != NULL)
    {
      tally_server_add_registration (self->server, registration);
      tally_server_add_registration (self->server, witness);
    }
  tally_server_listen (self->server, &error);
  assert_no_error (error);
  uri = tally_server_dup_uri (self->server);
  address = uri + strlen ("tcp://");
  self->address = g_strndup (address, strcspn (address, "/?"));
  self->port = (guint) g_ascii_strtoull (strchr (self->address, ':') + 1, NULL, 10);
  self->thread = g_thread_new ("serve", serve_echo, self->server);
  if (registration != NULL)
    g_async_queue_pop (entered);
}

/* ---- the fleet ---- */

static void
prepare_fleet (Fleet *self)
{
  static guint n_fleets;

  *self = (Fleet){ .pool = tally_pool_new (),
                   .path = g_strdup_printf ("/services/fleet-%u", n_fleets++) };
  tally_zookeeper_init ();
}

void
fleet_start (Fleet *self)
{
  prepare_fleet (self);
  for (guint i = 0; i < N_SERVERS; i++)
    start_server (&self->servers[i], NULL);
}

TallyRegistration *
fleet_new_registration (const Fleet *self)
{
  g_autofree gchar *uri = g_strconcat ("zookeeper://", zookeeper_get_server (), self->path, NULL);
  GError *error = NULL;
  TallyRegistration *registration = tally_zookeeper_registration_new (uri, &error);

  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (registration);
  return registration;
}

void
fleet_start_registered (Fleet *self)
{
  prepare_fleet (self);
  for (guint i = 0; i < N_SERVERS; i++)
    {
      g_autoptr (TallyRegistration) registration = fleet_new_registration (self);

      start_server (&self->servers[i], registration);
    }
}

void
fleet_start_server (Fleet *self, guint i, TallyRegistration *registration)
{
  EchoServer *server = &self->servers[i];

  g_object_unref (server->server);
  g_free (server->address);
  g_atomic_int_set (&server->n_calls, 0);
  start_server (server, registration);
}

void
fleet_stop_server (Fleet *self, guint i)
{
  tally_server_stop (self->servers[i].server);
  CU_ASSERT_TRUE (GPOINTER_TO_INT (g_thread_join (g_steal_pointer (&self->servers[i].thread))));
}

void
fleet_stop (Fleet *self)
{
  tally_pool_close (self->pool);
  g_clear_object (&self->channel);
  g_object_unref (self->pool);
  for (guint i = 0; i < N_SERVERS; i++)
    {
      if (self->servers[i].thread != NULL)
        fleet_stop_server (self, i);
      g_object_unref (self->servers[i].server);
      g_free (self->servers[i].address);
    }
  g_free (self->path);
}

TallyChannel *
fleet_open (const Fleet *self, const gchar *tail)
{
  g_autofree gchar *uri =
      g_strconcat ("zookeeper://", zookeeper_get_server (), self->path, tail, NULL);
  GError *error = NULL;
  TallyChannel *channel = tally_channel_new_with_pool (uri, self->pool, &error);

  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (channel);
  return channel;
}

void
fleet_enter (const Fleet *self, const gchar *name, guint i)
{
  g_autofree gchar *path = g_strconcat (self->path, "/", name, NULL);
  g_autofree gchar *data =
      g_strdup_printf ("{\"serviceEndpoint\": {\"host\": \"127.0.0.1\", \"port\": %u}, "
                       "\"additionalEndpoints\": {}, \"status\": \"ALIVE\"}",
                       self->servers[i].port);

  zookeeper_write (path, data);
}

void
fleet_leave (const Fleet *self, const gchar *name)
{
  g_autofree gchar *path = g_strconcat (self->path, "/", name, NULL);

  zookeeper_write (path, NULL);
}

gboolean
echo_once (TallyChannel *channel, GError **error)
{
  g_autoptr (DemoEchoClient) client = demo_echo_client_new (channel);
  g_autofree gchar *answer = NULL;

  return demo_echo_if_echo (DEMO_ECHO_IF (client), &answer, "hello", error)
         && g_str_equal (answer, "hello");
}

/* Whether in a round exactly those of @which are called. */
static gboolean
are_those (Fleet *self, TallyChannel *channel, const gchar *which)
{
  gboolean same = TRUE;

  for (guint i = 0; i < N_SERVERS; i++)
    g_atomic_int_set (&self->servers[i].n_calls, 0);
  for (guint i = 0; i < ROUND; i++)
    same &= echo_once (channel, NULL);
  for (guint i = 0; i < N_SERVERS; i++)
    same &= (g_atomic_int_get (&self->servers[i].n_calls) > 0)
            == (strchr (which, '0' + (gint) i) != NULL);
  return same;
}

void
fleet_await (Fleet *self, TallyChannel *channel, const gchar *which)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (!are_those (self, channel, which))
    {
      if (g_get_monotonic_time () > end)
        {
          g_autofree gchar *dump = tally_pool_dump (self->pool);

          assert_string (dump, which);
          return;
        }
      g_usleep (PAUSE);
    }
}
