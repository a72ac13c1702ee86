/* Owns the laboratory that pool tests work in; knows the pool only by its public functions, but for what
 * holds of their sums. */
#include "lab.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lease-internal.h"
#include "policy/policy-internal.h"
#include "tls-relay-socket.h"

/* Borrowers that are to be served wait so long, on a busy machine, too. */
#define PATIENCE_MS 600000

/* With the lab's lock. */
static void
remember (Lab *lab, gint pool_end, gint peer)
{
  struct stat status;

  fstat (pool_end, &status);
  g_hash_table_add (lab->inodes, g_strdup_printf ("socket:[%lu]", (gulong) status.st_ino));
  if (lab->forget_peers)
    {
      close (peer);
      peer = -1;
    }
  g_array_append_val (lab->peers, peer);
  lab->dialed++;
}

/* With the lab's lock: nothing is dialed meanwhile, so that what is counted was open at one time.
 */
static guint
count_descriptors_locked (Lab *lab)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  const gchar *name;
  guint count = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *path = g_build_filename ("/proc/self/fd", name, NULL);
      g_autofree gchar *target = g_file_read_link (path, NULL);

      if (target != NULL && g_hash_table_contains (lab->inodes, target))
        count++;
    }
  return count;
}

guint
lab_count_descriptors (Lab *lab)
{
  guint count;

  tls_relay_settle ();
  pthread_mutex_lock (&lab->lock);
  count = count_descriptors_locked (lab);
  pthread_mutex_unlock (&lab->lock);
  return count;
}

guint
lab_most_open (Lab *lab)
{
  guint most;

  pthread_mutex_lock (&lab->lock);
  most = lab->most_open;
  pthread_mutex_unlock (&lab->lock);
  return most;
}

static ThriftTransport *
dial_pair (TallyEndpoint *endpoint,
           gint64 deadline,
           GCancellable *cancellable,
           gpointer user_data,
           GError **error)
{
  Lab *lab = user_data;
  gint fds[2];
  TallySocket *socket = NULL;

  pthread_mutex_lock (&lab->lock);
  lab->at_gate++;
  pthread_cond_broadcast (&lab->changed);
  while (lab->gated && lab->passes == 0 && !g_cancellable_is_cancelled (cancellable))
    {
      struct timespec soon;

      clock_gettime (CLOCK_REALTIME, &soon);
      soon.tv_nsec += 10000000;
      if (soon.tv_nsec >= 1000000000)
        soon = (struct timespec){ soon.tv_sec + 1, soon.tv_nsec - 1000000000 };
      pthread_cond_timedwait (&lab->changed, &lab->lock, &soon);
    }
  lab->at_gate--;
  if (lab->gated && lab->passes > 0 && !g_cancellable_is_cancelled (cancellable))
    lab->passes--;
  if (lab->failures > 0)
    lab->failures--;
  else if (!g_cancellable_is_cancelled (cancellable)
           && socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0)
    {
      socket = tls_relay_adopt (fds[0]);
      remember (lab, tally_socket_get_fd (socket), fds[1]);
      if (lab->measures)
        {
          guint n_open = count_descriptors_locked (lab);

          lab->most_open = MAX (lab->most_open, n_open);
        }
    }
  pthread_mutex_unlock (&lab->lock);
  if (socket != NULL)
    return THRIFT_TRANSPORT (socket);
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "the laboratory's dial failed");
  return NULL;
}

Lab *
lab_new_with (TallyPool *pool)
{
  Lab *lab = g_new0 (Lab, 1);
  gint wait_ms;

  /* made before there are two threads, because ThreadSanitizer does not see GObject's own care */
  g_type_class_unref (g_type_class_ref (TALLY_TYPE_SOCKET));
  pthread_mutex_init (&lab->lock, NULL);
  pthread_cond_init (&lab->changed, NULL);
  lab->peers = g_array_new (FALSE, FALSE, sizeof (gint));
  lab->inodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  lab->pool = pool;
  g_object_get (pool, "wait-timeout", &wait_ms, NULL);
  if (wait_ms < 0)
    g_object_set (pool, "wait-timeout", PATIENCE_MS, NULL);
  tally_pool_set_dial_hook (lab->pool, dial_pair, lab, NULL);
  lab->endpoint = tally_endpoint_new ("unix:///laboratory", NULL);
  lab->bucket = tally_pool_dup_bucket (lab->pool, lab->endpoint);
  return lab;
}

Lab *
lab_new (const gchar *first_property, ...)
{
  TallyPool *pool;
  va_list arguments;

  va_start (arguments, first_property);
  pool = TALLY_POOL (g_object_new_valist (TALLY_TYPE_POOL, first_property, arguments));
  va_end (arguments);
  return lab_new_with (pool);
}

void
lab_free (Lab *lab)
{
  tally_pool_close (lab->pool);
  tally_bucket_unref (lab->bucket);
  g_object_unref (lab->pool);
  tally_endpoint_unref (lab->endpoint);
  for (guint i = 0; i < lab->peers->len; i++)
    lab_close_peer (lab, i);
  g_array_unref (lab->peers);
  g_hash_table_unref (lab->inodes);
  pthread_cond_destroy (&lab->changed);
  pthread_mutex_destroy (&lab->lock);
  g_free (lab);
}

TallyBucket *
lab_other_bucket (Lab *lab, const gchar *uri)
{
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);

  return tally_pool_dup_bucket (lab->pool, endpoint);
}

void
lab_gate (Lab *lab, gboolean gated)
{
  pthread_mutex_lock (&lab->lock);
  lab->gated = gated;
  lab->passes = 0;
  pthread_cond_broadcast (&lab->changed);
  pthread_mutex_unlock (&lab->lock);
}

void
lab_let_dial (Lab *lab, guint count)
{
  pthread_mutex_lock (&lab->lock);
  lab->passes += count;
  pthread_cond_broadcast (&lab->changed);
  pthread_mutex_unlock (&lab->lock);
}

void
lab_fail_dials (Lab *lab, guint count)
{
  pthread_mutex_lock (&lab->lock);
  lab->failures = count;
  pthread_mutex_unlock (&lab->lock);
}

void
lab_wait_at_gate (Lab *lab, guint count)
{
  pthread_mutex_lock (&lab->lock);
  while (lab->at_gate < count)
    pthread_cond_wait (&lab->changed, &lab->lock);
  pthread_mutex_unlock (&lab->lock);
}

gint
lab_peer (Lab *lab, guint index)
{
  gint fd;

  pthread_mutex_lock (&lab->lock);
  fd = g_array_index (lab->peers, gint, index);
  pthread_mutex_unlock (&lab->lock);
  return fd;
}

void
lab_close_peer (Lab *lab, guint index)
{
  pthread_mutex_lock (&lab->lock);
  if (g_array_index (lab->peers, gint, index) >= 0)
    close (g_array_index (lab->peers, gint, index));
  g_array_index (lab->peers, gint, index) = -1;
  pthread_mutex_unlock (&lab->lock);
  tls_relay_settle ();
}

/* A byte sent through the connection arrives at its peer, and only there. */
guint
lab_index_of (Lab *lab, const TallyLease *lease)
{
  TallySocket *socket = TALLY_SOCKET (lease->transport);
  gchar byte = 'x';

  tally_buffer_append (tally_socket_get_output (socket), &byte, 1);
  CU_ASSERT_TRUE_FATAL (tally_socket_send (socket, NULL));
  tls_relay_settle ();
  for (guint i = 0; i < lab->peers->len; i++)
    if (lab_peer (lab, i) >= 0 && recv (lab_peer (lab, i), &byte, 1, MSG_DONTWAIT) == 1)
      return i;
  CU_FAIL_FATAL ("no peer got the byte");
  return G_MAXUINT;
}

TallyLease
lab_borrow (Lab *lab)
{
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };

  CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &lease, &error));
  assert_no_error (error);
  return lease;
}

void
lab_release (Lab *lab, TallyLease *lease)
{
  tally_bucket_release (lab->bucket, lease, TALLY_OUTCOME_CLEAN);
}

void
lab_break (Lab *lab, TallyLease *lease)
{
  tally_bucket_release (lab->bucket, lease, TALLY_OUTCOME_BROKEN);
}

TallyPoolSnapshot
lab_snapshot (Lab *lab)
{
  TallyPoolSnapshot now;

  tally_bucket_snapshot (lab->bucket, &now);
  return now;
}

void
lab_fill (Lab *lab, guint count)
{
  g_autofree TallyLease *leases = g_new0 (TallyLease, count);

  for (guint i = 0; i < count; i++)
    leases[i] = lab_borrow (lab);
  for (guint i = 0; i < count; i++)
    lab_release (lab, &leases[i]);
}

static gpointer
run_borrower (gpointer data)
{
  Borrower *self = data;
  gboolean (*borrow) (TallyBucket *, const gchar *, gint64, GCancellable *, TallyLease *,
                      GError **) = self->unused  ? tally_bucket_borrow_unused
                                   : self->fresh ? tally_bucket_borrow_fresh
                                                 : tally_bucket_borrow;

  self->done = borrow (self->lab->bucket, self->label, self->deadline, self->cancellable,
                       &self->lease, &self->error);
  __atomic_store_n (&self->returned, TRUE, __ATOMIC_RELEASE);
  return NULL;
}

/* Set deadline, cancellable, fresh and unused before; a deadline of 0 is none. */
void
borrower_start (Borrower *borrower, Lab *lab, const gchar *label)
{
  borrower->lab = lab;
  borrower->label = label;
  if (borrower->deadline == 0)
    borrower->deadline = -1;
  CU_ASSERT_EQUAL_FATAL (pthread_create (&borrower->thread, NULL, run_borrower, borrower), 0);
}

gpointer
borrower_break (gpointer data)
{
  Borrower *self = data;

  lab_break (self->lab, &self->lease);
  return NULL;
}

gpointer
borrower_release (gpointer data)
{
  Borrower *self = data;

  lab_release (self->lab, &self->lease);
  return NULL;
}

gboolean
borrower_join (Borrower *borrower)
{
  pthread_join (borrower->thread, NULL);
  return borrower->done;
}

void
lab_let_time_pass (gint64 microseconds)
{
  gint64 end = g_get_monotonic_time () + microseconds;

  while (g_get_monotonic_time () < end)
    g_thread_yield ();
}

static GLogWriterOutput
count_critical (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if ((level & G_LOG_LEVEL_CRITICAL) == 0)
    return g_log_writer_default (level, fields, n_fields, NULL);
  __atomic_add_fetch ((gint *) user_data, 1, __ATOMIC_RELEASE);
  return G_LOG_WRITER_HANDLED;
}

void
lab_count_criticals (gint *count)
{
  g_log_set_writer_func (count_critical, count, NULL);
}

/* ---- without a thread ---- */

static void
on_borrowed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  AsyncCall *self = user_data;

  CU_ASSERT_TRUE (g_main_context_is_owner (self->context));
  self->called = TRUE;
  self->done = tally_bucket_borrow_finish (self->bucket, result, &self->lease, &self->error);
}

void
async_call_start (AsyncCall *self, TallyBucket *bucket, gint64 deadline, GCancellable *cancellable)
{
  *self =
      (AsyncCall){ .bucket = bucket, .context = g_main_context_new (), .cancellable = cancellable };
  g_main_context_push_thread_default (self->context);
  tally_bucket_borrow_async (bucket, "async", deadline, cancellable, on_borrowed, self);
  g_main_context_pop_thread_default (self->context);
  CU_ASSERT_FALSE (self->called);
}

void
async_call_await (AsyncCall *self)
{
  while (!self->called)
    g_main_context_iteration (self->context, TRUE);
}

void
async_call_finish (AsyncCall *self)
{
  if (self->done)
    tally_bucket_release (self->bucket, &self->lease, TALLY_OUTCOME_CLEAN);
  g_clear_error (&self->error);
  lab_drain (self->context);
  g_main_context_unref (self->context);
}

void
lab_drain (GMainContext *context)
{
  while (g_main_context_iteration (context, FALSE))
    continue;
}

void
lab_make_first_task (void)
{
  g_type_class_unref (g_type_class_ref (G_TYPE_TASK));
  g_main_context_iteration (NULL, FALSE);
}

/* ---- gates ---- */

enum
{
  GATE_SHUT,
  GATE_WAITED_AT,
  GATE_OPEN
};

void
gate_wait (gint *gate)
{
  gint shut = GATE_SHUT;

  __atomic_compare_exchange_n (gate, &shut, GATE_WAITED_AT, FALSE, __ATOMIC_SEQ_CST,
                               __ATOMIC_SEQ_CST);
  while (__atomic_load_n (gate, __ATOMIC_SEQ_CST) != GATE_OPEN)
    g_thread_yield ();
}

void
gate_await (gint *gate)
{
  while (__atomic_load_n (gate, __ATOMIC_SEQ_CST) != GATE_WAITED_AT)
    g_thread_yield ();
}

void
gate_open (gint *gate)
{
  __atomic_store_n (gate, GATE_OPEN, __ATOMIC_SEQ_CST);
}

gboolean
lab_check_at_gate (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  gate_wait (user_data);
  return TRUE;
}

gboolean
lab_reset_at_gate (ThriftTransport *transport, gpointer user_data)
{
  gate_wait (user_data);
  return TRUE;
}

/* ---- closing ---- */

/* A connection whose close takes as long as the test wants. */
typedef struct
{
  ThriftTransport parent;
  gint fd;
  gint *gate;
} SlowCloser;
typedef ThriftTransportClass SlowCloserClass;
static GType slow_closer_get_type (void);
G_DEFINE_TYPE (SlowCloser, slow_closer, THRIFT_TYPE_TRANSPORT)

static gboolean
slow_closer_is_open (ThriftTransport *transport)
{
  return TRUE;
}

static gboolean
slow_closer_close (ThriftTransport *transport, GError **error)
{
  SlowCloser *self = (SlowCloser *) transport;

  gate_wait (self->gate);
  close (self->fd);
  return TRUE;
}

static void
slow_closer_class_init (SlowCloserClass *class)
{
  class->is_open = slow_closer_is_open;
  class->close = slow_closer_close;
}

static void
slow_closer_init (SlowCloser *self)
{
  self->fd = dup (0);
}

ThriftTransport *
lab_dial_slow_closer (TallyEndpoint *endpoint,
                      gint64 deadline,
                      GCancellable *cancellable,
                      gpointer user_data,
                      GError **error)
{
  SlowCloser *transport = g_object_new (slow_closer_get_type (), NULL);

  transport->gate = user_data;
  return (ThriftTransport *) transport;
}

static gpointer
run_closer (gpointer data)
{
  Closer *self = data;

  tally_pool_close (self->lab->pool);
  __atomic_store_n (&self->done, TRUE, __ATOMIC_RELEASE);
  return NULL;
}

void
closer_start (Closer *closer)
{
  CU_ASSERT_EQUAL_FATAL (pthread_create (&closer->thread, NULL, run_closer, closer), 0);
}

void
closer_join (Closer *closer)
{
  pthread_join (closer->thread, NULL);
}

gboolean
closer_still_waits (Closer *closer)
{
  for (guint i = 0; i < 1000; i++)
    g_thread_yield ();
  return !__atomic_load_n (&closer->done, __ATOMIC_ACQUIRE);
}

void
assert_sums (const TallyPoolSnapshot *now)
{
  const gchar *fault = tally_snapshot_find_fault (now);

  if (fault != NULL)
    printf ("# %s\n", fault);
  CU_ASSERT_PTR_NULL (fault);
}
