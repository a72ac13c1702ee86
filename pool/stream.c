/* Owns what a stream does beside moving bytes: opening and closing, waiting, what the kernel knows of
 * it, its end. What is inlined is in stream-internal.h, and receives that block are stream-receive.c's.
 * It knows nothing of what the bytes mean, of endpoints or the pool. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "stream-private.h"

/* poll's events are epoll's; stream-internal.h says so. */
#include <sys/epoll.h>
G_STATIC_ASSERT (POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLRDHUP == EPOLLRDHUP);

void (*tally_stream_opened) (TallyStream *self, TallyStreamOrigin origin);

/* ---- life ---- */

void
tally_stream_open (TallyStream *self, gint fd, TallyStreamOrigin origin)
{
  *self = (TallyStream){ .fd = fd };
  if (G_UNLIKELY (tally_stream_opened != NULL))
    tally_stream_opened (self, origin);
}

void
tally_stream_set_nodelay (const TallyStream *self)
{
  int one = 1;

  setsockopt (self->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void
tally_stream_adopt (TallyStream *self, gint fd)
{
  int flags = fcntl (fd, F_GETFL);

  if (flags >= 0 && (flags & O_NONBLOCK) != 0)
    fcntl (fd, F_SETFL, flags & ~O_NONBLOCK);
  fcntl (fd, F_SETFD, FD_CLOEXEC);
  tally_stream_open (self, fd, TALLY_STREAM_ADOPTED);
  tally_stream_set_nodelay (self);
}

void
tally_stream_close (TallyStream *self)
{
  tally_deadline_remove (&self->watch);
  if (self->fd < 0)
    return;
  if (self->kind != NULL)
    self->kind->close (self);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  self->kind = NULL;
}

/* ---- layers ---- */

gboolean
tally_layer_send (TallyStream *self, const guint8 *bytes, gsize length, gboolean ends, gsize *sent)
{
  while (*sent < length)
    {
      gssize count = self->kind->send (self, bytes + *sent, length - *sent, ends);

      if (count >= 0)
        *sent += count;
      else if (errno == EAGAIN)
        return TRUE;
      else if (errno != EINTR)
        return FALSE;
    }
  return TRUE;
}

void
tally_layer_note_input (TallyStream *self)
{
  __atomic_store_n (&self->holds_input, self->kind->has_input (self), __ATOMIC_RELAXED);
}

gssize
tally_layer_receive (TallyStream *self, gpointer bytes, gsize length)
{
  gssize count;

  do
    count = self->kind->receive (self, bytes, length);
  while (count < 0 && errno == EINTR);
  tally_layer_note_input (self);
  return count;
}

TallyLook
tally_layer_look (TallyStream *self)
{
  TallyLook look = self->kind->look (self);

  tally_layer_note_input (self);
  return look;
}

/* ---- waiting ---- */

guint
tally_stream_get_watch (const TallyStream *self, guint events)
{
  if (self->kind != NULL)
    return self->kind->get_watch (self, events);
  return ((events & TALLY_STREAM_READABLE) != 0 ? POLLIN : 0)
         | ((events & TALLY_STREAM_WRITABLE) != 0 ? POLLOUT : 0)
         | ((events & TALLY_STREAM_HUNG_UP) != 0 ? POLLRDHUP : 0);
}

/* What poll said. A layer knows only after another try what it came for. */
static guint
find_events (const TallyStream *self, guint events, gshort revents)
{
  guint found = 0;

  if ((revents & POLLIN) != 0 || self->kind != NULL)
    found |= TALLY_STREAM_READABLE;
  if ((revents & (POLLOUT | POLLERR | POLLHUP)) != 0 || self->kind != NULL)
    found |= TALLY_STREAM_WRITABLE;
  if ((revents & POLLRDHUP) != 0
      && (revents & POLLERR) == 0) /* an error is for the next try to tell */
    found |= TALLY_STREAM_HUNG_UP;
  return found & events;
}

TallyWait
tally_stream_wait (
    TallyStream *self, guint events, gint64 deadline, GCancellable *cancellable, guint *found)
{
  gshort revents = 0;
  TallyWait why;

  if ((events & TALLY_STREAM_READABLE) != 0 && tally_stream_has_input (self)
      && !g_cancellable_is_cancelled (cancellable))
    {
      if (found != NULL)
        *found = TALLY_STREAM_READABLE;
      return TALLY_WAIT_READY;
    }
  why = tally_wait_fd (self->fd, (gshort) tally_stream_get_watch (self, events), deadline,
                       cancellable, &revents);
  if (found != NULL)
    *found = why == TALLY_WAIT_READY ? find_events (self, events, revents) : 0;
  return why;
}

/* ---- looking ---- */

gboolean
tally_stream_has_ended (TallyStream *self)
{
  return (self->kind != NULL && tally_layer_look (self) >= TALLY_LOOK_END)
         || tally_stream_has_hung_up (self);
}

gboolean
tally_stream_has_hung_up (const TallyStream *self)
{
  return tally_wait_fd (self->fd, POLLRDHUP, 0, NULL, NULL) != TALLY_WAIT_TIMED_OUT;
}

gboolean
tally_stream_is_gone (const TallyStream *self)
{
  return tally_wait_fd (self->fd, 0, 0, NULL, NULL) != TALLY_WAIT_TIMED_OUT;
}

void
tally_streams_find_news (TallyStream *const *streams, guint count, gboolean *news)
{
  g_autofree struct pollfd *fds = g_new0 (struct pollfd, count);
  gint result;

  for (guint i = 0; i < count; i++)
    fds[i] = (struct pollfd){ .fd = streams[i] != NULL ? streams[i]->fd : -1, .events = POLLIN };
  do
    result = poll (fds, count, 0);
  while (result < 0 && errno == EINTR);
  for (guint i = 0; i < count; i++)
    news[i] = streams[i] != NULL
              && (result < 0 || fds[i].revents != 0 || fds[i].fd < 0
                  || tally_stream_has_input (streams[i]));
}

/* By so much the kernel's count of milliseconds may be ahead: it counts ticks. */
#define TICK_MS 10

gboolean
tally_stream_is_unanswered (const TallyStream *self, gint64 since, guint at_least_ms)
{
  guint held_ms = (guint) ((g_get_monotonic_time () - since) / G_TIME_SPAN_MILLISECOND);
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info;

  return getsockopt (self->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0
         && info.tcpi_last_data_sent <= held_ms + TICK_MS && info.tcpi_last_data_sent >= at_least_ms
         && info.tcpi_last_data_recv > info.tcpi_last_data_sent;
}

typedef union
{
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_storage storage;
} Address;

/* What is known of the peer. */
typedef struct
{
  Address address;      /* AF_UNSPEC: it is gone */
  struct ucred process; /* of a local one */
  gboolean has_process;
} Peer;

static Peer
look_at_peer (const TallyStream *self)
{
  Peer peer = { .address.any.sa_family = AF_UNSPEC };
  socklen_t length = sizeof peer.address;

  if (getpeername (self->fd, &peer.address.any, &length) != 0)
    return peer;
  length = sizeof peer.process;
  peer.has_process = peer.address.any.sa_family == AF_UNIX
                     && getsockopt (self->fd, SOL_SOCKET, SO_PEERCRED, &peer.process, &length) == 0;
  return peer;
}

/* (transfer full) */
static gchar *
name_peer (const Peer *peer)
{
  gchar text[INET6_ADDRSTRLEN] = "";

  switch (peer->address.any.sa_family)
    {
    case AF_UNSPEC:
      return g_strdup ("a peer that is gone");
    case AF_INET:
      return g_strdup (inet_ntop (AF_INET, &peer->address.v4.sin_addr, text, sizeof text));
    case AF_INET6:
      return g_strdup (inet_ntop (AF_INET6, &peer->address.v6.sin6_addr, text, sizeof text));
    default:
      return peer->has_process ? g_strdup_printf ("process %d", (gint) peer->process.pid)
                               : g_strdup ("a local peer");
    }
}

gchar *
tally_stream_dup_peer (const TallyStream *self)
{
  Peer peer = look_at_peer (self);

  return name_peer (&peer);
}

gchar *
tally_stream_dup_peer_place (const TallyStream *self)
{
  Peer peer = look_at_peer (self);
  g_autofree gchar *name = name_peer (&peer);

  if (peer.address.any.sa_family == AF_INET)
    return g_strdup_printf ("%s:%u", name, g_ntohs (peer.address.v4.sin_port));
  if (peer.address.any.sa_family == AF_INET6)
    return g_strdup_printf ("[%s]:%u", name, g_ntohs (peer.address.v6.sin6_port));
  if (peer.has_process)
    return g_strdup_printf ("%s of user %u", name, (guint) peer.process.uid);
  return g_steal_pointer (&name);
}

/* (transfer full) */
static gchar *
print_network (const struct in6_addr *address)
{
  gchar text[INET6_ADDRSTRLEN] = "";
  struct in6_addr network = *address;

  if (IN6_IS_ADDR_V4MAPPED (address))
    return g_strdup (inet_ntop (AF_INET, &address->s6_addr[12], text, sizeof text));
  memset (&network.s6_addr[8], 0, 8);
  return g_strconcat (inet_ntop (AF_INET6, &network, text, sizeof text), "/64", NULL);
}

gchar *
tally_stream_dup_identity (const TallyStream *self)
{
  Peer peer = look_at_peer (self);

  if (peer.address.any.sa_family == AF_INET6)
    return print_network (&peer.address.v6.sin6_addr);
  if (peer.has_process)
    return g_strdup_printf ("user %u", (guint) peer.process.uid);
  return name_peer (&peer);
}

gboolean
tally_stream_meets_itself (const TallyStream *self)
{
  Address local = { 0 };
  Address remote = { 0 };
  socklen_t length = sizeof local;
  socklen_t remote_length = sizeof remote;

  return getsockname (self->fd, &local.any, &length) == 0 && local.any.sa_family != AF_UNIX
         && getpeername (self->fd, &remote.any, &remote_length) == 0
         && memcmp (&local, &remote, sizeof local) == 0;
}

const gchar *
tally_stream_describe_error (const TallyStream *self, gint number)
{
  const gchar *text = NULL;

  if (self->kind != NULL && self->kind->describe_error != NULL)
    text = self->kind->describe_error (self, number);
  return text != NULL ? text : g_strerror (number);
}

/* ---- the end ---- */

void
tally_stream_end_sending (TallyStream *self)
{
  if (self->kind != NULL)
    self->kind->end_sending (self);
  shutdown (self->fd, SHUT_WR);
}

void
tally_stream_end_receiving (const TallyStream *self)
{
  shutdown (self->fd, SHUT_RD);
}

void
tally_stream_shut_down (const TallyStream *self)
{
  shutdown (self->fd, SHUT_RDWR);
}

/* ---- others' descriptors ---- */

gssize
tally_foreign_peek (gint fd, gpointer bytes, gsize length, gboolean wait)
{
  return recv (fd, bytes, length, MSG_PEEK | (wait ? 0 : MSG_DONTWAIT));
}
