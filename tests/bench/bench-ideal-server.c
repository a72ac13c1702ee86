/* The partner that costs least: a blocking server that sends the framed binary calls that it has
 * received back with the message type turned into REPLY and the first field's id into 0, which
 * makes them the valid replies of an echo method. It serves one connection at a time, or by epoll all
 * that come with --together, and knows nothing else of Thrift. */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CAPACITY (1 << 21)
#define EVENTS 64

typedef struct
{
  int fd;
  gsize have; /* bytes received and not yet answered */
  guint8 bytes[CAPACITY];
} Connection;

static guint32
read_u32 (const guint8 *bytes)
{
  guint32 value;

  memcpy (&value, bytes, sizeof value);
  return ntohl (value);
}

/* length 4 | version 2, 0, type 1 | name's length 4 | name | seqid 4 | field type 1 | field id 2 */
static void
turn_into_reply (guint8 *frame)
{
  guint32 name_length = read_u32 (frame + 8);

  frame[7] = 2;
  frame[12 + name_length + 4 + 2] = 0;
}

static gboolean
send_all (int fd, const guint8 *bytes, gsize length)
{
  while (length > 0)
    {
      gssize sent = send (fd, bytes, length, MSG_NOSIGNAL);

      if (sent < 0)
        return FALSE;
      bytes += sent;
      length -= sent;
    }
  return TRUE;
}

/* Returns how many of the bytes that it has are whole frames. */
static gsize
turn_what_is_whole (Connection *self)
{
  gsize whole = 0;

  while (self->have - whole >= 4)
    {
      guint8 *frame = self->bytes + whole;
      gsize length = 4 + (gsize) read_u32 (frame);

      if (length < 23 || length > CAPACITY)
        bench_fail ("a frame of %" G_GSIZE_FORMAT " bytes is no call", length);
      if (self->have - whole < length)
        break;
      if (read_u32 (frame + 8) > length - 23)
        bench_fail ("a frame of %" G_GSIZE_FORMAT " bytes is no call", length);
      turn_into_reply (frame);
      whole += length;
    }
  return whole;
}

/* Answers what has come. Returns %FALSE at the connection's end. */
static gboolean
serve_some (Connection *self)
{
  gssize received = recv (self->fd, self->bytes + self->have, CAPACITY - self->have, 0);
  gsize whole;

  if (received <= 0)
    return FALSE;
  self->have += received;
  whole = turn_what_is_whole (self);
  if (!send_all (self->fd, self->bytes, whole))
    return FALSE;
  self->have -= whole;
  if (self->have > 0 && whole > 0)
    memmove (self->bytes, self->bytes + whole, self->have);
  return TRUE;
}

/* The connection that comes next. */
static Connection *
accept_one (int listener)
{
  Connection *self = g_malloc (sizeof *self); /* not cleared: a page costs when it is used */

  self->have = 0;
  self->fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
  if (self->fd < 0)
    bench_fail ("cannot accept: %s", g_strerror (errno));
  return self;
}

static void
end (Connection *self)
{
  close (self->fd);
  g_free (self);
}

static void
serve_one_by_one (int listener)
{
  for (;;)
    {
      Connection *connection = accept_one (listener);

      while (serve_some (connection))
        ;
      end (connection);
    }
}

static void
watch (int poller, int fd, Connection *connection)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };

  if (epoll_ctl (poller, EPOLL_CTL_ADD, fd, &event) != 0)
    bench_fail ("cannot watch: %s", g_strerror (errno));
}

static void
serve_together (int listener)
{
  int poller = epoll_create1 (EPOLL_CLOEXEC);

  watch (poller, listener, NULL);
  for (;;)
    {
      struct epoll_event events[EVENTS];
      int n = epoll_wait (poller, events, EVENTS, -1);

      for (int i = 0; i < n; i++)
        {
          Connection *connection = events[i].data.ptr;

          if (connection == NULL)
            {
              connection = accept_one (listener);
              watch (poller, connection->fd, connection);
            }
          else if (!serve_some (connection))
            end (connection);
        }
    }
}

int
main (int argc, char **argv)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;

  bench_parse (&argc, &argv, NULL);
  bench_die_with_parent ();
  /* An accepted socket inherits TCP_NODELAY from its listener: no system call for each connection.
   */
  if (listener < 0 || setsockopt (listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0
      || bind (listener, (struct sockaddr *) &address, sizeof address) != 0
      || listen (listener, 128) != 0
      || getsockname (listener, (struct sockaddr *) &address, &length) != 0)
    bench_fail ("cannot listen: %s", g_strerror (errno));
  printf ("%d\n", ntohs (address.sin_port));
  fflush (stdout);
  if (bench_options.together > 1)
    serve_together (listener);
  else
    serve_one_by_one (listener);
  return 0;
}
