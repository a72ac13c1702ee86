/* Owns the messages on a connection that is passed on: finds them in the bytes, and passes each on, unless a rule says
 * otherwise. A reply that a rule delays lets others pass, as a server's that answers in any order; replies of one sequence id
 * keep their order, for clients that do not count. */
#include "cli-proxy-link.h"

/* Calls of one connection that wait for a reply. */
#define MAX_PENDING 65536

typedef enum
{
  STEP_ON,   /* the next message may be looked at */
  STEP_HELD, /* this one waits */
  STEP_CLOSED
} Step;

/* A reply that is held back. */
typedef struct
{
  CliCall *call;
  CliHeader header;
  GByteArray *bytes;
  gint64 due; /* g_get_monotonic_time () */
} CliDelayed;

void
cli_delayed_free (gpointer data)
{
  CliDelayed *delayed = data;

  cli_call_free (delayed->call);
  cli_header_clear (&delayed->header);
  g_byte_array_unref (delayed->bytes);
  g_free (delayed);
}

/* Takes the first bytes away. A large message's memory does not stay. */
static void
drop_bytes (GByteArray **array, gsize length)
{
  if (length > 4 * CLI_WAY_CHUNK)
    {
      GByteArray *rest = g_byte_array_new ();

      g_byte_array_append (rest, (*array)->data + length, (*array)->len - (guint) length);
      g_byte_array_unref (*array);
      *array = rest;
    }
  else if (length > 0)
    g_byte_array_remove_range (*array, 0, (guint) length);
}

/* All that has come. */
static void
pass_rest (CliWay *self)
{
  cli_way_pass (self, self->input->data, self->input->len);
  drop_bytes (&self->input, self->input->len);
}

static gboolean
ends_connections (const CliInjected *injected)
{
  return injected->what == CLI_INJECT_CLOSE || injected->what == CLI_INJECT_RESET
         || injected->what == CLI_INJECT_HALF;
}

/* The connection ends by @injected when what this way has has gone. */
static void
way_end_with (CliWay *self, const CliInjected *injected)
{
  self->is_last = TRUE;
  self->link->injected = *injected;
}

/* ---- requests ---- */

/* Ends the connection at the request, which does not go, or half of it. */
static Step
end_at_request (CliWay *self, CliCall *call, const guint8 *bytes, gsize length)
{
  CliLink *link = self->link;

  cli_record_drop (link->relay->record, link->number, call, "closed");
  if (call->injected.at == CLI_AT_REQUEST)
    cli_way_pass (self, bytes, length / 2);
  way_end_with (self, &call->injected);
  cli_call_free (call);
  return STEP_HELD;
}

static Step
pass_request (CliWay *self, const CliHeader *header, const guint8 *bytes, gsize length)
{
  CliLink *link = self->link;
  CliRecord *record = link->relay->record;
  CliCall *call = cli_record_begin (record, header, bytes, length);
  gboolean is_lost;

  call->injected = cli_rules_choose (link->relay->rules, header->name);
  is_lost = call->injected.what == CLI_INJECT_LOSE;
  if (ends_connections (&call->injected) && call->injected.at <= CLI_AT_REQUEST)
    return end_at_request (self, call, bytes, length);
  if (!is_lost)
    cli_way_pass (self, bytes, length);
  if (is_lost || header->type == T_ONEWAY)
    {
      if (ends_connections (&call->injected))
        way_end_with (self, &call->injected);
      cli_record_drop (record, link->number, call, is_lost ? "lost" : "oneway");
      cli_call_free (call);
      return STEP_ON;
    }
  g_ptr_array_add (link->pending, call);
  if (link->pending->len + link->delayed->len <= MAX_PENDING)
    return STEP_ON;
  cli_link_complain (link, "too many calls wait for a reply: the connection is closed");
  cli_link_close (link);
  return STEP_CLOSED;
}

/* ---- replies ---- */

/* Passes a reply on with what is to be done to it, and says so. */
static void
pass_injured (
    CliWay *self, const CliCall *call, const CliHeader *header, const guint8 *bytes, gsize length)
{
  CliLink *link = self->link;
  const CliInjected *injected = &call->injected;
  const guint start = self->output->len;

  if (injected->what == CLI_INJECT_DROP)
    {
      cli_record_drop (link->relay->record, link->number, call, "dropped");
      return;
    }
  cli_way_pass (self, bytes,
                ends_connections (injected) && injected->at == CLI_AT_REPLY ? length / 2 : length);
  if (ends_connections (injected))
    way_end_with (self, injected);
  /* The lowest bit: a number as long, in both protocols. */
  if (injected->what == CLI_INJECT_SEQID && header->seqid_offset > 0)
    self->output->data[start + header->seqid_offset] ^= 1;
  cli_record_end (link->relay->record, link->number, call, header, bytes, length);
}

static gboolean
on_due (gpointer user_data)
{
  CliLink *self = user_data;

  g_clear_pointer (&self->alarm, g_source_unref);
  cli_way_go (&self->replies);
  return G_SOURCE_REMOVE;
}

static void
forget_alarm (CliLink *self)
{
  if (self->alarm != NULL)
    g_source_destroy (self->alarm);
  g_clear_pointer (&self->alarm, g_source_unref);
}

/* Has the replies go on at @time. */
static void
set_alarm (CliLink *self, gint64 time)
{
  const gint64 left = time - g_get_monotonic_time ();

  forget_alarm (self);
  self->alarm = g_timeout_source_new (left > 0 ? (guint) (left / 1000 + 1) : 0);
  g_source_set_callback (self->alarm, on_due, self, NULL);
  g_source_attach (self->alarm, NULL);
}

static void
await_first_due (CliLink *self)
{
  gint64 first = G_MAXINT64;

  for (guint i = 0; i < self->delayed->len; i++)
    {
      const CliDelayed *delayed = g_ptr_array_index (self->delayed, i);

      first = MIN (first, delayed->due);
    }
  if (self->delayed->len > 0)
    set_alarm (self, first);
  else
    forget_alarm (self);
}

/* Those due at @time, or a later one. */
static void
pass_delayed (CliLink *self, gint64 time)
{
  gboolean has_passed = FALSE;

  for (guint i = 0; i < self->delayed->len && !self->replies.is_last;)
    {
      CliDelayed *delayed = g_ptr_array_index (self->delayed, i);

      if (delayed->due > time)
        {
          i++;
          continue;
        }
      self->delayed_bytes -= delayed->bytes->len;
      pass_injured (&self->replies, delayed->call, &delayed->header, delayed->bytes->data,
                    delayed->bytes->len);
      g_ptr_array_remove_index (self->delayed, i);
      has_passed = TRUE;
    }
  if (has_passed)
    await_first_due (self);
}

void
cli_link_pass_due (CliLink *self)
{
  if (self->delayed->len > 0)
    pass_delayed (self, g_get_monotonic_time ());
}

void
cli_link_drop_delayed (CliLink *self)
{
  forget_alarm (self);
  for (guint i = 0; i < self->delayed->len; i++)
    cli_link_drop_call (self, ((const CliDelayed *) g_ptr_array_index (self->delayed, i))->call);
  g_ptr_array_set_size (self->delayed, 0);
  self->delayed_bytes = 0;
}

/* When the last reply of that sequence id that is held back goes; 0: there is none. */
static gint64
find_due (const CliLink *self, gint32 seqid)
{
  gint64 due = 0;

  for (guint i = 0; i < self->delayed->len; i++)
    {
      const CliDelayed *delayed = g_ptr_array_index (self->delayed, i);

      if (delayed->header.seqid == seqid)
        due = MAX (due, delayed->due);
    }
  return due;
}

/* Others may go before it. @call is taken, and the header's name. */
static void
delay (CliLink *self, CliCall *call, CliHeader *header, const guint8 *bytes, gsize length)
{
  CliDelayed *delayed = g_new (CliDelayed, 1);

  *delayed =
      (CliDelayed){ .call = call,
                    .header = *header,
                    .bytes = g_byte_array_new (),
                    .due = g_get_monotonic_time () + (gint64) call->injected.delay_ms * 1000 };
  header->name = NULL;
  g_byte_array_append (delayed->bytes, bytes, (guint) length);
  g_ptr_array_add (self->delayed, delayed);
  self->delayed_bytes += length;
  await_first_due (self);
}

static Step
pass_reply (CliWay *self, CliHeader *header, const guint8 *bytes, gsize length)
{
  CliLink *link = self->link;
  const gint index = cli_record_find (link->pending, header);
  CliCall *call = index >= 0 ? g_ptr_array_index (link->pending, index) : NULL;

  self->paused_until = find_due (link, header->seqid);
  if (self->paused_until == 0 && call != NULL && call->injected.what == CLI_INJECT_STALL
      && call->injected.delay_ms > 0)
    {
      self->paused_until = g_get_monotonic_time () + (gint64) call->injected.delay_ms * 1000;
      call->injected.delay_ms = 0;
    }
  if (self->paused_until > 0)
    return STEP_HELD;
  if (call == NULL)
    {
      cli_way_pass (self, bytes, length);
      cli_record_end (link->relay->record, link->number, NULL, header, bytes, length);
      return STEP_ON;
    }
  g_ptr_array_steal_index (link->pending, (guint) index);
  if (call->injected.what == CLI_INJECT_DELAY)
    {
      delay (link, call, header, bytes, length);
      return STEP_ON;
    }
  pass_injured (self, call, header, bytes, length);
  cli_call_free (call);
  return STEP_ON;
}

/* ---- both ---- */

/* What cannot be read is passed on all the same; replies to it could not be told from others. */
static void
link_give_up (CliLink *self, const CliWay *way)
{
  cli_link_complain (self,
                     way == &self->requests
                         ? "the client sends what is no message of the binary or compact protocol: "
                           "from here on all is passed on unread"
                         : "the target sends what is no message of the binary or compact protocol: "
                           "from here on all is passed on unread");
  if (self->delayed->len > 0)
    {
      pass_delayed (self, G_MAXINT64);
      set_alarm (self, 0);
    }
  self->requests.is_raw = self->replies.is_raw = TRUE;
  cli_link_drop_pending (self);
}

static Step
pass_message (CliWay *self, const guint8 *bytes, gsize length)
{
  g_auto (CliHeader) header;

  if (!cli_header_read (&header, bytes, length))
    {
      link_give_up (self->link, self);
      return STEP_ON;
    }
  if (self != &self->link->requests)
    return pass_reply (self, &header, bytes, length);
  return pass_request (self, &header, bytes, length);
}

gboolean
cli_way_cut (CliWay *self)
{
  gsize at = 0;
  Step step = STEP_ON;

  while (step == STEP_ON && at < self->input->len && self->output->len < CLI_WAY_CHUNK
         && !self->is_raw && !self->is_last)
    {
      gsize size = 0;
      const CliCut cut =
          cli_bounds_cut (&self->bounds, self->input->data + at, self->input->len - at, &size);

      if (cut == CLI_CUT_MORE)
        break;
      cli_bounds_reset (&self->bounds);
      if (cut == CLI_CUT_TOO_LONG)
        {
          cli_link_complain (self->link,
                             "a message has more than 16 MiB: the connection is closed");
          cli_link_close (self->link);
          return FALSE;
        }
      if (cut == CLI_CUT_STRANGE)
        {
          link_give_up (self->link, self);
          break;
        }
      step = pass_message (self, self->input->data + at, size);
      if (step == STEP_CLOSED)
        return FALSE;
      if (step == STEP_ON && !self->is_raw)
        at += size;
    }
  drop_bytes (&self->input, at);
  if (self->is_raw)
    pass_rest (self);
  return TRUE;
}
