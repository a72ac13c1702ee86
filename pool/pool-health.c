/* Owns what the system says of a connection without a word to its peer: whether it has ended, and
 * whether its peer was silent. What follows from it the policy decides. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "pool-private.h"
#include "socket-private.h"

/* Milliseconds after which a borrower that tells nothing of its own deadline has waited in vain. */
#define SILENCE_MS 100

/* ---- many connections at once ---- */

static struct pollfd *
ask_kernel (const TallyConn *conns)
{
  struct pollfd *fds;
  guint count = 0;

  for (const TallyConn *conn = conns; conn != NULL; conn = conn->next)
    count++;
  fds = g_new0 (struct pollfd, count);
  count = 0;
  for (const TallyConn *conn = conns; conn != NULL; conn = conn->next)
    fds[count++] =
        (struct pollfd){ .fd = conn->socket != NULL ? ((TallySocket *) conn->socket)->fd : -1,
                         .events = POLLIN };
  while (poll (fds, count, 0) < 0)
    if (errno != EINTR)
      {
        g_free (fds);
        return NULL;
      }
  return fds;
}

/* Not under any lock; @conns, a list, are the caller's alone. Sets their `looks_dead`: one system call
 * says of all whether anything has arrived, and only such a connection is looked at more closely. */
void
tally_conns_look (TallyConn *conns)
{
  g_autofree struct pollfd *fds = conns != NULL ? ask_kernel (conns) : NULL;
  const struct pollfd *fd = fds;

  for (TallyConn *conn = conns; conn != NULL; conn = conn->next)
    {
      if (conn->socket == NULL)
        conn->looks_dead = !thrift_transport_is_open (conn->payload);
      else if (fd == NULL || fd->revents != 0 || fd->fd < 0)
        conn->looks_dead = !tally_socket_is_clean (conn->socket);
      if (fd != NULL)
        fd++;
    }
}

/* ---- one connection, which its borrower found broken ---- */

/* Not under any lock; @conn has one borrower, which is the caller. Whether the peer has closed it. */
gboolean
tally_conn_is_dead (const TallyConn *conn)
{
  const TallySocket *socket = conn->socket;
  gint fd = socket != NULL ? socket->fd : -1;
  gssize got;
  gchar byte;

  if (fd < 0 || socket->was_shut) /* by this side */
    return FALSE;
  got = recv (fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* By so much the kernel's count of milliseconds may be ahead: it counts ticks. */
#define TICK_MS 10

/* What the kernel remembers, for whoever used the descriptor or shares the connection: that a request
 * went out and nothing has come since. */
static gboolean
is_unanswered (gint fd, gint64 since, guint at_least_ms)
{
  guint held_ms = (guint) ((g_get_monotonic_time () - since) / G_TIME_SPAN_MILLISECOND);
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info;

  return getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0
         && info.tcpi_last_data_sent <= held_ms + TICK_MS && info.tcpi_last_data_sent >= at_least_ms
         && info.tcpi_last_data_recv > info.tcpi_last_data_sent;
}

/* Not under any lock; @conn has one borrower, which is the caller and borrowed it at @since. Whether all
 * the time that it allowed has passed without a byte from the peer. A cancelled one has not waited to the
 * end. */
gboolean
tally_conn_is_silent (const TallyConn *conn, gint64 since)
{
  const TallySocket *socket = conn->socket;

  if (socket == NULL || socket->fd < 0)
    return FALSE;
  if (conn->is_shared)
    return is_unanswered (socket->fd, since, 0);
  if (socket->has_answer)
    return FALSE;
  if (socket->deadline >= 0)
    return g_get_monotonic_time () >= socket->deadline;
  return socket->cancellable == NULL && is_unanswered (socket->fd, since, SILENCE_MS);
}
