/* Owns the proxy's sockets and its loop. What is done wrong is ledger-fault.c's. */
#include "ledger-proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ledger-book.h"
#include "peer.h"

#define MOST_HELD (512 * 1024) /* bytes of a flow, past which no more is received */
#define PIECE 65536
#define SMALL_SEGMENT 1024 /* so that a sender's buffer does not take the largest request at once */
#define SMALL_WINDOW 32768 /* nor the receiver's */

typedef struct _Pair Pair;

/* What epoll tells of. */
typedef struct
{
  Pair *pair; /* NULL: a port, or the order to stop */
  gint fd;
  guint watched;
} Watched;

typedef struct
{
  Watched listener; /* first */
  gchar *path;
  LedgerLayout layout;
  guint most_before;
} Port;

struct _Pair
{
  LedgerFaults faults;
  Watched client;
  Watched server;
  guint number;
  gint64 due;
  gboolean is_gone;
};

struct _LedgerProxy
{
  guint64 seed;
  gboolean under_fault;
  LedgerTrail *trail; /* borrowed */
  gint epoll;
  Watched stop;
  GPtrArray *ports; /* of Port */
  GPtrArray *pairs; /* of Pair */
  guint n_pairs;    /* ever */
  guint64 n_faults[LEDGER_N_FAULTS];
  GThread *thread;
};

static void
watch (LedgerProxy *self, Watched *watched, guint events)
{
  struct epoll_event event = { .events = events, .data.ptr = watched };

  if (watched->watched == events)
    return;
  epoll_ctl (self->epoll, EPOLL_CTL_MOD, watched->fd, &event);
  watched->watched = events;
}

static void
begin_watch (LedgerProxy *self, Watched *watched, Pair *pair, gint fd)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = watched };

  *watched = (Watched){ pair, fd, EPOLLIN };
  epoll_ctl (self->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* A child that has not yet executed its program keeps what is closed here open, and epoll would go on to
 * tell of it. */
static void
end_watch (LedgerProxy *self, const Watched *watched)
{
  epoll_ctl (self->epoll, EPOLL_CTL_DEL, watched->fd, NULL);
  close (watched->fd);
}

/* ---- one connection ---- */

/* A pair stays until no event of this turn can name it. */
static void
pair_close (LedgerProxy *self, Pair *pair, gboolean reset)
{
  if (pair->is_gone)
    return;
  if (reset)
    test_reset (pair->client.fd);
  ledger_trail_add (self->trail, pair->number, reset ? "reset" : "closed", pair->faults.n_messages);
  end_watch (self, &pair->client);
  if (pair->server.fd >= 0)
    end_watch (self, &pair->server);
  pair->is_gone = TRUE;
}

static void
pair_free (LedgerProxy *self, Pair *pair)
{
  pair_close (self, pair, FALSE);
  self->n_faults[pair->faults.kind] += pair->faults.n_faults;
  ledger_faults_clear (&pair->faults);
  g_free (pair);
}

static gint
connect_to (const gchar *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gint fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  if (fd >= 0 && connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    {
      close (fd);
      fd = -1;
    }
  return fd;
}

static void
join_flows (Pair *pair)
{
  pair->faults.requests.from = pair->client.fd;
  pair->faults.requests.to = pair->server.fd;
  pair->faults.replies.from = pair->server.fd;
  pair->faults.replies.to = pair->client.fd;
}

static void
accept_pair (LedgerProxy *self, const Port *port)
{
  gint fd = accept4 (port->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  guint number = ++self->n_pairs;
  guint64 seed = ledger_random (self->seed, number, 9);
  LedgerFaultKind kind = self->under_fault ? ledger_fault_pick (seed) : LEDGER_FAULT_NONE;
  const gint on = 1;
  Pair *pair;

  if (fd < 0)
    return;
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  pair = g_new0 (Pair, 1);
  pair->number = number;
  ledger_faults_init (&pair->faults, port->layout, kind, port->most_before, seed);
  ledger_trail_add (self->trail, number, ledger_fault_get_name (kind), pair->faults.begin);
  g_ptr_array_add (self->pairs, pair);
  begin_watch (self, &pair->client, pair, fd);
  pair->server.fd = kind == LEDGER_FAULT_REFUSE ? -1 : connect_to (port->path);
  if (pair->server.fd < 0)
    {
      pair->faults.n_faults++;
      pair_close (self, pair, TRUE);
      return;
    }
  begin_watch (self, &pair->server, pair, pair->server.fd);
  join_flows (pair);
}

/* FALSE when the connection is lost. */
static gboolean
receive (LedgerFlow *flow)
{
  static guint8 piece[PIECE];
  gssize n;

  if (flow->saw_end || flow->is_stalled || flow->in->len + flow->out->len >= MOST_HELD)
    return TRUE;
  n = recv (flow->from, piece, sizeof piece, MSG_DONTWAIT);
  if (n > 0)
    g_byte_array_append (flow->in, piece, n);
  else if (n == 0)
    flow->saw_end = flow->has_end = TRUE;
  return n >= 0 || errno == EAGAIN || errno == EINTR;
}

/* FALSE when the connection is lost. */
static gboolean
send_some (LedgerFlow *flow)
{
  gsize length = flow->trickle > 0 ? MIN (flow->out->len, 1) : flow->out->len;
  gssize n;

  if (flow->due > 0)
    return TRUE;
  if (length > 0)
    {
      n = send (flow->to, flow->out->data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0)
        return errno == EAGAIN || errno == EINTR;
      flow->trickle -= MIN (flow->trickle, n);
      g_byte_array_remove_range (flow->out, 0, n);
    }
  if (flow->has_end && flow->out->len == 0 && !flow->told_end)
    {
      flow->told_end = TRUE;
      shutdown (flow->to, SHUT_WR);
    }
  return TRUE;
}

static guint
get_events (const LedgerFlow *from_here, const LedgerFlow *to_here)
{
  gboolean wants_more = !from_here->saw_end && !from_here->is_stalled
                        && from_here->in->len + from_here->out->len < MOST_HELD;

  return (wants_more ? EPOLLIN : 0) | (to_here->out->len > 0 && to_here->due == 0 ? EPOLLOUT : 0);
}

/* Passes on what there is. */
static void
pair_turn (LedgerProxy *self, Pair *pair)
{
  LedgerFaults *faults = &pair->faults;
  guint n_messages = faults->n_messages;
  gsize n_asked;

  if (pair->is_gone)
    return;
  if (!receive (&faults->requests) || !receive (&faults->replies))
    {
      pair_close (self, pair, TRUE);
      return;
    }
  n_asked = faults->requests.in->len;
  ledger_trail_add_request (self->trail, pair->number, faults->requests.in->data, n_asked);
  ledger_faults_pass_requests (faults);
  ledger_faults_pass_replies (faults);
  if (faults->n_messages > n_messages)
    ledger_trail_add (self->trail, pair->number, "messages so far", faults->n_messages);
  pair->due = ledger_faults_get_due (faults, g_get_monotonic_time ());
  if (!send_some (&faults->requests) || !send_some (&faults->replies)
      || faults->fate == LEDGER_RESETS)
    pair_close (self, pair, TRUE);
  else if ((faults->fate == LEDGER_ENDS && faults->replies.out->len == 0)
           || (faults->requests.told_end && faults->replies.told_end))
    pair_close (self, pair, FALSE);
  if (pair->is_gone)
    return;
  watch (self, &pair->client, get_events (&faults->requests, &faults->replies));
  watch (self, &pair->server, get_events (&faults->replies, &faults->requests));
}

/* The other end of @watched is gone in both directions. What the server said still goes out. */
static void
pair_hang_up (LedgerProxy *self, Pair *pair, const Watched *watched)
{
  LedgerFaults *faults = &pair->faults;

  if (pair->is_gone)
    return;
  if (watched == &pair->client)
    pair_close (self, pair, FALSE);
  else if (faults->replies.saw_end)
    {
      epoll_ctl (self->epoll, EPOLL_CTL_DEL, watched->fd, NULL);
      faults->requests.is_lost = TRUE;
      faults->fate = LEDGER_ENDS;
      pair_turn (self, pair);
    }
}

/* ---- the loop ---- */

/* Frees the pairs that are gone, gives those their turn whose time has come; milliseconds until the
 * next one's, or -1. */
static gint
sweep (LedgerProxy *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 next = G_MAXINT64;
  guint i = 0;

  while (i < self->pairs->len)
    {
      Pair *pair = g_ptr_array_index (self->pairs, i);

      if (pair->due > 0 && pair->due <= now)
        pair_turn (self, pair);
      if (pair->is_gone)
        {
          g_ptr_array_remove_index_fast (self->pairs, i);
          pair_free (self, pair);
          continue;
        }
      if (pair->due > 0)
        next = MIN (next, pair->due);
      i++;
    }
  return next == G_MAXINT64 ? -1 : MAX (0, (next - now) / 1000 + 1);
}

static gpointer
run_proxy (gpointer data)
{
  LedgerProxy *self = data;
  struct epoll_event events[64];

  for (;;)
    {
      gint n = epoll_wait (self->epoll, events, G_N_ELEMENTS (events), sweep (self));
      gint i;

      for (i = 0; i < n; i++)
        {
          Watched *watched = events[i].data.ptr;

          if (watched == &self->stop)
            return NULL;
          if (watched->pair == NULL)
            accept_pair (self, (const Port *) watched);
          else
            pair_turn (self, watched->pair);
          if (watched->pair != NULL && (events[i].events & (EPOLLHUP | EPOLLERR)) != 0)
            pair_hang_up (self, watched->pair, watched);
        }
    }
}

/* ---- life ---- */

static void
port_free (gpointer data)
{
  Port *port = data;

  close (port->listener.fd);
  g_free (port->path);
  g_free (port);
}

LedgerProxy *
ledger_proxy_new (guint64 seed, gboolean under_fault, LedgerTrail *trail)
{
  LedgerProxy *self = g_new0 (LedgerProxy, 1);

  self->seed = seed;
  self->under_fault = under_fault;
  self->trail = trail;
  self->epoll = epoll_create1 (EPOLL_CLOEXEC);
  begin_watch (self, &self->stop, NULL, eventfd (0, EFD_CLOEXEC));
  self->ports = g_ptr_array_new_with_free_func (port_free);
  self->pairs = g_ptr_array_new ();
  return self;
}

guint16
ledger_proxy_add_port (LedgerProxy *self, const gchar *path, LedgerLayout layout, guint most_before)
{
  Port *port = g_new0 (Port, 1);
  guint16 number;

  gint fd = test_listen (&number, 1024);

  if (self->under_fault)
    {
      setsockopt (fd, IPPROTO_TCP, TCP_MAXSEG, &(gint){ SMALL_SEGMENT }, sizeof (gint));
      setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &(gint){ SMALL_WINDOW }, sizeof (gint));
    }
  begin_watch (self, &port->listener, NULL, fd);
  port->path = g_strdup (path);
  port->layout = layout;
  port->most_before = most_before;
  g_ptr_array_add (self->ports, port);
  return number;
}

void
ledger_proxy_start (LedgerProxy *self)
{
  self->thread = g_thread_new ("proxy", run_proxy, self);
}

void
ledger_proxy_stop (LedgerProxy *self)
{
  guint i;

  eventfd_write (self->stop.fd, 1);
  g_thread_join (self->thread);
  for (i = 0; i < self->pairs->len; i++)
    pair_free (self, g_ptr_array_index (self->pairs, i));
  printf ("# %u connections", self->n_pairs);
  for (i = 1; i < LEDGER_N_FAULTS; i++)
    if (self->n_faults[i] > 0)
      printf ("%s %s: %" G_GUINT64_FORMAT, i == 1 ? ";" : ",", ledger_fault_get_name (i),
              self->n_faults[i]);
  printf ("\n");
  fflush (stdout);
  g_ptr_array_unref (self->pairs);
  g_ptr_array_unref (self->ports);
  close (self->stop.fd);
  close (self->epoll);
  g_free (self);
}
