/* The limit: a blocking socket that sends the bytes of a request and receives the bytes of its
 * reply, with nothing of Thrift in between. What any client adds to this is its own cost. */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  int fd;
  guint8 *request;
  gsize length;
  guint8 *expected;
  guint8 *reply;
  gsize received; /* of it, where several connections are polled */
} Limit;

static gboolean second_thread;
static gboolean is_threaded;
static gboolean is_polled;

static const GOptionEntry entries[] = {
  { "second-thread", 0, 0, G_OPTION_ARG_NONE, &second_thread, "Have a thread that sleeps", NULL },
  { "threads", 0, 0, G_OPTION_ARG_NONE, &is_threaded,
    "What is together has a thread and a connection each", NULL },
  { "epoll", 0, 0, G_OPTION_ARG_NONE, &is_polled,
    "What is together has a connection each, and one thread", NULL },
  { NULL }
};

/* In a process with threads the kernel counts every use of a descriptor; a client that has a thread
 * for anything at all pays that too. */
static gpointer
sleep_for_ever (gpointer data)
{
  for (;;)
    pause ();
  return NULL;
}

static int
dial (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                                 .sin_port = htons (bench_options.port) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;

  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) != 0
      || setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
    bench_fail ("cannot connect: %s", g_strerror (errno));
  return fd;
}

static void
exchange (Limit *limit)
{
  gsize done = 0;

  while (done < limit->length)
    {
      gssize sent = send (limit->fd, limit->request + done, limit->length - done, MSG_NOSIGNAL);

      if (sent < 0)
        bench_fail ("cannot send: %s", g_strerror (errno));
      done += sent;
    }
  for (done = 0; done < limit->length;)
    {
      gssize received = recv (limit->fd, limit->reply + done, limit->length - done, 0);

      if (received <= 0)
        bench_fail ("%s", received == 0 ? "the server hung up" : g_strerror (errno));
      done += received;
    }
}

/* The request as often as it shall be in flight at once. */
static void
repeat (Limit *limit)
{
  guint8 *requests = g_malloc (limit->length * bench_options.together);

  for (gint i = 0; i < bench_options.together; i++)
    memcpy (requests + i * limit->length, limit->request, limit->length);
  g_free (limit->request);
  limit->request = requests;
  limit->length *= bench_options.together;
  limit->reply = g_malloc0 (limit->length);
}

static void
check_reply (const Limit *limit, gsize offset, gsize length)
{
  if (memcmp (limit->reply + offset, limit->expected, length) != 0)
    bench_fail ("the reply is not the request's");
  memset (limit->reply + offset, 0, 16);
}

static gint64
run (gpointer data)
{
  Limit *limit = data;
  gsize length = limit->length / bench_options.together;
  gint64 start = bench_now ();
  gint64 end;

  if (bench_options.is_unpooled)
    limit->fd = dial ();
  exchange (limit);
  if (bench_options.is_unpooled)
    close (limit->fd);
  end = bench_now ();
  for (gint i = 0; i < bench_options.together; i++)
    check_reply (limit, i * length, length);
  return (end - start) / bench_options.together;
}

static void
limit_free (gpointer data)
{
  Limit *limit = data;

  close (limit->fd);
  g_free (limit->reply);
  g_free (limit);
}

static GPrivate own_limit = G_PRIVATE_INIT (limit_free);

/* One of several threads, each on a connection of its own. */
static gint64
run_in_thread (gpointer data)
{
  const Limit *pattern = data;
  Limit *limit = g_private_get (&own_limit);

  if (limit == NULL)
    {
      limit = g_memdup2 (pattern, sizeof *pattern);
      limit->reply = g_malloc0 (limit->length);
      limit->fd = dial ();
      g_private_set (&own_limit, limit);
    }
  exchange (limit);
  check_reply (limit, 0, limit->length);
  return 0;
}

/* ---- one thread, several connections ---- */

static void
send_request (Limit *limit)
{
  /* One that does not fit into the kernel's buffer is none for this. */
  if (send (limit->fd, limit->request, limit->length, MSG_NOSIGNAL) != (gssize) limit->length)
    bench_fail ("cannot send: %s", g_strerror (errno));
  limit->received = 0;
}

/* Whether the reply is all there. */
static gboolean
receive_some (Limit *limit)
{
  gssize received = recv (limit->fd, limit->reply + limit->received,
                          limit->length - limit->received, MSG_DONTWAIT);

  if (received <= 0)
    bench_fail ("%s", received == 0 ? "the server hung up" : g_strerror (errno));
  limit->received += received;
  if (limit->received < limit->length)
    return FALSE;
  check_reply (limit, 0, limit->length);
  return TRUE;
}

static void
make_polled_calls (int poller, Limit *limits, gint calls)
{
  struct epoll_event events[64];
  gint begun, done = 0;

  for (begun = 0; begun < MIN (calls, bench_options.together); begun++)
    send_request (&limits[begun]);
  while (done < calls)
    {
      int n = epoll_wait (poller, events, G_N_ELEMENTS (events), -1);

      for (int i = 0; i < n; i++)
        if (receive_some (events[i].data.ptr))
          {
            done++;
            if (begun++ < calls)
              send_request (events[i].data.ptr);
          }
    }
}

static void
measure_polled (const Limit *pattern)
{
  g_autofree Limit *limits = g_new (Limit, bench_options.together);
  int poller = epoll_create1 (EPOLL_CLOEXEC);
  gint64 start, each;

  for (gint i = 0; i < bench_options.together; i++)
    {
      struct epoll_event event = { .events = EPOLLIN, .data.ptr = &limits[i] };

      limits[i] = *pattern;
      limits[i].reply = g_malloc0 (pattern->length);
      limits[i].fd = dial ();
      if (epoll_ctl (poller, EPOLL_CTL_ADD, limits[i].fd, &event) != 0)
        bench_fail ("cannot watch: %s", g_strerror (errno));
    }
  make_polled_calls (poller, limits, bench_options.warmup);
  start = bench_now ();
  make_polled_calls (poller, limits, bench_options.calls);
  each = (bench_now () - start) / bench_options.calls;
  bench_report ("call", &each, 1);
  for (gint i = 0; i < bench_options.together; i++)
    {
      close (limits[i].fd);
      g_free (limits[i].reply);
    }
  close (poller);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Limit limit = { .fd = -1 };
  guint32 name_length;

  bench_parse (&argc, &argv, entries);
  if (second_thread)
    g_thread_unref (g_thread_new ("sleeper", sleep_for_ever, NULL));
  if (!g_file_get_contents (bench_options.request, (gchar **) &limit.request, &limit.length,
                            &error))
    bench_fail ("%s", error->message);
  limit.expected = g_memdup2 (limit.request, limit.length);
  memcpy (&name_length, limit.expected + 8, sizeof name_length);
  limit.expected[7] = 2;
  limit.expected[12 + ntohl (name_length) + 4 + 2] = 0;
  if (is_threaded)
    bench_measure_together ("call", run_in_thread, &limit);
  else if (is_polled)
    measure_polled (&limit);
  else
    {
      repeat (&limit);
      if (!bench_options.is_unpooled)
        limit.fd = dial ();
      bench_measure ("call", run, &limit);
      if (!bench_options.is_unpooled)
        close (limit.fd);
    }
  g_free (limit.request);
  g_free (limit.expected);
  g_free (limit.reply);
  return 0;
}
