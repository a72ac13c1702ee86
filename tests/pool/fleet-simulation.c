/* Runs a fleet in virtual time: a queue of events, clients that pick, servers that take a while. */
#include "fleet-simulation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How long it takes to find that nobody listens. */
#define REFUSED_US 200
#define DIAL_US 500

typedef struct
{
  gdouble slowness;
  gboolean is_failing;
  gboolean is_away;
  guint life; /* changes with each restart and death */
  guint n_busy;
  GQueue waiting; /* of Call */
  guint n_answered;
  guint n_connections;
  guint most_connections;
} Server;

typedef struct
{
  Server *server;
  guint life; /* the server's, when it was connected */
  gboolean is_connected;
} Link;

typedef struct
{
  TallyPicker picker; /* the owner of a member is a Link */
} Client;

typedef struct
{
  Client *client;
  TallyMember *tried[TALLY_PICKER_MAX_TRIES];
  guint n_tried;
  gint64 began;
  gint64 attempted;
  guint life; /* the server's, when it got the call */
} Call;

typedef enum
{
  EVENT_CALL,    /* a client makes one */
  EVENT_ARRIVAL, /* an attempt is at its server */
  EVENT_SERVED,  /* a server has done it, or what it would have done if it were still there */
  EVENT_AWAY,    /* a server goes */
  EVENT_BACK
} EventKind;

typedef struct
{
  gint64 time;
  guint64 order;
  EventKind kind;
  gpointer subject; /* Client, Call or Server */
} Event;

typedef struct
{
  const Simulation *plan;
  SimulationResult result;
  gint64 now;
  gint64 end;
  guint64 random;
  guint64 n_events;
  GArray *heap;  /* of Event */
  GArray *times; /* of gint64: what the calls that count took */
  Server *servers;
  Client *clients;
} World;

/* ---- events and chance ---- */

static gboolean
comes_before (const Event *a, const Event *b)
{
  return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void
schedule (World *world, gint64 time, EventKind kind, gpointer subject)
{
  const Event event = { time, world->n_events++, kind, subject };
  Event *events;
  guint i = world->heap->len;

  g_array_append_val (world->heap, event);
  events = (Event *) (gpointer) world->heap->data;
  for (; i > 0 && comes_before (&event, &events[(i - 1) / 2]); i = (i - 1) / 2)
    events[i] = events[(i - 1) / 2];
  events[i] = event;
}

static gboolean
take_event (World *world, Event *event)
{
  Event *events = (Event *) (gpointer) world->heap->data;
  guint length = world->heap->len;
  Event last;
  guint i = 0;

  if (length == 0)
    return FALSE;
  *event = events[0];
  last = events[--length];
  for (guint child = 1; child < length; child = 2 * i + 1)
    {
      if (child + 1 < length && comes_before (&events[child + 1], &events[child]))
        child++;
      if (!comes_before (&events[child], &last))
        break;
      events[i] = events[child];
      i = child;
    }
  events[i] = last;
  g_array_set_size (world->heap, length);
  return TRUE;
}

static guint64
draw_number (World *world)
{
  return world->random = tally_mix (world->random);
}

/* An exponentially distributed time. */
static gint64
draw_time (World *world, gdouble mean_us)
{
  gdouble uniform =
      ((gdouble) (draw_number (world) >> 11) + 1) / (gdouble) (G_GUINT64_CONSTANT (1) << 53);

  return (gint64) (-log (uniform) * mean_us) + 1;
}

/* ---- connections ---- */

static gboolean
is_linked (gpointer owner)
{
  const Link *link = owner;

  return link->is_connected && link->life == link->server->life;
}

static void
connect_link (Link *link)
{
  if (is_linked (link))
    return;
  link->is_connected = TRUE;
  link->life = link->server->life;
  link->server->n_connections++;
  link->server->most_connections =
      MAX (link->server->most_connections, link->server->n_connections);
}

/* ---- calls ---- */

static void
end_call (World *world, Call *call, gboolean has_failed)
{
  gint64 took = world->now - call->began;

  if (call->began >= (gint64) (world->plan->counted_from * G_TIME_SPAN_SECOND))
    {
      world->result.n_calls++;
      world->result.n_errors += has_failed;
      world->result.n_replays += call->n_tried - 1;
      g_array_append_val (world->times, took);
    }
  g_free (call);
}

static TallyMember *
get_member (const Call *call)
{
  return call->tried[call->n_tried - 1];
}

static void
attempt (World *world, Call *call)
{
  TallyMember *member = NULL;

  if (call->n_tried < TALLY_PICKER_MAX_TRIES)
    member = tally_picker_pick (&call->client->picker, world->now, draw_number (world), call->tried,
                                call->n_tried);
  if (member == NULL)
    {
      end_call (world, call, TRUE);
      return;
    }
  call->tried[call->n_tried++] = member;
  call->attempted = world->now;
  schedule (world, world->now + (is_linked (member->owner) ? 0 : DIAL_US), EVENT_ARRIVAL, call);
}

/* @may_replay: it was provably not executed. */
static void
end_attempt (World *world, Call *call, TallyAttemptEnd end, gboolean may_replay)
{
  tally_picker_end (&call->client->picker, get_member (call), call->attempted, world->now, end);
  if (end == TALLY_ATTEMPT_ANSWERED || !may_replay)
    end_call (world, call, end != TALLY_ATTEMPT_ANSWERED);
  else
    attempt (world, call);
}

static void
serve (World *world, Server *server, Call *call)
{
  server->n_busy++;
  call->life = server->life;
  schedule (world,
            world->now
                + draw_time (world,
                             world->plan->service_ms * G_TIME_SPAN_MILLISECOND * server->slowness),
            EVENT_SERVED, call);
}

static void
arrive (World *world, Call *call)
{
  Link *link = get_member (call)->owner;
  Server *server = link->server;

  if (server->is_away)
    {
      world->now += REFUSED_US;
      end_attempt (world, call, TALLY_ATTEMPT_FAILED, TRUE);
      world->now -= REFUSED_US;
      return;
    }
  connect_link (link);
  if (server->n_busy < world->plan->n_workers)
    serve (world, server, call);
  else
    {
      call->life = server->life;
      g_queue_push_tail (&server->waiting, call);
    }
}

static void
finish (World *world, Call *call)
{
  Server *server = ((Link *) get_member (call)->owner)->server;
  gboolean is_cut = server->is_failing && (draw_number (world) & 1) == 0;

  if (call->life != server->life) /* it died meanwhile: nobody knows whether it executed the call */
    {
      end_attempt (world, call, TALLY_ATTEMPT_FAILED, FALSE);
      return;
    }
  server->n_busy--;
  server->n_answered++;
  end_attempt (world, call, is_cut ? TALLY_ATTEMPT_FAILED : TALLY_ATTEMPT_ANSWERED, FALSE);
  if (!g_queue_is_empty (&server->waiting))
    serve (world, server, g_queue_pop_head (&server->waiting));
  else if (server->is_away && server->n_busy == 0)
    server->life++; /* drained: its connections end */
}

/* ---- servers come and go ---- */

/* A server that is restarted answers what it has; one that dies does not. */
static void
go_away (World *world, Server *server)
{
  gboolean dies = world->plan->restart_ms == 0;

  server->is_away = TRUE;
  server->n_connections = 0;
  if (dies)
    {
      server->life++;
      server->n_busy = 0;
      while (!g_queue_is_empty (&server->waiting))
        schedule (world, world->now, EVENT_SERVED, g_queue_pop_head (&server->waiting));
    }
  else
    schedule (world, world->now + (gint64) (world->plan->restart_ms * G_TIME_SPAN_MILLISECOND),
              EVENT_BACK, server);
}

static void
come_back (World *world, Server *server)
{
  if (server->n_busy > 0) /* its drain takes longer */
    {
      schedule (world, world->now + G_TIME_SPAN_MILLISECOND, EVENT_BACK, server);
      return;
    }
  server->life++;
  server->is_away = FALSE;
}

static void
plan_absences (World *world)
{
  const Simulation *plan = world->plan;

  for (guint i = 0; i < plan->n_dead; i++)
    schedule (world, world->end / 3, EVENT_AWAY, &world->servers[plan->n_servers - 1 - i]);
  for (guint i = 0; plan->restart_ms > 0 && i < plan->n_servers; i++)
    schedule (world, world->end * (i + 1) / (plan->n_servers + 1), EVENT_AWAY, &world->servers[i]);
}

/* ---- the run ---- */

static void
free_member (TallyMember *member)
{
  g_free (member->owner);
  g_free (member);
}

static void
open_client (World *world, Client *client)
{
  const Simulation *plan = world->plan;
  const TallyPickerOptions options = { plan->kind, plan->subset, draw_number (world), is_linked };

  tally_picker_init (&client->picker, &options, draw_number (world));
  for (guint i = 0; i < plan->n_servers; i++)
    {
      const TallyMemberSpec spec = { tally_mix (i), 1, 0 };
      Link *link = g_new0 (Link, 1);

      link->server = &world->servers[i];
      tally_picker_add (&client->picker, &spec, i, G_MININT64)->owner = link;
    }
  tally_picker_arrange (&client->picker);
  /* Of a large fleet a client remembers what it uses alone: a run must fit into memory. */
  for (guint i = 0; plan->subset > 0 && i < client->picker.members->len; i++)
    if (!((TallyMember *) g_ptr_array_index (client->picker.members, i))->is_active)
      free_member (g_ptr_array_remove_index_fast (client->picker.members, i--));
  schedule (world, draw_time (world, G_TIME_SPAN_SECOND / plan->rate), EVENT_CALL, client);
}

static void
close_client (Client *client)
{
  for (guint i = 0; i < client->picker.members->len; i++)
    free_member (g_ptr_array_index (client->picker.members, i));
  tally_picker_clear (&client->picker);
}

static void
make_call (World *world, Client *client)
{
  Call *call = g_new0 (Call, 1);

  call->client = client;
  call->began = world->now;
  attempt (world, call);
  schedule (world, world->now + draw_time (world, G_TIME_SPAN_SECOND / world->plan->rate),
            EVENT_CALL, client);
}

static void
handle (World *world, const Event *event)
{
  switch (event->kind)
    {
    case EVENT_CALL:
      if (world->now < world->end)
        make_call (world, event->subject);
      break;
    case EVENT_ARRIVAL:
      arrive (world, event->subject);
      break;
    case EVENT_SERVED:
      finish (world, event->subject);
      break;
    case EVENT_AWAY:
      go_away (world, event->subject);
      break;
    case EVENT_BACK:
      come_back (world, event->subject);
      break;
    }
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return (first > second) - (first < second);
}

static void
add_up (World *world)
{
  const Simulation *plan = world->plan;
  const gint64 *times = (const gint64 *) (gpointer) world->times->data;
  guint n_equal = plan->n_servers - plan->n_slow - plan->n_dead - plan->n_failing;
  guint64 answered = 0;
  guint64 connections = 0;
  guint busiest = 0;

  g_array_sort (world->times, compare_times);
  world->result.p50_ms = times[world->times->len / 2] / 1000.0;
  world->result.p99_ms = times[world->times->len * 99 / 100] / 1000.0;
  for (guint i = 0; i < plan->n_servers; i++)
    {
      const Server *server = &world->servers[i];
      gboolean is_equal = i >= plan->n_slow + plan->n_failing && i < plan->n_servers - plan->n_dead;

      connections += server->most_connections;
      world->result.max_connections = MAX (world->result.max_connections, server->most_connections);
      answered += is_equal ? server->n_answered : 0;
      busiest = is_equal ? MAX (busiest, server->n_answered) : busiest;
    }
  world->result.connections = (gdouble) connections / plan->n_servers;
  world->result.imbalance = (gdouble) busiest * n_equal / (gdouble) answered;
}

SimulationResult
simulation_run (const Simulation *simulation)
{
  World world = { .plan = simulation, .random = simulation->seed };
  Event event;

  world.end = (gint64) (simulation->seconds * G_TIME_SPAN_SECOND);
  world.heap = g_array_new (FALSE, FALSE, sizeof (Event));
  world.times = g_array_new (FALSE, FALSE, sizeof (gint64));
  world.servers = g_new0 (Server, simulation->n_servers);
  world.clients = g_new0 (Client, simulation->n_clients);
  for (guint i = 0; i < simulation->n_servers; i++)
    {
      world.servers[i].slowness = i < simulation->n_slow ? SIMULATION_SLOW : 1;
      world.servers[i].is_failing =
          i >= simulation->n_slow && i < simulation->n_slow + simulation->n_failing;
    }
  for (guint i = 0; i < simulation->n_clients; i++)
    open_client (&world, &world.clients[i]);
  plan_absences (&world);
  while (take_event (&world, &event))
    {
      world.now = event.time;
      handle (&world, &event);
    }
  add_up (&world);
  for (guint i = 0; i < simulation->n_clients; i++)
    close_client (&world.clients[i]);
  g_free (world.clients);
  g_free (world.servers);
  g_array_unref (world.heap);
  g_array_unref (world.times);
  return world.result;
}
