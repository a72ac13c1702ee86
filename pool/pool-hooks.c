/* Owns the user's functions that a pool calls: when they may run, and that none runs after
 * close. */
#include "hooks-private.h"

#include "bucket-private.h"

static TALLY_THREAD_LOCAL TallyFrame *frames;
/* The pool that this thread balances: it sees by itself what it causes there. */
static TALLY_THREAD_LOCAL TallyPoolCore *balancing;

TallyPoolCore *
tally_frame_swap_balancing (TallyPoolCore *core)
{
  TallyPoolCore *outer = balancing;

  balancing = core;
  return outer;
}

/* Foreign code that runs while this thread balances a pool may cause more to be balanced. */
void
tally_frame_push (TallyFrame *frame, TallyPoolCore *core)
{
  *frame = (TallyFrame){ core, tally_frame_swap_balancing (NULL), frames };
  frames = frame;
}

void
tally_frame_pop (TallyFrame *frame)
{
  frames = frame->outer;
  tally_frame_swap_balancing (frame->balancing);
}

TallyHook *
tally_hook_new (GCallback function, gpointer data, GDestroyNotify destroy)
{
  TallyHook *hook;

  if (function == NULL)
    return NULL;
  hook = g_new (TallyHook, 1);
  *hook = (TallyHook){ 1, function, data, destroy };
  return hook;
}

TallyHook *
tally_hook_ref (TallyHook *hook)
{
  if (hook != NULL)
    __atomic_add_fetch (&hook->ref_count, 1, __ATOMIC_RELAXED);
  return hook;
}

/* Calls the user's destroy function: not under any lock. */
void
tally_hook_unref (TallyHook *hook)
{
  if (hook == NULL || __atomic_sub_fetch (&hook->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  if (hook->destroy != NULL)
    hook->destroy (hook->data);
  g_free (hook);
}

/* With the bucket's lock: the hook to call, or NULL when there is none or the pool is closed. Close
 * waits for it from now on. The caller unlocks without tally_bucket_work_and_unlock () and calls
 * it: that might run a handler that closes the pool. */
TallyHook *
tally_bucket_take_hook_locked (TallyBucket *bucket, TallyHookKind kind)
{
  TallyHook *hook = bucket->hooks[kind];

  if (hook == NULL || bucket->policy.closed)
    return NULL;
  __atomic_add_fetch (&bucket->core->n_hooks, 1, __ATOMIC_ACQ_REL);
  return tally_hook_ref (hook);
}

/* tally_bucket_take_hook_locked (), not under any lock. */
TallyHook *
tally_bucket_take_hook (TallyBucket *bucket, TallyHookKind kind)
{
  TallyHook *hook;

  pthread_mutex_lock (&bucket->lock);
  hook = tally_bucket_take_hook_locked (bucket, kind);
  pthread_mutex_unlock (&bucket->lock);
  return hook;
}

/* For foreign code that is no hook of a bucket: FALSE once close is about to return. */
gboolean
tally_hooks_begin (TallyPoolCore *core)
{
  __atomic_add_fetch (&core->n_hooks, 1, __ATOMIC_SEQ_CST);
  if (!__atomic_load_n (&core->hooks_ended, __ATOMIC_SEQ_CST))
    return TRUE;
  tally_hooks_end (core);
  return FALSE;
}

/* The lock is a whole pool's, and so taken only where a close may wait. One that begins after this has looked finds
 * the hook gone. */
void
tally_hooks_end (TallyPoolCore *core)
{
  __atomic_sub_fetch (&core->n_hooks, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n (&core->closed, __ATOMIC_SEQ_CST))
    tally_core_changed (core);
}

guint
tally_hooks_count_mine (TallyPoolCore *core)
{
  guint count = 0;

  for (TallyFrame *frame = frames; frame != NULL; frame = frame->outer)
    count += frame->core == core;
  return count;
}

ThriftTransport *
tally_hook_dial (TallyBucket *bucket,
                 TallyHook *hook,
                 gint64 deadline,
                 GCancellable *cancellable,
                 GError **error)
{
  TallyFrame frame;
  ThriftTransport *transport;

  tally_frame_push (&frame, bucket->core);
  transport =
      ((TallyDialHook) hook->function) (bucket->endpoint, deadline, cancellable, hook->data, error);
  tally_hook_unref (hook);
  tally_frame_pop (&frame);
  tally_hooks_end (bucket->core);
  if (transport == NULL && error != NULL && *error == NULL)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                 "%s: the dial hook failed without an error",
                 tally_endpoint_get_uri (bucket->endpoint));
  return transport;
}

gboolean
tally_hook_check (TallyBucket *bucket,
                  TallyHook *hook,
                  ThriftTransport *transport,
                  gint64 idle_time,
                  gint64 deadline,
                  GCancellable *cancellable)
{
  TallyFrame frame;
  gboolean alive;

  tally_frame_push (&frame, bucket->core);
  alive = ((TallyCheckHookFull) hook->function) (transport, idle_time, deadline, cancellable,
                                                 hook->data);
  tally_hook_unref (hook);
  tally_frame_pop (&frame);
  tally_hooks_end (bucket->core);
  return alive;
}

gboolean
tally_hook_reset (TallyBucket *bucket, TallyHook *hook, ThriftTransport *transport)
{
  TallyFrame frame;
  gboolean usable;

  tally_frame_push (&frame, bucket->core);
  usable = ((TallyResetHook) hook->function) (transport, hook->data);
  tally_hook_unref (hook);
  tally_frame_pop (&frame);
  tally_hooks_end (bucket->core);
  return usable;
}
