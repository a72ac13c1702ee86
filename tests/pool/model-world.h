/* What the model test's steps and its invariants share. */
#ifndef TESTS_POOL_MODEL_WORLD_H
#define TESTS_POOL_MODEL_WORLD_H

#include "harness.h"
#include "bucket-private.h"

#define MAX_BORROWERS 24
/* After so many steps a new policy is played with. */
#define MODEL_STRETCH 20000

typedef enum
{
  BORROWER_NONE,
  BORROWER_ASKED,
  BORROWER_CHECKS,
  BORROWER_DIALS,
  BORROWER_HOLDS,
  BORROWER_OWNS,   /* has lent itself its own connection, as far as it knows */
  BORROWER_RETURNS /* and gives it back */
} BorrowerState;

typedef struct
{
  TallyWaiter waiter;
  BorrowerState state;
  gboolean in_queue;  /* as the test believes */
  guint64 ticket;     /* of the common case of shared connections */
  gboolean filled;    /* its lease of its own is */
  gboolean is_shared; /* its own connection is */
  gboolean is_proven; /* and it has found that alive */
  gboolean is_returning;
} ModelBorrower;

typedef struct
{
  TallyPolicy policy;
  TallyInstant now;
  guint64 random;
  guint64 step;
  ModelBorrower borrowers[MAX_BORROWERS];
  GPtrArray *dialing; /* slots that a thread of the pool dials */
  GPtrArray *closing; /* connections whose close is under way */
  GPtrArray *looking; /* idle connections that are looked at */
  guint descriptors;  /* really open */
  guint total_limit;  /* over all endpoints; 0: none */
  guint elsewhere;    /* what the other endpoints have of that */
  guint reserved;     /* what this one has */
  gint64 waits_since; /* the longest wait at the others for want of that limit; G_MAXINT64: none */
  guint yielding;     /* connections that close for it */
  gint64 held[TALLY_RECENT_HOLDS]; /* how long the latest leases were out, a ring */
  guint n_held;
  guint64 n_ended; /* leases, of this policy */
  guint
      n_held_before; /* when connections out of the books last had leases entered: they say what the latest were */
  gboolean is_simple; /* no option keeps connections in the books */
  guint calm;         /* percent of the steps that would borrow and do not */
  guint64 served;
  guint64 served_before; /* this policy */
  guint64 n_own;         /* leases without the books */
  guint64 n_recalled;    /* steps that found the connection in the books */
  guint64 old_generation;
  TallyHold *old_hold;
} Model;

/* CUnit counts assertions; a million steps have too many to count. */
#define HOLDS(condition)                                                                           \
  do                                                                                               \
    if (G_UNLIKELY (!(condition)))                                                                 \
      model_fail (#condition, __FILE__, __LINE__);                                                 \
  while (0)

/* A random number from 0 to below @below. */
guint model_pick (Model *model, guint below);
void model_fail (const gchar *condition, const gchar *file, int line);

/* Looks at every invariant. So many connections were open, and dials under way, before the step. */
void model_check (Model *model, guint open_before, guint dialing_before);

/* What is to become of a lease's connection, seen before it comes back: whether it closes for somebody at
 * another endpoint (rule 3). */
typedef struct
{
  TallyConn *conn;
  gboolean is_free; /* nothing else says that it closes */
  gboolean yields;
} ModelFate;

/* Connections that are taken and given back without the books: model-own.c */
void model_enter_books (Model *model);
void model_step_own (Model *model, ModelBorrower *(*find) (Model *model, BorrowerState state));

ModelFate model_foresee (Model *model, const TallyHold *hold, TallyCloseReason reason);
void model_check_fate (Model *model, const ModelFate *fate);
/* Whether a caller at another endpoint waits since @before and no connection closes for it yet. */
gboolean model_is_awaited_elsewhere (const Model *model, gint64 before);
/* @waiter was refused by its estimate. */
void model_check_estimate (Model *model, const TallyWaiter *waiter);

/* model-world.c: what happens besides borrowing. */
void model_choose_options (Model *model, TallyPoolOptions *options);
/* How many more may be open over all endpoints. @model: a gpointer, as the policy has it. */
gint model_room (gpointer model);
void model_supply_totals (Model *model);
void model_step_time (Model *model);
/* Something that happens seldom. */
void model_step_rare (Model *model);

#endif /* TESTS_POOL_MODEL_WORLD_H */
