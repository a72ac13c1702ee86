/* Grants a policy its wishes, without threads or sockets. */
#include "world.h"

const GError world_refused = { 1, 1, (gchar *) "refused" };

static void
on_wake (TallyWaiter *waiter)
{
}

World *
world_new (const TallyPoolOptions *options)
{
  World *world = g_new0 (World, 1);

  world->now = (TallyInstant){ 1000 * S, 5000 * S };
  tally_policy_init (&world->policy, options, 42);
  world->policy.wake = on_wake;
  return world;
}

void
world_settle (World *world)
{
  TallyConn *conn;

  while ((!world->hold_dials && world->policy.to_dial != NULL) || world->policy.closing != NULL)
    {
      if (!world->hold_dials && (conn = world->policy.to_dial) != NULL)
        {
          world->policy.to_dial = conn->next;
          world->dials++;
          tally_policy_dial_done (&world->policy, &world->now, conn, world, NULL);
        }
      if ((conn = world->policy.closing) != NULL)
        {
          world->policy.closing = conn->next;
          world->closed++;
          tally_policy_closed (&world->policy, &world->now, conn);
        }
    }
}

void
world_free (World *world)
{
  tally_policy_close (&world->policy, &world->now);
  world_settle (world);
  tally_policy_clear_memory (&world->policy);
  g_free (world);
}

void
world_pass (World *world, gint64 microseconds)
{
  world->now.mono += microseconds;
  world->now.boot += microseconds;
  tally_policy_tick (&world->policy, &world->now);
  world_settle (world);
}

void
world_ask (World *world, TallyWaiter *waiter, gint64 within)
{
  *waiter = (TallyWaiter){ .label = "time",
                           .deadline = within == G_MAXINT64 ? within : world->now.mono + within };
  tally_policy_ask (&world->policy, &world->now, waiter);
  world_settle (world);
}

void
world_give_back (World *world, TallyWaiter *waiter)
{
  if (!tally_policy_put (&world->policy, &world->now, waiter->hold))
    tally_policy_release (&world->policy, &world->now, waiter->hold, TALLY_CLOSE_NONE);
  world_settle (world);
}

void
world_fill (World *world, guint count)
{
  TallyWaiter waiters[16];

  for (guint i = 0; i < count; i++)
    world_ask (world, &waiters[i], G_MAXINT64);
  for (guint i = 0; i < count; i++)
    world_give_back (world, &waiters[i]);
}

void
world_warm (World *world, guint count)
{
  tally_policy_warm (&world->policy, &world->now, count);
  world_settle (world);
}

TallyConn *
world_take_dial (World *world)
{
  TallyConn *conn = world->policy.to_dial;

  CU_ASSERT_PTR_NOT_NULL_FATAL (conn);
  world->policy.to_dial = conn->next;
  return conn;
}

void
world_fail_dial (World *world)
{
  tally_policy_dial_failed (&world->policy, &world->now, world_take_dial (world), &world_refused,
                            NULL);
}
