/* Owns an asynchronous call from its start to its callback: its arguments, encoded at once, its
 * connection, borrowed and given back, its one replay, its result. What happens on the connection is
 * async-exchange.c's. The steps are a call's (ARCHITECTURE.md, "A call"). */
#include "async-private.h"

#include "hedge-private.h"
#include "reply-private.h"
#include "retry-private.h"

/* ---- the end ---- */

void
tally_async_call_tell (TallyAsyncCall *self, GError *error)
{
  if (G_UNLIKELY (self->is_part))
    {
      tally_async_call_complete (self, error);
      return;
    }
  if (error != NULL)
    error = self->retry != NULL ? tally_async_retry_explain (self->retry, &self->call, error)
                                : tally_call_explain (&self->call, error);
  if (self->info != NULL)
    tally_call_end_watched (&self->call, g_steal_pointer (&self->info), error);
  tally_async_call_complete (self, error);
}

void
tally_async_call_attempted (TallyAsyncCall *self, GError *error)
{
  if (error != NULL && self->first_error != NULL)
    error = tally_call_join_errors (&self->call, self->first, g_steal_pointer (&self->first_error),
                                    error);
  if (error != NULL && self->call.route != NULL)
    error = tally_call_tell_route (&self->call, error);
  if (error == NULL || self->retry == NULL || !tally_async_retry_again (self, error))
    tally_async_call_tell (self, error);
}

static void borrow (TallyAsyncCall *self, gint64 since);

/* FALSE when there is none: then @error is left to the caller. */
static gboolean
make_again (TallyAsyncCall *self, gboolean reused, GError *error)
{
  if (!reused || self->first_error != NULL || !tally_call_may_replay (&self->call, error))
    return FALSE;
  if (self->first == NULL)
    self->first = g_new (TallyCall, 1);
  *self->first = self->call;
  self->first_error = error;
  self->call.sent = TALLY_SENT_NOTHING;
  borrow (self, self->call.failed_at);
  return TRUE;
}

/* At the endpoint that the call has been given, after another one. */
static void
borrow_next (TallyAsyncCall *self)
{
  gint64 since = self->call.channel->unpooled ? TALLY_DIALED_NEVER_LENT : TALLY_DIALED_ANY_TIME;

  tally_call_init_outcome (&self->call);
  borrow (self, self->first_error != NULL ? 0 : since);
}

static void
on_ready (gpointer data)
{
  TallyAsyncCall *self = data;
  GError *error = NULL;

  self->is_here = TRUE;
  if (tally_call_begin_round (&self->call, self->info, &error))
    borrow_next (self);
  else
    tally_async_call_attempted (self, error);
}

/* make_again () where there are several endpoints: at another one, if it was not executed, or after a wait for one. */
static gboolean
move_on (TallyAsyncCall *self, gboolean reused, GError *error)
{
  TallyCall *call = &self->call;

  if (tally_call_may_move_on (call, error))
    {
      gboolean is_given = tally_call_take_next (call, self->info);

      if (is_given
          || tally_route_await (call->route, self->context, call->deadline, call->cancellable,
                                on_ready, self))
        {
          g_error_free (error);
          if (is_given)
            borrow_next (self);
          return TRUE;
        }
    }
  if (reused && self->first_error == NULL && tally_call_may_replay (call, error))
    tally_call_take_next (call, self->info);
  return make_again (self, reused, error);
}

/* @error: (transfer full) (nullable). */
static void
end_attempt (TallyAsyncCall *self, gboolean reused, GError *error)
{
  gboolean is_over;

  if (G_LIKELY (self->call.route == NULL))
    is_over = error == NULL || !make_again (self, reused, error);
  else
    {
      tally_call_leave_endpoint (&self->call, error);
      is_over = error == NULL || !move_on (self, reused, error);
    }
  if (is_over)
    tally_async_call_attempted (self, error);
}

void
tally_async_call_end (TallyAsyncCall *self, gboolean clean, GError *error)
{
  gboolean reused = self->lease.reused;

  if (self->call.channel->unpooled)
    clean = FALSE; /* the connection was this call's own */
  self->socket = NULL;
  tally_bucket_release (self->call.bucket, &self->lease,
                        clean ? TALLY_OUTCOME_CLEAN : TALLY_OUTCOME_BROKEN);
  end_attempt (self, reused, error);
}

/* ---- the connection ---- */

/* In the call's context, by its thread. */
static void
use_lease (TallyAsyncCall *self)
{
  GError *error = NULL;

  self->socket = tally_call_get_socket (&self->lease, &error);
  if (self->socket == NULL)
    tally_async_call_end (self, FALSE, error);
  else if (self->lease.shared)
    tally_async_exchange_shared (self);
  else
    tally_async_exchange (self);
}

static void
on_borrowed (const TallyLease *lease, GError *error, gpointer data)
{
  TallyAsyncCall *self = data;

  self->is_here = TRUE;
  self->lease = *lease;
  if (error == NULL)
    use_lease (self);
  else
    end_attempt (self, FALSE, error);
}

/* A connection that is there at once is used at once, unless another thread is in the call's context. */
static void
borrow (TallyAsyncCall *self, gint64 since)
{
  const TallyCall *call = &self->call;

  if (self->info != NULL)
    self->info->attempts++;
  if (tally_bucket_borrow_soon (call->bucket, call->label, since, call->deadline,
                                call->route != NULL, call->cancellable,
                                self->is_here ? &self->lease : NULL, self->context, on_borrowed,
                                self))
    use_lease (self);
}

/* ---- the start ---- */

static TALLY_COLD void
add_policy (TallyAsyncCall *self)
{
  TallyRetryPolicy *policy = tally_retry_find_policy (self->call.channel, &self->options);

  if (policy != NULL)
    self->retry = tally_async_retry_new (self->call.channel, policy);
}

/* Whether the call can be made at all. */
static gboolean
prepare (TallyAsyncCall *self, GError **error)
{
  TallyCall *call = &self->call;

  if (!tally_interceptors_is_empty (&call->channel->interceptors)
      && !tally_call_begin_watched (call, &self->info, error))
    return FALSE;
  if (call->channel->endpoint == NULL)
    return tally_call_refuse_without_endpoint (error);
  if (G_UNLIKELY (call->options != NULL || call->cancellable != NULL)
      && !tally_call_may_begin (call, error))
    return FALSE;
  if (!tally_call_write_args (call, &self->args, error))
    return FALSE;
  if (tally_retry_may_be_wanted (call->channel, call->options))
    add_policy (self);
  return TRUE;
}

static void
borrow_first (TallyAsyncCall *self)
{
  borrow (self, self->call.channel->unpooled ? TALLY_DIALED_NEVER_LENT : TALLY_DIALED_ANY_TIME);
}

static void
enter_route (TallyAsyncCall *self)
{
  GError *error = NULL;

  if (tally_call_enter_route (&self->call, self->info, &error))
    borrow_next (self);
  else
    tally_async_call_attempted (self, error);
}

static void
on_listed (gpointer data)
{
  TallyAsyncCall *self = data;

  self->is_here = TRUE;
  enter_route (self);
}

/* An attempt where there are several endpoints: when it is known which. */
static void
attempt_on_route (TallyAsyncCall *self)
{
  TallyCall *call = &self->call;
  TallyFleet *fleet = call->channel->fleet;

  if (call->route == NULL)
    call->route = tally_route_new (fleet);
  if (G_UNLIKELY (tally_fleet_must_wait (fleet)))
    tally_fleet_await (fleet, self->context, call->deadline, call->cancellable, on_listed, self);
  else
    enter_route (self);
}

void
tally_async_call_attempt (TallyAsyncCall *self)
{
  TallyChannel *channel = self->call.channel;

  if (G_UNLIKELY (self->retry != NULL)
      && tally_hedge_is_wanted (tally_async_retry_get (self->retry)->policy, &self->call))
    {
      tally_hedge_begin (self);
      return;
    }
  self->call.seqid = tally_seqid_take (&channel->seqid);
  if (G_UNLIKELY (channel->fleet != NULL))
    attempt_on_route (self);
  else
    borrow_first (self);
}

/* A call that is not over may be another thread's when it has started: then it is kept for as long as that takes. */
static inline void
start_attempts (TallyAsyncCall *self, gboolean is_prepared, GError *error)
{
  gboolean is_kept = !self->is_here;

  if (is_prepared)
    tally_async_call_attempt (self);
  else
    tally_async_call_tell (self, error);
  __atomic_store_n (&self->has_started, TRUE, __ATOMIC_RELEASE);
  if (is_kept)
    g_object_unref (self);
}

void
tally_async_call_start (TallyChannel *channel,
                        gpointer source,
                        const TallyMethod *method,
                        gconstpointer args,
                        const TallyCallOptions *options,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  TallyAsyncCall *self = tally_async_call_new (channel, source, method, args, options, cancellable,
                                               callback, user_data);
  GError *error = NULL;
  gboolean is_prepared = prepare (self, &error);
  GMainContext *acquired = NULL; /* what this thread does not dispatch already */

  if (G_LIKELY (tally_async_is_dispatching (self->context)))
    self->is_here = TRUE;
  else
    {
      self->is_here = g_main_context_acquire (self->context);
      if (self->is_here)
        acquired = g_main_context_ref (self->context);
      else
        g_object_ref (self); /* the thread that is in the context may end it */
    }
  start_attempts (self, is_prepared, error);
  if (acquired != NULL)
    {
      g_main_context_release (acquired);
      g_main_context_unref (acquired);
    }
}

/**
 * tally_channel_call_async: (skip)
 * @self: a channel
 * @method: the method's table
 * @args: the arguments' C struct; it is encoded before this returns
 * @options: (nullable): what is special about this call; its label must outlive it
 * @cancellable: (nullable): ends it early; goes before that of @options
 * @callback: called when it is over, in the caller's thread-default main context, never before this
 *   returned
 * @user_data: for @callback
 *
 * tally_channel_call_with() that does not block: no thread waits for the reply, but the main context that is
 * the caller's thread default one, which must be iterated. Its time runs from now on. Thread-safe.
 */
void
tally_channel_call_async (TallyChannel *self,
                          const TallyMethod *method,
                          gconstpointer args,
                          const TallyCallOptions *options,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (TALLY_IS_CHANNEL (self));
  g_return_if_fail (method != NULL && (args != NULL || method->args->n_fields == 0));
  tally_async_call_start (self, self, method, args, options, cancellable, callback, user_data);
}

/**
 * tally_channel_call_finish: (skip)
 * @self: the channel
 * @method: the method's table
 * @result: what the callback was given
 * @results: (nullable): as for tally_channel_call(), but what a variable holds is always freed and
 *   replaced, never filled in place
 * @error: return location
 *
 * Hands out what tally_channel_call_async() came to; once.
 *
 * Returns: %TRUE, or %FALSE as tally_channel_call_with()
 */
gboolean
tally_channel_call_finish (TallyChannel *self,
                           const TallyMethod *method,
                           GAsyncResult *result,
                           gpointer const *results,
                           GError **error)
{
  return tally_async_call_finish (self, method, result, results, error);
}
