/* Owns one call's place in a trace, as W3C's Trace Context writes it, and which one a thread has. It knows no call. */
#include "tally-trace.h"

#include <string.h>
#include <sys/random.h>

#include "tally-server.h"

/* "VV-TRACE-SPAN-FF" (Trace Context, "traceparent Header Field Values") */
#define TRACE_ID_LENGTH 32
#define SPAN_ID_LENGTH 16
#define TRACE_ID_AT 3
#define SPAN_ID_AT (TRACE_ID_AT + TRACE_ID_LENGTH + 1)
#define FLAGS_AT (SPAN_ID_AT + SPAN_ID_LENGTH + 1)
#define PARENT_LENGTH (FLAGS_AT + 2)
#define INVALID_VERSION 0xff
#define KNOWN_FLAGS (TALLY_TRACE_SAMPLED | TALLY_TRACE_RANDOM)

struct _TallyTrace
{
  gatomicrefcount ref_count;
  TallyTraceFlags flags;
  gchar trace_id[TRACE_ID_LENGTH + 1];
  gchar span_id[SPAN_ID_LENGTH + 1];
  gchar *state; /* nullable */
};

G_DEFINE_BOXED_TYPE (TallyTrace, tally_trace, tally_trace_ref, tally_trace_unref)

G_DEFINE_FLAGS_TYPE (TallyTraceFlags,
                     tally_trace_flags,
                     G_DEFINE_ENUM_VALUE (TALLY_TRACE_SAMPLED, "sampled"),
                     G_DEFINE_ENUM_VALUE (TALLY_TRACE_RANDOM, "random"))

/* ---- ids ---- */

static gboolean
is_zero (const gchar *digits, gsize length)
{
  return strspn (digits, "0") >= length;
}

/* Random lower-case digits, not all of them 0. The kernel's bytes: a child process must not have its parent's. */
static void
make_id (gchar *id, gsize length)
{
  guint8 bytes[TRACE_ID_LENGTH / 2];

  do
    {
      if (getrandom (bytes, length / 2, 0) != (gssize) length / 2)
        for (gsize i = 0; i < length / 2; i++)
          bytes[i] = (guint8) g_random_int ();
      for (gsize i = 0; i < length / 2; i++)
        g_snprintf (id + 2 * i, 3, "%02x", bytes[i]);
    }
  while (is_zero (id, length));
}

/* -1: it is not a lower-case hexadecimal digit. */
static gint
digit_value (gchar c)
{
  return g_ascii_isupper (c) ? -1 : g_ascii_xdigit_value (c);
}

static gboolean
are_digits (const gchar *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (digit_value (text[i]) < 0)
      return FALSE;
  return TRUE;
}

/* -1: two digits are not there. */
static gint
parse_byte (const gchar *text)
{
  return are_digits (text, 2) ? digit_value (text[0]) << 4 | digit_value (text[1]) : -1;
}

/* ---- the state (Trace Context, "tracestate Header Field Values") ---- */

#define STATE_MEMBERS_MAX 32
#define STATE_KEY_MAX 256
#define STATE_TENANT_MAX 241
#define STATE_SYSTEM_MAX 14
#define STATE_VALUE_MAX 256

static gboolean
is_key_part (const gchar *text, gsize length, gsize max, gboolean may_begin_with_digit)
{
  if (length == 0 || length > max
      || !(g_ascii_islower (*text) || (may_begin_with_digit && g_ascii_isdigit (*text))))
    return FALSE;
  for (gsize i = 1; i < length; i++)
    if (!g_ascii_islower (text[i]) && !g_ascii_isdigit (text[i])
        && memchr ("_-*/", text[i], 4) == NULL)
      return FALSE;
  return TRUE;
}

/* "vendor", or "tenant@vendor". */
static gboolean
is_key (const gchar *text, gsize length)
{
  const gchar *at = memchr (text, '@', length);

  if (at == NULL)
    return is_key_part (text, length, STATE_KEY_MAX, FALSE);
  return is_key_part (text, at - text, STATE_TENANT_MAX, TRUE)
         && is_key_part (at + 1, text + length - at - 1, STATE_SYSTEM_MAX, FALSE);
}

static gboolean
is_value (const gchar *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (text[i] < ' ' || text[i] > '~' || text[i] == '=')
      return FALSE;
  return length > 0 && length <= STATE_VALUE_MAX;
}

/* @member has no comma; spaces and tabs around it do not count. */
static gboolean
is_member (const gchar *member)
{
  const gchar *equals = strchr (member, '=');

  return equals != NULL && is_key (member, equals - member)
         && is_value (equals + 1, strlen (equals + 1));
}

/* (nullable): what is not valid, or says nothing, is not carried on. */
static gchar *
dup_valid_state (const gchar *state)
{
  g_auto (GStrv) members = state != NULL ? g_strsplit (state, ",", -1) : NULL;
  guint n_members = 0;

  for (guint i = 0; members != NULL && members[i] != NULL; i++)
    {
      const gchar *member = g_strstrip (members[i]);

      if (*member == '\0')
        continue;
      if (!is_member (member) || ++n_members > STATE_MEMBERS_MAX)
        return NULL;
    }
  return n_members > 0 ? g_strdup (state) : NULL;
}

/* ---- life ---- */

static TallyTrace *
alloc_trace (TallyTraceFlags flags)
{
  TallyTrace *self = g_new0 (TallyTrace, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->flags = flags;
  return self;
}

/**
 * tally_trace_new:
 * @flags: what is to be known of it; %TALLY_TRACE_RANDOM is true in any case
 *
 * Begins a trace, with ids of its own.
 *
 * Returns: (transfer full): its first call
 *
 * Since: 0.2
 */
TallyTrace *
tally_trace_new (TallyTraceFlags flags)
{
  TallyTrace *self = alloc_trace ((flags & KNOWN_FLAGS) | TALLY_TRACE_RANDOM);

  make_id (self->trace_id, TRACE_ID_LENGTH);
  make_id (self->span_id, SPAN_ID_LENGTH);
  return self;
}

/**
 * tally_trace_new_child:
 * @self: a place in a trace
 *
 * Returns: (transfer full): that of a call which @self makes: of the same trace, flags and state, with an id of its own
 *
 * Since: 0.2
 */
TallyTrace *
tally_trace_new_child (const TallyTrace *self)
{
  TallyTrace *child;

  g_return_val_if_fail (self != NULL, NULL);
  child = alloc_trace (self->flags);
  memcpy (child->trace_id, self->trace_id, sizeof child->trace_id);
  make_id (child->span_id, SPAN_ID_LENGTH);
  child->state = g_strdup (self->state);
  return child;
}

/* Of a later version nothing is known but what the parts in front mean, and the first flag. */
static gboolean
is_parent (const gchar *text, gsize length)
{
  gint version = length >= PARENT_LENGTH ? parse_byte (text) : -1;

  if (version < 0 || version == INVALID_VERSION || (version == 0 && length > PARENT_LENGTH)
      || (length > PARENT_LENGTH && text[PARENT_LENGTH] != '-'))
    return FALSE;
  return text[TRACE_ID_AT - 1] == '-' && text[SPAN_ID_AT - 1] == '-' && text[FLAGS_AT - 1] == '-'
         && are_digits (text + TRACE_ID_AT, TRACE_ID_LENGTH)
         && !is_zero (text + TRACE_ID_AT, TRACE_ID_LENGTH)
         && are_digits (text + SPAN_ID_AT, SPAN_ID_LENGTH)
         && !is_zero (text + SPAN_ID_AT, SPAN_ID_LENGTH) && parse_byte (text + FLAGS_AT) >= 0;
}

/**
 * tally_trace_parse:
 * @parent: what a `traceparent` header says
 * @state: (nullable): what a `tracestate` header says
 *
 * Reads what is valid by W3C's Trace Context: of version 00, or in the parts that version 00 has, of a later one but ff.
 * Flags that version does not have are dropped, and so is a @state that is not valid.
 *
 * Returns: (transfer full) (nullable): the place in a trace; %NULL where @parent is malformed
 *
 * Since: 0.2
 */
TallyTrace *
tally_trace_parse (const gchar *parent, const gchar *state)
{
  TallyTrace *self;

  g_return_val_if_fail (parent != NULL, NULL);
  if (!is_parent (parent, strlen (parent)))
    return NULL;
  self = alloc_trace (parse_byte (parent + FLAGS_AT)
                      & (parse_byte (parent) == 0 ? KNOWN_FLAGS : TALLY_TRACE_SAMPLED));
  memcpy (self->trace_id, parent + TRACE_ID_AT, TRACE_ID_LENGTH);
  memcpy (self->span_id, parent + SPAN_ID_AT, SPAN_ID_LENGTH);
  self->state = dup_valid_state (state);
  return self;
}

/* Case does not count in the names. (nullable): there is none, or more than one, or it is no text. */
static const gchar *
find_only (const TallyHeaders *headers, const gchar *name)
{
  const gchar *found = NULL;
  guint n_found = 0;

  for (guint i = 0; i < tally_headers_get_size (headers); i++)
    {
      const gchar *each = tally_headers_get_name (headers, i);

      if (each == NULL || g_ascii_strcasecmp (each, name) != 0)
        continue;
      found = tally_headers_get_value (headers, i);
      n_found++;
    }
  return n_found == 1 ? found : NULL;
}

static void
remove_each (TallyHeaders *headers, const gchar *name)
{
  for (guint i = tally_headers_get_size (headers); i-- > 0;)
    {
      const gchar *each = tally_headers_get_name (headers, i);

      if (each != NULL && g_ascii_strcasecmp (each, name) == 0)
        tally_headers_remove (headers, each);
    }
}

/**
 * tally_trace_new_from_headers:
 * @headers: a request's headers
 *
 * tally_trace_parse() of %TALLY_TRACE_PARENT and %TALLY_TRACE_STATE, whose names may be written in upper case, too.
 *
 * Returns: (transfer full) (nullable): the caller's place in a trace; %NULL where there is none, or not just one, or a
 *   malformed one
 *
 * Since: 0.2
 */
TallyTrace *
tally_trace_new_from_headers (const TallyHeaders *headers)
{
  const gchar *parent;

  g_return_val_if_fail (headers != NULL, NULL);
  parent = find_only (headers, TALLY_TRACE_PARENT);
  return parent != NULL ? tally_trace_parse (parent, find_only (headers, TALLY_TRACE_STATE)) : NULL;
}

/**
 * tally_trace_ref:
 * @self: a place in a trace
 *
 * Returns: (transfer full): @self
 *
 * Since: 0.2
 */
TallyTrace *
tally_trace_ref (TallyTrace *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * tally_trace_unref:
 * @self: (transfer full): a place in a trace
 *
 * Drops a reference.
 *
 * Since: 0.2
 */
void
tally_trace_unref (TallyTrace *self)
{
  g_return_if_fail (self != NULL);
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_free (self->state);
  g_free (self);
}

/* ---- what it says ---- */

/**
 * tally_trace_get_trace_id:
 * @self: a place in a trace
 *
 * Returns: (transfer none): the trace's id, 32 hexadecimal digits
 *
 * Since: 0.2
 */
const gchar *
tally_trace_get_trace_id (const TallyTrace *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->trace_id;
}

/**
 * tally_trace_get_span_id:
 * @self: a place in a trace
 *
 * Returns: (transfer none): the call's id, 16 hexadecimal digits
 *
 * Since: 0.2
 */
const gchar *
tally_trace_get_span_id (const TallyTrace *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->span_id;
}

/**
 * tally_trace_get_flags:
 * @self: a place in a trace
 *
 * Returns: the trace's flags
 *
 * Since: 0.2
 */
TallyTraceFlags
tally_trace_get_flags (const TallyTrace *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->flags;
}

/**
 * tally_trace_get_state:
 * @self: a place in a trace
 *
 * Returns: (transfer none) (nullable): what goes in the header %TALLY_TRACE_STATE; %NULL for none
 *
 * Since: 0.2
 */
const gchar *
tally_trace_get_state (const TallyTrace *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->state;
}

/**
 * tally_trace_to_string:
 * @self: a place in a trace
 *
 * Returns: (transfer full): what goes in the header %TALLY_TRACE_PARENT
 *
 * Since: 0.2
 */
gchar *
tally_trace_to_string (const TallyTrace *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return g_strdup_printf ("00-%s-%s-%02x", self->trace_id, self->span_id, (guint) self->flags);
}

/**
 * tally_trace_set_in:
 * @self: a place in a trace
 * @headers: those of a request
 *
 * Sets both headers, in place of those that are there.
 *
 * Returns: %FALSE when there are too many others
 *
 * Since: 0.2
 */
gboolean
tally_trace_set_in (const TallyTrace *self, TallyHeaders *headers)
{
  g_autofree gchar *parent = NULL;

  g_return_val_if_fail (self != NULL && headers != NULL, FALSE);
  parent = tally_trace_to_string (self);
  remove_each (headers, TALLY_TRACE_PARENT);
  remove_each (headers, TALLY_TRACE_STATE);
  return tally_headers_set (headers, TALLY_TRACE_PARENT, parent)
         && (self->state == NULL || tally_headers_set (headers, TALLY_TRACE_STATE, self->state));
}

/* ---- a thread's ---- */

static void
free_stack (gpointer stack)
{
  g_queue_free_full (stack, (GDestroyNotify) tally_trace_unref);
}

static GPrivate pushed =
    G_PRIVATE_INIT (free_stack); /* GQueue, the last one pushed first; NULL: none */

/**
 * tally_trace_push:
 * @self: a place in a trace
 *
 * Makes @self what tally_trace_dup_current() gives to this thread, until tally_trace_pop().
 *
 * Since: 0.2
 */
void
tally_trace_push (TallyTrace *self)
{
  GQueue *stack = g_private_get (&pushed);

  g_return_if_fail (self != NULL);
  if (stack == NULL)
    {
      stack = g_queue_new ();
      g_private_set (&pushed, stack);
    }
  g_queue_push_head (stack, tally_trace_ref (self));
}

/**
 * tally_trace_pop:
 * @self: what this thread pushed last
 *
 * Takes back tally_trace_push().
 *
 * Since: 0.2
 */
void
tally_trace_pop (TallyTrace *self)
{
  GQueue *stack = g_private_get (&pushed);

  g_return_if_fail (stack != NULL && g_queue_peek_head (stack) == self);
  tally_trace_unref (g_queue_pop_head (stack));
}

/**
 * tally_trace_dup_current:
 *
 * Gives what this thread pushed last with tally_trace_push(); where it pushed nothing and runs a server's handler, what
 * the request's headers say. Calls of a channel with a #TallyTracePropagator are its children.
 *
 * Returns: (transfer full) (nullable): the place in a trace
 *
 * Since: 0.2
 */
TallyTrace *
tally_trace_dup_current (void)
{
  const GQueue *stack = g_private_get (&pushed);
  g_autoptr (TallyHeaders) headers = NULL;

  if (stack != NULL && stack->head != NULL)
    return tally_trace_ref (stack->head->data);
  headers = tally_server_dup_request_headers ();
  return headers != NULL ? tally_trace_new_from_headers (headers) : NULL;
}
