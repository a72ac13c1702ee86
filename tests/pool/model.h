/* What the model test's steps and its invariants share. */
#ifndef TESTS_POOL_MODEL_H
#define TESTS_POOL_MODEL_H

#include "harness.h"
#include "pool-private.h"

#define MAX_BORROWERS 24

typedef enum
{
  BORROWER_NONE,
  BORROWER_ASKED,
  BORROWER_CHECKS,
  BORROWER_DIALS,
  BORROWER_HOLDS
} BorrowerState;

typedef struct
{
  TallyWaiter waiter;
  BorrowerState state;
  gboolean in_queue; /* as the test believes */
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
  guint calm;         /* percent of the steps in which nobody borrows, who would otherwise */
  guint64 served;
  guint64 old_generation;
  TallyHold *old_hold;
} Model;

/* CUnit counts assertions; a million steps have too many to count. */
#define HOLDS(condition)                                                                           \
  do                                                                                               \
    if (G_UNLIKELY (!(condition)))                                                                 \
      model_fail (#condition, __FILE__, __LINE__);                                                 \
  while (0)

void model_fail (const gchar *condition, const gchar *file, int line);

/* Looks at every invariant. So many connections were open, and dials under way, before the step. */
void model_check (Model *model, guint open_before, guint dialing_before);

#endif /* TESTS_POOL_MODEL_H */
