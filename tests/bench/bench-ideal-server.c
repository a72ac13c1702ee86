/* The partner that costs least: a blocking server that sends the framed binary calls that it has
 * received back with the message type turned into REPLY and the first field's id into 0, which
 * makes them the valid replies of an echo method. It serves one connection at a time and knows
 * nothing else of Thrift. */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CAPACITY (1 << 20)

static guint8 buffer[CAPACITY];

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

/* Returns how many of the @have bytes are whole frames. */
static gsize
turn_what_is_whole (gsize have)
{
  gsize whole = 0;

  while (have - whole >= 4)
    {
      guint8 *frame = buffer + whole;
      gsize length = 4 + (gsize) read_u32 (frame);

      if (length < 23 || length > CAPACITY)
        bench_fail ("a frame of %" G_GSIZE_FORMAT " bytes is no call", length);
      if (have - whole < length)
        break;
      if (read_u32 (frame + 8) > length - 23)
        bench_fail ("a frame of %" G_GSIZE_FORMAT " bytes is no call", length);
      turn_into_reply (frame);
      whole += length;
    }
  return whole;
}

static void
serve (int fd)
{
  gsize have = 0;
  gsize whole;

  for (;;)
    {
      gssize received = recv (fd, buffer + have, CAPACITY - have, 0);

      if (received <= 0)
        return;
      have += received;
      whole = turn_what_is_whole (have);
      if (!send_all (fd, buffer, whole))
        return;
      have -= whole;
      if (have > 0 && whole > 0)
        memmove (buffer, buffer + whole, have);
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
  for (;;)
    {
      int fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);

      if (fd < 0)
        bench_fail ("cannot accept: %s", g_strerror (errno));
      serve (fd);
      close (fd);
    }
}
