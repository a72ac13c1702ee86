/* Which of several endpoints a call takes. A plain state machine, as a bucket's policy is: it knows no thread, lock,
 * clock, socket or source of random numbers. Its caller has a lock, passes time and random numbers, and says how each
 * attempt ended. A member is what it keeps of one endpoint. */
#ifndef TALLY_PICKER_PRIVATE_H
#define TALLY_PICKER_PRIVATE_H

#include "attempt-internal.h"

G_BEGIN_DECLS

typedef enum
{
  TALLY_PICKER_TWO_CHOICES, /* the less loaded of two at random */
  TALLY_PICKER_LEAST,       /* the least loaded of all */
  TALLY_PICKER_ROUND_ROBIN, /* in turn */
  TALLY_PICKER_FIRST        /* the first in the list's order that works */
} TallyPickerKind;

#define TALLY_N_PICKERS 4
/* By TallyPickerKind: what URIs and dumps call them. */
extern const gchar *const tally_picker_names[TALLY_N_PICKERS];

/* Parts of one, in which weights are counted that rise step by step. */
#define TALLY_PICKER_WHOLE 1024
#define TALLY_PICKER_MAX_WEIGHT 1000
/* A newcomer's weight rises to its own in so many microseconds, and so does that of a member that was out. */
#define TALLY_PICKER_SLOW_START (10 * G_TIME_SPAN_SECOND)
/* So many members one call may try. */
#define TALLY_PICKER_MAX_TRIES 16

/* How an endpoint does. */
typedef struct
{
  guint in_a_row; /* failures since the last success */
  gint64 began;   /* the period in which the next two are counted */
  guint n_calls;
  guint n_failures;
  guint n_times;      /* it was taken out, less one for each quiet period */
  gint64 out_until;   /* 0: it is in */
  gint64 alone_until; /* out, too, for a moment after a failure */
} TallyHealth;

typedef struct
{
  guint64 id;      /* of what the endpoint is: equal endpoints have equal ones */
  gpointer owner;  /* the caller's: what the endpoint is */
  guint weight;    /* 1 to TALLY_PICKER_MAX_WEIGHT */
  guint priority;  /* the least first; others only where none of these is in */
  guint position;  /* in the list */
  guint in_flight; /* attempts that were picked and have not ended */
  gint64 rising;   /* since when its weight rises; G_MININT64: it does not */
  gint64 credit;   /* round robin's */
  gint32
      pace; /* how long answers take: the binary logarithm of microseconds, in 1/256; 0: not known */
  gint64 pace_time; /* when it was last found */
  gint64 believed;  /* for so many microseconds it is held against the member */
  guint64 rank;     /* in the subset */
  guint64 n_picks;
  guint64 n_failed;
  gboolean is_listed;      /* in the latest list */
  gboolean is_active;      /* and in the subset; the next two are then set: */
  guint first_of_priority; /* where in `active` those of its priority begin, */
  guint end_of_priority;   /* and end */
  TallyHealth health;
} TallyMember;

typedef struct
{
  TallyPickerKind kind;
  guint subset; /* so many of each priority; 0: all */
  guint64 seed; /* whose subset it is */
  /* Whether a call to a member would find a connection; asked where the load of two is equal. NULL: no. */
  gboolean (*is_connected) (gpointer owner);
} TallyPickerOptions;

typedef struct
{
  TallyPickerOptions options;
  GPtrArray *members; /* of TallyMember: the list's, and those that calls still use; the caller's */
  GPtrArray *active;  /* of TallyMember: by priority, then position */
  gint32 pace;        /* of all active members' answers, the latest counting most */
  guint heaviest;     /* the greatest weight of these */
  guint64 random;
} TallyPicker;

/* What a list says of one endpoint. */
typedef struct
{
  guint64 id;
  guint weight;
  guint priority;
} TallyMemberSpec;

void tally_picker_init (TallyPicker *self, const TallyPickerOptions *options, guint64 random);
/* Does not free the members. */
void tally_picker_clear (TallyPicker *self);
/* (transfer none): a new member, which the picker knows from now on. @now: the time; members of the first list do not
 * begin slowly, for which it is G_MININT64. */
TallyMember *
tally_picker_add (TallyPicker *self, const TallyMemberSpec *spec, guint position, gint64 now);
/* Forgets @member, which is not listed; the caller frees it. */
void tally_picker_remove (TallyPicker *self, TallyMember *member);
/* After members were added or their `is_listed`, weight, priority or position changed: finds which are active. */
void tally_picker_arrange (TallyPicker *self);

/* (nullable): the member for an attempt that was not tried yet: none of the @n_tried ones. Its attempt is in flight until
 * tally_picker_end (). NULL: all were tried. */
TallyMember *tally_picker_pick (
    TallyPicker *self, gint64 now, guint64 random, TallyMember *const *tried, guint n_tried);
/* Whether @member is one of @tried. */
gboolean
tally_picker_has_tried (const TallyMember *member, TallyMember *const *tried, guint n_tried);
/* @member, which was tried, is tried once more. */
void tally_picker_repick (TallyMember *member);
/* The attempt that @member was picked for at @began has ended. */
void tally_picker_end (
    TallyPicker *self, TallyMember *member, gint64 began, gint64 now, TallyAttemptEnd end);

/* How many times as long as others' its answers take: 1, or more than 2. */
gdouble tally_picker_get_slowness (const TallyPicker *self, const TallyMember *member, gint64 now);
/* How busy @member is: 0 for one with nothing in flight that is about as fast as the others. */
gdouble tally_picker_get_load (const TallyPicker *self, const TallyMember *member, gint64 now);
/* Its weight in parts of TALLY_PICKER_WHOLE, which rises step by step. */
guint tally_picker_get_weight (const TallyMember *member, gint64 now);

/* ---- picker-outliers.c ---- */

/* Notes an end of an attempt: answered, failed or timed out. */
void tally_outliers_note (const TallyPicker *picker,
                          TallyMember *member,
                          gint64 now,
                          TallyAttemptEnd end);
/* Whether @member gets no calls now. One whose time is over comes in again, which is noted. */
gboolean tally_outliers_is_out (TallyMember *member, gint64 now);

/* ---- picker-subset.c ---- */

/* Evenly distributed 64 bits of @value. */
guint64 tally_mix (guint64 value);
/* Fills `active` of @picker: of the listed members with one priority those with the highest hash of id and seed
 * (rendezvous hashing: a member that comes or goes changes one place of each subset). */
void tally_subset_choose (TallyPicker *picker);
/* (nullable): where the last call to each active member failed, the member that would be the next one of the subset; none of
 * @tried. */
TallyMember *
tally_subset_find_spare (const TallyPicker *picker, TallyMember *const *tried, guint n_tried);

G_END_DECLS

#endif /* TALLY_PICKER_PRIVATE_H */
