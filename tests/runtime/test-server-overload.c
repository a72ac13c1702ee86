/* Owns the tests of what admission is for, on real sockets: a server under more load than it can use goes on to be useful, and
 * users are told apart. Time is counted in calls that the server has done. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "server-fixture.h"
#include "tls-relay.h"

#define BINARY (&framed_binary)

/* ---- goodput ---- */

/* The server does one call a tick, and so many come. */
#define LOAD 3
#define N_TICKS 60
/* After so many ticks nobody wants a call's answer any more. */
#define PATIENCE 12

typedef struct
{
  Running *running;
  gint fds[LOAD * N_TICKS]; /* -1: it was answered */
  guint n_sent;
  guint n_replies;
  guint n_refusals;
  guint n_in_time;
} Overload;

/* Receives what there is. */
static void
collect (Overload *self, guint tick)
{
  for (guint i = 0; i < self->n_sent; i++)
    {
      struct pollfd readable = { .fd = self->fds[i], .events = POLLIN };
      Answer answer;

      if (self->fds[i] < 0 || poll (&readable, 1, 0) != 1)
        continue;
      CU_ASSERT (peer_receive (self->fds[i], BINARY, TALLY_KIND_BOOL, &answer));
      self->n_replies += answer.type == T_REPLY;
      self->n_refusals += answer.type == T_EXCEPTION;
      self->n_in_time += answer.type == T_REPLY && tick - i / LOAD <= PATIENCE;
      answer_clear (&answer);
      close (self->fds[i]);
      self->fds[i] = -1;
    }
}

/* Until the server has decided on all that were sent: they run, wait, or are answered. */
static void
await_decisions (Overload *self, guint tick)
{
  TallyServerSnapshot snapshot;

  do
    {
      collect (self, tick);
      snapshot = running_snapshot (self->running);
    }
  while (snapshot.running + snapshot.waiting + self->n_refusals + self->n_replies < self->n_sent);
}

/* How many calls were executed and answered in time, of N_TICKS that the server could do. */
static guint
count_useful_calls (const gchar *options, gboolean has_admission)
{
  Overload self = { .running = running_start (BINARY, NULL, options) };

  /* Before the load: over TLS a handshake that takes long gives way to others, and a busy machine's does. */
  for (guint i = 0; i < G_N_ELEMENTS (self.fds); i++)
    self.fds[i] = peer_connect_and_greet (self.running);
  for (guint tick = 0; tick < N_TICKS; tick++)
    {
      for (guint i = 0; i < LOAD; i++)
        peer_call (self.fds[self.n_sent++], BINARY, "block", 1);
      if (has_admission)
        await_decisions (&self, tick);
      test_handler_wait_inside (self.running->handler, 1);
      test_handler_release_one (self.running->handler);
      while (self.n_replies <= tick)
        collect (&self, tick);
    }
  test_handler_release (self.running->handler);
  for (guint i = 0; i < self.n_sent; i++)
    if (self.fds[i] >= 0)
      close (self.fds[i]);
  running_stop (self.running);
  return self.n_in_time;
}

/* Of three times the load that it can do a server that refuses the rest does all it can; one that queues does only what nobody
 * waits for any more. */
static void
a_server_under_overload_stays_useful (void)
{
  guint with = count_useful_calls (ADMISSION_CONCURRENCY
                                   " max-workers=4 min-running=1 max-running=1 max-queued=4",
                                   TRUE);
  guint without =
      count_useful_calls ("max-workers=1 max-queued=1000 queue-timeout=0 read-timeout=0", FALSE);

  CU_ASSERT (with >= N_TICKS * 8 / 10);
  CU_ASSERT (without <= N_TICKS / 2);
}

/* ---- users ---- */

/* A connection to @name in the abstract namespace. The kernel tells the server that it is by user @uid: for a moment this thread,
 * and no other one, is that user. */
static gint
connect_as (const gchar *name, uid_t uid)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const struct timeval patience = { 120, 0 };
  gint fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path + 1, name, sizeof address.sun_path - 1);
  CU_ASSERT_FATAL (syscall (SYS_setresuid, -1, uid, -1) == 0);
  CU_ASSERT (connect (fd, (struct sockaddr *) &address,
                      G_STRUCT_OFFSET (struct sockaddr_un, sun_path) + 1 + strlen (name))
             == 0);
  CU_ASSERT_FATAL (syscall (SYS_setresuid, -1, 0, -1) == 0);
  CU_ASSERT (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  return fd;
}

/* Over a Unix socket: however many connections one user has, another one comes next. */
static void
users_take_turns (void)
{
  static const uid_t users[] = { 0, 0, 0, 65534 };
  static const guint order[] = { 0, 1, 3, 2 };
  g_autofree gchar *name = g_strdup_printf ("tally-users-%d", (gint) getpid ());
  g_autofree gchar *address = g_strconcat ("unix:@", name, NULL);
  Running *running;
  gint fds[4];

  if (geteuid () != 0 || tls_relay_is_on ())
    {
      test_skip ("only root can be several users, and a relay is one");
      return;
    }
  running = running_start (BINARY, address,
                           ADMISSION_CLIENT " max-workers=4 max-running=1 max-queued=16");
  for (guint i = 0; i < 4; i++)
    {
      fds[i] = connect_as (name, users[i]);
      peer_call (fds[i], BINARY, "block", i);
      if (i == 0)
        test_handler_wait_inside (running->handler, 1);
      while (running_snapshot (running).waiting != i)
        g_thread_yield ();
    }
  assert_int (running_snapshot (running).clients, 2);
  for (guint i = 0; i < 4; i++)
    {
      test_handler_wait_inside (running->handler, 1);
      test_handler_release_one (running->handler);
      check_reply (fds[order[i]], BINARY, order[i]);
    }
  for (guint i = 0; i < 4; i++)
    close (fds[i]);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_server_under_overload_stays_useful),
    TEST (users_take_turns),
    { NULL, NULL },
  };

  return test_main ("server-overload", cases, argc, argv);
}
