/* What is to happen in a simulation, in order of time; at one instant, in the order in which it was added. */
#ifndef LOAD_EVENTS_PRIVATE_H
#define LOAD_EVENTS_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  LOAD_EVENT_CALL,     /* a call comes; what: its caller's number, or NULL */
  LOAD_EVENT_RETURN,   /* a lease comes back */
  LOAD_EVENT_DIALED,   /* a dial is over */
  LOAD_EVENT_DEADLINE, /* of a waiter */
  LOAD_EVENT_TICK      /* what time alone does */
} LoadEventKind;

typedef struct
{
  gint64 at;
  guint64 order;
  LoadEventKind kind;
  gpointer what;
  guint64 number; /* of @what, which may be another one when the time comes */
} LoadEvent;

typedef struct
{
  GArray *heap; /* of LoadEvent: none is later than those at twice its place */
  guint64 added;
} LoadEvents;

void load_events_init (LoadEvents *self);
void load_events_clear (LoadEvents *self);
void
load_events_add (LoadEvents *self, gint64 at, LoadEventKind kind, gpointer what, guint64 number);
/* FALSE where there is none. */
gboolean load_events_take (LoadEvents *self, LoadEvent *event);

G_END_DECLS

#endif /* LOAD_EVENTS_PRIVATE_H */
