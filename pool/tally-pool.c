/* Owns the pool as a GObject: its properties, its buckets, its end. How connections are lent it leaves
 * to pool-bucket.c. */
#include "tally-pool.h"

#include "pool-private.h"

#include <sys/socket.h>

struct _TallyPool
{
  GObject parent;
  TallyPoolCore *core;
};

G_DEFINE_TYPE (TallyPool, tally_pool, G_TYPE_OBJECT)

/* ---- the core ---- */

static TallyPoolCore *
core_new (void)
{
  TallyPoolCore *core = g_new0 (TallyPoolCore, 1);

  core->ref_count = 1;
  pthread_mutex_init (&core->lock, NULL);
  pthread_mutex_init (&core->snapshot_lock, NULL);
  tally_cond_init (&core->changed);
  core->buckets = g_hash_table_new_full (tally_endpoint_hash, tally_endpoint_equal, NULL,
                                         (GDestroyNotify) tally_bucket_unref);
  core->options = tally_pool_options_default;
  core->finished = g_array_new (FALSE, FALSE, sizeof (pthread_t));
  return core;
}

TallyPoolCore *
tally_core_ref (TallyPoolCore *core)
{
  __atomic_add_fetch (&core->ref_count, 1, __ATOMIC_RELAXED);
  return core;
}

void
tally_core_unref (TallyPoolCore *core)
{
  if (__atomic_sub_fetch (&core->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  for (guint i = 0; i < TALLY_N_HOOKS; i++)
    tally_hook_unref (core->hooks[i]);
  g_hash_table_unref (core->buckets);
  g_array_unref (core->finished);
  pthread_cond_destroy (&core->changed);
  pthread_mutex_destroy (&core->snapshot_lock);
  pthread_mutex_destroy (&core->lock);
  g_free (core);
}

void
tally_core_changed (TallyPoolCore *core)
{
  pthread_mutex_lock (&core->lock);
  pthread_cond_broadcast (&core->changed);
  pthread_mutex_unlock (&core->lock);
}

/* The buckets, each with a reference, so that they can be visited without the core's lock. */
static GPtrArray *
dup_buckets (TallyPoolCore *core)
{
  GPtrArray *buckets = g_ptr_array_new_with_free_func ((GDestroyNotify) tally_bucket_unref);
  GHashTableIter iter;
  gpointer bucket;

  pthread_mutex_lock (&core->lock);
  g_hash_table_iter_init (&iter, core->buckets);
  while (g_hash_table_iter_next (&iter, NULL, &bucket))
    g_ptr_array_add (buckets, tally_bucket_ref (bucket));
  pthread_mutex_unlock (&core->lock);
  return buckets;
}

/* ---- closing ---- */

static void
close_bucket (gpointer data, gpointer unused)
{
  TallyBucket *bucket = data;
  TallyInstant now;

  g_cancellable_cancel (bucket->dials);
  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  tally_policy_close (&bucket->policy, &now);
  tally_bucket_unlock (bucket);
}

static guint
count_open (GPtrArray *buckets)
{
  guint count = 0;

  for (guint i = 0; i < buckets->len; i++)
    {
      TallyBucket *bucket = g_ptr_array_index (buckets, i);

      pthread_mutex_lock (&bucket->lock);
      count += tally_policy_open (&bucket->policy);
      pthread_mutex_unlock (&bucket->lock);
    }
  return count;
}

/* Ends what borrowers do on the connections they still hold. They keep their descriptors until they
 * release them, so that no number is used twice; under the lock none of them can. */
static void
shut_down_busy (gpointer data, gpointer unused)
{
  TallyBucket *bucket = data;

  pthread_mutex_lock (&bucket->lock);
  for (guint i = 0; i < bucket->policy.conns->len; i++)
    {
      TallyConn *conn = g_ptr_array_index (bucket->policy.conns, i);

      if (conn->state == TALLY_CONN_BUSY && conn->socket != NULL)
        shutdown (tally_socket_get_fd (conn->socket), SHUT_RDWR);
    }
  pthread_mutex_unlock (&bucket->lock);
}

static void
drain (TallyPoolCore *core, GPtrArray *buckets)
{
  gint64 deadline = g_get_monotonic_time () + core->options.drain_timeout;

  pthread_mutex_lock (&core->lock);
  while (count_open (buckets) > 0)
    if (!tally_cond_wait_until (&core->changed, &core->lock, deadline))
      break;
  pthread_mutex_unlock (&core->lock);
  g_ptr_array_foreach (buckets, shut_down_busy, NULL);
  pthread_mutex_lock (&core->lock);
  while (tally_hooks_run_locked (core) || core->n_threads > tally_dial_is_thread (core))
    pthread_cond_wait (&core->changed, &core->lock);
  pthread_mutex_unlock (&core->lock);
  tally_dial_join_finished (core);
}

void
tally_pool_close (TallyPool *self)
{
  TallyPoolCore *core;
  g_autoptr (GPtrArray) buckets = NULL;

  g_return_if_fail (TALLY_IS_POOL (self));
  core = self->core;
  pthread_mutex_lock (&core->lock);
  if (core->closed)
    {
      while (!core->close_done)
        pthread_cond_wait (&core->changed, &core->lock);
      pthread_mutex_unlock (&core->lock);
      return;
    }
  core->closed = TRUE;
  pthread_mutex_unlock (&core->lock);
  buckets = dup_buckets (core);
  g_ptr_array_foreach (buckets, close_bucket, NULL);
  drain (core, buckets);
  pthread_mutex_lock (&core->lock);
  g_hash_table_remove_all (core->buckets);
  core->close_done = TRUE;
  pthread_cond_broadcast (&core->changed);
  pthread_mutex_unlock (&core->lock);
}

/* ---- buckets ---- */

TallyBucket *
tally_pool_dup_bucket (TallyPool *self, TallyEndpoint *endpoint)
{
  TallyPoolCore *core;
  TallyBucket *bucket;

  g_return_val_if_fail (TALLY_IS_POOL (self) && endpoint != NULL, NULL);
  core = self->core;
  pthread_mutex_lock (&core->lock);
  bucket = g_hash_table_lookup (core->buckets, endpoint);
  if (bucket != NULL)
    tally_bucket_ref (bucket);
  else
    {
      bucket = tally_bucket_new (core, endpoint, core->closed);
      if (!core->closed)
        g_hash_table_insert (core->buckets, bucket->endpoint, tally_bucket_ref (bucket));
    }
  pthread_mutex_unlock (&core->lock);
  return bucket;
}

/* All buckets are locked at once, so that the view is one of a single instant. Only this function holds
 * more than one bucket's lock, and only one thread at a time is in it. */
void
tally_pool_snapshot (TallyPool *self, TallyPoolSnapshot *snapshot)
{
  g_autoptr (GPtrArray) buckets = NULL;
  TallyPoolSnapshot sum = { 0 }, part;

  g_return_if_fail (TALLY_IS_POOL (self) && snapshot != NULL);
  pthread_mutex_lock (&self->core->snapshot_lock);
  buckets = dup_buckets (self->core);
  for (guint i = 0; i < buckets->len; i++)
    pthread_mutex_lock (&((TallyBucket *) g_ptr_array_index (buckets, i))->lock);
  for (guint i = 0; i < buckets->len; i++)
    {
      TallyBucket *bucket = g_ptr_array_index (buckets, i);
      TallyInstant now;

      tally_bucket_now_locked (bucket, &now);
      tally_policy_snapshot (&bucket->policy, &now, &part);
      tally_snapshot_add (&sum, &part);
    }
  for (guint i = 0; i < buckets->len; i++)
    pthread_mutex_unlock (&((TallyBucket *) g_ptr_array_index (buckets, i))->lock);
  pthread_mutex_unlock (&self->core->snapshot_lock);
  *snapshot = sum;
}

/* ---- hooks ---- */

static void
set_hook (TallyPool *self, TallyHookKind kind, GCallback function, gpointer data, GDestroyNotify destroy)
{
  TallyPoolCore *core = self->core;
  TallyHook *hook = tally_hook_new (function, data, destroy);
  TallyHook *old;
  g_autoptr (GPtrArray) buckets = NULL;

  pthread_mutex_lock (&core->lock);
  old = core->hooks[kind];
  core->hooks[kind] = hook;
  pthread_mutex_unlock (&core->lock);
  buckets = dup_buckets (core);
  for (guint i = 0; i < buckets->len; i++)
    {
      TallyBucket *bucket = g_ptr_array_index (buckets, i);
      TallyHook *replaced;

      tally_bucket_lock (bucket);
      replaced = bucket->hooks[kind];
      bucket->hooks[kind] = tally_hook_ref (hook);
      /* What a hook does is never known to be quick. */
      bucket->policy.quick = bucket->hooks[TALLY_HOOK_DIAL] == NULL;
      tally_bucket_unlock (bucket);
      tally_hook_unref (replaced);
    }
  tally_hook_unref (old);
}

void
tally_pool_set_dial_hook (TallyPool *self, TallyDialHook hook, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (TALLY_IS_POOL (self));
  set_hook (self, TALLY_HOOK_DIAL, G_CALLBACK (hook), user_data, destroy);
}

void
tally_pool_set_check_hook (TallyPool *self, TallyCheckHook hook, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (TALLY_IS_POOL (self));
  set_hook (self, TALLY_HOOK_CHECK, G_CALLBACK (hook), user_data, destroy);
}

void
tally_pool_set_reset_hook (TallyPool *self, TallyResetHook hook, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (TALLY_IS_POOL (self));
  set_hook (self, TALLY_HOOK_RESET, G_CALLBACK (hook), user_data, destroy);
}

/* ---- the object ---- */

static void
apply_options (TallyBucket *bucket, const TallyPoolOptions *options)
{
  TallyInstant now;

  tally_bucket_lock (bucket);
  tally_bucket_now_locked (bucket, &now);
  if (options->version > bucket->policy.options.version)
    {
      __atomic_store_n (&bucket->coarse, options->check == TALLY_POOL_CHECK_NEVER, __ATOMIC_RELAXED);
      tally_policy_set_options (&bucket->policy, &now, options);
    }
  tally_bucket_unlock (bucket);
}

static void
tally_pool_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  TallyPoolCore *core = TALLY_POOL (object)->core;
  g_autoptr (GPtrArray) buckets = NULL;
  TallyPoolOptions options;

  pthread_mutex_lock (&core->lock);
  tally_pool_options_set (&core->options, property_id, value);
  core->options.version++;
  options = core->options;
  pthread_mutex_unlock (&core->lock);
  buckets = dup_buckets (core);
  for (guint i = 0; i < buckets->len; i++)
    apply_options (g_ptr_array_index (buckets, i), &options);
}

static void
tally_pool_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  TallyPoolCore *core = TALLY_POOL (object)->core;

  pthread_mutex_lock (&core->lock);
  tally_pool_options_get (&core->options, property_id, value);
  pthread_mutex_unlock (&core->lock);
}

static void
tally_pool_finalize (GObject *object)
{
  TallyPool *self = TALLY_POOL (object);

  tally_pool_close (self);
  tally_core_unref (self->core);
  G_OBJECT_CLASS (tally_pool_parent_class)->finalize (object);
}

static void
tally_pool_class_init (TallyPoolClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->finalize = tally_pool_finalize;
  object_class->set_property = tally_pool_set_property;
  object_class->get_property = tally_pool_get_property;
  tally_pool_install_options (object_class);
}

static void
tally_pool_init (TallyPool *self)
{
  self->core = core_new ();
}

TallyPool *
tally_pool_new (void)
{
  return g_object_new (TALLY_TYPE_POOL, NULL);
}

TallyPool *
tally_pool_get_default (void)
{
  static gsize pool;

  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool, (gsize) tally_pool_new ());
  return (TallyPool *) pool;
}
