/* Owns what makes a connection go: age, limits, clearing, closing; and when the next of these is
 * due. Part of the policy: no thread, lock, socket or clock. */
#include "policy-private.h"

/* What `streams-per-connection` at 1 means where shared connections are asked for. */
#define SHARED_STREAMS 1024

gboolean
tally_policy_outlived (TallyPolicy *self, const TallyInstant *now, const TallyConn *conn)
{
  gdouble share = 1 - self->options.lifetime_jitter * conn->jitter;

  return self->options.max_lifetime > 0
         && now->mono - conn->dialed >= (gint64) ((gdouble) self->options.max_lifetime * share);
}

/* Whether @conn, past its lifetime and one of @n_idle idle ones, stays until its replacement is
 * there (rule 15). */
gboolean
tally_policy_keep_until_replaced (TallyPolicy *self, const TallyConn *conn, guint n_idle)
{
  if (n_idle > self->options.min_idle)
    return FALSE;
  return conn->replaced || (tally_policy_has_room (self) && tally_policy_has_room_in_total (self));
}

/* Takes @conn out of service and puts it where the caller finds what to close. */
void
tally_policy_retire (TallyPolicy *self, TallyConn *conn, TallyCloseReason reason)
{
  if (conn->state == TALLY_CONN_IDLE)
    {
      tally_conn_list_remove (&self->idle, conn);
      self->n_idle--;
    }
  else if (conn->state == TALLY_CONN_BUSY)
    self->n_busy--;
  conn->state = TALLY_CONN_CLOSING;
  conn->doomed = TRUE;
  conn->reason = reason;
  if (G_UNLIKELY (self->drained == conn))
    self->drained = NULL;
  self->n_closing++;
  conn->next = self->closing;
  self->closing = conn;
}

/* Brings idle connections down to the limits; busy ones follow as they come back (rule 18). */
void
tally_policy_shed (TallyPolicy *self, const TallyInstant *now)
{
  guint max_open = self->options.max_open;
  gint max_idle = self->options.max_idle;

  while (self->n_idle > 0 && max_open > 0 && tally_policy_open (self) - self->n_closing > max_open)
    tally_policy_retire (self, self->idle.tail, TALLY_CLOSE_LIMIT);
  while (max_idle >= 0 && self->n_idle > (guint) max_idle)
    tally_policy_retire (self, self->idle.tail, TALLY_CLOSE_LIMIT);
  while (tally_policy_is_unused (self, now))
    tally_policy_retire (self, self->idle.tail, TALLY_CLOSE_IDLE);
}

/* What follows from the options and from what the owner has supplied. */
void
tally_policy_note_options (TallyPolicy *self)
{
  TallyPoolOptions *options = &self->options;

  if (self->is_shared && options->streams <= 1)
    options->streams = SHARED_STREAMS;
  self->is_plain = options->streams <= 1 && options->max_lifetime == 0 && options->keepalive == 0
                   && options->leak_threshold == 0 && options->max_idle_total == 0;
  self->idle_limit = options->max_idle < 0 ? G_MAXUINT : (guint) options->max_idle;
  self->open_limit = options->max_open == 0 ? G_MAXUINT : options->max_open;
  self->idle_age_limit = options->idle_timeout > 0 ? options->idle_timeout : G_MAXINT64;
  self->put_limit = self->idle_limit;
  if (options->min_idle > 0
      && options->idle_timeout > 0) /* one more, and the oldest may have to go */
    self->put_limit = MIN (self->put_limit, options->min_idle);
}

void
tally_policy_set_options (TallyPolicy *self,
                          const TallyInstant *now,
                          const TallyPoolOptions *options)
{
  self->options = *options;
  tally_policy_note_options (self);
  for (TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    tally_policy_update_available (self, conn);
  tally_policy_shed (self, now);
  tally_policy_pump (self, now);
}

/* Closes the idle connections without looking at them; the busy ones and those being dialed go when
 * they come back. */
void
tally_policy_drop_all (TallyPolicy *self, TallyCloseReason reason)
{
  while (self->idle.tail != NULL)
    tally_policy_retire (self, self->idle.tail, reason);
  for (TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    if ((conn->state == TALLY_CONN_BUSY || conn->state == TALLY_CONN_DIALING) && !conn->doomed)
      tally_policy_doom (self, conn, reason);
}

void
tally_policy_close (TallyPolicy *self, const TallyInstant *now)
{
  self->closed = TRUE;
  tally_policy_drop_all (self, TALLY_CLOSE_POOL);
  while (self->first != NULL)
    tally_policy_fail (self, now, self->first, TALLY_REFUSAL_CLOSED);
}

/* ---- what time does ---- */

static void
expire_idle (TallyPolicy *self, const TallyInstant *now)
{
  TallyConn *previous;

  for (TallyConn *conn = self->idle.tail; conn != NULL; conn = previous)
    {
      previous = conn->prev;
      if (tally_policy_outlived (self, now, conn)
          && !tally_policy_keep_until_replaced (self, conn, self->n_idle))
        tally_policy_retire (self, conn, TALLY_CLOSE_LIFETIME);
    }
  tally_policy_shed (self, now);
}

void
tally_policy_tick (TallyPolicy *self, const TallyInstant *now)
{
  expire_idle (self, now);
  tally_policy_pump (self, now);
}

/* An idle connection that was not proven alive for `keepalive-interval`: (nullable). */
TallyConn *
tally_policy_find_to_examine (TallyPolicy *self, const TallyInstant *now)
{
  if (self->options.keepalive == 0 || self->closed)
    return NULL;
  for (TallyConn *conn = self->idle.tail; conn != NULL; conn = conn->prev)
    if (now->boot - MAX (conn->idle_since, conn->checked) >= self->options.keepalive)
      return conn;
  return NULL;
}

/* Takes @conn, which is idle, out of reach, as if busy. */
static void
take_out (TallyPolicy *self, TallyConn *conn)
{
  tally_conn_list_remove (&self->idle, conn);
  self->n_idle--;
  self->n_busy++;
  conn->state = TALLY_CONN_BUSY;
  conn->streams = 1;
  tally_policy_set_checking (self, conn, conn->is_shared);
}

/* Takes such a connection out of reach, as if busy, until tally_policy_examined (). */
TallyConn *
tally_policy_take_to_examine (TallyPolicy *self, const TallyInstant *now)
{
  TallyConn *conn = tally_policy_find_to_examine (self, now);

  if (conn == NULL)
    return NULL;
  take_out (self, conn);
  self->n_examined++;
  return conn;
}

/* Puts @conn back where it was, as if it had not been away, unless it must close, as one that comes back
 * from a borrower, or somebody waits for it. */
static void
put_back (TallyPolicy *self, const TallyInstant *now, TallyConn *conn, TallyCloseReason reason)
{
  TallyConn *newer = NULL;
  gint64 idle_since = conn->idle_since;

  conn->streams = 0;
  tally_policy_set_checking (self, conn, FALSE);
  if (reason == TALLY_CLOSE_NONE)
    reason = tally_policy_must_close (self, now, conn);
  if (reason != TALLY_CLOSE_NONE)
    {
      tally_policy_retire (self, conn, reason);
      return;
    }
  self->n_busy--;
  conn->state = TALLY_CONN_IDLE;
  tally_policy_offer (self, now, conn);
  if (conn->state != TALLY_CONN_IDLE)
    return;
  tally_conn_list_remove (&self->idle, conn);
  conn->idle_since = idle_since;
  for (TallyConn *other = self->idle.head; other != NULL && other->idle_since > idle_since;
       other = other->next)
    newer = other;
  tally_conn_list_insert (&self->idle, newer, conn);
}

void
tally_policy_examined (TallyPolicy *self,
                       const TallyInstant *now,
                       TallyConn *conn,
                       TallyCloseReason reason)
{
  self->n_examined--;
  conn->checked = now->boot;
  put_back (self, now, conn, reason);
  if (reason == TALLY_CLOSE_DEAD)
    tally_policy_look_at_idle (self, now);
  if (conn->state == TALLY_CONN_CLOSING)
    tally_policy_pump (self, now);
}

/* ---- what one connection's end says of the others (rule 14) ---- */

/* A connection has proven dead: the caller looks at those that are idle, out of reach meanwhile, and
 * whoever asks waits for what it finds. An end that has not arrived yet is found at the next borrow. */
void
tally_policy_look_at_idle (TallyPolicy *self, const TallyInstant *now)
{
  TallyConn *conn;

  self->last_death = now->boot;
  while ((conn = self->idle.head) != NULL)
    {
      take_out (self, conn);
      self->n_looked_at++;
      conn->looks_dead = FALSE;
      conn->next = self->to_look;
      self->to_look = conn;
    }
}

/* The caller has looked at @conn and set its `looks_dead`. */
void
tally_policy_looked (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  self->n_looked_at--;
  put_back (self, now, conn, conn->looks_dead ? TALLY_CLOSE_STALE : TALLY_CLOSE_NONE);
  if (conn->state == TALLY_CONN_CLOSING)
    tally_policy_pump (self, now);
}

/* When @conn, which is idle or was before it was lent, had the last sign of life from its peer, in boot
 * time: when its last borrower gave it back clean, or a hook asked. */
static gint64
last_heard (const TallyPolicy *self, const TallyConn *conn)
{
  return self->asks_peer ? MAX (conn->idle_since, conn->checked) : conn->idle_since;
}

/* @conn, which was lent again, has heard nothing in all the time that its borrower gave it: the idle
 * connections that were heard from no later than it are as silent. */
void
tally_policy_drop_silent (TallyPolicy *self, const TallyConn *conn)
{
  gint64 heard = last_heard (self, conn);
  TallyConn *next;

  for (TallyConn *other = self->idle.head; other != NULL; other = next)
    {
      next = other->next;
      if (last_heard (self, other) <= heard)
        tally_policy_retire (self, other, TALLY_CLOSE_STALE);
    }
}

/* A lease held for longer than `leak-threshold` that nobody was warned of yet (rule 21). */
TallyHold *
tally_policy_next_leak (TallyPolicy *self, const TallyInstant *now)
{
  if (self->options.leak_threshold == 0)
    return NULL;
  for (TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    {
      TallyHold *hold = &conn->hold;

      if (conn->state != TALLY_CONN_BUSY)
        continue;
      for (; hold != NULL; hold = hold == &conn->hold ? conn->further : hold->next)
        if (hold->generation != 0 && !hold->leak_warned
            && now->mono - hold->since >= self->options.leak_threshold)
          {
            hold->leak_warned = TRUE;
            self->stats.leaks++;
            return hold;
          }
    }
  return NULL;
}

/* When something is due of @conn in its present state; G_MAXINT64: nothing. */
gint64
tally_policy_due_of (const TallyPolicy *self, const TallyInstant *now, const TallyConn *conn)
{
  const TallyPoolOptions *options = &self->options;
  gint64 next = G_MAXINT64;

  if (conn->state == TALLY_CONN_IDLE)
    {
      if (options->idle_timeout > 0 && self->n_idle > options->min_idle)
        next = now->mono + conn->idle_since + options->idle_timeout - now->boot;
      if (options->keepalive > 0)
        next = MIN (next, now->mono + MAX (conn->idle_since, conn->checked) + options->keepalive
                              - now->boot);
      if (options->max_lifetime > 0 && !conn->replaced)
        next = MIN (next, conn->dialed
                              + (gint64) ((gdouble) options->max_lifetime
                                          * (1 - options->lifetime_jitter * conn->jitter)));
    }
  else if (conn->state == TALLY_CONN_BUSY && options->leak_threshold > 0)
    for (const TallyHold *hold = &conn->hold; hold != NULL;
         hold = hold == &conn->hold ? conn->further : hold->next)
      if (hold->generation != 0 && !hold->leak_warned)
        next = MIN (next, hold->since + options->leak_threshold);
  return next;
}

/* The monotonic time at which tally_policy_tick () next has something to do; G_MAXINT64: never,
 * until something happens (rule 17). */
gint64
tally_policy_next_event (TallyPolicy *self, const TallyInstant *now)
{
  gint64 next = G_MAXINT64;

  if (self->closed)
    return next;
  for (const TallyConn *conn = self->conns; conn != NULL; conn = conn->older)
    {
      gint64 due = tally_policy_due_of (self, now, conn);

      /* What is overdue although everything due was just done waits for something else. */
      next = MIN (next, due <= now->mono ? now->mono + G_TIME_SPAN_SECOND : due);
    }
  if (self->backoff.until > now->mono && self->waiting > 0)
    next = MIN (next, self->backoff.until);
  if (self->backoff.refill > now->mono && tally_policy_needs_refill (self))
    next = MIN (next, self->backoff.refill);
  return next;
}
