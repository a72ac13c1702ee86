/* Owns the ring of events and which connection a call went over. */
#include "ledger-trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger-book.h"

#define N_EVENTS (1u << 18)
#define N_PRINTED 24

typedef struct
{
  gint64 time;
  const gchar *what;
  gsize value;
  guint connection;
} Event;

struct _LedgerTrail
{
  GMutex lock; /* protects all of it */
  gint64 start;
  guint64 n_events; /* ever; the last N_EVENTS are kept */
  Event *events;
  guint *connections; /* of each number; 0: none yet */
  guint n_numbers;
};

LedgerTrail *
ledger_trail_new (guint n_numbers)
{
  LedgerTrail *self = g_new0 (LedgerTrail, 1);

  g_mutex_init (&self->lock);
  self->start = g_get_monotonic_time ();
  self->events = g_new0 (Event, N_EVENTS);
  self->connections = g_new0 (guint, n_numbers);
  self->n_numbers = n_numbers;
  return self;
}

void
ledger_trail_free (LedgerTrail *self)
{
  g_mutex_clear (&self->lock);
  g_free (self->events);
  g_free (self->connections);
  g_free (self);
}

void
ledger_trail_add (LedgerTrail *self, guint connection, const gchar *what, gsize value)
{
  gint64 now = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  self->events[self->n_events++ % N_EVENTS] = (Event){ now, what, value, connection };
  g_mutex_unlock (&self->lock);
}

static void
add_number (LedgerTrail *self, guint connection, guint number)
{
  if (number >= self->n_numbers)
    return;
  g_mutex_lock (&self->lock);
  self->connections[number] = connection;
  g_mutex_unlock (&self->lock);
  ledger_trail_add (self, connection, "request of call", number);
}

void
ledger_trail_add_request (LedgerTrail *self, guint connection, const guint8 *data, gsize size)
{
  const guint8 *end = data + size;
  const guint8 *at = data;

  while (at < end && (at = memchr (at, LEDGER_REQUEST_MARK, end - at)) != NULL)
    {
      gchar digits[LEDGER_MARK_LENGTH - 1] = { 0 };

      at++;
      if (end - at < LEDGER_MARK_LENGTH - 1)
        return;
      memcpy (digits, at, sizeof digits - 1);
      if (at[sizeof digits - 1] == '.' && strspn (digits, "0123456789") == sizeof digits - 1)
        add_number (self, connection, strtoul (digits, NULL, 10));
    }
}

static guint64
get_oldest (const LedgerTrail *self)
{
  return self->n_events > N_EVENTS ? self->n_events - N_EVENTS : 0;
}

static void
print_event (const LedgerTrail *self, const Event *event)
{
  printf ("#   %9.3f ms  %s %" G_GSIZE_FORMAT "\n", (event->time - self->start) / 1e3, event->what,
          event->value);
}

/* With the lock: the first event of a connection is its fault. */
static void
print_fault (const LedgerTrail *self, guint connection)
{
  guint64 at = get_oldest (self);

  while (at < self->n_events && self->events[at % N_EVENTS].connection != connection)
    at++;
  if (at < self->n_events)
    print_event (self, &self->events[at % N_EVENTS]);
}

/* With the lock: the place of the oldest event of @connection that is printed. */
static guint64
find_first (const LedgerTrail *self, guint connection)
{
  guint64 oldest = get_oldest (self);
  guint64 at = self->n_events;
  guint n = 0;

  while (at > oldest && n < N_PRINTED)
    if (self->events[--at % N_EVENTS].connection == connection)
      n++;
  return at;
}

void
ledger_trail_print (LedgerTrail *self, guint number)
{
  guint connection;
  guint64 at;

  g_mutex_lock (&self->lock);
  connection = number < self->n_numbers ? self->connections[number] : 0;
  printf (connection > 0
              ? "# call %u went over connection %u, of which the fault and the last events are:\n"
              : "# call %u was seen on no connection\n",
          number, connection);
  if (connection > 0)
    print_fault (self, connection);
  for (at = find_first (self, connection); connection > 0 && at < self->n_events; at++)
    {
      const Event *event = &self->events[at % N_EVENTS];

      if (event->connection == connection)
        print_event (self, event);
    }
  fflush (stdout);
  g_mutex_unlock (&self->lock);
}
