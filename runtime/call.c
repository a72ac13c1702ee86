/* Owns one call from its deadline to the release of its connection: ARCHITECTURE.md, "A call",
 * whose steps the comments name. It knows no address and no protocol's bytes. */
#include "call-steps-private.h"
#include "lease-internal.h"
#include "retry-private.h"
#include "server-words-private.h"
#include "socket-internal.h"

/* ---- step 1: the deadline ---- */

/* A call with a timeout of at least so many milliseconds begins by the clock that its bucket reads, which may be the coarse one and
 * lag by at most a tick. The tick is added, so that no call ends early. */
#define LONG_TIMEOUT 1000
#define COARSE_TICK (10 * G_TIME_SPAN_MILLISECOND)

/* One look at the clock is for the deadline and for the borrow. */
static inline void
fix_deadline (TallyCall *call)
{
  const gboolean is_short = call->timeout > 0 && call->timeout < LONG_TIMEOUT;

  if (G_UNLIKELY (is_short || call->bucket == NULL))
    call->began = g_get_monotonic_time ();
  else
    call->began = tally_bucket_get_time (call->bucket);
  if (call->timeout <= 0)
    call->deadline = -1;
  else
    call->deadline =
        call->began + call->timeout * G_TIME_SPAN_MILLISECOND + (is_short ? 0 : COARSE_TICK);
}

static TALLY_COLD void
apply_options (TallyCall *call, const TallyCallOptions *options)
{
  if (options->label != NULL)
    call->label = options->label;
  if (options->reply_headers != NULL)
    tally_headers_clear (options->reply_headers);
  call->cancellable = options->cancellable;
  if (options->timeout != 0 || options->deadline > 0)
    call->timeout = MAX (options->timeout, 0);
  fix_deadline (call);
  if (options->deadline > 0 && (call->deadline < 0 || call->deadline > options->deadline))
    {
      gint64 left = (options->deadline - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND;

      call->deadline = options->deadline;
      call->timeout = CLAMP (left, 1, G_MAXINT);
    }
}

/* ---- step 4: request and reply ---- */

/* Inlined for the common path's sake, though it has other callers. @info: NULL, where that is known when this
 * is compiled, costs a call without interceptors nothing; so it is below. */
static inline __attribute__ ((always_inline)) gboolean
receive (TallyCall *call, TallyCallInfo *info, TallySocket *socket, gboolean *clean, GError **error)
{
  TallyIncoming incoming;
  gboolean done;

  if (!tally_incoming_open (&incoming, socket, call->channel->framing, &call->limits, error))
    {
      if (info != NULL)
        tally_call_note_torn (info, socket);
      return FALSE;
    }
  if (info != NULL && info->keeps_messages)
    incoming.kept = g_byte_array_new ();
  done = tally_call_read (call, &incoming.reader, error);
  if (info != NULL)
    tally_call_note_reply (info, &incoming);
  if (G_LIKELY (call->answered))
    *clean = tally_incoming_close (&incoming);
  return done;
}

/* A peer may refuse a request and end the connection before it has read all of it. A call that
 * cannot send on reads what the peer has sent, which is all that will come. TRUE, or FALSE with
 * another @error, when that answers the call. */
static TALLY_COLD gboolean
read_last_words (TallyCall *call, TallyCallInfo *info, TallySocket *socket, GError **error)
{
  GError *said = NULL;
  gboolean clean;
  gboolean done;

  tally_socket_set_limits (socket, 0, NULL);
  done = receive (call, info, socket, &clean, &said);
  if (!call->answered)
    {
      g_error_free (said);
      return FALSE;
    }
  g_clear_error (error);
  if (said != NULL)
    g_propagate_error (error, said);
  return done;
}

/* The request could not be sent, or not all of it. */
static TALLY_COLD gboolean
go_on_unsent (TallyCall *call, TallyCallInfo *info, TallySocket *socket, GError **error)
{
  gsize length;
  gsize sent = tally_socket_get_sent (socket, &length);

  tally_call_set_sent (call, sent, length);
  return sent > 0 && !call->method->oneway && (*error)->domain == TALLY_ERROR
         && read_last_words (call, info, socket, error);
}

/* Steps 3 to 6 on a connection that is this call's alone. @clean: whether it may serve again.
 * @error is never NULL in these functions. */
static inline __attribute__ ((always_inline)) gboolean
exchange_with (
    TallyCall *call, TallyCallInfo *info, TallySocket *socket, gboolean *clean, GError **error)
{
  *clean = TRUE;
  if (!tally_call_write (call, tally_socket_get_output (socket), error))
    return FALSE;
  *clean = FALSE;
  if (info != NULL)
    tally_call_note_request (call, info, tally_socket_get_output (socket));
  tally_socket_set_final_limits (socket, call->deadline, call->cancellable);
  if (G_UNLIKELY (!tally_socket_send_counted (socket, error)))
    return go_on_unsent (call, info, socket, error);
  if (info != NULL)
    tally_call_info_note_sent (info);
  if (call->method->oneway)
    {
      *clean = TRUE; /* should a reply come all the same, the next borrow's check finds it */
      return TRUE;
    }
  if (G_LIKELY (receive (call, info, socket, clean, error)))
    return TRUE;
  if (call->sent != TALLY_SENT_REFUSED)
    call->sent = TALLY_SENT_ALL;
  *clean = *clean && tally_call_may_go_on (call, socket);
  return FALSE;
}

static G_GNUC_NO_INLINE gboolean
exchange_watched (
    TallyCall *call, TallyCallInfo *info, TallySocket *socket, gboolean *clean, GError **error)
{
  return exchange_with (call, info, socket, clean, error);
}

/* ---- steps 2 and 7: borrowing and releasing ---- */

/* The pool's transports are sockets unless the program's own dial hook made something else. */
static TALLY_COLD TallySocket *
refuse_transport (ThriftTransport *transport, GError **error)
{
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED,
               "the pool's connection is a %s, not a TallySocket", G_OBJECT_TYPE_NAME (transport));
  return NULL;
}

TallySocket *
tally_call_get_socket (const TallyLease *lease, GError **error)
{
  TallySocket *socket = tally_lease_get_socket (lease);

  return G_LIKELY (socket != NULL) ? socket : refuse_transport (lease->transport, error);
}

static gint64
find_since (const TallyCall *call, TallyWanted wanted)
{
  if (wanted == TALLY_WANTED_FRESH)
    return call->failed_at;
  return wanted == TALLY_WANTED_UNUSED ? TALLY_DIALED_NEVER_LENT : TALLY_DIALED_ANY_TIME;
}

/* Anything but TALLY_WANTED_ANY. */
static TALLY_COLD gboolean
borrow_other (const TallyCall *call, TallyWanted wanted, TallyLease *lease, GError **error)
{
  TallyBucket *bucket = call->bucket;

  if (call->route != NULL)
    return tally_bucket_borrow_or_go_on (bucket, call->label, find_since (call, wanted),
                                         call->deadline, call->cancellable, lease, error);
  if (wanted == TALLY_WANTED_UNUSED)
    return tally_bucket_borrow_unused (bucket, call->label, call->deadline, call->cancellable,
                                       lease, error);
  return tally_bucket_borrow_dialed_since (bucket, call->label, call->failed_at, call->deadline,
                                           call->cancellable, lease, error);
}

/* One attempt: borrow, exchange, release. @reused: whether its connection had served before.
 * Inlined, because after a system call that switched tasks every return to an older frame is
 * mispredicted. */
static inline __attribute__ ((always_inline)) gboolean
attempt (TallyCall *call, TallyCallInfo *info, TallyWanted wanted, gboolean *reused, GError **error)
{
  TallyBucket *bucket = call->bucket;
  TallyLease lease;
  TallySocket *socket;
  gboolean clean = FALSE;
  gboolean done = FALSE;

  if (info != NULL)
    info->attempts++;
  *reused = FALSE;
  if (G_UNLIKELY (wanted != TALLY_WANTED_ANY
                      ? !borrow_other (call, wanted, &lease, error)
                      : !tally_bucket_borrow_at (bucket, call->began, call->label, call->deadline,
                                                 call->cancellable, &lease, error)))
    return FALSE;
  *reused = lease.reused;
  socket = tally_call_get_socket (&lease, error);
  if (G_UNLIKELY (lease.shared && socket != NULL))
    done = info == NULL
               ? tally_call_exchange_shared (call, &lease, socket, &clean, error)
               : tally_call_exchange_shared_watched (call, info, &lease, socket, &clean, error);
  else if (G_LIKELY (socket != NULL))
    done = info == NULL ? exchange_with (call, NULL, socket, &clean, error)
                        : exchange_watched (call, info, socket, &clean, error);
  if (call->channel->unpooled)
    {
      done = tally_call_end_unpooled (call, socket, done, error);
      clean = FALSE; /* the connection was this call's own */
    }
  tally_bucket_release (bucket, &lease, clean ? TALLY_OUTCOME_CLEAN : TALLY_OUTCOME_BROKEN);
  return done;
}

TALLY_COLD gboolean
tally_call_attempt (
    TallyCall *call, TallyCallInfo *info, TallyWanted wanted, gboolean *reused, GError **error)
{
  call->began = tally_bucket_get_time (call->bucket);
  return attempt (call, info, wanted, reused, error);
}

/* ---- pool rule 13: the one replay ---- */

TALLY_COLD gboolean
tally_call_is_idempotent (const TallyCall *call)
{
  if (call->options == NULL || call->options->idempotence == TALLY_IDEMPOTENCE_OF_METHOD)
    return call->method->idempotent;
  return call->options->idempotence == TALLY_IDEMPOTENCE_YES;
}

TALLY_COLD gboolean
tally_call_may_replay (const TallyCall *call, const GError *error)
{
  return g_error_matches (error, TALLY_ERROR, TALLY_ERROR_NOT_SENT)
         || (tally_call_is_idempotent (call)
             && g_error_matches (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST));
}

/* (nullable): the error of a call that failed with @first and may be made once more. */
static TALLY_COLD GError *
replay (TallyCall *call, TallyCallInfo *info, GError *first)
{
  const TallyCall before = *call;
  GError *second = NULL;
  gboolean reused;

  call->sent = TALLY_SENT_NOTHING;
  if (!tally_call_attempt (call, info, TALLY_WANTED_FRESH, &reused, &second))
    return tally_call_join_errors (call, &before, first, second);
  g_error_free (first);
  return NULL;
}

/* (nullable): the error of a call, which may be made twice. Inlined for the common path's sake, as what it calls. */
static inline __attribute__ ((always_inline)) GError *
run (TallyCall *call, TallyCallInfo *info)
{
  GError *error = NULL;
  gboolean reused;

  if (G_LIKELY (attempt (call, info,
                         call->channel->unpooled ? TALLY_WANTED_UNUSED : TALLY_WANTED_ANY, &reused,
                         &error)))
    return NULL;
  return reused && tally_call_may_replay (call, error) ? replay (call, info, error) : error;
}

TALLY_COLD GError *
tally_call_run (TallyCall *call, TallyCallInfo *info)
{
  call->seqid = tally_seqid_take (&call->channel->seqid);
  if (call->route != NULL)
    return tally_call_run_on_route (call, info);
  call->began = tally_bucket_get_time (call->bucket);
  return run (call, info);
}

/* One by one, as all of a call's fields are set. */
static inline void
channel_get_limits (TallyChannel *self, TallyLimits *limits)
{
  limits->max_message = __atomic_load_n (&self->max_message, __ATOMIC_RELAXED);
  limits->max_depth = __atomic_load_n (&self->max_depth, __ATOMIC_RELAXED);
  limits->strict = __atomic_load_n (&self->strict, __ATOMIC_RELAXED);
  limits->max_memory = __atomic_load_n (&self->max_memory, __ATOMIC_RELAXED);
  limits->as_apache = FALSE;
}

static inline void
open_call (TallyCall *self,
           TallyChannel *channel,
           const TallyMethod *method,
           gconstpointer args,
           gpointer const *results,
           const TallyCallOptions *options)
{
  self->channel = channel;
  self->bucket = channel->bucket;
  self->route = NULL;
  self->codec = channel->codec;
  self->method = method;
  self->args = args;
  self->results = results;
  self->options = options;
  self->label = method->name;
  self->timeout = g_atomic_int_get (&channel->timeout);
  self->cancellable = NULL;
  channel_get_limits (channel, &self->limits);
  tally_call_init_outcome (self);
  if (G_UNLIKELY (options != NULL))
    apply_options (self, options);
  else
    fix_deadline (self);
}

void
tally_call_open (TallyCall *self,
                 TallyChannel *channel,
                 const TallyMethod *method,
                 gconstpointer args,
                 gpointer const *results,
                 const TallyCallOptions *options)
{
  open_call (self, channel, method, args, results, options);
}

/* Six arguments, so that a client's call ends in a jump here. */
gboolean
tally_channel_make_call (TallyChannel *self,
                         const TallyMethod *method,
                         gconstpointer args,
                         gpointer const *results,
                         const TallyCallOptions *options,
                         GError **error)
{
  TallyCall call;
  GError *local_error = NULL;

  if (tally_retry_may_be_wanted (self, options)
      || G_UNLIKELY (!tally_interceptors_is_empty (&self->interceptors)))
    return tally_retry_make_call (self, method, args, results, options, error);
  open_call (&call, self, method, args, results, options);
  call.seqid = tally_seqid_take (&self->seqid);
  if (G_LIKELY (options == NULL) || tally_call_may_begin (&call, &local_error))
    local_error = run (&call, NULL);
  if (G_LIKELY (local_error == NULL))
    return TRUE;
  g_propagate_error (error, tally_call_explain (&call, local_error));
  return FALSE;
}

/**
 * tally_channel_call: (skip)
 * @self: a channel
 * @method: the method's table
 * @args: the arguments' C struct, as @method's table describes it
 * @results: (nullable): for each field of @method's result table, in its order, a pointer
 *   (nullable) to the caller's variable
 * @timeout: milliseconds for this call in all its steps; 0 = no limit, -1 = the channel's
 * @cancellable: (nullable): ends the call early
 * @error: return location
 *
 * Makes one call: borrows a connection, sends the request, receives and validates the reply,
 * releases the connection as clean or broken.
 *
 * A number is written to its variable; a string's or binary's old value is freed and replaced; a
 * struct or container is filled in place, or allocated when the variable holds %NULL. A declared
 * exception's variable, which starts %NULL, receives the object (transfer full). When the call
 * fails no variable is touched but two: an exception's, and a struct or container that was filled
 * in place when its reply proved malformed half way, which then holds what had been read.
 *
 * A call whose reused connection proved dead is made once more on a new one if no byte of the
 * request was sent, or if the method is idempotent, within the same deadline (pool rule 13).
 *
 * May be called by any number of threads at once; blocks the calling one and runs no main context.
 *
 * Returns: %TRUE, or %FALSE with @error set. A declared exception is (its own domain, 0, its name).
 *   Of %THRIFT_APPLICATION_EXCEPTION_ERROR are what the server says instead of a result, with the
 *   code it sent, and a reply that does not match:
 *   %THRIFT_APPLICATION_EXCEPTION_ERROR_WRONG_METHOD_NAME, BAD_SEQUENCE_ID, INVALID_MESSAGE_TYPE,
 *   MISSING_RESULT. %THRIFT_PROTOCOL_ERROR is a malformed reply. %TALLY_ERROR has the rest, and
 *   %G_IO_ERROR_CANCELLED; their messages say whether the server may have executed the call. All
 *   but the first name the method and the endpoint
 */
gboolean
tally_channel_call (TallyChannel *self,
                    const TallyMethod *method,
                    gconstpointer args,
                    gpointer const *results,
                    gint timeout,
                    GCancellable *cancellable,
                    GError **error)
{
  const TallyCallOptions options = { .timeout = timeout == 0 ? -1 : MAX (timeout, 0),
                                     .cancellable = cancellable };

  return tally_channel_call_with (self, method, args, results, &options, error);
}

/**
 * tally_channel_call_with: (skip)
 * @self: a channel
 * @method: the method's table
 * @args: as for tally_channel_call()
 * @results: (nullable): as for tally_channel_call()
 * @options: (nullable): what is special about this call
 * @error: return location
 *
 * tally_channel_call() with options.
 *
 * Returns: %TRUE, or %FALSE as tally_channel_call(); %TALLY_ERROR_TIMED_OUT also for a call whose
 *   deadline had passed before it began
 */
gboolean
tally_channel_call_with (TallyChannel *self,
                         const TallyMethod *method,
                         gconstpointer args,
                         gpointer const *results,
                         const TallyCallOptions *options,
                         GError **error)
{
  g_return_val_if_fail (TALLY_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (method != NULL && (args != NULL || method->args->n_fields == 0), FALSE);
  return tally_channel_make_call (self, method, args, results, options, error);
}
