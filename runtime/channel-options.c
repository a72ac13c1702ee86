/* Owns what can be set of a channel at any time, by any thread: limits of its calls, interceptors. */
#include "channel-private.h"
#include "tally-interceptor.h"

/* Handlers run on the thread that sets. */
static void
set_number (TallyChannel *self, gint *place, gint value, const gchar *name)
{
  if (__atomic_exchange_n (place, value, __ATOMIC_SEQ_CST) != value)
    g_object_notify (G_OBJECT (self), name);
}

/**
 * tally_channel_set_timeout:
 * @self: a channel
 * @milliseconds: what a call may take in all its steps, at most %G_MAXINT; 0 = no limit
 *
 * Applies to calls that begin from now on. Thread-safe.
 */
void
tally_channel_set_timeout (TallyChannel *self, guint milliseconds)
{
  g_return_if_fail (TALLY_IS_CHANNEL (self));
  set_number (self, &self->timeout, (gint) MIN (milliseconds, G_MAXINT), "timeout");
}

/**
 * tally_channel_get_timeout:
 * @self: a channel
 *
 * Thread-safe.
 *
 * Returns: milliseconds that a call may take in all its steps; 0 = no limit. Default 30,000
 */
guint
tally_channel_get_timeout (TallyChannel *self)
{
  g_return_val_if_fail (TALLY_IS_CHANNEL (self), 0);
  return g_atomic_int_get (&self->timeout);
}

/**
 * tally_channel_set_max_message_size:
 * @self: a channel
 * @bytes: at least 1 and at most %G_MAXINT
 *
 * What a request or a reply may have. A longer request is %TALLY_ERROR_LIMIT and nothing is sent; a
 * longer reply is %THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, found before memory is taken for it.
 * Thread-safe.
 */
void
tally_channel_set_max_message_size (TallyChannel *self, guint bytes)
{
  g_return_if_fail (TALLY_IS_CHANNEL (self));
  g_return_if_fail (bytes > 0 && bytes <= G_MAXINT);
  set_number (self, &self->max_message, (gint) bytes, "max-message-size");
}

/**
 * tally_channel_get_max_message_size:
 * @self: a channel
 *
 * Thread-safe.
 *
 * Returns: bytes that a request or a reply may have. Default 16 MiB
 */
guint
tally_channel_get_max_message_size (TallyChannel *self)
{
  g_return_val_if_fail (TALLY_IS_CHANNEL (self), 0);
  return g_atomic_int_get (&self->max_message);
}

/**
 * tally_channel_set_max_message_memory:
 * @self: a channel
 * @bytes: what a reply may take; 0 = 16 times the message size
 *
 * Counts what a reply takes in memory while it is decoded: structs, containers, strings, with what the
 * allocator needs for each. One that would take more is %THRIFT_PROTOCOL_ERROR_SIZE_LIMIT.
 * Thread-safe.
 */
void
tally_channel_set_max_message_memory (TallyChannel *self, guint64 bytes)
{
  g_return_if_fail (TALLY_IS_CHANNEL (self));
  g_return_if_fail (bytes <= G_MAXSIZE);
  if (__atomic_exchange_n (&self->max_memory, (gsize) bytes, __ATOMIC_RELAXED) != bytes)
    g_object_notify (G_OBJECT (self), "max-message-memory");
}

/**
 * tally_channel_get_max_message_memory:
 * @self: a channel
 *
 * Thread-safe.
 *
 * Returns: bytes of memory that a reply may take once decoded; 0, the default: 16 times the message size
 *
 * Since: 0.2
 */
guint64
tally_channel_get_max_message_memory (TallyChannel *self)
{
  g_return_val_if_fail (TALLY_IS_CHANNEL (self), 0);
  return __atomic_load_n (&self->max_memory, __ATOMIC_RELAXED);
}

/**
 * tally_channel_set_max_depth:
 * @self: a channel
 * @depth: 1 to 1,024
 *
 * How deep structs and containers may be nested in a reply, those that are skipped included. One that
 * is deeper is %THRIFT_PROTOCOL_ERROR_DEPTH_LIMIT. Thread-safe.
 */
void
tally_channel_set_max_depth (TallyChannel *self, guint depth)
{
  g_return_if_fail (TALLY_IS_CHANNEL (self));
  g_return_if_fail (depth > 0 && depth <= TALLY_MAX_DEPTH_MAX);
  set_number (self, &self->max_depth, (gint) depth, "max-depth");
}

/**
 * tally_channel_get_max_depth:
 * @self: a channel
 *
 * Thread-safe.
 *
 * Returns: how deep structs and containers may be nested in a reply. Default 64
 *
 * Since: 0.2
 */
guint
tally_channel_get_max_depth (TallyChannel *self)
{
  g_return_val_if_fail (TALLY_IS_CHANNEL (self), 0);
  return g_atomic_int_get (&self->max_depth);
}

/**
 * tally_channel_set_strict:
 * @self: a channel
 * @strict: whether a reply in the binary protocol must have a version in its header
 *
 * A peer that leaves the version out, as PHP's default factory does, is understood with %FALSE;
 * otherwise its reply is %THRIFT_PROTOCOL_ERROR_BAD_VERSION. Requests always have one. Thread-safe.
 */
void
tally_channel_set_strict (TallyChannel *self, gboolean strict)
{
  g_return_if_fail (TALLY_IS_CHANNEL (self));
  set_number (self, &self->strict, strict != FALSE, "strict");
}

/**
 * tally_channel_get_strict:
 * @self: a channel
 *
 * Thread-safe.
 *
 * Returns: whether a reply in the binary protocol must have a version in its header
 *
 * Since: 0.2
 */
gboolean
tally_channel_get_strict (TallyChannel *self)
{
  g_return_val_if_fail (TALLY_IS_CHANNEL (self), TRUE);
  return g_atomic_int_get (&self->strict);
}

/**
 * tally_channel_add_interceptor:
 * @self: a channel
 * @interceptor: what is called before and after each call; a reference is taken until the channel's end
 *
 * Has @interceptor called for the calls that begin from now on, those of clients that share the channel too, behind
 * what was added before. It is there to stay. It must not keep a reference to the channel. A client over two protocols
 * of the program's own has no channel, and no interceptors. Thread-safe.
 *
 * Since: 0.2
 */
void
tally_channel_add_interceptor (TallyChannel *self, TallyInterceptor *interceptor)
{
  g_return_if_fail (TALLY_IS_CHANNEL (self));
  g_return_if_fail (TALLY_IS_INTERCEPTOR (interceptor));
  tally_interceptors_add (&self->interceptors, interceptor);
}
