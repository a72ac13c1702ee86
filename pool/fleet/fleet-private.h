/* A fleet, for its parts: what it is (fleet.c), the way of its calls (fleet-route.c), how it learns its endpoints (fleet-lookup.c),
 * what its calls wait for (fleet-wait.c). */
#ifndef TALLY_FLEET_PRIVATE_H
#define TALLY_FLEET_PRIVATE_H

#include "core-private.h"
#include "fleet-internal.h"
#include "picker-private.h"
#include "tally-resolver.h"

G_BEGIN_DECLS

/* What a member stands for. */
typedef struct
{
  TallyEndpoint *endpoint;
  TallyBucket *bucket; /* nullable, atomic: not before it is picked */
  guint n_routes;      /* that use it; the fleet's lock */
} TallyFleetEndpoint;

/* How a fleet learns its endpoints; fleet-lookup.c's. */
typedef struct
{
  TallyResolver *resolver; /* nullable: it has a list that does not change */
  gboolean looks;          /* the resolver has to be asked */
  gchar *prefix;           /* what an endpoint's URI has before an address, */
  gchar *suffix;           /* and behind it */
  TallyTlsOptions tls;     /* with copies */
  gint64 due;         /* atomic: when to look again; G_MAXINT64: not now. What follows: the lock */
  gint64 hastened_at; /* when a failure last made it due */
  guint n_failed;     /* lookups in a row */
  gboolean is_under_way;
  gboolean has_failed; /* since that began, or after it */
  GCancellable *stop;  /* nullable: of the one under way */
  GError *failure;     /* nullable: of the last one */
} TallyFleetLookup;

struct _TallyFleet
{
  gint ref_count; /* atomic */
  TallyPool *pool;
  TallyPoolCore *core; /* owned */
  gchar *name;
  TallyForkWatch fork_watch;
  /* Taken before a bucket's lock, and with no other. */
  pthread_mutex_t lock;
  TallyPicker picker; /* the lock; its members' owners are TallyFleetEndpoint */
  gint64 answered_at; /* the lock: when a call last was, at any of its endpoints */
  gint64 changed_at;  /* the lock: when there last was a reason to try again what has failed */
  GPtrArray *waits;   /* the lock; fleet-wait.c's: of calls that wait */
  gboolean
      has_forked; /* the lock: this is a child process that has not chosen a subset of its own */
  TallyFleetLookup lookup;
};

/* (transfer full): all fleets of a pool, each with a reference. */
GPtrArray *tally_core_dup_fleets (TallyPoolCore *core);
TallyFleet *tally_fleet_ref (TallyFleet *self);
void tally_fleet_unref (TallyFleet *self);
/* Appends lines for a person. Not under any lock. */
void tally_fleet_dump (TallyFleet *self, GString *text);

/* Frees a member that the list has no longer: for an array. */
void tally_fleet_give_up_member (gpointer member);
/* With the lock: forgets @member, if neither the list nor a call has it, and gives it to @gone. */
void tally_fleet_drop_unused_locked (TallyFleet *self, TallyMember *member, GPtrArray *gone);
/* In a child process not all clients shall have the parent's subset. */
void tally_fleet_choose_own_subset_locked (TallyFleet *self);

/* ---- fleet-wait.c ---- */

/* How long a call waits for an endpoint that can be reached. */
typedef struct
{
  gint64 since; /* a change at this time or later ends it, */
  gint64 from;  /* not before this time */
  gint64 until;
} TallyReadyWait;

/* Wakes the calls that wait, whatever for. */
void tally_fleet_wake_waits_locked (TallyFleet *self);
/* What a call could not reach it may reach now: wakes those that wait for that. */
void tally_fleet_note_change_locked (TallyFleet *self, gint64 now);
void tally_fleet_note_change (TallyFleet *self);
/* As tally_fleet_await (), until something changes, or the pool is closed. */
void tally_fleet_await_change (TallyFleet *self,
                               GMainContext *context,
                               const TallyReadyWait *ready,
                               GCancellable *cancellable,
                               void (*callback) (gpointer data),
                               gpointer data);
/* Whether its pool is, or is about to be. */
gboolean tally_fleet_is_closed (const TallyFleet *self);

/* ---- fleet-lookup.c ---- */

/* With the lock: tally_fleet_must_wait (). */
gboolean tally_fleet_must_wait_locked (const TallyFleet *self);

/* Its resolver says so. Not under any lock. */
void tally_fleet_update (TallyFleet *self, const TallyAddress *addresses, guint n_addresses);
void tally_fleet_fail (TallyFleet *self, const GError *error);
/* Looks, on a thread of the pool, if it is time to. */
void tally_fleet_look_if_due (TallyFleet *self, gint64 now);
/* An endpoint failed: the list may be out of date. */
void tally_fleet_hasten_lookup (TallyFleet *self, gint64 now);
/* The lookup under way ends early. Not under any lock. */
void tally_fleet_stop_lookup (TallyFleet *self);
/* In a child process. */
void tally_fleet_start_lookup_anew (TallyFleet *self);
void tally_fleet_clear_lookup (TallyFleet *self);

G_END_DECLS

#endif /* TALLY_FLEET_PRIVATE_H */
