/* Owns what each fault does to the requests and replies of a connection. It touches no socket. */
#include "ledger-fault.h"

#include <string.h>

#include "ledger-book.h"

#define TRICKLE 48          /* bytes of a message that come singly */
#define HOLD_US 20000       /* for which a reply is held at most */
#define LONGEST_DELAY 20000 /* microseconds */
#define LARGE_PIECE 16384   /* bytes of a request that has more, mostly */

static guint
get_random (LedgerFaults *self)
{
  return ledger_random (self->seed, self->n_random++, 0) >> 8;
}

static void
pass (LedgerFaults *self, const guint8 *data, gsize size)
{
  g_byte_array_append (self->replies.out, data, size);
}

/* ---- the faults of replies: @data is one, and passed or not ---- */

static void
delay_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  if (self->replies.due == 0)
    self->replies.due = g_get_monotonic_time () + 1 + get_random (self) % LONGEST_DELAY;
  pass (self, data, message->length);
}

static void
trickle_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  self->replies.trickle = TRICKLE;
  self->requests.trickle = TRICKLE;
  pass (self, data, message->length);
}

static void
reset_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  self->fate = LEDGER_RESETS;
}

static void
half_close_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  pass (self, data, message->length);
  self->replies.is_lost = TRUE;
  self->replies.has_end = TRUE;
}

static void
lose_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  self->replies.is_lost = TRUE;
}

static void
duplicate_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  pass (self, data, message->length);
  pass (self, data, message->length);
}

static void
reorder_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  if (self->held->len == 0)
    {
      g_byte_array_append (self->held, data, message->length);
      self->held_until = g_get_monotonic_time () + HOLD_US;
      return;
    }
  pass (self, data, message->length);
  pass (self, self->held->data, self->held->len);
  g_byte_array_set_size (self->held, 0);
}

static void
pass_stale_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  pass (self, self->last->data, self->last->len);
  pass (self, data, message->length);
}

static void
truncate_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  pass (self, data, get_random (self) % message->length);
  self->replies.is_lost = TRUE;
  self->replies.has_end = TRUE;
}

/* A frame's may be any; a string's that is only a little wrong makes another text, which nobody can find. */
static void
falsify_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  static const guint8 huge_varint[] = { 0xff, 0xff, 0xff, 0xff, 0x07 };
  static const guint32 lies[] = { 0x7fffffff, 0xffffffff, 0x80000000 };
  gsize after = message->length_at + message->length_length;
  guint32 wrong = lies[get_random (self) % G_N_ELEMENTS (lies)];

  if (message->length_length == 0)
    {
      pass (self, data, message->length);
      return;
    }
  pass (self, data, message->length_at);
  if (self->layout == LEDGER_FRAMED && get_random (self) % 2 == 0)
    wrong = get_random (self) % (2 * (message->length - after));
  wrong = GUINT32_TO_BE (wrong);
  if (self->layout == LEDGER_COMPACT)
    pass (self, huge_varint, sizeof huge_varint);
  else
    pass (self, (const guint8 *) &wrong, sizeof wrong);
  pass (self, data + after, message->length - after);
}

/* ---- the faults of requests: of their bytes, in whatever pieces they come ---- */

static void
delay_request (LedgerFaults *self)
{
  if (self->requests.due == 0)
    self->requests.due = g_get_monotonic_time () + 1 + get_random (self) % LONGEST_DELAY;
}

static void
reset_request (LedgerFaults *self)
{
  g_byte_array_set_size (self->requests.in, get_random (self) % self->requests.in->len);
  self->fate = LEDGER_RESETS;
}

static void
half_close_request (LedgerFaults *self)
{
  self->requests.has_end = TRUE;
}

static void
lose_request (LedgerFaults *self)
{
  self->requests.is_lost = TRUE;
}

static void
stall_request (LedgerFaults *self)
{
  if (self->requests.in->len >= LARGE_PIECE)
    self->requests.is_stalled = TRUE;
}

static const struct
{
  const gchar *name;
  void (*on_reply) (LedgerFaults *self, const guint8 *data, const LedgerMessage *message);
  void (*on_request) (LedgerFaults *self);
} fault_table[LEDGER_N_FAULTS] = {
  [LEDGER_FAULT_NONE] = { "none" },
  [LEDGER_FAULT_DELAY] = { "delay", delay_reply, delay_request },
  [LEDGER_FAULT_TRICKLE] = { "one byte at a time", trickle_reply },
  [LEDGER_FAULT_REFUSE] = { "RST of a new connection" },
  [LEDGER_FAULT_RESET] = { "RST instead of a reply", reset_reply },
  [LEDGER_FAULT_RESET_REQUEST] = { "RST within a request", NULL, reset_request },
  [LEDGER_FAULT_HALF_CLOSE] = { "half-close of replies", half_close_reply },
  [LEDGER_FAULT_HALF_CLOSE_REQUEST] = { "half-close of requests", NULL, half_close_request },
  [LEDGER_FAULT_LOSE_REPLIES] = { "black hole for replies", lose_reply },
  [LEDGER_FAULT_LOSE_REQUESTS] = { "black hole for requests", NULL, lose_request },
  [LEDGER_FAULT_STALL_REQUESTS] = { "requests that are not received", NULL, stall_request },
  [LEDGER_FAULT_DUPLICATE] = { "duplicated reply", duplicate_reply },
  [LEDGER_FAULT_REORDER] = { "reordered replies", reorder_reply },
  [LEDGER_FAULT_STALE] = { "stale reply", pass_stale_reply },
  [LEDGER_FAULT_TRUNCATE] = { "truncated reply", truncate_reply },
  [LEDGER_FAULT_WRONG_LENGTH] = { "wrong length", falsify_reply },
};

const gchar *
ledger_fault_get_name (LedgerFaultKind kind)
{
  return fault_table[kind].name;
}

LedgerFaultKind
ledger_fault_pick (guint64 random)
{
  return 1 + random % (LEDGER_N_FAULTS - 1);
}

/* ---- what passes ---- */

static gboolean
is_due (const LedgerFaults *self)
{
  return self->kind != LEDGER_FAULT_NONE && self->n_messages > self->begin;
}

static void
pass_reply (LedgerFaults *self, const guint8 *data, const LedgerMessage *message)
{
  self->n_messages++;
  if (is_due (self) && fault_table[self->kind].on_reply != NULL)
    {
      self->n_faults++;
      fault_table[self->kind].on_reply (self, data, message);
    }
  else
    pass (self, data, message->length);
  if (self->kind == LEDGER_FAULT_STALE)
    {
      g_byte_array_set_size (self->last, 0);
      g_byte_array_append (self->last, data, message->length);
    }
  if (self->kind != LEDGER_FAULT_NONE && self->n_messages > self->end && self->fate == LEDGER_LIVES)
    self->fate = get_random (self) % 2 == 0 ? LEDGER_ENDS : LEDGER_RESETS;
}

void
ledger_faults_pass_replies (LedgerFaults *self)
{
  GByteArray *in = self->replies.in;
  LedgerMessage message;
  gsize at = 0;

  while (at < in->len && !self->replies.is_lost && self->fate == LEDGER_LIVES
         && ledger_message_find (self->layout, in->data + at, in->len - at, &message)
         && message.length > 0)
    {
      pass_reply (self, in->data + at, &message);
      at += message.length;
    }
  if (self->replies.is_lost)
    at = in->len;
  g_byte_array_remove_range (in, 0, at);
}

void
ledger_faults_pass_requests (LedgerFaults *self)
{
  GByteArray *in = self->requests.in;

  if (in->len > 0 && !self->requests.is_lost && fault_table[self->kind].on_request != NULL)
    {
      self->n_messages++;
      if (is_due (self))
        {
          self->n_faults++;
          fault_table[self->kind].on_request (self);
        }
    }
  if (!self->requests.is_lost)
    g_byte_array_append (self->requests.out, in->data, in->len);
  self->requests.is_lost = self->requests.is_lost || self->requests.has_end;
  g_byte_array_set_size (in, 0);
}

/* The earlier of two times of which 0 is none. */
static gint64
get_earlier (gint64 a, gint64 b)
{
  if (a == 0 || b == 0)
    return a + b;
  return a < b ? a : b;
}

gint64
ledger_faults_get_due (LedgerFaults *self, gint64 now)
{
  gint64 held_until = self->held->len > 0 ? self->held_until : 0;

  if (held_until > 0 && held_until <= now)
    {
      pass (self, self->held->data, self->held->len);
      g_byte_array_set_size (self->held, 0);
      held_until = 0;
    }
  if (self->requests.due <= now)
    self->requests.due = 0;
  if (self->replies.due <= now)
    self->replies.due = 0;
  return get_earlier (held_until, get_earlier (self->requests.due, self->replies.due));
}

/* ---- life ---- */

static void
init_flow (LedgerFlow *flow)
{
  flow->in = g_byte_array_new ();
  flow->out = g_byte_array_new ();
}

static void
clear_flow (LedgerFlow *flow)
{
  g_byte_array_unref (flow->in);
  g_byte_array_unref (flow->out);
}

void
ledger_faults_init (
    LedgerFaults *self, LedgerLayout layout, LedgerFaultKind kind, guint most_before, guint64 seed)
{
  *self = (LedgerFaults){ .layout = layout, .kind = kind, .seed = seed };
  self->begin = get_random (self) % most_before;
  self->end = self->begin + get_random (self) % 16;
  init_flow (&self->requests);
  init_flow (&self->replies);
  self->held = g_byte_array_new ();
  self->last = g_byte_array_new ();
}

void
ledger_faults_clear (LedgerFaults *self)
{
  clear_flow (&self->requests);
  clear_flow (&self->replies);
  g_byte_array_unref (self->held);
  g_byte_array_unref (self->last);
}
