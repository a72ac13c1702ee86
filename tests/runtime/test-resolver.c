/* Owns the tests of channels whose endpoints a resolver finds: one of the test's own, which publishes when the test says so. */
#include <string.h>

#include "fleet-fixture.h"
#include "tally-resolver.h"

#define N_CALLS 60

/* ---- a resolver that hears of changes by itself ---- */

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

/* A fleet whose channel has @resolver, which is returned. */
static TallyResolver *
start_with (Fleet *fleet, TallyResolver *resolver, const gchar *options)
{
  g_autofree gchar *uri = NULL;

  fleet_start (fleet, NULL, NULL);
  uri = g_strconcat (fleet->scheme, "echo:0?strict=yes", *options != '\0' ? "&" : "", options,
                     fleet->files, NULL);
  fleet->channel = tally_channel_new_with_resolver (uri, resolver, fleet->pool, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (fleet->channel);
  return resolver;
}

/* It has published nothing. */
static TallyResolver *
start_pushed (Fleet *fleet, const gchar *options)
{
  return start_with (fleet, fleet_resolver_new (), options);
}

static void
stop_pushed (Fleet *fleet, TallyResolver *resolver)
{
  fleet_stop (fleet);
  g_object_unref (resolver);
}

/* The list that is used is the one that was published last. */
static void
the_list_changes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_modes) * G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autofree gchar *options =
          g_strconcat ("picker=round-robin&mode=", fleet_modes[i / 2], NULL);
      TallyResolver *resolver;
      Fleet fleet;

      resolver = start_pushed (&fleet, options);
      publish (resolver, &fleet, "01");
      fleet_check_echoes (&fleet, fleet_echoes[i % 2], N_CALLS);
      assert_int (fleet_count (&fleet, 0), N_CALLS / 2);
      assert_int (fleet_count (&fleet, 2), 0);
      publish (resolver, &fleet, "2");
      fleet_check_echoes (&fleet, fleet_echoes[i % 2], N_CALLS);
      assert_int (fleet_count (&fleet, 0), N_CALLS / 2);
      assert_int (fleet_count (&fleet, 2), N_CALLS);
      stop_pushed (&fleet, resolver);
    }
}

/* No connection is kept ready to an endpoint that was taken from the list, and nothing of it stays. */
static void
what_left_is_forgotten (void)
{
  TallyResolver *resolver;
  guint n_buckets = 2;
  Fleet fleet;

  resolver = start_pushed (&fleet, "");
  g_object_set (fleet.pool, "min-idle", 1, "idle-timeout", 1, NULL);
  publish (resolver, &fleet, "0");
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  publish (resolver, &fleet, "1");
  while (n_buckets > 1)
    {
      g_autoptr (GPtrArray) buckets = NULL;

      fleet_check_echoes (&fleet, fleet_echo, 1);
      buckets = tally_pool_dup_buckets (fleet.pool);
      n_buckets = buckets->len;
    }
  stop_pushed (&fleet, resolver);
}

/* Once with a priority that is not the first, or behind another one: it stays where it was preferred to that, also when the same list
 * comes again. */
static void
an_endpoint_that_is_there_twice_comes_first (void)
{
  for (guint i = 0; i < 3; i++)
    {
      guint priority = i % 2 == 0 ? 1 : 0;
      TallyAddress addresses[3] = { { NULL } };
      TallyResolver *resolver;
      Fleet fleet;

      resolver = start_pushed (&fleet, "picker=first");
      for (guint k = 0; k < 3; k++)
        addresses[k] = (TallyAddress){ fleet.addresses[k % 2], NULL, 1, k > 0 ? priority : 0 };
      if (i == 2) /* the preferred one of the two last */
        {
          const TallyAddress swapped = addresses[0];

          addresses[0] = addresses[2];
          addresses[2] = swapped;
        }
      tally_resolver_publish (resolver, addresses, 3);
      fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
      tally_resolver_publish (resolver, addresses, 3);
      fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
      assert_int (fleet_count (&fleet, 0), 2 * N_CALLS);
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
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  dump = tally_pool_dump (fleet.pool);
  CU_ASSERT_PTR_NOT_NULL (strstr (dump, "the last lookup failed: it is away"));
  tally_resolver_publish (resolver, NULL, 0);
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  g_test_expect_message ("tally", G_LOG_LEVEL_WARNING, "*published what is no address*");
  tally_resolver_publish (resolver, &nonsense, 1);
  g_test_assert_expected_messages ();
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
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
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
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
      fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
    }
  CU_ASSERT (fleet_count (&fleet, 0) > fleet_count (&fleet, 1));
  stop_pushed (&fleet, resolver);
}

/* While a list is told another one is published. */
typedef struct
{
  TallyResolver *resolver;
  const Fleet *fleet;
  guint n_warnings;
} Intruder;

static void
publish_another (const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
  Intruder *self = data;

  if (self->n_warnings++ == 0)
    publish (self->resolver, self->fleet, "1");
}

static void
the_list_that_came_last_stays (void)
{
  TallyAddress addresses[2] = { { "no address" } };
  Intruder intruder;
  guint handler;
  Fleet fleet;

  intruder = (Intruder){ start_pushed (&fleet, ""), &fleet, 0 };
  addresses[1].address = fleet.addresses[0];
  handler = g_log_set_handler ("tally", G_LOG_LEVEL_WARNING, publish_another, &intruder);
  tally_resolver_publish (intruder.resolver, addresses, G_N_ELEMENTS (addresses));
  g_log_remove_handler ("tally", handler);
  assert_int (intruder.n_warnings, 1);
  fleet_check_echoes (&fleet, fleet_echo, N_CALLS);
  assert_int (fleet_count (&fleet, 1), N_CALLS);
  stop_pushed (&fleet, intruder.resolver);
}

static void
a_resolver_finds_no_paths (void)
{
  static const gchar *const uris[] = { "unix:@echo", "unix:///run/echo" };
  TallyResolver *resolver = fleet_resolver_new ();

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (tally_channel_new_with_resolver (uris[i], resolver, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "finds hosts and ports");
    }
  g_object_unref (resolver);
}

typedef struct
{
  const Fleet *fleet;
  FleetEcho echo;
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
  for (guint i = 0; i < 2 * G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autoptr (GError) failure =
          g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "it is away");
      TallyResolver *resolver;
      GThread *thread;
      Fleet fleet;
      Caller caller = { &fleet, fleet_echoes[i / 2] };

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

  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autoptr (GError) error = NULL;
      TallyResolver *resolver;
      GThread *thread;
      Fleet fleet;
      Caller caller = { &fleet, fleet_echoes[i], g_cancellable_new () };

      resolver = start_pushed (&fleet, "");
      CU_ASSERT_FALSE (fleet_echoes[i](&fleet, &hurried, &error));
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
    fleet_check_echoes (&fleet, fleet_echoes[i % 2], N_CALLS);
  g_thread_join (thread);
  stop_pushed (&fleet, resolver);
}

/* ---- a resolver that is asked ---- */

/* What its first lookup comes to; the others find a list. */
typedef enum
{
  FINDS_NOTHING, /* TRUE, and nothing is published */
  FINDS_EMPTY,   /* TRUE, and an empty list is */
  FINDS_SILENTLY /* FALSE, without an error */
} Finding;

typedef struct
{
  TallyResolver parent_instance;
  const Fleet *fleet;
  Finding first;
  gint n_lookups; /* atomic */
} AskedResolver;
typedef TallyResolverClass AskedResolverClass;

static GType asked_resolver_get_type (void);

G_DEFINE_TYPE (AskedResolver, asked_resolver, TALLY_TYPE_RESOLVER)

static gboolean
asked_lookup (TallyResolver *resolver, GCancellable *cancellable, GError **error)
{
  AskedResolver *self = (AskedResolver *) resolver;
  gboolean is_first = g_atomic_int_add (&self->n_lookups, 1) == 0;

  if (!is_first)
    publish (resolver, self->fleet, "0");
  else if (self->first == FINDS_EMPTY)
    tally_resolver_publish (resolver, NULL, 0);
  return !is_first || self->first != FINDS_SILENTLY;
}

static void
asked_resolver_class_init (AskedResolverClass *class)
{
  class->lookup = asked_lookup;
}

static void
asked_resolver_init (AskedResolver *self)
{
}

/* A lookup that found nothing has failed, whatever it returns: calls do not wait for what will not come, and another lookup is due
 * soon. */
static void
what_finds_nothing_is_asked_again (void)
{
  for (Finding first = FINDS_NOTHING; first <= FINDS_SILENTLY; first++)
    {
      FleetEcho echo = fleet_echoes[first % 2];
      g_autoptr (GError) error = NULL;
      g_autofree gchar *dump = NULL;
      AskedResolver *asked = g_object_new (asked_resolver_get_type (), NULL);
      Fleet fleet;

      asked->fleet = &fleet;
      asked->first = first;
      start_with (&fleet, (TallyResolver *) asked, "");
      CU_ASSERT_FALSE (echo (&fleet, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "the resolver found no");
      while (!echo (&fleet, NULL, NULL))
        g_thread_yield ();
      assert_int (g_atomic_int_get (&asked->n_lookups), 2);
      dump = tally_pool_dump (fleet.pool);
      CU_ASSERT_PTR_NULL (strstr (dump, "the last lookup failed"));
      stop_pushed (&fleet, (TallyResolver *) asked);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_list_changes),
    TEST (what_left_is_forgotten),
    TEST (an_endpoint_that_is_there_twice_comes_first),
    TEST (a_list_is_never_emptied),
    TEST (an_address_is_no_more_than_that),
    TEST (weights_may_be_any),
    TEST (the_list_that_came_last_stays),
    TEST (a_resolver_finds_no_paths),
    TEST (the_first_list_is_awaited),
    TEST (the_wait_for_a_list_ends_in_time),
    TEST (lists_may_come_under_load),
    TEST (what_finds_nothing_is_asked_again),
    { NULL, NULL },
  };

  g_main_context_default (); /* what GLib opens once */
  return test_main ("resolver", cases, argc, argv);
}
