/* A policy whose every wish is granted at once, unless the test says otherwise, and its clock. */
#ifndef TESTS_POOL_WORLD_H
#define TESTS_POOL_WORLD_H

#include "harness.h"
#include "bucket-private.h"

#define MS G_TIME_SPAN_MILLISECOND
#define S G_TIME_SPAN_SECOND

typedef struct
{
  TallyPolicy policy;
  TallyInstant now;
  gboolean hold_dials; /* the test itself ends the dials in policy.to_dial */
  guint dials;
  guint closed;
} World;

/* What world_fail_dial () says. */
extern const GError world_refused;

World *world_new (const TallyPoolOptions *options);
void world_free (World *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

/* Grants what the policy asks for. */
void world_settle (World *world);
/* Lets time pass. */
void world_pass (World *world, gint64 microseconds);
/* @within: microseconds, or G_MAXINT64. */
void world_ask (World *world, TallyWaiter *waiter, gint64 within);
void world_give_back (World *world, TallyWaiter *waiter);
/* Dials, uses and returns @count connections, so that they are idle, dialed in this order. */
void world_fill (World *world, guint count);
void world_warm (World *world, guint count);
/* The dial that waits for the test. */
TallyConn *world_take_dial (World *world);
void world_fail_dial (World *world);

#endif /* TESTS_POOL_WORLD_H */
