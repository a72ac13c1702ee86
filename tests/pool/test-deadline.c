/* Deadlines of receives, on socket pairs. */
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline-internal.h"
#include "harness.h"

#define FAR (1000 * G_TIME_SPAN_SECOND)

/* A watched end of a socket pair, and a thread that receives there. */
typedef struct
{
  TallyDeadline watch; /* first */
  gint fds[2];
  gint64 until;
  pthread_t thread;
  gssize received;
  gboolean in_time;
} Receiver;

static void
end (TallyDeadline *watch)
{
  shutdown (((Receiver *) watch)->fds[0], SHUT_RD);
}

static void
receiver_open (Receiver *self, gint64 until)
{
  *self = (Receiver){ .until = until };
  CU_ASSERT_EQUAL_FATAL (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->fds), 0);
  CU_ASSERT_TRUE (tally_deadline_add (&self->watch, end));
}

static void
receiver_close (Receiver *self)
{
  tally_deadline_remove (&self->watch);
  close (self->fds[0]);
  close (self->fds[1]);
}

static void *
receive (void *data)
{
  Receiver *self = data;
  gchar byte;

  tally_deadline_begin (&self->watch, self->until);
  self->received = recv (self->fds[0], &byte, 1, 0);
  self->in_time = tally_deadline_end (&self->watch);
  return NULL;
}

static void
receiver_start (Receiver *self)
{
  pthread_create (&self->thread, NULL, receive, self);
}

static void
receiver_join (Receiver *self)
{
  pthread_join (self->thread, NULL);
}

static gint64
in_a_moment (void)
{
  return g_get_monotonic_time () + 2 * G_TIME_SPAN_MILLISECOND;
}

static void
what_comes_in_time_is_received (void)
{
  Receiver self;

  receiver_open (&self, g_get_monotonic_time () + FAR);
  receiver_start (&self);
  CU_ASSERT_EQUAL (write (self.fds[1], "x", 1), 1);
  receiver_join (&self);
  assert_int (self.received, 1);
  CU_ASSERT_TRUE (self.in_time);
  receiver_close (&self);
}

static void
a_deadline_that_passes_ends_the_wait (void)
{
  Receiver self;

  receiver_open (&self, in_a_moment ());
  receiver_start (&self);
  receiver_join (&self);
  assert_int (self.received, 0);
  CU_ASSERT_FALSE (self.in_time);
  CU_ASSERT_TRUE (g_get_monotonic_time () >= self.until);
  CU_ASSERT_EQUAL (write (self.fds[0], "x", 1), 1); /* the peer may still be spoken to */
  receiver_close (&self);
}

/* The thread sleeps until a far deadline when a near one comes. */
static void
a_nearer_deadline_wakes_the_thread (void)
{
  Receiver far, near;
  gint64 end = g_get_monotonic_time () + 120 * G_TIME_SPAN_SECOND;
  gint64 wakes_at;

  receiver_open (&far, g_get_monotonic_time () + FAR);
  receiver_start (&far);
  /* It may look once more after this. */
  while ((wakes_at = __atomic_load_n (&tally_deadline_wakes_at, __ATOMIC_SEQ_CST)) != far.until
         && g_get_monotonic_time () < end)
    g_thread_yield ();
  assert_int (wakes_at, far.until);
  receiver_open (&near, in_a_moment ());
  receiver_start (&near);
  receiver_join (&near);
  CU_ASSERT_FALSE (near.in_time);
  CU_ASSERT_EQUAL (write (far.fds[1], "x", 1), 1);
  receiver_join (&far);
  CU_ASSERT_TRUE (far.in_time);
  receiver_close (&far);
  receiver_close (&near);
}

static void
any_number_may_pass_together (void)
{
  static Receiver receivers[100];
  gint64 until = in_a_moment ();

  for (guint i = 0; i < G_N_ELEMENTS (receivers); i++)
    {
      receiver_open (&receivers[i], until);
      receiver_start (&receivers[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (receivers); i++)
    {
      receiver_join (&receivers[i]);
      CU_ASSERT_FALSE (receivers[i].in_time);
    }
  for (guint i = 0; i < G_N_ELEMENTS (receivers); i++)
    receiver_close (&receivers[i]);
}

/* Bytes and deadline come at about the same time: the receiver knows which it was. */
static void
bytes_and_deadline_may_race (void)
{
  for (guint i = 0; i < 300; i++)
    {
      Receiver self;

      receiver_open (&self, g_get_monotonic_time () + i % 100);
      receiver_start (&self);
      while (g_get_monotonic_time () < self.until)
        continue;
      send (self.fds[1], "x", 1, MSG_NOSIGNAL); /* it may be too late already */
      receiver_join (&self);
      CU_ASSERT_TRUE (self.received == 1 || !self.in_time);
      receiver_close (&self);
    }
}

/* It is there while something is watched, and only then. */
static void
the_thread_comes_and_goes (void)
{
  Receiver a, b;
  TallyDeadline never = { 0 };

  tally_deadline_remove (&never);
  for (guint i = 0; i < 20; i++)
    {
      receiver_open (&a, 0);
      receiver_open (&b, 0);
      CU_ASSERT_TRUE (tally_deadline_is_watched (&a.watch));
      receiver_close (&a);
      CU_ASSERT_TRUE (tally_deadline_is_watched (&b.watch));
      b.until = in_a_moment ();
      receive (&b);
      CU_ASSERT_FALSE (b.in_time);
      receiver_close (&b);
      CU_ASSERT_FALSE (tally_deadline_is_watched (&b.watch));
    }
}

static int
be_the_child (Receiver *parents)
{
  Receiver own;

  alarm (120);
  if (tally_deadline_is_watched (&parents->watch))
    return 1;
  if (!tally_deadline_add (&parents->watch, end))
    return 2;
  tally_deadline_remove (&parents->watch);
  receiver_open (&own, in_a_moment ());
  receive (&own);
  return own.in_time ? 3 : 0;
}

static void
a_child_watches_for_itself (void)
{
  Receiver self;
  pid_t child;
  int status;

#ifdef __SANITIZE_THREAD__
  test_skip ("ThreadSanitizer cannot follow a forked child's threads");
  return;
#endif
  receiver_open (&self, g_get_monotonic_time () + FAR);
  child = test_fork ();
  if (child == 0)
    _exit (be_the_child (&self));
  waitpid (child, &status, 0);
  CU_ASSERT_TRUE (WIFEXITED (status));
  assert_int (WEXITSTATUS (status), 0);
  self.until = in_a_moment ();
  receive (&self);
  CU_ASSERT_FALSE (self.in_time);
  receiver_close (&self);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (what_comes_in_time_is_received),     TEST (a_deadline_that_passes_ends_the_wait),
    TEST (a_nearer_deadline_wakes_the_thread), TEST (any_number_may_pass_together),
    TEST (bytes_and_deadline_may_race),        TEST (the_thread_comes_and_goes),
    TEST (a_child_watches_for_itself),         { NULL, NULL },
  };

  return test_main ("deadline", cases, argc, argv);
}
