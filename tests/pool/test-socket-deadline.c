/* What ends a TallySocket's waiting: its deadline, final or not, and its cancellable. */
#include <string.h>
#include <unistd.h>

#include "socket-pair.h"
#include "tally-error.h"

/* A byte each time that the thread it serves sleeps in the kernel. */
static gpointer
trickle_until_refused (gpointer data)
{
  Step *step = data;

  do
    while (!test_thread_is_asleep (getpid ()))
      g_thread_yield ();
  while (test_write_all (step->fd, "x", 1));
  return NULL;
}

/* Cancels once the thread that it serves sleeps in the kernel: its state says so. */
static gpointer
cancel_when_asleep (gpointer data)
{
  Step *step = data;

  while (!test_thread_awaits_socket (getpid ()))
    g_thread_yield ();
  g_cancellable_cancel (step->cancellable);
  return NULL;
}

static void
the_deadline_ends_silence (void)
{
  gint64 timeouts[] = { 0, 3, 100, 130 }; /* ms: the longer ones are armed in the kernel */
  guint i;

  for (i = 0; i < G_N_ELEMENTS (timeouts); i++)
    {
      g_autoptr (GError) error = NULL;
      gint other;
      g_autoptr (TallySocket) socket = socket_pair_make (&other);
      gint64 deadline = g_get_monotonic_time () + timeouts[i] * 1000;

      tally_socket_set_limits (socket, deadline, NULL);
      CU_ASSERT_FALSE (tally_socket_fill (socket, 1, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "0 of at least 1 bytes");
      CU_ASSERT_TRUE (g_get_monotonic_time () >= deadline);
      close (other);
    }
}

/* The second receive on a connection, and all that follow, are watched. */
static void
a_final_deadline_ends_the_connection (void)
{
  g_autoptr (GError) error = NULL;
  gint64 deadline;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  for (guint i = 0; i < 3; i++)
    {
      test_write_all (other, "x", 1);
      tally_socket_set_final_limits (socket, g_get_monotonic_time () + AT_ONCE, NULL);
      CU_ASSERT_TRUE (tally_socket_fill (socket, 1, &error));
      tally_socket_consume (socket, 1);
      CU_ASSERT_TRUE (tally_socket_is_clean (socket));
    }
  deadline = g_get_monotonic_time () + 5000;
  tally_socket_set_final_limits (socket, deadline, NULL);
  CU_ASSERT_FALSE (tally_socket_fill (socket, 1, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "0 of at least 1");
  CU_ASSERT_TRUE (g_get_monotonic_time () >= deadline);
  test_write_all (other, "x", 1);
  CU_ASSERT_FALSE (tally_socket_is_clean (socket));
  close (other);
}

/* A user that means to go on after its deadline can, even if the user before it did not. */
static void
a_deadline_that_is_not_final_ends_nothing (void)
{
  g_autoptr (GError) error = NULL;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  for (guint i = 0; i < 2; i++)
    {
      test_write_all (other, "x", 1);
      tally_socket_set_final_limits (socket, g_get_monotonic_time () + AT_ONCE, NULL);
      CU_ASSERT_TRUE (tally_socket_fill (socket, 1, &error));
      tally_socket_consume (socket, 1);
    }
  tally_socket_set_limits (socket, g_get_monotonic_time () + 100000, NULL);
  CU_ASSERT_FALSE (tally_socket_fill (socket, 1, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
  test_write_all (other, "y", 1);
  tally_socket_set_final_limits (socket, g_get_monotonic_time () + AT_ONCE, NULL);
  CU_ASSERT_TRUE (tally_socket_fill (socket, 1, NULL));
  socket_pair_assert_input (socket, "y");
  close (other);
}

static void
the_deadline_ends_a_trickle (void)
{
  g_autoptr (GError) error = NULL;
  Step step = { 0 };
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);
  GThread *thread;

  step.fd = other;
  tally_socket_set_limits (socket, g_get_monotonic_time () + 100 * 1000, NULL);
  thread = g_thread_new ("trickle", trickle_until_refused, &step);
  CU_ASSERT_FALSE (tally_socket_fill (socket, 1 << 20, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "of at least 1048576 bytes");
  thrift_transport_close ((ThriftTransport *) socket, NULL);
  g_thread_join (thread);
  close (other);
}

static void
the_deadline_ends_a_send (void)
{
  g_autoptr (GError) error = NULL;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);
  TallyBuffer *output = tally_socket_get_output (socket);

  tally_buffer_reserve (output, 8 << 20);
  memset (output->data, 'x', 8 << 20);
  output->length = 8 << 20;
  tally_socket_set_limits (socket, g_get_monotonic_time () + 5000, NULL);
  CU_ASSERT_FALSE (tally_socket_send (socket, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "bytes were sent");
  close (other);
}

static void
cancelling_wakes_receive_and_send (void)
{
  guint round;

  for (round = 0; round < 2; round++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Step step = { .cancellable = cancellable };
      gint other;
      g_autoptr (TallySocket) socket = socket_pair_make (&other);
      TallyBuffer *output = tally_socket_get_output (socket);
      GThread *thread;

      tally_socket_set_limits (socket, -1, cancellable);
      if (round == 1)
        {
          tally_buffer_reserve (output, 8 << 20);
          memset (output->data, 'x', 8 << 20);
          output->length = 8 << 20;
        }
      thread = g_thread_new ("cancel", cancel_when_asleep, &step);
      if (round == 0)
        CU_ASSERT_FALSE (tally_socket_fill (socket, 1, &error))
      else
        CU_ASSERT_FALSE (tally_socket_send (socket, &error));
      assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled while");
      g_thread_join (thread);
      close (other);
    }
}

static void
a_deadline_of_zero_has_passed (void)
{
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;

      tally_socket_set_final_limits (socket, i < 2 ? -1 : 0, NULL);
      if (i < 2)
        test_write_all (other, "x", 1);
      CU_ASSERT_EQUAL (tally_socket_fill (socket, i + 1, &error), i < 2);
      if (i == 2)
        assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
    }
  close (other);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_deadline_ends_silence),
    TEST (a_final_deadline_ends_the_connection),
    TEST (a_deadline_that_is_not_final_ends_nothing),
    TEST (the_deadline_ends_a_trickle),
    TEST (the_deadline_ends_a_send),
    TEST (cancelling_wakes_receive_and_send),
    TEST (a_deadline_of_zero_has_passed),
    { NULL, NULL },
  };

  return test_main ("socket", cases, argc, argv);
}
