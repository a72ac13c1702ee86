/* Owns the tests of channels whose endpoints a resolver finds: one of the test's own, which publishes when the test says so, and
 * those that ask DNS, with a GResolver of the test's. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fleet-fixture.h"
#include "tally-resolver.h"
#include "tls-relay.h"

#define N_CALLS 60

typedef gboolean (*Echo) (const Fleet *fleet, const TallyCallOptions *options, GError **error);

static const Echo echoes[] = { fleet_echo, fleet_echo_async };

/* ---- a resolver that hears of changes by itself ---- */

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

/* Publishes the addresses of those servers of @fleet whose digit is in @which. */
static void
publish (TallyResolver *resolver, const Fleet *fleet, const gchar *which)
{
  TallyAddress addresses[FLEET_SERVERS] = { { NULL } };
  guint n_addresses = strlen (which);

  for (guint i = 0; i < n_addresses; i++)
    addresses[i].address = fleet->addresses[which[i] - '0'];
  tally_resolver_publish (resolver, addresses, n_addresses);
}

/* A fleet whose channel has a resolver that has published nothing. */
static TallyResolver *
start_pushed (Fleet *fleet, const gchar *options)
{
  TallyResolver *resolver = g_object_new (push_resolver_get_type (), NULL);
  g_autofree gchar *uri = NULL;

  fleet_start (fleet, NULL, NULL);
  uri = g_strconcat (fleet->scheme, "echo:0?strict=yes", *options != '\0' ? "&" : "", options,
                     fleet->files, NULL);
  fleet->channel = tally_channel_new_with_resolver (uri, resolver, fleet->pool, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (fleet->channel);
  return resolver;
}

static void
stop_pushed (Fleet *fleet, TallyResolver *resolver)
{
  fleet_stop (fleet);
  g_object_unref (resolver);
}

static void
check_calls (const Fleet *fleet, Echo echo)
{
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_TRUE (echo (fleet, NULL, &error));
      assert_no_error (error);
    }
}

/* The list that is used is the one that was published last. */
static void
the_list_changes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_modes) * G_N_ELEMENTS (echoes); i++)
    {
      g_autofree gchar *options =
          g_strconcat ("picker=round-robin&mode=", fleet_modes[i / 2], NULL);
      TallyResolver *resolver;
      Fleet fleet;

      resolver = start_pushed (&fleet, options);
      publish (resolver, &fleet, "01");
      check_calls (&fleet, echoes[i % 2]);
      assert_int (fleet_count (&fleet, 0), N_CALLS / 2);
      assert_int (fleet_count (&fleet, 2), 0);
      publish (resolver, &fleet, "2");
      check_calls (&fleet, echoes[i % 2]);
      assert_int (fleet_count (&fleet, 0), N_CALLS / 2);
      assert_int (fleet_count (&fleet, 2), N_CALLS);
      stop_pushed (&fleet, resolver);
    }
}

/* Neither a failure nor an empty list takes away what there was; nor does nonsense. */
static void
a_list_is_never_emptied (void)
{
  const TallyAddress nonsense = { "no address" };
  g_autoptr (GError) failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "it is away");
  g_autofree gchar *dump = NULL;
  TallyResolver *resolver;
  Fleet fleet;

  resolver = start_pushed (&fleet, "");
  publish (resolver, &fleet, "0");
  tally_resolver_fail (resolver, failure);
  check_calls (&fleet, fleet_echo);
  dump = tally_pool_dump (fleet.pool);
  CU_ASSERT_PTR_NOT_NULL (strstr (dump, "the last lookup failed: it is away"));
  tally_resolver_publish (resolver, NULL, 0);
  check_calls (&fleet, fleet_echo);
  g_test_expect_message ("tally", G_LOG_LEVEL_WARNING, "*published what is no address*");
  tally_resolver_publish (resolver, &nonsense, 1);
  g_test_assert_expected_messages ();
  check_calls (&fleet, fleet_echo);
  assert_int (fleet_count (&fleet, 0), 3 * N_CALLS);
  stop_pushed (&fleet, resolver);
}

/* What is no host and port is left out: an address brings no option along, and no second endpoint. */
static void
an_address_is_no_more_than_that (void)
{
  static const gchar *const bad[] = {
    "?strict=no&service=x:1", "/?strict=no", "#:1", "@127.0.0.1:1", ",127.0.0.1:1", "0000", "\n"
  };
  TallyAddress addresses[G_N_ELEMENTS (bad) + 4] = { { NULL } };
  g_autofree gchar *dump = NULL;
  TallyResolver *resolver;
  Fleet fleet;

  resolver = start_pushed (&fleet, "");
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    addresses[i].address = g_strconcat (fleet.addresses[0], bad[i], NULL);
  addresses[G_N_ELEMENTS (bad)].address = "127.0.0.1:0";
  addresses[G_N_ELEMENTS (bad) + 1].address = "127.0.0.1:65536";
  addresses[G_N_ELEMENTS (bad) + 2].address = fleet.addresses[1];
  for (guint i = 0; i < G_N_ELEMENTS (addresses) - 1; i++) /* one is none at all */
    g_test_expect_message ("tally", G_LOG_LEVEL_WARNING, "*published what is no address*HOST:PORT");
  tally_resolver_publish (resolver, addresses, G_N_ELEMENTS (addresses));
  g_test_assert_expected_messages ();
  check_calls (&fleet, fleet_echo);
  assert_int (fleet_count (&fleet, 1), N_CALLS);
  dump = tally_pool_dump (fleet.pool);
  CU_ASSERT_PTR_NOT_NULL (strstr (dump, "among 1 of 1 endpoints"));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_free ((gchar *) addresses[i].address);
  stop_pushed (&fleet, resolver);
}

/* Weights are what they may be, also where an endpoint is there twice and their sum is more than a number can be. */
static void
weights_may_be_any (void)
{
  TallyAddress addresses[3] = { { NULL, NULL, 1 }, { NULL, NULL, G_MAXUINT }, { NULL, NULL, 0 } };
  TallyResolver *resolver;
  Fleet fleet;

  resolver = start_pushed (&fleet, "picker=least");
  addresses[0].address = addresses[1].address = fleet.addresses[0];
  addresses[2].address = fleet.addresses[1];
  for (guint i = 0; i < 2; i++)
    {
      tally_resolver_publish (resolver, addresses, G_N_ELEMENTS (addresses));
      check_calls (&fleet, fleet_echo);
    }
  CU_ASSERT (fleet_count (&fleet, 0) > fleet_count (&fleet, 1));
  stop_pushed (&fleet, resolver);
}

typedef struct
{
  const Fleet *fleet;
  Echo echo;
  GCancellable *cancellable;
  gboolean done;
  GError *error;
} Caller;

static gpointer
make_call (gpointer data)
{
  Caller *self = data;
  const TallyCallOptions options = { .cancellable = self->cancellable };

  self->done = self->echo (self->fleet, &options, &self->error);
  return NULL;
}

/* A call that comes before the first list waits for it; and a failure ends its wait. */
static void
the_first_list_is_awaited (void)
{
  for (guint i = 0; i < 2 * G_N_ELEMENTS (echoes); i++)
    {
      g_autoptr (GError) failure =
          g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "it is away");
      TallyResolver *resolver;
      GThread *thread;
      Fleet fleet;
      Caller caller = { &fleet, echoes[i / 2] };

      resolver = start_pushed (&fleet, "");
      thread = g_thread_new ("caller", make_call, &caller);
      if (i % 2 == 0)
        publish (resolver, &fleet, "12");
      else
        tally_resolver_fail (resolver, failure);
      g_thread_join (thread);
      if (i % 2 == 0)
        assert_no_error (caller.error);
      else
        assert_error (caller.error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                      "failed while looking up its endpoints: it is away; nothing was sent");
      CU_ASSERT (caller.done == (i % 2 == 0));
      g_clear_error (&caller.error);
      stop_pushed (&fleet, resolver);
    }
}

static void
the_wait_for_a_list_ends_in_time (void)
{
  const TallyCallOptions hurried = { .timeout = 1 };

  for (guint i = 0; i < G_N_ELEMENTS (echoes); i++)
    {
      g_autoptr (GError) error = NULL;
      TallyResolver *resolver;
      GThread *thread;
      Fleet fleet;
      Caller caller = { &fleet, echoes[i], g_cancellable_new () };

      resolver = start_pushed (&fleet, "");
      CU_ASSERT_FALSE (echoes[i](&fleet, &hurried, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "looking up its endpoints");
      thread = g_thread_new ("caller", make_call, &caller);
      g_cancellable_cancel (caller.cancellable);
      g_thread_join (thread);
      assert_error (caller.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
      g_clear_error (&caller.error);
      g_object_unref (caller.cancellable);
      stop_pushed (&fleet, resolver);
    }
}

/* A list may come from any thread, in the middle of calls. */
static gpointer
publish_often (gpointer data)
{
  Caller *self = data;
  TallyResolver *resolver = (TallyResolver *) self->error;

  self->error = NULL;
  for (guint i = 0; i < 300; i++)
    publish (resolver, self->fleet, i % 3 == 0 ? "01" : i % 3 == 1 ? "120" : "2");
  return NULL;
}

static void
lists_may_come_under_load (void)
{
  TallyResolver *resolver;
  Fleet fleet;
  Caller publisher = { &fleet };
  GThread *thread;

  resolver = start_pushed (&fleet, "mode=shared");
  publisher.error = (GError *) resolver;
  thread = g_thread_new ("publisher", publish_often, &publisher);
  for (guint i = 0; i < 5; i++)
    check_calls (&fleet, echoes[i % 2]);
  g_thread_join (thread);
  stop_pushed (&fleet, resolver);
}

/* ---- DNS, with a GResolver of the test's ---- */

typedef struct
{
  GResolver parent_instance;
  gint n_lookups;                /* atomic */
  gint is_broken;                /* atomic */
  gint is_blocked;               /* atomic: a lookup waits until it is cancelled */
  const gchar *const *addresses; /* atomic */
  const GSrvTarget *const *targets;
} FakeResolver;
typedef GResolverClass FakeResolverClass;

static GType fake_resolver_get_type (void);

G_DEFINE_TYPE (FakeResolver, fake_resolver, G_TYPE_RESOLVER)

static gboolean
begin_lookup (FakeResolver *self, GCancellable *cancellable, GError **error)
{
  g_atomic_int_inc (&self->n_lookups);
  while (g_atomic_int_get (&self->is_blocked))
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      g_thread_yield ();
    }
  if (g_atomic_int_get (&self->is_broken))
    g_set_error_literal (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE, "no answer");
  return !g_atomic_int_get (&self->is_broken);
}

static GList *
look_up_name (GResolver *resolver, const gchar *name, GCancellable *cancellable, GError **error)
{
  FakeResolver *self = (FakeResolver *) resolver;
  const gchar *const *addresses = g_atomic_pointer_get (&self->addresses);
  GList *found = NULL;

  if (!begin_lookup (self, cancellable, error))
    return NULL;
  assert_string (name, "fleet.test");
  for (guint i = 0; addresses[i] != NULL; i++)
    found = g_list_append (found, g_inet_address_new_from_string (addresses[i]));
  return found;
}

static GList *
look_up_service (GResolver *resolver, const gchar *name, GCancellable *cancellable, GError **error)
{
  FakeResolver *self = (FakeResolver *) resolver;
  GList *found = NULL;

  if (!begin_lookup (self, cancellable, error))
    return NULL;
  assert_string (name, "_thrift._tcp.fleet.test");
  for (guint i = 0; self->targets[i] != NULL; i++)
    found = g_list_append (found, g_srv_target_copy ((GSrvTarget *) self->targets[i]));
  return found;
}

static void
fake_resolver_class_init (FakeResolverClass *class)
{
  class->lookup_by_name = look_up_name;
  class->lookup_service = look_up_service;
}

static void
fake_resolver_init (FakeResolver *self)
{
}

static FakeResolver *fake; /* the default resolver of this process */

static gchar *
dup_port (const Running *running)
{
  const gchar *port = strrchr (running->uri, ':') + 1;

  return g_strndup (port, strcspn (port, "?"));
}

/* Without TLS: its certificate is for one address. */
static void
start_dns (Fleet *fleet, const gchar *format, const gchar *port)
{
  g_autofree gchar *uri = g_strdup_printf (format, port);

  *fleet = (Fleet){ .pool = tally_pool_new (),
                    .list = g_string_new (NULL),
                    .scheme = g_strdup (""),
                    .files = g_strdup ("") };
  fake->n_lookups = fake->is_broken = fake->is_blocked = 0;
  fleet->channel = tally_channel_new_with_pool (uri, fleet->pool, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (fleet->channel);
}

static gboolean
has_no_tls (void)
{
  if (tls_relay_is_on ())
    test_skip ("its certificate is for one address");
  return !tls_relay_is_on ();
}

static void
all_addresses_of_a_host (void)
{
  static const gchar *const both[] = { "127.0.0.1", "127.0.0.2", NULL };
  static const gchar *const other[] = { "127.0.0.3", NULL };

  for (guint i = 0; has_no_tls () && i < G_N_ELEMENTS (echoes); i++)
    {
      Running *running = running_start (&framed_binary, "tcp://0.0.0.0:0", NULL);
      g_autofree gchar *port = dup_port (running);
      g_autofree gchar *dump = NULL;
      Fleet fleet;

      g_atomic_pointer_set (&fake->addresses, both);
      start_dns (&fleet, "dns:///fleet.test:%s?picker=round-robin", port);
      check_calls (&fleet, echoes[i]);
      assert_int (test_handler_n_calls (running->handler), N_CALLS);
      dump = tally_pool_dump (fleet.pool);
      CU_ASSERT_PTR_NOT_NULL (strstr (dump, "127.0.0.2"));
      CU_ASSERT_PTR_NOT_NULL (strstr (dump, "round-robin among 2 of 2 endpoints"));
      g_atomic_pointer_set (&fake->addresses, other);
      fleet_stop (&fleet);
      running_stop (running);
    }
}

/* Where nobody listens any more another lookup tells where the service is now. */
static void
a_failure_makes_it_look_again (void)
{
  static const gchar *const here[] = { "127.0.0.1", NULL };
  static const gchar *const nowhere[] = { "127.0.0.2", NULL };
  Running *running;
  g_autofree gchar *port = NULL;
  GError *error = NULL;
  Fleet fleet;

  if (!has_no_tls ())
    return;
  running = running_start (&framed_binary, "tcp://127.0.0.1:0", NULL);
  port = dup_port (running);
  g_atomic_pointer_set (&fake->addresses, nowhere);
  start_dns (&fleet, "dns:///fleet.test:%s", port);
  CU_ASSERT_FALSE (fleet_echo (&fleet, NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "tcp://127.0.0.2:");
  g_clear_error (&error);
  g_atomic_pointer_set (&fake->addresses, here);
  while (!fleet_echo (&fleet, NULL, NULL))
    g_thread_yield ();
  CU_ASSERT (g_atomic_int_get (&fake->n_lookups) >= 2);
  fleet_stop (&fleet);
  running_stop (running);
}

static void
a_lookup_that_fails_is_told (void)
{
  static const gchar *const here[] = { "127.0.0.1", NULL };

  for (guint i = 0; has_no_tls () && i < G_N_ELEMENTS (echoes); i++)
    {
      g_autoptr (GError) error = NULL;
      Fleet fleet;

      g_atomic_pointer_set (&fake->addresses, here);
      start_dns (&fleet, "dns:///fleet.test:%s", "9");
      fake->is_broken = TRUE;
      CU_ASSERT_FALSE (echoes[i](&fleet, NULL, &error));
      assert_error (
          error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
          "echo at dns:///fleet.test:9: failed while looking up its endpoints: no answer");
      g_clear_error (&error);
      CU_ASSERT_FALSE (echoes[i](&fleet, NULL, &error));
      fleet_stop (&fleet);
    }
}

/* Targets of the first priority get the calls, by their weights, which may be greater than ours. */
static void
targets_of_a_service (void)
{
  GSrvTarget *targets[4] = { NULL };
  guint16 ports[FLEET_SERVERS];
  Fleet fleet, servers;

  if (!has_no_tls ())
    return;
  fleet_start (&servers, NULL, NULL);
  for (guint i = 0; i < FLEET_SERVERS; i++)
    ports[i] = (guint16) atoi (strchr (servers.addresses[i], ':') + 1);
  targets[0] = g_srv_target_new ("127.0.0.1", ports[0], 5, 30000);
  targets[1] = g_srv_target_new ("127.0.0.1", ports[1], 5, 15000);
  targets[2] = g_srv_target_new ("127.0.0.1", ports[2], 9, 0);
  fake->targets = (const GSrvTarget *const *) targets;
  start_dns (&fleet, "srv://_thrift._tcp.fleet.test?picker=round-robin%s", "");
  check_calls (&fleet, fleet_echo);
  assert_int (fleet_count (&servers, 0), N_CALLS * 2 / 3);
  assert_int (fleet_count (&servers, 1), N_CALLS / 3);
  fleet_stop_server (&servers, 0);
  fleet_stop_server (&servers, 1);
  check_calls (&fleet, fleet_echo);
  assert_int (fleet_count (&servers, 2), N_CALLS);
  fleet_stop (&fleet);
  fleet_stop (&servers);
  for (guint i = 0; i < 3; i++)
    g_srv_target_free (targets[i]);
}

/* Nobody waits for DNS: neither a pool that closes nor a channel that ends. */
static void
a_lookup_ends_with_its_pool_and_channel (void)
{
  for (guint i = 0; i < 2; i++)
    {
      const TallyCallOptions hurried = { .timeout = 1 };
      g_autoptr (GError) error = NULL;
      Fleet fleet;

      start_dns (&fleet, "dns:///fleet.test:%s", "9");
      fake->is_blocked = TRUE;
      CU_ASSERT_FALSE (fleet_echo (&fleet, &hurried, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "looking up its endpoints");
      g_clear_error (&error);
      if (i == 0)
        {
          tally_pool_close (fleet.pool);
          while (!g_error_matches (error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED))
            {
              g_clear_error (&error);
              CU_ASSERT_FALSE (fleet_echo (&fleet, &hurried, &error));
            }
        }
      else
        g_clear_object (&fleet.channel);
      fleet_stop (&fleet);
    }
}

static void
bad_uris_of_resolvers_are_refused (void)
{
  static const gchar *const uris[] = { "dns://fleet.test:1",
                                       "dns:///fleet.test",
                                       "dns:///:1",
                                       "dns:///fleet.test:0",
                                       "srv://fleet.test",
                                       "srv://_thrift.fleet.test",
                                       "srv://_thrift._tcp",
                                       "srv://_thrift._tcp.",
                                       "srv+tls://_._tcp.example",
                                       "dns+tls:///a:1,b:1",
                                       "dns:///a:1?colour=red",
                                       "dns:///a:1?identity=x",
                                       "srv://_a._b.c/path",
                                       "dnsx:///a:1" };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (tally_channel_new (uris[i], &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, NULL);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_list_changes),
    TEST (a_list_is_never_emptied),
    TEST (an_address_is_no_more_than_that),
    TEST (weights_may_be_any),
    TEST (the_first_list_is_awaited),
    TEST (the_wait_for_a_list_ends_in_time),
    TEST (lists_may_come_under_load),
    TEST (all_addresses_of_a_host),
    TEST (a_failure_makes_it_look_again),
    TEST (a_lookup_that_fails_is_told),
    TEST (targets_of_a_service),
    TEST (a_lookup_ends_with_its_pool_and_channel),
    TEST (bad_uris_of_resolvers_are_refused),
    { NULL, NULL },
  };

  /* what GLib opens once */
  g_main_context_default ();
  fake = g_object_new (fake_resolver_get_type (), NULL);
  g_resolver_set_default (G_RESOLVER (fake));
  return test_main ("resolver", cases, argc, argv);
}
