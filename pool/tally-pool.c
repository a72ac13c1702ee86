/* Owns the pool as a GObject: its public functions, most of which visit every bucket. How
 * connections are lent it leaves to pool-bucket.c, what the buckets share to pool-core.c, what it tells of
 * itself to pool-report.c. */
#include "tally-pool.h"

#include "fleet/fleet-private.h"
#include "options-internal.h"
#include "pool-report-private.h"
#include "registry-private.h"

struct _TallyPool
{
  GObject parent;
  TallyPoolCore *core;
};

/**
 * TallyPool:
 *
 * Connections by endpoint, lent and given back. What each property means and which rules hold is in
 * docs/pool.md. Thread-safe.
 */
G_DEFINE_TYPE (TallyPool, tally_pool, G_TYPE_OBJECT)

static guint event_signal;

TallyPoolCore *
tally_pool_get_core (TallyPool *self)
{
  return self->core;
}

/* ---- the object ---- */

static void
tally_pool_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  tally_core_set_option (TALLY_POOL (object)->core, property_id, value);
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
  TallyPoolCore *core = TALLY_POOL (object)->core;

  /* No thread can wait for borrowers: each closes its connection by releasing it. */
  tally_core_close (core, FALSE);
  tally_core_forget_all (core);
  tally_core_unref (core);
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
  /**
   * TallyPool::event:
   * @self: the pool
   * @event: what happened; valid during the call
   *
   * Emitted outside every lock, on the thread on which it happened. Handlers may use the pool. None
   * runs after tally_pool_close() has returned.
   */
  event_signal = tally_pool_install_event (G_OBJECT_CLASS_TYPE (class));
}

static void
tally_pool_init (TallyPool *self)
{
  self->core = tally_core_new (self, event_signal);
}

/**
 * tally_pool_new:
 *
 * Returns: (transfer full): a pool with every property at its default. Dropping its last reference
 * closes it as tally_pool_close() does, but waits for no borrower.
 */
TallyPool *
tally_pool_new (void)
{
  return g_object_new (TALLY_TYPE_POOL, NULL);
}

/**
 * tally_pool_get_default:
 *
 * Thread-safe.
 *
 * Returns: (transfer none): the process-wide pool; it lives as long as the process
 */
TallyPool *
tally_pool_get_default (void)
{
  static gsize pool;

  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool, (gsize) tally_pool_new ());
  return (TallyPool *) pool;
}

/**
 * tally_pool_close:
 * @self: a pool
 *
 * Ends the pool (rule 19): from now on every borrow, also one that waits, fails with
 * %TALLY_ERROR_POOL_CLOSED; idle connections are closed; busy ones have until `drain-timeout` to
 * come back and are shut down then, so that their borrowers fail; they close them by releasing
 * them. When it returns, no thread of the pool and no hook runs any more, also if another thread or a
 * hook has closed the pool already. Idempotent; thread-safe.
 *
 * A hook or handler may call it. It then waits neither for itself nor for the borrow or release that
 * called it, nor for the connection that it is about, nor for other hooks that have called it too; that
 * borrow fails, if it has no connection yet.
 */
void
tally_pool_close (TallyPool *self)
{
  g_return_if_fail (TALLY_IS_POOL (self));
  tally_core_close (self->core, TRUE);
}

/* ---- hooks ---- */

/**
 * tally_pool_set_dial_hook:
 * @self: a pool
 * @hook: (nullable) (scope notified) (closure user_data) (destroy destroy): makes connections instead of tally_socket_dial(); %NULL removes it
 * @user_data: what @hook is given
 * @destroy: (nullable): called with @user_data when the last call that may use it has returned, on any thread,
 *   never under a lock
 *
 * May be done while the pool is in use. After tally_pool_close() no hook runs. Of two callers that set
 * the same hook at once the later one wins. Thread-safe.
 */
void
tally_pool_set_dial_hook (TallyPool *self,
                          TallyDialHook hook,
                          gpointer user_data,
                          GDestroyNotify destroy)
{
  g_return_if_fail (TALLY_IS_POOL (self));
  tally_core_set_hook (self->core, TALLY_HOOK_DIAL, G_CALLBACK (hook), user_data, destroy);
}

/* A check hook that is not told how long it may take. */
typedef struct
{
  TallyCheckHook hook;
  gpointer user_data;
  GDestroyNotify destroy;
} PlainCheck;

static gboolean
check_plainly (ThriftTransport *transport,
               gint64 idle_time,
               gint64 deadline,
               GCancellable *cancellable,
               gpointer user_data)
{
  PlainCheck *check = user_data;

  return check->hook (transport, idle_time, check->user_data);
}

static void
free_plain_check (gpointer data)
{
  PlainCheck *check = data;

  if (check->destroy != NULL)
    check->destroy (check->user_data);
  g_free (check);
}

/**
 * tally_pool_set_check_hook:
 * @self: a pool
 * @hook: (nullable) (scope notified) (closure user_data) (destroy destroy): examines connections instead of tally_socket_is_clean(); %NULL removes it
 * @user_data: what @hook is given
 * @destroy: (nullable): called with @user_data when the last call that may use it has returned, on any thread,
 *   never under a lock
 *
 * May be done while the pool is in use. After tally_pool_close() no hook runs. Of two callers that set
 * the same hook at once the later one wins. Thread-safe.
 */
void
tally_pool_set_check_hook (TallyPool *self,
                           TallyCheckHook hook,
                           gpointer user_data,
                           GDestroyNotify destroy)
{
  PlainCheck *check;

  g_return_if_fail (TALLY_IS_POOL (self));
  if (hook == NULL)
    {
      tally_pool_set_check_hook_full (self, NULL, NULL, NULL);
      return;
    }
  check = g_new (PlainCheck, 1);
  *check = (PlainCheck){ hook, user_data, destroy };
  tally_pool_set_check_hook_full (self, check_plainly, check, free_plain_check);
}

/**
 * tally_pool_set_check_hook_full:
 * @self: a pool
 * @hook: (nullable) (scope notified) (closure user_data) (destroy destroy): as for tally_pool_set_check_hook(), told how long it may take
 * @user_data: what @hook is given
 * @destroy: (nullable): as for tally_pool_set_check_hook()
 *
 * Sets the hook that tally_pool_set_check_hook() sets, in place of it. Thread-safe.
 *
 * Since: 0.2
 */
void
tally_pool_set_check_hook_full (TallyPool *self,
                                TallyCheckHookFull hook,
                                gpointer user_data,
                                GDestroyNotify destroy)
{
  g_return_if_fail (TALLY_IS_POOL (self));
  tally_core_set_hook (self->core, TALLY_HOOK_CHECK, G_CALLBACK (hook), user_data, destroy);
}

/**
 * tally_pool_set_reset_hook:
 * @self: a pool
 * @hook: (nullable) (scope notified) (closure user_data) (destroy destroy): undoes what borrowers did; %NULL removes it
 * @user_data: what @hook is given
 * @destroy: (nullable): called with @user_data when the last call that may use it has returned, on any thread,
 *   never under a lock
 *
 * May be done while the pool is in use. After tally_pool_close() no hook runs. Of two callers that set
 * the same hook at once the later one wins. Thread-safe.
 */
void
tally_pool_set_reset_hook (TallyPool *self,
                           TallyResetHook hook,
                           gpointer user_data,
                           GDestroyNotify destroy)
{
  g_return_if_fail (TALLY_IS_POOL (self));
  tally_core_set_hook (self->core, TALLY_HOOK_RESET, G_CALLBACK (hook), user_data, destroy);
}

/* ---- what is done to all buckets, or to one ---- */

/**
 * tally_pool_dup_bucket:
 * @self: a pool
 * @endpoint: where to
 *
 * Thread-safe; dials nothing.
 *
 * Returns: (transfer full): the part of @self that belongs to @endpoint
 */
TallyBucket *
tally_pool_dup_bucket (TallyPool *self, TallyEndpoint *endpoint)
{
  g_return_val_if_fail (TALLY_IS_POOL (self) && endpoint != NULL, NULL);
  return tally_core_dup_bucket (self->core, endpoint);
}

/**
 * tally_pool_clear:
 * @self: a pool
 *
 * Closes all idle connections, without looking at them; those that are busy or being dialed are
 * closed when they come back. What is dialed from now on is new: after a change of addresses, say.
 * Thread-safe.
 */
void
tally_pool_clear (TallyPool *self)
{
  g_autoptr (GPtrArray) buckets = NULL;

  g_return_if_fail (TALLY_IS_POOL (self));
  buckets = tally_core_dup_buckets (self->core);
  g_ptr_array_foreach (buckets, (GFunc) (GCallback) tally_bucket_clear, NULL);
}

/**
 * tally_pool_reset_backoff:
 * @self: a pool
 *
 * Forgets that dials have failed: the next borrow dials at once (rule 9). Thread-safe.
 */
void
tally_pool_reset_backoff (TallyPool *self)
{
  g_autoptr (GPtrArray) buckets = NULL;
  g_autoptr (GPtrArray) fleets = NULL;

  g_return_if_fail (TALLY_IS_POOL (self));
  buckets = tally_core_dup_buckets (self->core);
  g_ptr_array_foreach (buckets, (GFunc) (GCallback) tally_bucket_reset_backoff, NULL);
  fleets = tally_core_dup_fleets (self->core);
  g_ptr_array_foreach (fleets, (GFunc) (GCallback) tally_fleet_note_change, NULL);
}
