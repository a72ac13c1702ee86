/* Rule 22: what a child process finds of its parent's pools. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "glib-gate-private.h"
#include "lab.h"

#ifdef __SANITIZE_THREAD__
#define SKIP_IF_CHILDREN_ARE_NOT_FOLLOWED()                                                        \
  do                                                                                               \
    {                                                                                              \
      test_skip ("ThreadSanitizer cannot follow a thread that a child process starts");            \
      return;                                                                                      \
    }                                                                                              \
  while (0)
#else
#define SKIP_IF_CHILDREN_ARE_NOT_FOLLOWED()
#endif

/* A child that hangs is a failure. */
static void
limit_time (void)
{
  alarm (120);
}

static void
assert_child_succeeds (pid_t child)
{
  gint status;

  waitpid (child, &status, 0);
  CU_ASSERT_TRUE (WIFEXITED (status));
  assert_int (WEXITSTATUS (status), 0);
}

static guint complaints;

static GLogWriterOutput
count_complaints (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  complaints += (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)) != 0;
  return G_LOG_WRITER_HANDLED;
}

/* ---- between two processes ---- */

static int
be_the_child (Lab *lab, TallyLease *lease, guint before)
{
  TallyPoolSnapshot seen = lab_snapshot (lab);
  TallyLease own = { 0 };

  limit_time ();
  if (seen.open != 0 || seen.waiting != 0)
    return 1;
  tally_bucket_retire (lab->bucket, lease);
  tally_bucket_release (lab->bucket, lease, TALLY_OUTCOME_CLEAN); /* the parent's */
  if (lab_count_descriptors (lab) != before || complaints > 0)
    return 2;
  lab->forget_peers = TRUE;
  if (!tally_bucket_borrow (lab->bucket, "child", -1, NULL, &own, NULL) || own.reused)
    return 3;
  tally_bucket_release (lab->bucket, &own, TALLY_OUTCOME_CLEAN);
  seen = lab_snapshot (lab);
  if (seen.open != 1 || seen.idle != 1)
    return 4;
  tally_pool_close (lab->pool);
  return lab_count_descriptors (lab) == before ? 0 : 5;
}

static void
rule_22_a_child_starts_empty (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, "idle-timeout", 60000, NULL);
  TallyLease lease, busy;
  TallyPoolSnapshot seen;
  pid_t child;

  SKIP_IF_CHILDREN_ARE_NOT_FOLLOWED ();
  lab_fill (lab, 2);
  lease = lab_borrow (lab);
  busy = lease;
  complaints = 0;
  child = test_fork ();
  if (child == 0)
    _exit (be_the_child (lab, &busy, 2));
  assert_child_succeeds (child);
  /* The parent's connections are what they were. */
  CU_ASSERT_TRUE (tally_socket_is_clean (TALLY_SOCKET (lease.transport)));
  lab_release (lab, &lease);
  seen = lab_snapshot (lab);
  assert_int (seen.idle, 2);
  lease = lab_borrow (lab);
  CU_ASSERT_TRUE (lease.reused);
  lab_release (lab, &lease);
}

/* A lease outlives its pool, and the process is copied then. */
static void
rule_22_also_when_the_pool_is_gone (void)
{
  g_autoptr (Server) server = server_new ();
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, server->endpoint);
  TallyLease lease = { 0 };
  pid_t child;

  SKIP_IF_CHILDREN_ARE_NOT_FOLLOWED ();
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "parent", -1, NULL, &lease, NULL));
  server_accept (server);
  g_clear_object (&pool);
  complaints = 0;
  child = test_fork ();
  if (child == 0)
    {
      guint before = test_count_descriptors ();

      limit_time ();
      tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
      _exit (test_count_descriptors () == before && complaints == 0 ? 0 : 1);
    }
  assert_child_succeeds (child);
  CU_ASSERT_TRUE (server_echoes (server, lease.transport));
  tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
}

/* The thread that was closing the pool, and would say when that is done, is not in the child. */
static void
rule_22_a_child_of_a_closing_parent_need_not_wait (void)
{
  g_autoptr (Lab) lab = lab_new ("drain-timeout", 60000, NULL);
  Closer closer = { .lab = lab };
  TallyLease lease = { 0 };
  TallyLease none = { 0 };
  pid_t child;

  SKIP_IF_CHILDREN_ARE_NOT_FOLLOWED ();
  lease = lab_borrow (lab);
  closer_start (&closer);
  while (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &none, NULL))
    lab_release (lab, &none);
  child = test_fork ();
  if (child == 0)
    {
      limit_time ();
      tally_pool_close (lab->pool);
      _exit (0);
    }
  assert_child_succeeds (child);
  lab_release (lab, &lease);
  closer_join (&closer);
}

/* ---- what runs inside of fork () ---- */

static gsize in_use_before;
static gsize in_use_after;

static gsize
measure_memory (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* The handlers of a child run in the order in which they were registered: this one before a pool's,
 * the other one after it. */
static void
note_memory_before (void)
{
  in_use_before = measure_memory ();
}

static void
note_memory_after (void)
{
  in_use_after = measure_memory ();
}

static gboolean
is_every_allocation_seen (void)
{
  gpointer slice = g_slice_alloc (32);
  gsize before;
  gsize after;

  g_slice_free1 (32, slice); /* a cache would not count what is taken from it */
  before = measure_memory ();
  slice = g_slice_alloc (32);
  after = measure_memory ();
  g_slice_free1 (32, slice);
  return after > before;
}

/* Any other thread of the parent may have held a lock of the allocator's: the child would wait for
 * ever. */
static void
rule_22_a_child_is_made_without_allocating (void)
{
  g_autoptr (Lab) lab = NULL;
  TallyLease lease;
  pid_t child;

  if (!is_every_allocation_seen ())
    {
      test_skip ("allocations cannot be counted here");
      return;
    }
  lab = lab_new ("max-open", 4, NULL);
  lab_fill (lab, 3);
  lease = lab_borrow (lab);
  pthread_atfork (NULL, NULL, note_memory_after);
  child = test_fork ();
  if (child == 0)
    _exit (in_use_before > 0 && in_use_after == in_use_before ? 0 : 1);
  assert_child_succeeds (child);
  lab_release (lab, &lease);
}

/* ---- a handler that forks ---- */

typedef struct
{
  TallyPoolEventKind kind; /* at the first of these */
  gboolean has_forked;
  pid_t child; /* 0 in the child */
} Forker;

static void
fork_once (TallyPool *pool, const TallyPoolEvent *event, gpointer user_data)
{
  Forker *self = user_data;

  if (event->kind != self->kind || self->has_forked)
    return;
  self->has_forked = TRUE;
  self->child = test_fork ();
  if (self->child == 0)
    limit_time ();
}

static gboolean
fork_in_check (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  TallyPoolEvent event = { .kind = ((Forker *) user_data)->kind };

  fork_once (NULL, &event, user_data);
  return TRUE;
}

static gboolean
fork_in_reset (ThriftTransport *transport, gpointer user_data)
{
  return fork_in_check (transport, 0, user_data);
}

/* In a child whose borrow was under way: it must have got a connection of its own. */
static int
judge_borrow (TallyBucket *bucket, TallyLease *lease, gboolean done)
{
  TallyPoolSnapshot seen;

  tally_bucket_snapshot (bucket, &seen);
  if (!done || lease->reused)
    return 1;
  if (seen.open != 1 || seen.busy != 1 || seen.requests != 1)
    return 2;
  tally_bucket_release (bucket, lease, TALLY_OUTCOME_CLEAN);
  tally_bucket_snapshot (bucket, &seen);
  return seen.idle == 1 && complaints == 0 ? 0 : 3;
}

static void
rule_22_whoever_forks_while_a_borrower_dials (void)
{
  g_autoptr (Server) server = server_new ();
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, server->endpoint);
  Forker forker = { .kind = TALLY_POOL_EVENT_OPENED };
  TallyLease lease = { 0 };
  gboolean done;

  SKIP_IF_CHILDREN_ARE_NOT_FOLLOWED ();
  complaints = 0;
  g_signal_connect (pool, "event", G_CALLBACK (fork_once), &forker);
  done = tally_bucket_borrow (bucket, "forks", -1, NULL, &lease, NULL);
  if (forker.has_forked && forker.child == 0)
    _exit (judge_borrow (bucket, &lease, done));
  assert_child_succeeds (forker.child);
  CU_ASSERT_TRUE_FATAL (done);
  server_accept (server);
  CU_ASSERT_TRUE (server_echoes (server, lease.transport));
  tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
}

/* On a connection taken at once, and on one that was waited for. */
static void
rule_22_whoever_forks_in_a_check_hook (void)
{
  SKIP_IF_CHILDREN_ARE_NOT_FOLLOWED ();
  for (guint waits = 0; waits < 2; waits++)
    {
      g_autoptr (Server) server = server_new ();
      g_autoptr (TallyPool) pool = g_object_new (TALLY_TYPE_POOL, "max-open", 1 + waits, NULL);
      g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, server->endpoint);
      Forker forker = { 0 };
      TallyLease lease = { 0 };
      gboolean done;

      complaints = 0;
      CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (bucket, "fills", -1, NULL, &lease, NULL));
      tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
      tally_pool_set_check_hook (pool, fork_in_check, &forker, NULL);
      if (waits) /* past the quick path */
        done = tally_bucket_borrow_dialed_since (bucket, "forks", 1, -1, NULL, &lease, NULL);
      else
        done = tally_bucket_borrow (bucket, "forks", -1, NULL, &lease, NULL);
      if (forker.has_forked && forker.child == 0)
        _exit (judge_borrow (bucket, &lease, done));
      CU_ASSERT_TRUE (forker.has_forked);
      assert_child_succeeds (forker.child);
      CU_ASSERT_TRUE_FATAL (done);
      CU_ASSERT_TRUE (lease.reused);
      tally_bucket_release (bucket, &lease, TALLY_OUTCOME_CLEAN);
    }
}

/* While a connection is closed, and while it is reset: the child has nothing of it. */
static void
rule_22_whoever_forks_in_a_release (void)
{
  SKIP_IF_CHILDREN_ARE_NOT_FOLLOWED ();
  for (guint resets = 0; resets < 2; resets++)
    {
      g_autoptr (Lab) lab = lab_new (NULL, NULL);
      Forker forker = { .kind = TALLY_POOL_EVENT_CLOSED };
      TallyLease lease = lab_borrow (lab);

      complaints = 0;
      if (resets)
        tally_pool_set_reset_hook (lab->pool, fork_in_reset, &forker, NULL);
      else
        g_signal_connect (lab->pool, "event", G_CALLBACK (fork_once), &forker);
      tally_bucket_release (lab->bucket, &lease,
                            resets ? TALLY_OUTCOME_CLEAN : TALLY_OUTCOME_BROKEN);
      if (forker.has_forked && forker.child == 0)
        {
          TallyPoolSnapshot seen = lab_snapshot (lab);

          assert_sums (&seen);
          _exit (seen.open == 0 && seen.refused == 0 && complaints == 0
                         && CU_get_number_of_failures () == 0
                     ? 0
                     : 1);
        }
      CU_ASSERT_TRUE (forker.has_forked);
      assert_child_succeeds (forker.child);
      assert_int (lab_snapshot (lab).idle, resets);
    }
}

/* ---- GLib's locks ---- */

/* What the thread that is inside has locked, and the child must not find so. */
typedef struct
{
  gint inside; /* atomic, as what follows */
  gint forked;
} Holder;

/* Stays where it is until the process was forked, or had time for it. */
static void
hold_a_moment (Holder *self)
{
  __atomic_store_n (&self->inside, 1, __ATOMIC_SEQ_CST);
  for (guint i = 0; i < 10000 && !__atomic_load_n (&self->forked, __ATOMIC_SEQ_CST); i++)
    g_thread_yield ();
  __atomic_store_n (&self->inside, 2, __ATOMIC_SEQ_CST);
}

/* Forks while another thread is inside: the child says what it finds. */
static void
fork_meanwhile (Holder *holder)
{
  pid_t child;

  while (__atomic_load_n (&holder->inside, __ATOMIC_SEQ_CST) == 0)
    g_thread_yield ();
  fflush (NULL);
  child = fork (); /* test_fork () would wait until the other thread sleeps */
  if (child == 0)
    /* not _exit (), at which ThreadSanitizer would ask for the thread that only the parent can join */
    syscall (SYS_exit_group, __atomic_load_n (&holder->inside, __ATOMIC_SEQ_CST) == 1);
  __atomic_store_n (&holder->forked, 1, __ATOMIC_SEQ_CST);
  assert_child_succeeds (child);
}

static gpointer
hold_in_gate (gpointer data)
{
  tally_glib_begin ();
  tally_glib_begin (); /* may be nested */
  tally_glib_end ();
  hold_a_moment (data);
  tally_glib_end ();
  return NULL;
}

static void
rule_22_nobody_forks_while_a_thread_is_in_glib (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL); /* whose process watches forks */
  Holder holder = { 0 };
  pthread_t thread;

  pthread_create (&thread, NULL, hold_in_gate, &holder);
  fork_meanwhile (&holder);
  pthread_join (thread, NULL);
}

static void
hold_when_gone (gpointer data, GObject *gone)
{
  hold_a_moment (data);
}

/* The pool is in GLib where it closes a connection. */
static void
rule_22_nobody_forks_while_a_connection_is_dropped (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  Borrower borrower = { .lab = lab, .lease = lab_borrow (lab) };
  Holder holder = { 0 };
  pthread_t thread;

  g_object_weak_ref (G_OBJECT (borrower.lease.transport), hold_when_gone, &holder);
  pthread_create (&thread, NULL, borrower_break, &borrower);
  fork_meanwhile (&holder);
  pthread_join (thread, NULL);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_22_a_child_starts_empty),
    TEST (rule_22_also_when_the_pool_is_gone),
    TEST (rule_22_a_child_of_a_closing_parent_need_not_wait),
    TEST (rule_22_a_child_is_made_without_allocating),
    TEST (rule_22_whoever_forks_while_a_borrower_dials),
    TEST (rule_22_whoever_forks_in_a_check_hook),
    TEST (rule_22_whoever_forks_in_a_release),
    TEST (rule_22_nobody_forks_while_a_thread_is_in_glib),
    TEST (rule_22_nobody_forks_while_a_connection_is_dropped),
    { NULL, NULL },
  };

  pthread_atfork (NULL, NULL, note_memory_before);
  g_log_set_writer_func (count_complaints, NULL, NULL);
  return test_main ("pool", cases, argc, argv);
}
