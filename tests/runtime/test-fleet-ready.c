/* Owns the tests of `wait-for-ready` over several endpoints: a call goes where one can be reached, and waits where none can. */
#include "fleet-fixture.h"

#include <string.h>
#include <unistd.h>

#include "peer.h"

#define N_CALLS 20
#define N_DEAD 2
#define N_RESET_DIALS 40
/* Milliseconds of a pause that ends in no test. */
#define FOR_EVER (600 * 1000)

/* ---- endpoints where nobody listens, until one does ---- */

typedef struct
{
  Fleet fleet;
  gchar *addresses[N_DEAD];
  gint fds[N_DEAD];
  Running *back; /* nullable */
  FleetEcho echo;
  GCancellable *cancellable;
  gint timeout; /* milliseconds; -1 = none */
  gboolean done;
  GError *error; /* nullable */
  gint is_over;  /* atomic */
  GThread *thread;
} Dead;

/* @backoff: milliseconds between dials. */
static void
dead_start (Dead *self, FleetEcho echo, guint backoff)
{
  *self = (Dead){ .echo = echo, .timeout = FOR_EVER, .cancellable = g_cancellable_new () };
  fleet_start (&self->fleet, NULL, NULL);
  g_string_truncate (self->fleet.list, 0);
  for (guint i = 0; i < N_DEAD; i++)
    {
      guint16 port;

      self->fds[i] = test_reserve_port (&port);
      self->addresses[i] = g_strdup_printf ("127.0.0.1:%u", port);
      fleet_add (&self->fleet, self->addresses[i]);
    }
  g_object_set (self->fleet.pool, "wait-for-ready", TRUE, "backoff-base", backoff, "backoff-max",
                backoff, NULL);
}

static void
dead_stop (Dead *self)
{
  fleet_stop (&self->fleet);
  g_clear_pointer (&self->back, running_stop);
  for (guint i = 0; i < N_DEAD; i++)
    {
      close (self->fds[i]);
      g_free (self->addresses[i]);
    }
  g_clear_error (&self->error);
  g_object_unref (self->cancellable);
}

static gpointer
call_once (gpointer data)
{
  Dead *self = data;
  const TallyCallOptions options = { .timeout = self->timeout, .cancellable = self->cancellable };

  self->done = self->echo (&self->fleet, &options, &self->error);
  g_atomic_int_set (&self->is_over, TRUE);
  return NULL;
}

static guint64
count_failed_dials (const Fleet *fleet)
{
  g_autoptr (GPtrArray) buckets = tally_pool_dup_buckets (fleet->pool);
  guint64 failed = 0;

  for (guint i = 0; i < buckets->len; i++)
    {
      TallyPoolSnapshot part;

      tally_bucket_snapshot (g_ptr_array_index (buckets, i), &part);
      failed += part.dials_failed;
    }
  return failed;
}

/* A call begins, on a thread, and dials so many times in vain. */
static void
dead_call (Dead *self, guint n_dials)
{
  self->thread = g_thread_new ("caller", call_once, self);
  while (count_failed_dials (&self->fleet) < n_dials)
    g_thread_yield ();
}

/* A call waits for one of them. */
static void
dead_begin (Dead *self, FleetEcho echo)
{
  dead_start (self, echo, FOR_EVER);
  fleet_open (&self->fleet, "");
  dead_call (self, N_DEAD);
}

/* A server listens at the last address. */
static void
dead_bring_back (Dead *self)
{
  g_autofree gchar *uri = g_strconcat ("tcp://", self->addresses[N_DEAD - 1], NULL);

  self->back = running_start (&framed_binary, uri, NULL);
}

/* Of that endpoint alone: the call that waits is not woken. */
static void
dead_reset_backoff (const Dead *self)
{
  g_autoptr (GPtrArray) buckets = tally_pool_dup_buckets (self->fleet.pool);

  for (guint i = 0; i < buckets->len; i++)
    {
      TallyBucket *bucket = g_ptr_array_index (buckets, i);
      const gchar *uri = tally_endpoint_get_uri (tally_bucket_get_endpoint (bucket));

      if (strstr (uri, self->addresses[N_DEAD - 1]) != NULL)
        tally_bucket_reset_backoff (bucket);
    }
}

static void
dead_check_call (Dead *self)
{
  g_thread_join (self->thread);
  assert_no_error (self->error);
  CU_ASSERT_TRUE (self->done);
}

/* ---- one can be reached ---- */

/* The first of the list never can. */
static void
a_call_goes_where_one_is (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_modes) * G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autofree gchar *options = g_strconcat ("picker=first&mode=", fleet_modes[i / 2], NULL);
      Dead dead;

      dead_start (&dead, fleet_echoes[i % 2], FOR_EVER);
      fleet_add (&dead.fleet, dead.fleet.addresses[0]);
      fleet_open (&dead.fleet, options);
      fleet_check_echoes (&dead.fleet, dead.echo, N_CALLS);
      assert_int (fleet_count (&dead.fleet, 0), N_CALLS);
      dead_stop (&dead);
    }
}

/* ---- none can ---- */

/* It dials each again and again, and goes to the one that is there first. */
static void
a_call_waits_until_one_is_there (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_modes) * G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autofree gchar *options = g_strconcat ("mode=", fleet_modes[i / 2], NULL);
      Dead dead;

      dead_start (&dead, fleet_echoes[i % 2], 20);
      fleet_open (&dead.fleet, options);
      dead_call (&dead, 3 * N_DEAD);
      dead_bring_back (&dead);
      dead_check_call (&dead);
      dead_stop (&dead);
    }
}

/* Whose time is up is told what became of each endpoint. */
static void
a_deadline_ends_the_wait (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes) * 2; i++)
    {
      Dead dead;

      dead_start (&dead, fleet_echoes[i / 2], FOR_EVER);
      fleet_open (&dead.fleet, "");
      if (i % 2)
        g_object_set (dead.fleet.pool, "wait-timeout", 300, NULL);
      else
        dead.timeout = 300;
      call_once (&dead);
      CU_ASSERT_FALSE (dead.done);
      assert_error (dead.error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT,
                    "no endpoint could be reached within the time allowed: 2 endpoints failed: ");
      assert_int (count_failed_dials (&dead.fleet), N_DEAD);
      dead_stop (&dead);
    }
}

/* Where a borrow may not wait, or would dial without a pause. */
static void
some_pools_do_not_wait (void)
{
  static const gchar *const properties[] = { "wait-timeout", "backoff-base", "wait-for-ready" };

  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes) * G_N_ELEMENTS (properties); i++)
    {
      Dead dead;

      dead_start (&dead, fleet_echoes[i % 2], FOR_EVER);
      g_object_set (dead.fleet.pool, properties[i / 2], 0, NULL);
      fleet_open (&dead.fleet, "");
      call_once (&dead);
      CU_ASSERT_FALSE (dead.done);
      assert_error (dead.error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "2 endpoints failed: ");
      dead_stop (&dead);
    }
}

/* ---- what ends a pause ---- */

static void
a_reset_of_the_backoff_ends_the_wait (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      Dead dead;

      dead_begin (&dead, fleet_echoes[i]);
      dead_bring_back (&dead);
      tally_pool_reset_backoff (dead.fleet.pool);
      dead_check_call (&dead);
      dead_stop (&dead);
    }
}

/* What could not be reached may be tried again before the call has begun to wait for that. */
static void
resets_without_end_are_no_failure (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      Dead dead;

      dead_begin (&dead, fleet_echoes[i]);
      while (count_failed_dials (&dead.fleet) < N_RESET_DIALS && !g_atomic_int_get (&dead.is_over))
        tally_pool_reset_backoff (dead.fleet.pool);
      dead_bring_back (&dead);
      tally_pool_reset_backoff (dead.fleet.pool);
      dead_check_call (&dead);
      dead_stop (&dead);
    }
}

static void
an_answer_to_another_call_ends_the_wait (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      Dead dead;

      dead_begin (&dead, fleet_echoes[i]);
      dead_bring_back (&dead);
      dead_reset_backoff (&dead);
      fleet_check_echoes (&dead.fleet, fleet_echo, 1);
      dead_check_call (&dead);
      dead_stop (&dead);
    }
}

static void
a_new_list_ends_the_wait (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autoptr (TallyResolver) resolver = NULL;
      g_autofree gchar *uri = NULL;
      TallyAddress addresses[N_DEAD + 1];
      Dead dead;

      dead_start (&dead, fleet_echoes[i], FOR_EVER);
      resolver = fleet_resolver_new ();
      uri = g_strconcat (dead.fleet.scheme, "fleet:0?strict=yes", dead.fleet.files, NULL);
      dead.fleet.channel = tally_channel_new_with_resolver (uri, resolver, dead.fleet.pool, NULL);
      for (guint k = 0; k <= N_DEAD; k++)
        addresses[k] =
            (TallyAddress){ .address = k < N_DEAD ? dead.addresses[k] : dead.fleet.addresses[0],
                            .weight = 1 };
      tally_resolver_publish (resolver, addresses, N_DEAD);
      dead_call (&dead, N_DEAD);
      tally_resolver_publish (resolver, addresses, N_DEAD + 1);
      dead_check_call (&dead);
      assert_int (fleet_count (&dead.fleet, 0), 1);
      dead_stop (&dead);
    }
}

static void
a_cancellation_ends_the_wait (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      Dead dead;

      dead_begin (&dead, fleet_echoes[i]);
      g_cancellable_cancel (dead.cancellable);
      g_thread_join (dead.thread);
      assert_error (dead.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
      dead_stop (&dead);
    }
}

static void
a_pool_that_closes_ends_the_wait (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      Dead dead;

      dead_begin (&dead, fleet_echoes[i]);
      tally_pool_close (dead.fleet.pool);
      g_thread_join (dead.thread);
      assert_error (dead.error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED, "closed");
      dead_stop (&dead);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_call_goes_where_one_is),
    TEST (a_call_waits_until_one_is_there),
    TEST (a_deadline_ends_the_wait),
    TEST (some_pools_do_not_wait),
    TEST (a_reset_of_the_backoff_ends_the_wait),
    TEST (resets_without_end_are_no_failure),
    TEST (an_answer_to_another_call_ends_the_wait),
    TEST (a_new_list_ends_the_wait),
    TEST (a_cancellation_ends_the_wait),
    TEST (a_pool_that_closes_ends_the_wait),
    { NULL, NULL },
  };

  /* what GLib opens once */
  g_main_context_default ();
  return test_main ("fleet-ready", cases, argc, argv);
}
