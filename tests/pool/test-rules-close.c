/* Rule 19 where a hook or a handler closes the pool: by each kind, what it waits for and what waits
 * for it. */
#include "lab.h"
#include "bucket-private.h"

/* Close would take so long if it waited for what it must not wait for; a test that fails takes as
 * long. */
#define DRAIN_MS 60000
#define LONG_BEFORE_MS (DRAIN_MS / 2)

typedef enum
{
  KIND_DIAL,
  KIND_CHECK,
  KIND_CHECK_ASYNC, /* on a thread of the pool */
  KIND_CHECK_IDLE,  /* keepalive-interval */
  KIND_RESET,
  KIND_OPENED,
  KIND_OPENED_BY_CALLER,
  KIND_CLOSED,           /* by a release */
  KIND_CLOSED_BY_BORROW, /* which found it dead */
  KIND_WAITED,
  KIND_WAITED_ASYNC,
  N_KINDS
} Kind;

/* A pool that the first hook or handler of the kind closes. */
typedef struct
{
  Lab *lab;
  Server *server; /* for dials without a hook */
  TallyBucket *bucket;
  Kind kind;
  gint calls;    /* atomic */
  gint *gate;    /* (nullable): where it waits before it closes */
  gint *after;   /* (nullable): and afterwards */
  gint returned; /* atomic: so many have closed it and are done */
  gint open;     /* a gate that stands open */
  gint64 took;   /* microseconds */
} Site;

static void
close_first (Site *site)
{
  gint64 begun;

  if (__atomic_fetch_add (&site->calls, 1, __ATOMIC_SEQ_CST) > 0)
    return;
  if (site->gate != NULL)
    gate_wait (site->gate);
  begun = g_get_monotonic_time ();
  tally_pool_close (site->lab->pool);
  site->took = g_get_monotonic_time () - begun;
  if (site->after != NULL)
    gate_wait (site->after);
  __atomic_add_fetch (&site->returned, 1, __ATOMIC_SEQ_CST);
}

static ThriftTransport *
close_in_dial (TallyEndpoint *endpoint,
               gint64 deadline,
               GCancellable *cancellable,
               gpointer user_data,
               GError **error)
{
  close_first (user_data);
  return lab_dial_slow_closer (endpoint, deadline, cancellable, &((Site *) user_data)->open, error);
}

static gboolean
close_in_check (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  close_first (user_data);
  return TRUE;
}

static gboolean
close_in_reset (ThriftTransport *transport, gpointer user_data)
{
  close_first (user_data);
  return TRUE;
}

static void
close_when_told (TallyPool *pool, const TallyPoolEvent *event, gpointer user_data)
{
  static const TallyPoolEventKind kinds[N_KINDS] = {
    [KIND_OPENED] = TALLY_POOL_EVENT_OPENED, [KIND_OPENED_BY_CALLER] = TALLY_POOL_EVENT_OPENED,
    [KIND_CLOSED] = TALLY_POOL_EVENT_CLOSED, [KIND_CLOSED_BY_BORROW] = TALLY_POOL_EVENT_CLOSED,
    [KIND_WAITED] = TALLY_POOL_EVENT_WAITED, [KIND_WAITED_ASYNC] = TALLY_POOL_EVENT_WAITED,
  };
  Site *site = user_data;

  if (event->kind == kinds[site->kind])
    close_first (site);
}

static void
site_init (Site *site, Kind kind)
{
  *site = (Site){ .kind = kind };
  gate_open (&site->open);
  site->lab = lab_new ("drain-timeout", DRAIN_MS, "max-open",
                       kind == KIND_WAITED || kind == KIND_WAITED_ASYNC ? 1 : 2, NULL);
  site->bucket = tally_bucket_ref (site->lab->bucket);
  if (kind >= KIND_WAITED)
    lab_fill (site->lab, 1);
  else if (kind != KIND_DIAL && kind != KIND_OPENED && kind != KIND_OPENED_BY_CALLER)
    lab_fill (site->lab, 2);
  if (kind == KIND_DIAL)
    tally_pool_set_dial_hook (site->lab->pool, close_in_dial, site, NULL);
  else if (kind <= KIND_CHECK_IDLE)
    tally_pool_set_check_hook (site->lab->pool, close_in_check, site, NULL);
  else if (kind == KIND_RESET)
    tally_pool_set_reset_hook (site->lab->pool, close_in_reset, site, NULL);
  else
    g_signal_connect (site->lab->pool, "event", G_CALLBACK (close_when_told), site);
  if (kind == KIND_OPENED_BY_CALLER)
    {
      site->server = server_new ();
      tally_pool_set_dial_hook (site->lab->pool, NULL, NULL, NULL);
      tally_bucket_unref (site->bucket);
      site->bucket = tally_pool_dup_bucket (site->lab->pool, site->server->endpoint);
    }
}

static void
site_clear (Site *site)
{
  tally_bucket_unref (site->bucket);
  lab_free (site->lab);
  g_clear_pointer (&site->server, server_free);
}

static void
borrow_async (Site *site)
{
  AsyncCall call;

  async_call_start (&call, site->bucket, -1, NULL);
  async_call_await (&call);
  async_call_finish (&call);
}

/* The only connection is out, and somebody waits until it comes back. */
static void
wait_for_one (Site *site)
{
  TallyLease lease = lab_borrow (site->lab);
  Borrower waiter = { 0 };
  AsyncCall call;
  gboolean is_async = site->kind == KIND_WAITED_ASYNC;

  if (is_async)
    async_call_start (&call, site->bucket, -1, NULL);
  else
    borrower_start (&waiter, site->lab, "waiter");
  lab_await (site->lab, now.waiting == 1);
  lab_release (site->lab, &lease);
  if (is_async)
    {
      async_call_await (&call);
      async_call_finish (&call);
    }
  else if (borrower_join (&waiter))
    lab_release (site->lab, &waiter.lease);
}

/* The connection that this thread would be lent next has ended. */
static void
end_next (Lab *lab)
{
  TallyLease first = lab_borrow (lab), second = lab_borrow (lab);
  guint index = lab_index_of (lab, &second);

  lab_release (lab, &first);
  lab_release (lab, &second);
  lab_close_peer (lab, index);
}

/* Has the hook or handler called. */
static void
provoke (Site *site)
{
  TallyLease lease = { 0 };
  g_autoptr (GError) error = NULL;

  if (site->kind == KIND_CLOSED_BY_BORROW)
    end_next (site->lab);
  if (site->kind == KIND_CHECK_ASYNC)
    borrow_async (site);
  else if (site->kind == KIND_WAITED || site->kind == KIND_WAITED_ASYNC)
    wait_for_one (site);
  else if (site->kind == KIND_CHECK_IDLE)
    g_object_set (site->lab->pool, "keepalive-interval", 1, NULL);
  else if (tally_bucket_borrow (site->bucket, "test", -1, NULL, &lease, &error))
    tally_bucket_release (site->bucket, &lease,
                          site->kind == KIND_CLOSED ? TALLY_OUTCOME_BROKEN : TALLY_OUTCOME_CLEAN);
  else
    CU_ASSERT_TRUE (g_error_matches (error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED));
  while (__atomic_load_n (&site->returned, __ATOMIC_SEQ_CST) == 0)
    g_thread_yield ();
}

static gpointer
provoke_on_thread (gpointer data)
{
  provoke (data);
  return NULL;
}

/* Neither for the hook, nor for its connection, nor for the borrow or release that called it. */
static void
rule_19_a_hook_that_closes_does_not_wait_for_itself (void)
{
  for (Kind kind = 0; kind < N_KINDS; kind++)
    {
      Site site;

      site_init (&site, kind);
      provoke (&site);
      CU_ASSERT_TRUE (site.took < LONG_BEFORE_MS * G_TIME_SPAN_MILLISECOND);
      if (site.took >= LONG_BEFORE_MS * G_TIME_SPAN_MILLISECOND)
        printf ("# kind %u\n", kind);
      site_clear (&site);
    }
}

/* A borrower whose connection a hook was examining when the pool was closed gets none. */
static void
rule_19_a_borrow_that_is_checked_meanwhile_fails (void)
{
  Site site;
  TallyLease lease = { 0 };
  g_autoptr (GError) error = NULL;
  TallyPoolSnapshot seen;

  site_init (&site, KIND_CHECK);
  CU_ASSERT_FALSE (tally_bucket_borrow (site.bucket, "test", -1, NULL, &lease, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED, NULL);
  seen = lab_snapshot (site.lab);
  assert_int (seen.open, 0);
  assert_sums (&seen);
  site_clear (&site);
}

/* Another thread closes the pool while the hook or handler of @kind waits at the gate that @place in its site
 * points to; what it found then. */
static Site
close_at_gate (Kind kind, gsize place)
{
  Site site;
  Closer closer = { 0 };
  gint gate = 0;
  pthread_t thread;

  site_init (&site, kind);
  G_STRUCT_MEMBER (gint *, &site, place) = &gate;
  closer.lab = site.lab;
  pthread_create (&thread, NULL, provoke_on_thread, &site);
  gate_await (&gate);
  closer_start (&closer);
  CU_ASSERT_TRUE (closer_still_waits (&closer));
  gate_open (&gate);
  closer_join (&closer);
  assert_int (__atomic_load_n (&site.returned, __ATOMIC_SEQ_CST), 1);
  pthread_join (thread, NULL);
  site_clear (&site);
  return site;
}

/* A thread that closes the pool again, while a hook that closed it still runs, waits for that
 * hook. */
static void
rule_19_close_waits_for_a_hook_that_closed_first (void)
{
  for (Kind kind = 0; kind < N_KINDS; kind++)
    close_at_gate (kind, G_STRUCT_OFFSET (Site, after));
}

/* A hook that closes while another thread does so waits with it for everybody else. */
static void
rule_19_a_hook_may_close_what_is_being_closed (void)
{
  for (Kind kind = 0; kind < N_KINDS; kind++)
    {
      Site site = close_at_gate (kind, G_STRUCT_OFFSET (Site, gate));

      CU_ASSERT_TRUE (site.took < LONG_BEFORE_MS * G_TIME_SPAN_MILLISECOND);
    }
}

typedef struct
{
  Lab *lab;
  gint entered; /* atomic, as what follows */
  gint done;
  gint too_early; /* closed although the third was not done */
  gint gate;
} Several;

/* The third stays until the test lets it go; the others close the pool. */
static gboolean
close_in_several (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  Several *self = user_data;
  gint number = __atomic_fetch_add (&self->entered, 1, __ATOMIC_SEQ_CST);

  while (__atomic_load_n (&self->entered, __ATOMIC_SEQ_CST) < 3)
    g_thread_yield ();
  if (number == 2)
    gate_wait (&self->gate);
  else
    {
      tally_pool_close (self->lab->pool);
      if (__atomic_load_n (&self->done, __ATOMIC_SEQ_CST) == 0)
        __atomic_add_fetch (&self->too_early, 1, __ATOMIC_SEQ_CST);
    }
  __atomic_add_fetch (&self->done, 1, __ATOMIC_SEQ_CST);
  return TRUE;
}

/* Two hooks that close wait for the third, not for each other; a thread that is in no hook waits
 * for all. */
static void
rule_19_hooks_that_close_wait_for_others (void)
{
  g_autoptr (Lab) lab = lab_new ("drain-timeout", 0, NULL);
  Several several = { .lab = lab };
  Borrower borrowers[3] = { { 0 } };
  Closer closer = { .lab = lab };

  lab_fill (lab, 3);
  tally_pool_set_check_hook (lab->pool, close_in_several, &several, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (borrowers); i++)
    borrower_start (&borrowers[i], lab, "several");
  gate_await (&several.gate);
  closer_start (&closer);
  CU_ASSERT_TRUE (closer_still_waits (&closer));
  assert_int (__atomic_load_n (&several.done, __ATOMIC_SEQ_CST), 0);
  gate_open (&several.gate);
  closer_join (&closer);
  assert_int (__atomic_load_n (&several.done, __ATOMIC_SEQ_CST), 3);
  assert_int (__atomic_load_n (&several.too_early, __ATOMIC_SEQ_CST), 0);
  for (guint i = 0; i < G_N_ELEMENTS (borrowers); i++)
    {
      CU_ASSERT_FALSE (borrower_join (&borrowers[i]));
      g_clear_error (&borrowers[i].error);
    }
}

static void
close_again (TallyPool *pool, const TallyPoolEvent *event, gpointer user_data)
{
  if (event->kind == TALLY_POOL_EVENT_CLOSED)
    tally_pool_close (pool);
}

/* A handler hears of the connections that close itself closes, on the thread that is in it. */
static void
rule_19_a_handler_may_close_within_close (void)
{
  g_autoptr (Lab) lab = lab_new ("drain-timeout", DRAIN_MS, NULL);
  gint64 begun = g_get_monotonic_time ();

  lab_fill (lab, 2);
  g_signal_connect (lab->pool, "event", G_CALLBACK (close_again), NULL);
  tally_pool_close (lab->pool);
  CU_ASSERT_TRUE (g_get_monotonic_time () - begun < LONG_BEFORE_MS * G_TIME_SPAN_MILLISECOND);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_19_a_hook_that_closes_does_not_wait_for_itself),
    TEST (rule_19_a_borrow_that_is_checked_meanwhile_fails),
    TEST (rule_19_close_waits_for_a_hook_that_closed_first),
    TEST (rule_19_a_hook_may_close_what_is_being_closed),
    TEST (rule_19_hooks_that_close_wait_for_others),
    TEST (rule_19_a_handler_may_close_within_close),
    { NULL, NULL },
  };

  lab_make_first_task ();
  return test_main ("pool", cases, argc, argv);
}
