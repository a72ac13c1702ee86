/* TallySocket against the other end of a socket pair, and against loopback TCP where it matters. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket-pair.h"
#include "tally-error.h"
#include "test-stream.h"
#include "tls-relay-socket.h"

static gpointer
write_one_byte_at_a_time (gpointer data)
{
  Step *step = data;
  gsize i;

  for (i = 0; i < step->length; i++)
    test_write_all (step->fd, "x", 1);
  return NULL;
}

static gpointer
read_everything (gpointer data)
{
  Step *step = data;
  g_autofree guint8 *bytes = g_malloc (step->length);

  return GINT_TO_POINTER (test_read_exact (step->fd, bytes, step->length) && bytes[0] == 'a'
                          && bytes[step->length - 1] == 'z');
}

static void
buffer_grows_and_keeps_its_bytes (void)
{
  TallyBuffer buffer = { 0 };
  gsize i;

  for (i = 0; i < 5000; i++)
    {
      guint8 byte = i % 251;

      tally_buffer_append (&buffer, &byte, 1);
    }
  tally_buffer_append (&buffer, NULL, 0);
  tally_buffer_reserve (&buffer, 100000);
  CU_ASSERT_TRUE (buffer.capacity >= 105000);
  assert_int (buffer.length, 5000);
  for (i = 0; i < 5000; i++)
    if (buffer.data[i] != i % 251)
      CU_FAIL ("a byte changed");
  tally_buffer_clear (&buffer);
  CU_ASSERT_PTR_NULL (buffer.data);
}

static void
bytes_go_and_come (void)
{
  g_autoptr (GError) error = NULL;
  gchar bytes[5];
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  socket_pair_put (socket, "hello");
  CU_ASSERT_TRUE (tally_socket_send (socket, &error));
  assert_no_error (error);
  assert_int (tally_socket_get_output (socket)->length, 0);
  CU_ASSERT_TRUE (test_read_exact (other, bytes, 5));
  CU_ASSERT_TRUE (memcmp (bytes, "hello", 5) == 0);

  test_write_all (other, "world!", 6);
  CU_ASSERT_TRUE (tally_socket_fill (socket, 6, &error));
  socket_pair_assert_input (socket, "world!");
  tally_socket_consume (socket, 5);
  socket_pair_assert_input (socket, "!");
  CU_ASSERT_TRUE (tally_socket_fill (socket, 1, &error));
  tally_socket_consume (socket, 1);
  socket_pair_assert_input (socket, "");
  close (other);
}

static void
from_fd_sets_what_a_call_needs (void)
{
  int on = 0;
  socklen_t size = sizeof on;
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  g_autoptr (TallySocket) socket = tally_socket_new_from_fd (fd);

  CU_ASSERT_EQUAL (getsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
  CU_ASSERT_TRUE (on != 0);
  CU_ASSERT_TRUE ((fcntl (fd, F_GETFD) & FD_CLOEXEC) != 0);
  CU_ASSERT_TRUE ((fcntl (fd, F_GETFL) & O_NONBLOCK) == 0);
}

static void
end_of_stream_says_what_is_missing (void)
{
  g_autoptr (GError) error = NULL;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  test_write_all (other, "abc", 3);
  close (other);
  CU_ASSERT_FALSE (tally_socket_fill (socket, 10, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "3 of at least 10 bytes");
  socket_pair_assert_input (socket, "abc");
}

static void
sending_to_a_closed_peer_sends_nothing (void)
{
  if (tls_relay_skips ("TCP tells of a closed peer after the first send only"))
    return;

  g_autoptr (GError) error = NULL;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  close (other);
  socket_pair_put (socket, "hello");
  CU_ASSERT_FALSE (tally_socket_send (socket, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SENT, "nothing was sent");
  assert_int (tally_socket_get_output (socket)->length, 0);
}

static void
a_peer_that_leaves_ends_a_large_send (void)
{
  g_autoptr (GError) error = NULL;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  shutdown (other, SHUT_WR); /* it will not answer, though the kernel takes bytes for it */
  tally_buffer_reserve (tally_socket_get_output (socket), 8 << 20);
  memset (tally_socket_get_output (socket)->data, 'x', 8 << 20);
  tally_socket_get_output (socket)->length = 8 << 20;
  CU_ASSERT_FALSE (tally_socket_send (socket, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "of 8388608 bytes were sent");
  close (other);
}

static void
a_large_message_passes_whole (void)
{
  g_autoptr (GError) error = NULL;
  Step step = { .length = 8 << 20 };
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);
  TallyBuffer *output = tally_socket_get_output (socket);
  GThread *thread;

  step.fd = other;
  thread = g_thread_new ("reader", read_everything, &step);
  tally_buffer_reserve (output, step.length);
  memset (output->data, 'x', step.length);
  output->length = step.length;
  output->data[0] = 'a';
  output->data[step.length - 1] = 'z';
  CU_ASSERT_TRUE (tally_socket_send (socket, &error));
  assert_no_error (error);
  CU_ASSERT_TRUE (GPOINTER_TO_INT (g_thread_join (thread)));
  tally_socket_reset (socket);
  assert_int (output->capacity, 0); /* an idle connection does not keep 8 MiB */
  close (other);
}

static void
one_byte_at_a_time_is_enough (void)
{
  g_autoptr (GError) error = NULL;
  Step step = { .length = 3000 };
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);
  GThread *thread;
  gsize length;

  step.fd = other;
  tally_socket_set_limits (socket, g_get_monotonic_time () + AT_ONCE, NULL);
  thread = g_thread_new ("writer", write_one_byte_at_a_time, &step);
  CU_ASSERT_TRUE (tally_socket_fill (socket, step.length, &error));
  assert_no_error (error);
  tally_socket_peek_input (socket, &length);
  assert_int (length, step.length);
  g_thread_join (thread);
  close (other);
}

static void
only_a_silent_open_connection_is_clean (void)
{
  g_autoptr (GError) error = NULL;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  CU_ASSERT_TRUE (tally_socket_is_clean (socket));
  test_write_all (other, "ab", 2);
  CU_ASSERT_FALSE (tally_socket_is_clean (socket)); /* in the kernel */
  CU_ASSERT_TRUE (tally_socket_fill (socket, 2, &error));
  tally_socket_consume (socket, 1);
  CU_ASSERT_FALSE (tally_socket_is_clean (socket)); /* in our buffer */
  tally_socket_consume (socket, 1);
  CU_ASSERT_TRUE (tally_socket_is_clean (socket));
  close (other);
  tls_relay_settle ();
  CU_ASSERT_FALSE (tally_socket_is_clean (socket)); /* FIN */
  thrift_transport_close ((ThriftTransport *) socket, NULL);
  CU_ASSERT_FALSE (tally_socket_is_clean (socket));
}

/* What came back with input that nobody read is not clean, and is not made so. */
static void
a_borrower_leaves_nothing_behind (void)
{
  g_autoptr (GError) error = NULL;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  test_write_all (other, "ab", 2);
  tally_buffer_append (tally_socket_get_output (socket), "unsent", 6);
  CU_ASSERT_TRUE (tally_socket_fill (socket, 2, &error));
  tally_socket_consume (socket, 1);
  CU_ASSERT_FALSE (tally_socket_take_back (socket));
  assert_int (tally_socket_get_output (socket)->length, 6);
  tally_socket_consume (socket, 1);
  CU_ASSERT_TRUE (tally_socket_take_back (socket));
  assert_int (tally_socket_get_output (socket)->length, 0);
  close (other);
}

/* TLS has records of its own, a server's tickets, before them. */
static void
the_first_bytes_are_seen (void)
{
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  test_write_all (other, "ab", 2);
  CU_ASSERT_FALSE (tally_socket_is_clean (socket));
  close (other);
}

/* Expects one more byte, "x". */
typedef struct
{
  TallySocketKeeper parent;
  gboolean expects;
  guint *freed;
} Keeper;

static gboolean
settle (TallySocketKeeper *keeper, TallySocket *socket, gboolean *expects)
{
  Keeper *self = (Keeper *) keeper;
  const guint8 *input;
  gsize length;

  tally_socket_set_limits (socket, 0, NULL);
  if (self->expects && tally_socket_fill (socket, 1, NULL))
    {
      input = tally_socket_peek_input (socket, &length);
      if (input[0] != 'x')
        return FALSE;
      tally_socket_consume (socket, 1);
      self->expects = FALSE;
    }
  *expects = self->expects;
  return TRUE;
}

static void
free_keeper (TallySocketKeeper *keeper)
{
  ++*((Keeper *) keeper)->freed;
  g_free (keeper);
}

static Keeper *
make_keeper (guint *freed)
{
  Keeper *self = g_new0 (Keeper, 1);

  *self = (Keeper){ { settle, free_keeper }, TRUE, freed };
  return self;
}

static void
a_keeper_knows_what_may_still_come (void)
{
  guint freed = 0;
  gint other;
  TallySocket *socket = socket_pair_make (&other);
  Keeper *keeper = make_keeper (&freed);

  CU_ASSERT_PTR_NULL (tally_socket_get_keeper (socket));
  CU_ASSERT_PTR_EQUAL (tally_socket_keep (socket, &keeper->parent), keeper);
  /* the first stays */
  CU_ASSERT_PTR_EQUAL (tally_socket_keep (socket, &make_keeper (&freed)->parent), keeper);
  assert_int (freed, 1);
  CU_ASSERT_TRUE (tally_socket_is_clean (socket)); /* nothing yet */
  test_write_all (other, "x", 1);
  CU_ASSERT_TRUE (tally_socket_is_clean (socket));
  test_write_all (other, "x", 1);
  CU_ASSERT_FALSE (tally_socket_is_clean (socket)); /* once was enough */
  keeper->expects = TRUE;
  CU_ASSERT_TRUE (tally_socket_is_clean (socket));
  keeper->expects = TRUE;
  test_write_all (other, "y", 1);
  CU_ASSERT_FALSE (tally_socket_is_clean (socket));
  close (other);
  g_object_unref (socket);
  assert_int (freed, 2);
}

static gpointer
send_much (gpointer data)
{
  Step *step = data;
  g_autofree guint8 *bytes = g_malloc0 (step->length);
  gsize total = 0, sent;
  gboolean has_input;

  while (total < step->length)
    {
      CU_ASSERT_TRUE (
          tally_socket_send_bytes (step->socket, bytes + total, step->length - total, &sent, NULL));
      total += sent;
      if (total < step->length)
        CU_ASSERT_TRUE (tally_socket_await_room (step->socket, FALSE, -1, NULL, &has_input, NULL));
    }
  return NULL;
}

/* One thread sends, more than the kernel takes at once, and another receives. */
static void
sending_and_receiving_go_on_together (void)
{
  g_autoptr (GError) error = NULL;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);
  Step step = { .socket = socket, .length = 4 << 20 };
  g_autofree guint8 *bytes = g_malloc (step.length);
  GThread *thread = g_thread_new ("sender", send_much, &step);

  test_write_all (other, "reply", 5);
  CU_ASSERT_TRUE (tally_socket_fill (socket, 5, &error));
  socket_pair_assert_input (socket, "reply");
  CU_ASSERT_TRUE (test_read_exact (other, bytes, step.length));
  g_thread_join (thread);
  close (other);
}

static void
what_was_sent_is_told_in_any_case (void)
{
  if (test_skip_layered ("room must end when the kernel has none")
      || tls_relay_skips ("room must end when the kernel has none"))
    return;

  g_autoptr (GError) error = NULL;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);
  gsize length = 16 << 20;
  g_autofree guint8 *bytes = g_malloc0 (length);
  gsize sent;
  gboolean has_input;
  gint arrived = 0;

  CU_ASSERT_TRUE (tally_socket_send_bytes (socket, bytes, length, &sent, &error));
  CU_ASSERT_TRUE (sent > 0 && sent < length);
  CU_ASSERT_FALSE (tally_socket_await_room (socket, TRUE, g_get_monotonic_time () + 1000, NULL,
                                            &has_input, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, NULL);
  g_clear_error (&error);
  test_write_all (other, "reply", 5);
  CU_ASSERT_TRUE (tally_socket_await_room (socket, TRUE, -1, NULL, &has_input, &error));
  CU_ASSERT_TRUE (has_input);
  CU_ASSERT_EQUAL (ioctl (other, FIONREAD, &arrived), 0);
  CU_ASSERT_TRUE (arrived > 0 && (gsize) arrived <= sent);
  close (other);
  CU_ASSERT_FALSE (tally_socket_send_bytes (socket, bytes, 1, &sent, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SENT, NULL);
  assert_int (sent, 0);
}

static void
a_declared_size_takes_no_memory (void)
{
  g_autoptr (GError) error = NULL;
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);

  test_write_all (other, "abcd", 4);
  close (other);
  CU_ASSERT_FALSE (
      tally_socket_fill (socket, G_MAXSIZE / 2, &error)); /* would abort if allocated */
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "4 of at least");
}

static void
it_is_a_thrift_transport (void)
{
  g_autoptr (GError) error = NULL;
  gchar bytes[6] = "";
  gint other;
  g_autoptr (TallySocket) socket = socket_pair_make (&other);
  ThriftTransport *transport = THRIFT_TRANSPORT (socket);

  CU_ASSERT_TRUE (thrift_transport_is_open (transport));
  CU_ASSERT_TRUE (thrift_transport_open (transport, &error));
  CU_ASSERT_TRUE (thrift_transport_write (transport, (gpointer) "hel", 3, &error));
  CU_ASSERT_TRUE (thrift_transport_write (transport, (gpointer) "lo", 2, &error));
  CU_ASSERT_TRUE (thrift_transport_flush (transport, &error));
  CU_ASSERT_TRUE (test_read_exact (other, bytes, 5));
  assert_string (bytes, "hello");
  test_write_all (other, "world", 5);
  CU_ASSERT_TRUE (thrift_transport_peek (transport, &error));
  assert_int (thrift_transport_read (transport, bytes, 2, &error), 2);
  assert_int (thrift_transport_read_all (transport, bytes + 2, 3, &error), 3);
  assert_string (bytes, "world");
  assert_int (thrift_transport_read_all (transport, bytes, G_MAXINT32, &error), -1);
  assert_error (error, THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED,
                NULL);
  g_clear_error (&error);
  close (other);
  CU_ASSERT_FALSE (thrift_transport_peek (transport, &error));
  assert_no_error (error);
  assert_int (thrift_transport_read (transport, bytes, 1, &error), -1);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, NULL);
  CU_ASSERT_TRUE (thrift_transport_close (transport, NULL));
  CU_ASSERT_FALSE (thrift_transport_is_open (transport));
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (buffer_grows_and_keeps_its_bytes),
    TEST (bytes_go_and_come),
    TEST (from_fd_sets_what_a_call_needs),
    TEST (end_of_stream_says_what_is_missing),
    TEST (sending_to_a_closed_peer_sends_nothing),
    TEST (a_peer_that_leaves_ends_a_large_send),
    TEST (a_large_message_passes_whole),
    TEST (one_byte_at_a_time_is_enough),
    TEST (only_a_silent_open_connection_is_clean),
    TEST (a_borrower_leaves_nothing_behind),
    TEST (the_first_bytes_are_seen),
    TEST (a_keeper_knows_what_may_still_come),
    TEST (sending_and_receiving_go_on_together),
    TEST (what_was_sent_is_told_in_any_case),
    TEST (a_declared_size_takes_no_memory),
    TEST (it_is_a_thrift_transport),
    { NULL, NULL },
  };

  return test_main ("socket", cases, argc, argv);
}
