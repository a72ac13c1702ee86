/* How much a server takes at once: a limit that follows what the handlers' times say, and turns among clients. Neither
 * knows threads, sockets or a clock; times are microseconds of any monotonic clock. */
#ifndef TALLY_ADMISSION_PRIVATE_H
#define TALLY_ADMISSION_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

/* ---- the limit: admission-limit.c ---- */

/* Methods whose times are known apart; the ones beyond share. */
#define TALLY_ADMISSION_METHODS 64

/* What is known of one method's times. */
typedef struct
{
  gconstpointer method; /* atomic; what it is called by, once it is one's */
  guint quick;          /* atomic: a quarter of the recent calls took less; 0: none is known */
  guint n_doubted;      /* atomic: calls that would not make it, since one was let in */
  /* the limit's lock */
  gdouble usual;  /* their mean while little ran */
  gdouble recent; /* their mean of late */
  guint n_samples;
} TallyMethodTimes;

/* Any thread may call the functions; the lock is never waited for, so that of calls that end at the same instant one is
 * learnt from. */
typedef struct
{
  guint least;
  guint most;
  gboolean adapts;
  guint limit;      /* atomic: of those that run */
  guint allowed;    /* atomic: the same, or for a while half of it */
  guint n_running;  /* atomic */
  guint calm;       /* atomic: while no more run, times are usual */
  gint was_crossed; /* atomic: more ran since calm_since was written */
  guint mean;       /* atomic: of all calls of late, microseconds */
  TallyMethodTimes methods[TALLY_ADMISSION_METHODS];
  GMutex lock;
  /* the lock's */
  gdouble exact;     /* the limit, with its fraction */
  gdouble slowdowns; /* sum of this round's */
  guint n_samples;   /* of this round */
  guint n_calm;      /* of these, what is usual was learnt from */
  guint rounds_to_probe;
  gboolean is_probe; /* in this round fewer may run */
  guint most_seen;   /* that ran at once in it */
  gint64 last_end;
  gint64 calm_since;
} TallyAdmissionLimit;

/* One request's leave to run. */
typedef struct
{
  gboolean is_held;
  guint n_seen;            /* that ran when it began, itself included */
  gint64 began;            /* 0: it has not */
  TallyMethodTimes *times; /* nullable: nothing is to be learnt */
} TallyAdmissionPermit;

void tally_admission_init (TallyAdmissionLimit *self);
/* Before it is used, and later. @adapts: else the limit is @most. 1 <= @least <= @most */
void
tally_admission_set_bounds (TallyAdmissionLimit *self, guint least, guint most, gboolean adapts);
void tally_admission_clear (TallyAdmissionLimit *self);
guint tally_admission_get_limit (const TallyAdmissionLimit *self);
gboolean tally_admission_has_room (const TallyAdmissionLimit *self);
/* FALSE: as many run as may. */
gboolean tally_admission_take (TallyAdmissionLimit *self, TallyAdmissionPermit *permit);
/* @times are those of its method. */
void tally_admission_begin (TallyAdmissionPermit *permit, TallyMethodTimes *times, gint64 now);
/* What has begun is learnt from. */
void tally_admission_give (TallyAdmissionLimit *self, TallyAdmissionPermit *permit, gint64 now);
/* @method (nullable): all calls that have none share. */
TallyMethodTimes *tally_admission_find_times (TallyAdmissionLimit *self, gconstpointer method);
/* How long a call of the method takes that must wait for @n_ahead others, at the least: three of four take longer. 0: it is
 * not known. */
gint64 tally_admission_estimate (const TallyAdmissionLimit *self,
                                 const TallyMethodTimes *times,
                                 guint n_ahead);
/* Whether a call that has @left is to be refused because it would not make it. A few are let in, so that times that have
 * become better are seen. */
gboolean tally_admission_is_hopeless (TallyAdmissionLimit *self,
                                      TallyMethodTimes *times,
                                      guint n_ahead,
                                      gint64 left);

/* ---- turns: admission-turns.c ---- */

/* One client. It is there while something of it is. */
typedef struct
{
  guint64 key; /* 0: nobody else can be it */
  guint n_users;
  guint n_waiting;
  guint n_running; /* atomic: written without the turns' owner, too */
  GQueue places;   /* what of it waits, each in its turn */
  GList link;      /* in the turns, while something waits */
} TallyTurnsClient;

/* A list of clients that wait, each in its turn: its owner's. */
typedef struct
{
  GQueue clients;
  GHashTable *known; /* nullable: clients with a key, by it */
  guint n_known;     /* atomic: these */
  guint n_waiting;   /* atomic: written by the owner only */
} TallyTurns;

void tally_turns_clear (TallyTurns *self);
/* A client that has no key and is not allocated. */
void tally_turns_client_init (TallyTurnsClient *client);
/* One more user of the client that @key, which is not 0, names. */
TallyTurnsClient *tally_turns_join (TallyTurns *self, guint64 key);
void tally_turns_leave (TallyTurns *self, TallyTurnsClient *client);
/* Whether one more request of @client may wait where @max may in all: each with a key may use as much as is free, so that
 * there is always room for another one. */
gboolean tally_turns_may_wait (const TallyTurns *self, const TallyTurnsClient *client, guint max);
/* Whether one more request of @client may run where @limit may in all: a part is kept from each, if there are others. Any
 * thread. */
gboolean tally_turns_may_run (const TallyTurns *self, const TallyTurnsClient *client, guint limit);
/* A request of @client waits, or waits no longer. */
void tally_turns_count (TallyTurns *self, TallyTurnsClient *client, gint change);
/* @place stands for what waits of one connection of @client: enters it, at the end; takes it out. */
void tally_turns_enter (TallyTurns *self, TallyTurnsClient *client, GList *place);
void tally_turns_remove (TallyTurns *self, TallyTurnsClient *client, GList *place);
/* Whether what @data stands for may be taken. */
typedef gboolean (*TallyTurnsFilter) (gpointer data, gpointer user_data);
/* (nullable): the place whose turn it is, of a client that has no more than its share of the @limit that run, if there
 * is one. */
GList *
tally_turns_find (TallyTurns *self, guint limit, TallyTurnsFilter filter, gpointer user_data);
/* The turn of @client, of which a place was found, is over. */
void tally_turns_pass (TallyTurns *self, TallyTurnsClient *client);

G_END_DECLS

#endif /* TALLY_ADMISSION_PRIVATE_H */
