/* Owns an asynchronous call from its start to its callback: its arguments, encoded at once, its
 * connection, borrowed and given back, its one replay, its result. What happens on the connection is
 * async-exchange.c's. The steps are a call's (ARCHITECTURE.md, "A call"). */
#include "async-private.h"

#include <string.h>

#include "reply-private.h"
#include "tally-struct.h"

/* ---- life ---- */

static TallyAsyncCall *
async_call_new (TallyChannel *channel,
                const TallyMethod *method,
                gconstpointer args,
                const TallyCallOptions *options,
                GCancellable *cancellable)
{
  TallyAsyncCall *self = g_new0 (TallyAsyncCall, 1);
  guint n_results = method->result != NULL ? method->result->n_fields : 0;

  self->slots = g_new0 (TallyResultSlot, n_results);
  self->results = g_new (gpointer, n_results);
  for (guint i = 0; i < n_results; i++)
    self->results[i] = &self->slots[i];
  if (options != NULL)
    self->options = *options;
  tally_call_open (&self->call, g_object_ref (channel), method, args, self->results,
                   &self->options);
  if (cancellable != NULL)
    self->call.cancellable = cancellable;
  return self;
}

static void
async_call_free (gpointer data)
{
  TallyAsyncCall *self = data;
  const TallyStructInfo *result = self->call.method->result;

  for (guint i = 0; result != NULL && i < result->n_fields; i++)
    tally_value_clear (result->fields[i].type, &self->slots[i]);
  g_free (self->slots);
  g_free (self->results);
  tally_buffer_clear (&self->args);
  g_clear_error (&self->first_error);
  g_object_unref (self->call.channel);
  g_free (self);
}

/* ---- the end ---- */

static void
complete (TallyAsyncCall *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  if (error != NULL && self->first_error != NULL)
    error = tally_call_join_errors (&self->call, &self->first, g_steal_pointer (&self->first_error),
                                    error);
  if (error != NULL)
    error = tally_call_explain (&self->call, error);
  /* the exception that a declared error stands for is among the results */
  g_task_set_task_data (task, self, async_call_free);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void borrow (TallyAsyncCall *self, gint64 since);

/* FALSE when there is none: then @error is left to the caller. */
static gboolean
make_again (TallyAsyncCall *self, gboolean reused, GError *error)
{
  if (!reused || self->first_error != NULL || !tally_call_may_replay (&self->call, error))
    return FALSE;
  self->first = self->call;
  self->first_error = error;
  self->call.sent = TALLY_SENT_NOTHING;
  borrow (self, self->call.failed_at);
  return TRUE;
}

void
tally_async_call_end (TallyAsyncCall *self, gboolean clean, GError *error)
{
  gboolean reused = self->lease.reused;

  if (self->call.channel->unpooled)
    clean = FALSE; /* the connection was this call's own */
  self->socket = NULL;
  tally_bucket_release (self->call.channel->bucket, &self->lease,
                        clean ? TALLY_OUTCOME_CLEAN : TALLY_OUTCOME_BROKEN);
  if (error == NULL || !make_again (self, reused, error))
    complete (self, error);
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
on_borrowed (GObject *source, GAsyncResult *result, gpointer data)
{
  TallyAsyncCall *self = data;
  GError *error = NULL;

  if (tally_bucket_borrow_finish (self->call.channel->bucket, result, &self->lease, &error))
    use_lease (self);
  else
    complete (self, error);
}

/* A connection that is there at once is used at once, unless another thread is in the call's context. */
static void
borrow (TallyAsyncCall *self, gint64 since)
{
  const TallyCall *call = &self->call;
  GMainContext *context = g_main_context_ref (g_task_get_context (self->task));
  gboolean is_here = g_main_context_acquire (context);

  if (tally_bucket_borrow_soon (call->channel->bucket, call->label, since, call->deadline,
                                call->cancellable, is_here ? &self->lease : NULL, on_borrowed,
                                self))
    use_lease (self);
  if (is_here)
    g_main_context_release (context);
  g_main_context_unref (context);
}

/* ---- the start ---- */

/* Whether the call can be made at all. */
static gboolean
prepare (TallyAsyncCall *self, GError **error)
{
  const TallyCall *call = &self->call;

  if (call->channel->endpoint == NULL)
    return tally_call_refuse_without_endpoint (error);
  return tally_call_may_begin (call, error) && tally_call_write_args (call, &self->args, error);
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
  TallyAsyncCall *self = async_call_new (channel, method, args, options, cancellable);
  GError *error = NULL;

  self->task = g_task_new (source, self->call.cancellable, callback, user_data);
  g_task_set_source_tag (self->task, tally_async_call_start);
  /* What a call that was cancelled has to say of what was sent is better than what GTask would. */
  g_task_set_check_cancellable (self->task, FALSE);
  if (!prepare (self, &error))
    {
      complete (self, error);
      return;
    }
  self->call.seqid = tally_seqid_take (&channel->seqid);
  borrow (self, channel->unpooled ? TALLY_DIALED_NEVER_LENT : TALLY_DIALED_ANY_TIME);
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

/* ---- the result ---- */

/* What the caller's variable holds is freed; what it gets is its own. */
static void
hand_out (const TallyType *type, TallyResultSlot *slot, gpointer variable)
{
  if (variable == NULL)
    return;
  tally_value_clear (type, variable);
  memcpy (variable, slot, type->size);
  memset (slot, 0, sizeof *slot);
}

gboolean
tally_async_call_finish (gpointer source,
                         const TallyMethod *method,
                         GAsyncResult *result,
                         gpointer const *results,
                         GError **error)
{
  GTask *task = G_TASK (result);
  TallyAsyncCall *self;
  const TallyStructInfo *info;
  gboolean done;

  g_return_val_if_fail (g_task_is_valid (result, source), FALSE);
  g_return_val_if_fail (g_task_get_source_tag (task) == tally_async_call_start, FALSE);
  self = g_task_get_task_data (task);
  g_return_val_if_fail (method == self->call.method, FALSE); /* else the results are another's */
  info = self->call.method->result;
  done = g_task_propagate_boolean (task, error);
  for (guint i = 0; results != NULL && info != NULL && i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];

      /* of a call that failed the declared exception alone */
      if (done ? field->id == 0 : self->slots[i].pointer != NULL && self->call.declared)
        hand_out (field->type, &self->slots[i], results[i]);
    }
  return done;
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
