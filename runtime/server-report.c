/* Owns what a server tells of its peers, one by one. Connections are looked at a few at a time, so that the lock is held
 * shortly however many there are. */
#include "server-report-private.h"

#include "call-info-private.h"

/* Connections that are looked at while the lock is held, and those of which the words are made then. */
#define SLICE 256
#define WORDS_SLICE 16

G_DEFINE_ENUM_TYPE (TallyServerPeerState,
                    tally_server_peer_state,
                    G_DEFINE_ENUM_VALUE (TALLY_SERVER_PEER_IDLE, "idle"),
                    G_DEFINE_ENUM_VALUE (TALLY_SERVER_PEER_READING, "reading"),
                    G_DEFINE_ENUM_VALUE (TALLY_SERVER_PEER_ACTIVE, "active"),
                    G_DEFINE_ENUM_VALUE (TALLY_SERVER_PEER_WRITING, "writing"),
                    G_DEFINE_ENUM_VALUE (TALLY_SERVER_PEER_ENDING, "ending"))

/**
 * tally_server_peer_copy:
 * @peer: a peer
 *
 * Returns: (transfer full): a copy
 *
 * Since: 0.2
 */
TallyServerPeer *
tally_server_peer_copy (const TallyServerPeer *peer)
{
  TallyServerPeer *copy = g_memdup2 (peer, sizeof *peer);

  copy->address = g_strdup (peer->address);
  copy->method = g_strdup (peer->method);
  return copy;
}

/**
 * tally_server_peer_free:
 * @peer: (transfer full): a peer
 *
 * Since: 0.2
 */
void
tally_server_peer_free (TallyServerPeer *peer)
{
  g_free (peer->address);
  g_free (peer->method);
  g_free (peer);
}

G_DEFINE_BOXED_TYPE (TallyServerPeer,
                     tally_server_peer,
                     tally_server_peer_copy,
                     tally_server_peer_free)

/* ---- the calls under way ---- */

void
server_report_begin_locked (ServerConnection *connection, TallyCallInfo *info)
{
  info->connection = connection;
  info->link = (GList){ .data = info };
  g_queue_push_tail_link (&connection->calls, &info->link);
}

void
server_report_end (TallyServer *self, TallyCallInfo *info)
{
  pthread_mutex_lock (&self->lock);
  if (info->connection != NULL)
    g_queue_unlink (&((ServerConnection *) info->connection)->calls, &info->link);
  info->connection = NULL;
  pthread_mutex_unlock (&self->lock);
}

void
server_report_close_locked (ServerConnection *connection)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&connection->calls)) != NULL)
    ((TallyCallInfo *) link->data)->connection = NULL;
}

/* ---- one connection ---- */

static TallyServerPeerState
find_state_locked (const ServerConnection *connection)
{
  static const TallyServerPeerState states[] = {
    [PHASE_IDLE] = TALLY_SERVER_PEER_IDLE,       [PHASE_READING] = TALLY_SERVER_PEER_READING,
    [PHASE_WRITING] = TALLY_SERVER_PEER_WRITING, [PHASE_ANSWERING] = TALLY_SERVER_PEER_ACTIVE,
    [PHASE_PACED] = TALLY_SERVER_PEER_ENDING,    [PHASE_LINGERING] = TALLY_SERVER_PEER_ENDING,
  };
  TallyServerPeerState state = states[atomic_peek (&connection->phase)];

  if (state != TALLY_SERVER_PEER_ENDING
      && (connection->first_request != NULL || connection->calls.head != NULL
          || atomic_peek (&connection->owner) != OWNER_NOBODY))
    return TALLY_SERVER_PEER_ACTIVE;
  return state;
}

static guint64
count_held_locked (const ServerConnection *connection)
{
  return connection->holds + atomic_peek (&connection->request_bytes);
}

/* (transfer full) */
static TallyServerPeer *
make_peer_locked (const ServerConnection *connection)
{
  TallyServerPeer *peer = g_new0 (TallyServerPeer, 1);
  const TallyCallInfo *oldest =
      connection->calls.head != NULL ? connection->calls.head->data : NULL;

  peer->address = tally_stream_dup_peer_place (&connection->stream);
  peer->state = find_state_locked (connection);
  peer->duration = (server_now () - connection->since) * 1000;
  peer->requests = atomic_peek (&connection->served);
  peer->under_way = connection->calls.length;
  peer->waiting = connection->n_waiting;
  peer->held = count_held_locked (connection);
  if (oldest != NULL)
    {
      peer->method = g_strdup (oldest->method);
      peer->method_duration = g_get_monotonic_time () - oldest->start;
    }
  return peer;
}

/* ---- which of them ---- */

/* A connection by its ticket, and what decides whether it is told of. */
typedef struct
{
  guint64 ticket;
  TallyServerPeerState state;
  guint64 held;
  gint64 since;
} Candidate;

/* What a person looks for comes first. */
static gint
compare_candidates (gconstpointer a, gconstpointer b)
{
  static const gint ranks[] = {
    [TALLY_SERVER_PEER_ACTIVE] = 0,  [TALLY_SERVER_PEER_WRITING] = 1,
    [TALLY_SERVER_PEER_READING] = 2, [TALLY_SERVER_PEER_ENDING] = 3,
    [TALLY_SERVER_PEER_IDLE] = 4,
  };
  const Candidate *first = a;
  const Candidate *second = b;

  if (first->state != second->state)
    return ranks[first->state] - ranks[second->state];
  if (first->held != second->held)
    return first->held < second->held ? 1 : -1;
  return (first->since > second->since) - (first->since < second->since);
}

/* Looks at the connections whose descriptors are @begin and those behind it. FALSE: there are none from here on. */
static gboolean
look_at_slice (TallyServer *self, guint begin, GArray *found)
{
  gboolean is_any;

  pthread_mutex_lock (&self->lock);
  is_any = begin < self->n_tickets;
  for (guint fd = begin; fd < self->n_tickets && fd < begin + SLICE; fd++)
    {
      const ServerConnection *connection = atomic_peek (&self->tickets[fd].connection);
      Candidate candidate = { .ticket = (guint64) self->tickets[fd].round << 32 | fd };

      if (connection == NULL)
        continue;
      candidate.state = find_state_locked (connection);
      candidate.held = count_held_locked (connection);
      candidate.since = connection->since;
      g_array_append_val (found, candidate);
    }
  pthread_mutex_unlock (&self->lock);
  return is_any;
}

/* Those of @candidates from @begin on that are still there. */
static void
describe_slice (TallyServer *self, GArray *candidates, guint begin, GPtrArray *peers)
{
  pthread_mutex_lock (&self->lock);
  for (guint i = begin; i < candidates->len && i < begin + WORDS_SLICE; i++)
    {
      const ServerConnection *connection =
          server_find_by_ticket (self, g_array_index (candidates, Candidate, i).ticket);

      if (connection != NULL)
        g_ptr_array_add (peers, make_peer_locked (connection));
    }
  pthread_mutex_unlock (&self->lock);
}

/**
 * tally_server_dup_peers:
 * @self: a server
 * @max: how many to tell of
 *
 * Lists the peers: where each is, since when, and what is done for it. Peers that are served come first, then those that hold
 * most, then those that have been there longest; what is past @max is left out. They are looked at one after the other, and
 * the server is never held up for longer than a few hundred of them take. Thread-safe.
 *
 * Returns: (transfer full) (element-type TallyServerPeer): the peers, in that order; the array frees them
 *
 * Since: 0.2
 */
GPtrArray *
tally_server_dup_peers (TallyServer *self, guint max)
{
  g_autoptr (GArray) found = NULL;
  GPtrArray *peers;

  g_return_val_if_fail (TALLY_IS_SERVER (self), NULL);
  peers = g_ptr_array_new_with_free_func ((GDestroyNotify) tally_server_peer_free);
  found = g_array_new (FALSE, FALSE, sizeof (Candidate));
  for (guint fd = 0; look_at_slice (self, fd, found); fd += SLICE)
    continue;
  g_array_sort (found, compare_candidates);
  if (found->len > max)
    g_array_set_size (found, max);
  for (guint i = 0; i < found->len; i += WORDS_SLICE)
    describe_slice (self, found, i, peers);
  return peers;
}
