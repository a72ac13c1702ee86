/* Owns what a policy tells of itself for a person: the state that an error names, the lines of a
 * dump. Facts are copied in pieces of bounded size; text is made of the copies, which needs no
 * lock. Connections and holds are never freed while the policy lives, so that a piece can begin
 * where the last one ended. */
#include "policy-parts-private.h"
#include "policy-report-private.h"

#include <string.h>

/* So many are looked at for one piece of the search for the longest lease. */
#define SEARCHED_AT_ONCE 64

static void
copy_label (TallyReportRow *row, const gchar *label)
{
  const gchar *end;

  if (g_strlcpy (row->label, label != NULL ? label : "?", sizeof row->label) < sizeof row->label)
    return;
  if (!g_utf8_validate (row->label, -1, &end))
    row->label[end - row->label] = '\0'; /* no half of a character */
}

static void
copy_hold (TallyReportRow *row, const TallyHold *hold, const TallyInstant *now)
{
  row->state = TALLY_CONN_BUSY;
  row->age = now->mono - hold->since;
  row->thread = hold->thread;
  row->is_leaked = hold->leak_warned;
  copy_label (row, hold->label);
}

/* ---- the state ---- */

/* All but the longest lease, unless that is known: while `is_searching`, it is to be searched for. */
void
tally_policy_get_state (const TallyPolicy *self, const TallyInstant *now, TallyPolicyState *state)
{
  tally_policy_assert_whole (self);
  *state = (TallyPolicyState){ .open = tally_policy_open (self),
                               .busy = self->n_busy,
                               .idle = self->n_idle,
                               .dialing = self->n_dialing,
                               .closing = self->n_closing,
                               .waiting = self->waiting,
                               .search_begun = now->mono,
                               .longest_since = G_MAXINT64,
                               .next_conn = self->conns,
                               .next_further = self->holds };
  if (self->last_error != NULL)
    state->last_error = g_strdup (self->last_error->message);
  state->has_longest = tally_policy_knows_longest (self);
  state->is_searching = !state->has_longest && self->stats.leases > 0;
  if (state->has_longest)
    copy_hold (&state->longest, self->longest, now);
}

static TallyHold *
older_of (TallyPolicyState *state, TallyHold *longest, TallyHold *hold)
{
  if (hold->generation == 0 || hold->since >= state->longest_since)
    return longest;
  state->longest_since = hold->since;
  return hold;
}

/* One piece of the search. The lease that was found is known to be the longest until it comes back,
 * unless it began after the search: then another one may have begun before it. */
void
tally_policy_search_longest (TallyPolicy *self, const TallyInstant *now, TallyPolicyState *state)
{
  guint left = SEARCHED_AT_ONCE;
  TallyHold *longest = NULL;

  for (; left > 0 && state->next_conn != NULL; left--)
    {
      longest = older_of (state, longest, &state->next_conn->hold);
      state->next_conn = state->next_conn->older;
    }
  for (; left > 0 && state->next_further != NULL; left--)
    {
      longest = older_of (state, longest, &state->next_further->hold);
      state->next_further = state->next_further->older;
    }
  if (longest != NULL)
    {
      state->has_longest = TRUE;
      state->longest_hold = longest;
      state->longest_generation = longest->generation;
      copy_hold (&state->longest, longest, now);
    }
  state->is_searching = state->next_conn != NULL || state->next_further != NULL;
  if (state->is_searching || !state->has_longest || state->longest_since > state->search_begun)
    return;
  self->longest = state->longest_hold;
  self->longest_generation = state->longest_generation;
}

/* What rule 28 wants of an error: how full it is, which lease is the oldest, what went wrong
 * last. */
gchar *
tally_policy_state_to_string (const TallyPolicyState *state)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%u open: %u busy, %u idle, %u dialing, %u closing; %u waiting",
                          state->open, state->busy, state->idle, state->dialing, state->closing,
                          state->waiting);
  if (state->has_longest)
    g_string_append_printf (text, "; held longest: \"%s\", for %.3f s, by thread %u",
                            state->longest.label, (gdouble) state->longest.age / G_TIME_SPAN_SECOND,
                            state->longest.thread);
  if (state->last_error != NULL)
    g_string_append_printf (text, "; last dial error: %s", state->last_error);
  return g_string_free (text, FALSE);
}

void
tally_policy_state_clear (TallyPolicyState *state)
{
  g_clear_pointer (&state->last_error, g_free);
}

/* ---- the dump that rule 30 wants: the holder of each connection, and for how long ---- */

void
tally_policy_begin_report (const TallyPolicy *self, TallyReport *report)
{
  *report = (TallyReport){ .conn = self->conns, .further = self->holds };
}

/* FALSE if there is nothing to say of it: it is free. */
static gboolean
copy_conn (TallyReportRow *row, const TallyConn *conn, const TallyInstant *now)
{
  *row = (TallyReportRow){ .state = conn->state, .reason = conn->reason };
  switch (conn->state)
    {
    case TALLY_CONN_BUSY:
      copy_hold (row, &conn->hold, now);
      return conn->hold.generation != 0;
    case TALLY_CONN_IDLE:
      row->age = now->boot - conn->idle_since;
      return TRUE;
    case TALLY_CONN_DIALING:
      row->age = now->mono - conn->dial_started;
      return TRUE;
    case TALLY_CONN_CLOSING:
      return TRUE;
    case TALLY_CONN_FREE:
    case TALLY_CONN_OWN:
    default:
      return FALSE;
    }
}

static void
copy_waiter (TallyReportRow *row, const TallyWaiter *waiter, const TallyInstant *now)
{
  *row = (TallyReportRow){ .state = TALLY_CONN_FREE,
                           .age = now->mono - waiter->arrived,
                           .thread = waiter->thread };
  copy_label (row, waiter->label);
}

static void
enter_queue (TallyPolicy *self, TallyReport *report)
{
  report->is_in_queue = TRUE;
  report->cursor = (TallyQueueCursor){ self->first, self->cursors };
  self->cursors = &report->cursor;
}

static void
leave_queue (TallyPolicy *self, TallyReport *report)
{
  TallyQueueCursor **place = &self->cursors;

  while (*place != &report->cursor)
    place = &(*place)->other;
  *place = report->cursor.other;
}

/* One piece: @rows has room for TALLY_REPORT_ROWS. FALSE when it was the last one, up to which the
 * caller must go on. Each line is true when it is copied. */
gboolean
tally_policy_report (TallyPolicy *self,
                     const TallyInstant *now,
                     TallyReport *report,
                     TallyReportRow *rows,
                     guint *n_rows)
{
  guint left = TALLY_REPORT_ROWS;

  *n_rows = 0;
  for (; left > 0 && report->conn != NULL; left--)
    {
      *n_rows += copy_conn (&rows[*n_rows], report->conn, now);
      report->conn = report->conn->older;
    }
  for (; left > 0 && report->further != NULL; left--)
    {
      if (report->further->hold.generation != 0)
        copy_hold (&rows[(*n_rows)++], &report->further->hold, now);
      report->further = report->further->older;
    }
  if (left > 0 && !report->is_in_queue)
    enter_queue (self, report);
  for (; left > 0 && report->cursor.next != NULL; left--)
    {
      copy_waiter (&rows[(*n_rows)++], report->cursor.next, now);
      report->cursor.next = report->cursor.next->next;
    }
  if (left == 0)
    return TRUE;
  leave_queue (self, report);
  return FALSE;
}

void
tally_report_row_append (const TallyReportRow *row, GString *text)
{
  gdouble seconds = (gdouble) row->age / G_TIME_SPAN_SECOND;

  switch (row->state)
    {
    case TALLY_CONN_BUSY:
      g_string_append_printf (text, "  busy: \"%s\" for %.3f s, thread %u%s\n", row->label, seconds,
                              row->thread, row->is_leaked ? ", leaked?" : "");
      break;
    case TALLY_CONN_IDLE:
      g_string_append_printf (text, "  idle: for %.3f s\n", seconds);
      break;
    case TALLY_CONN_DIALING:
      g_string_append_printf (text, "  dialing: for %.3f s\n", seconds);
      break;
    case TALLY_CONN_CLOSING:
      g_string_append_printf (text, "  closing: %s\n", tally_close_reason_to_string (row->reason));
      break;
    case TALLY_CONN_FREE:
    case TALLY_CONN_OWN:
    default:
      g_string_append_printf (text, "  waiting: \"%s\" for %.3f s, thread %u\n", row->label,
                              seconds, row->thread);
    }
}
