/* What a pool's buckets share: how long it lives, which buckets it keeps, the threads it starts. */
#include <errno.h>
#include <string.h>

#include "lab.h"
#include "bucket-private.h"
#include "registry-private.h"
#include "threads-private.h"
#include "tls-relay-socket.h"

static void
count_call (gpointer user_data)
{
  ++*(guint *) user_data;
}

static ThriftTransport *
dial_nothing (TallyEndpoint *endpoint,
              gint64 deadline,
              GCancellable *cancellable,
              gpointer user_data,
              GError **error)
{
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "nobody there");
  return NULL;
}

/* The pool goes first, then the lease, then the bucket: what the hooks refer to is let go of with
 * the last of them. */
static void
core_a_pool_is_freed_with_what_refers_to_it (void)
{
  g_autoptr (Server) server = server_new ();
  TallyPool *pool = tally_pool_new ();
  TallyBucket *bucket = tally_pool_dup_bucket (pool, server->endpoint);
  TallyLease lease = { 0 };
  guint let_go = 0;

  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "test", -1, NULL, &lease, NULL));
  server_accept (server);
  tally_pool_set_dial_hook (pool, dial_nothing, &let_go, count_call);
  g_object_unref (pool);
  assert_int (let_go, 0);
  CU_ASSERT_TRUE (server_echoes (server, lease.transport));
  tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
  assert_int (let_go, 0);
  tally_bucket_unref (bucket);
  assert_int (let_go, 1);
}

static void
core_an_idle_pool_is_freed_at_once (void)
{
  g_autoptr (Server) server = server_new ();
  TallyPool *pool = tally_pool_new ();
  TallyBucket *bucket = tally_pool_dup_bucket (pool, server->endpoint);
  TallyLease lease = { 0 };
  guint let_go = 0;

  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "test", -1, NULL, &lease, NULL));
  tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
  tally_bucket_unref (bucket);
  tally_pool_set_dial_hook (pool, dial_nothing, &let_go, count_call);
  g_object_unref (pool);
  assert_int (let_go, 1);
}

/* Each was asked for once, and nothing is there. */
static void
core_endpoints_nobody_reaches_do_not_gather (void)
{
  g_autoptr (TallyPool) pool = g_object_new (TALLY_TYPE_POOL, "backoff-base", 0, NULL);
  TallyPoolSnapshot seen;
  guint kept;

  tally_pool_set_dial_hook (pool, dial_nothing, NULL, NULL);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree gchar *uri = g_strdup_printf ("unix:///nowhere-%u", i);
      g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
      g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, endpoint);
      TallyLease lease = { 0 };

      CU_ASSERT_FALSE (tally_bucket_borrow (bucket, "test", -1, NULL, &lease, NULL));
      if (i == 999)
        {
          pthread_mutex_lock (&bucket->core->lock);
          kept = g_hash_table_size (bucket->core->buckets);
          pthread_mutex_unlock (&bucket->core->lock);
        }
    }
  CU_ASSERT_TRUE (kept < 200);
  tally_pool_snapshot (pool, &seen);
  assert_int (seen.dial_errors, 1000);
  assert_sums (&seen);
}

static guint
forget_and_count (TallyPoolCore *core)
{
  guint count;

  tally_core_forget_unused (core);
  pthread_mutex_lock (&core->lock);
  count = g_hash_table_size (core->buckets);
  pthread_mutex_unlock (&core->lock);
  return count;
}

/* Nobody refers to it, but dialing failed lately, or it is to be refilled: both go on. */
static void
core_what_is_to_be_remembered_is_not_forgotten (void)
{
  for (guint refills = 0; refills < 2; refills++)
    {
      g_autoptr (TallyPool) pool =
          g_object_new (TALLY_TYPE_POOL, "min-idle", refills, "backoff-base", refills ? 0 : 600000,
                        "backoff-max", 600000, NULL);
      g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new ("unix:///nowhere", NULL);
      TallyBucket *bucket = tally_pool_dup_bucket (pool, endpoint);
      TallyPoolCore *core = tally_core_ref (bucket->core);
      g_autoptr (GError) error = NULL;
      TallyLease lease = { 0 };

      tally_pool_set_dial_hook (pool, dial_nothing, NULL, NULL);
      CU_ASSERT_FALSE (tally_bucket_borrow (bucket, "test", -1, NULL, &lease, NULL));
      if (!refills)
        {
          CU_ASSERT_FALSE (tally_bucket_borrow (bucket, "test", -1, NULL, &lease, &error));
          assert_error (error, TALLY_ERROR, TALLY_ERROR_BACKOFF, NULL);
        }
      tally_bucket_unref (bucket);
      assert_int (forget_and_count (core), 1);
      if (refills)
        g_object_set (pool, "min-idle", 0, NULL);
      else
        tally_pool_reset_backoff (pool);
      tally_pool_close (pool); /* whatever still dials for it has ended */
      assert_int (forget_and_count (core), 0);
      tally_core_unref (core);
    }
}

/* ---- hooks ---- */

static gboolean
approve (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  return *(guint *) user_data == 7;
}

static guint hooks_let_go; /* atomic */

static void
let_go (gpointer user_data)
{
  *(guint *) user_data = 0;
  g_free (user_data);
  __atomic_add_fetch (&hooks_let_go, 1, __ATOMIC_RELAXED);
}

#define SETS 500

static gpointer
set_hooks (gpointer data)
{
  for (guint i = 0; i < SETS; i++)
    {
      guint *mark = g_new (guint, 1);

      *mark = 7;
      tally_pool_set_check_hook (data, approve, mark, let_go);
    }
  return NULL;
}

/* Each hook's data lives as long as anybody may call it, and no longer. */
static void
core_hooks_may_be_set_by_several_at_once (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  pthread_t threads[3];

  hooks_let_go = 0;
  lab_fill (lab, 1);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_create (&threads[i], NULL, set_hooks, lab->pool);
  for (guint i = 0; i < SETS; i++)
    {
      TallyLease lease = lab_borrow (lab);

      CU_ASSERT_TRUE (lease.reused);
      lab_release (lab, &lease);
    }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
  pthread_mutex_lock (&lab->bucket->core->lock);
  CU_ASSERT_PTR_EQUAL (lab->bucket->hooks[TALLY_HOOK_CHECK],
                       lab->bucket->core->hooks[TALLY_HOOK_CHECK]); /* of the last setter */
  pthread_mutex_unlock (&lab->bucket->core->lock);
  tally_pool_set_check_hook (lab->pool, NULL, NULL, NULL);
  assert_int (__atomic_load_n (&hooks_let_go, __ATOMIC_RELAXED), SETS * G_N_ELEMENTS (threads));
}

/* ---- threads ---- */

static gpointer
never_run (gpointer data)
{
  CU_FAIL ("it ran");
  return NULL;
}

/* Close has joined the last one. */
static void
core_a_closed_pool_starts_no_thread (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);

  tally_pool_close (lab->pool);
  CU_ASSERT_FALSE (tally_run_on_thread (lab->bucket->core, never_run, NULL, FALSE));
  CU_ASSERT_FALSE (tally_run_on_thread (lab->bucket->core, never_run, NULL, TRUE));
  assert_int (errno, ESHUTDOWN);
}

/* What a job found of its thread. */
typedef struct
{
  pthread_t thread;
  gint done; /* atomic */
} Job;

static gpointer
note_thread (gpointer data)
{
  Job *job = data;

  job->thread = pthread_self ();
  __atomic_store_n (&job->done, TRUE, __ATOMIC_RELEASE);
  return NULL;
}

static guint
count_resting (TallyPoolCore *core)
{
  guint count;

  pthread_mutex_lock (&core->lock);
  count = core->n_resting;
  pthread_mutex_unlock (&core->lock);
  return count;
}

static void
run_and_wait (TallyPoolCore *core, Job *job, gboolean is_own)
{
  CU_ASSERT_TRUE_FATAL (tally_run_on_thread (core, note_thread, job, is_own));
  while (!__atomic_load_n (&job->done, __ATOMIC_ACQUIRE))
    g_thread_yield ();
}

/* It goes on with the next job, unless that may run foreign code, which gets a thread of its own. */
static void
core_a_thread_rests_after_its_job (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyPoolCore *core = lab->bucket->core;
  Job jobs[3] = { 0 };

  core->rest_us = 3600 * G_TIME_SPAN_SECOND;
  run_and_wait (core, &jobs[0], TRUE);
  while (count_resting (core) == 0)
    g_thread_yield ();
  run_and_wait (core, &jobs[1], TRUE);
  CU_ASSERT_TRUE (pthread_equal (jobs[0].thread, jobs[1].thread));
  while (count_resting (core) == 0)
    g_thread_yield ();
  run_and_wait (core, &jobs[2], FALSE);
  CU_ASSERT_FALSE (pthread_equal (jobs[0].thread, jobs[2].thread));
  assert_int (count_resting (core), 1);
  tally_pool_close (lab->pool);
  assert_int (count_resting (core), 0);
}

static void
core_a_rest_ends_by_itself (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyPoolCore *core = lab->bucket->core;
  Job job = { 0 };
  guint n_threads = 1;

  core->rest_us = 0;
  run_and_wait (core, &job, TRUE);
  while (n_threads > 0)
    {
      pthread_mutex_lock (&core->lock);
      n_threads = core->n_threads;
      pthread_mutex_unlock (&core->lock);
      g_thread_yield ();
    }
  assert_int (count_resting (core), 0);
}

/* The lock is the whole pool's: while a thread has it others go on. */
static void
core_a_hook_ends_without_the_lock (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyPoolCore *core = lab->bucket->core;

  pthread_mutex_lock (&core->lock);
  CU_ASSERT_TRUE (tally_hooks_begin (core));
  tally_hooks_end (core);
  pthread_mutex_unlock (&core->lock);
}

static gsize
get_stack_size (void)
{
  pthread_attr_t attributes;
  gsize size;

  pthread_getattr_default_np (&attributes);
  pthread_attr_getstacksize (&attributes, &size);
  pthread_attr_destroy (&attributes);
  return size;
}

/* Of the threads that are made from now on. */
static void
set_stack_size (gsize size)
{
  pthread_attr_t attributes;

  pthread_attr_init (&attributes);
  pthread_attr_setstacksize (&attributes, size);
  assert_int (pthread_setattr_default_np (&attributes), 0);
  pthread_attr_destroy (&attributes);
}

/* No thread can be made with it. */
#define IMPOSSIBLE_STACK ((gsize) 1 << 46)

/* Once there is a thread again, what is due is done. */
static void
core_the_reaper_is_started_again (void)
{
  if (tls_relay_skips ("a handshake needs a thread, which cannot be made here"))
    return;

  g_autoptr (Server) server = server_new ();
  g_autoptr (TallyPool) pool = g_object_new (TALLY_TYPE_POOL, "idle-timeout", 1, NULL);
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, server->endpoint);
  gsize stack_size = get_stack_size ();
  gint64 end = g_get_monotonic_time () + LAB_PATIENCE;
  TallyPoolSnapshot seen;

#ifdef __SANITIZE_THREAD__
  test_skip ("ThreadSanitizer hangs when no thread can be made");
  return;
#endif
  for (guint i = 0; i < 2; i++)
    {
      TallyLease lease = { 0 };

      set_stack_size (i == 0 ? IMPOSSIBLE_STACK : stack_size);
      CU_ASSERT_TRUE (tally_bucket_borrow (bucket, "test", -1, NULL, &lease, NULL));
      tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
    }
  do
    tally_bucket_snapshot (bucket, &seen);
  while (seen.open > 0 && g_get_monotonic_time () < end);
  assert_int (seen.open, 0);
}

#define CROWD 2000
#define SMALL_STACK (256 * 1024)

typedef struct
{
  TallyBucket *bucket;
  guint failed;
} Crowd;

static void
on_refused (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Crowd *self = user_data;
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  CU_ASSERT_FALSE (tally_bucket_borrow_finish (self->bucket, result, &lease, &error));
  if (self->failed > 0) /* the first had a thread */
    assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "no thread to dial on");
  self->failed++;
}

/* Each failure makes the next one dial: one after the other, not one inside of the other, for which
 * the stack would not do. */
static void
core_whoever_finds_no_thread_is_told (void)
{
  g_autoptr (Lab) lab = lab_new ("max-dials", 1, "backoff-base", 0, "wait-timeout", 60000, NULL);
  g_autoptr (GMainContext) context = g_main_context_new ();
  Crowd crowd = { .bucket = lab->bucket };
  gsize stack_size = get_stack_size ();
  TallyPoolSnapshot seen;

#ifdef __SANITIZE_THREAD__
  test_skip ("ThreadSanitizer hangs when no thread can be made");
  return;
#endif
  set_stack_size (SMALL_STACK);
  lab_gate (lab, TRUE);
  lab_fail_dials (lab, 1);
  g_main_context_push_thread_default (context);
  for (guint i = 0; i < CROWD; i++)
    tally_bucket_borrow_async (lab->bucket, "crowd", -1, NULL, on_refused, &crowd);
  g_main_context_pop_thread_default (context);
  lab_wait_at_gate (lab, 1);
  set_stack_size (IMPOSSIBLE_STACK);
  lab_let_dial (lab, 1);
  while (crowd.failed < CROWD)
    g_main_context_iteration (context, TRUE);
  set_stack_size (stack_size);
  lab_drain (context);
  seen = lab_snapshot (lab);
  assert_int (seen.open, 0);
  assert_int (seen.dial_errors, CROWD);
  assert_sums (&seen);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (core_a_pool_is_freed_with_what_refers_to_it),
    TEST (core_an_idle_pool_is_freed_at_once),
    TEST (core_endpoints_nobody_reaches_do_not_gather),
    TEST (core_hooks_may_be_set_by_several_at_once),
    TEST (core_a_closed_pool_starts_no_thread),
    TEST (core_a_thread_rests_after_its_job),
    TEST (core_a_rest_ends_by_itself),
    TEST (core_a_hook_ends_without_the_lock),
    TEST (core_what_is_to_be_remembered_is_not_forgotten),
    TEST (core_the_reaper_is_started_again),
    TEST (core_whoever_finds_no_thread_is_told),
    { NULL, NULL },
  };

  lab_make_first_task ();
  return test_main ("pool", cases, argc, argv);
}
