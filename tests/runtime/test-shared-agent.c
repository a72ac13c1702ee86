/* What an agent of a shared connection does to the socket, and when it must not. */
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "shared-private.h"
#include "socket-private.h"

static guint n_looks;

static gboolean
has_nothing (const TallyStream *stream)
{
  return FALSE;
}

static guint
watch_nothing (const TallyStream *stream, guint events)
{
  return 0;
}

static gssize
send_plainly (TallyStream *stream, gconstpointer bytes, gsize length, gboolean ends)
{
  return send (stream->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
do_nothing (TallyStream *stream)
{
}

static const TallyStreamKind looked_at = {
  .send = send_plainly, .has_input = has_nothing, .get_watch = watch_nothing, .close = do_nothing
};

/* Told after a look at the socket, what it is to watch that for. */
static void
on_watch (TallySharedAgent *agent, guint events, gboolean holds_input)
{
  n_looks++;
}

/* It has no lease any more, and the pool may be closing the socket; unless another's call, which has one, is under way. */
static void
an_agent_leaves_without_a_look_at_the_socket (void)
{
  TallySharedAgent leaver = { .watch = on_watch }, agent = leaver;
  g_autoptr (TallySocket) socket = NULL;
  g_autoptr (GError) error = NULL;
  TallyPending *pending;
  TallyShared *shared;
  guint late;
  gint fds[2];

  CU_ASSERT_EQUAL_FATAL (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  socket = tally_socket_new_from_fd (fds[0]);
  socket->stream.kind = &looked_at;
  shared = tally_shared_get (socket, &tally_codec_binary, TALLY_FRAMING_FRAMED);
  tally_shared_add_agent (shared, &agent);
  for (guint i = 0; i < 2; i++)
    {
      tally_shared_add_agent (shared, &leaver);
      pending = i > 0 ? tally_shared_open (shared, &tally_limits_default, NULL) : NULL;
      if (pending != NULL)
        {
          tally_buffer_append (&pending->buffer, "request", 7);
          CU_ASSERT_TRUE (tally_shared_begin (shared, pending, &agent, FALSE, NULL));
          tally_shared_flush (shared, &agent);
        }
      n_looks = 0;
      tally_shared_remove_agent (shared, &leaver);
      assert_int (n_looks, i);
    }
  CU_ASSERT_TRUE (tally_shared_leave (shared, pending, TRUE, &error));
  tally_shared_close (shared, pending, &late);
  tally_shared_remove_agent (shared, &agent);
  close (fds[1]);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (an_agent_leaves_without_a_look_at_the_socket),
                                    { NULL, NULL } };

  return test_main ("shared-agent", cases, argc, argv);
}
