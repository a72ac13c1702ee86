/* Owns the tests of what a TallyServer's connections may hold of unfinished messages together: past it the
 * one that has held a large part longest gives it up. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-fixture.h"
#include "server-private.h"

#define BINARY (&framed_binary)

/* Requests that are arriving are refused until the others fit, and their connections go on: their
 * frames' lengths say what to skip. */
static void
unfinished_requests_give_way (void)
{
  Running *running = running_start (BINARY, NULL, "max-unfinished=1400000 read-timeout=0");
  g_autofree gchar *text = g_strnfill (400 * 1000, 'x');
  TallyBuffer request = { NULL, 0, 0 };
  const gsize part = 300 * 1000;
  gint fds[8];
  gint refused[G_N_ELEMENTS (fds) - 2];

  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      fds[i] = peer_connect (running);
      request.length = 0;
      write_echo (&request, BINARY, i, text);
      CU_ASSERT (send (fds[i], request.data, part, MSG_NOSIGNAL) == (gssize) part);
    }
  /* at most two hold their 300 kB, for which they have 512 KiB */
  for (guint n_refused = 0; n_refused < G_N_ELEMENTS (refused); n_refused++)
    {
      guint i = peer_await_any (fds, G_N_ELEMENTS (fds));

      check_refusal (fds[i], BINARY, i, "unfinished messages pass the limit of 1400000 bytes");
      refused[n_refused] = fds[i];
      fds[i] = -1;
    }
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      CU_ASSERT (send (refused[i], request.data + part, request.length - part, MSG_NOSIGNAL) > 0);
      CU_ASSERT (peer_echoes (refused[i], BINARY, 9, "and on"));
      close (refused[i]);
    }
  tally_buffer_clear (&request);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    if (fds[i] >= 0)
      close (fds[i]);
  check_alive (running);
  running_stop (running);
}

/* The oldest is small: large ones that come later, one by one, do not cost it its request. */
static void
a_small_request_outlasts_large_ones (void)
{
  const gsize part = 300 * 1000;
  Running *running = running_start (BINARY, NULL, "max-unfinished=1400000 read-timeout=0");
  g_autofree gchar *text = g_strnfill (400 * 1000, 'x');
  TallyBuffer small = { NULL, 0, 0 };
  TallyBuffer large = { NULL, 0, 0 };
  gint fds[5];

  write_echo (&small, BINARY, 0, "slow");
  fds[0] = peer_connect (running);
  CU_ASSERT (send (fds[0], small.data, 10, MSG_NOSIGNAL) == 10);
  while (atomic_get (&running->server->held) == 0)
    g_thread_yield ();
  for (guint i = 1; i < G_N_ELEMENTS (fds); i++)
    {
      large.length = 0;
      write_echo (&large, BINARY, i, text);
      fds[i] = peer_connect (running);
      CU_ASSERT (send (fds[i], large.data, part, MSG_NOSIGNAL) == (gssize) part);
      while (i <= 2 && atomic_get (&running->server->held) < i * 512 * 1024)
        g_thread_yield ();
      if (i > 2)
        {
          guint refused = peer_await_any (fds, i + 1); /* one that a worker has does not pay */

          check_refusal (fds[refused], BINARY, refused, "unfinished messages");
          CU_ASSERT (refused > 0);
          close (fds[refused]);
          fds[refused] = -1;
        }
    }
  CU_ASSERT (send (fds[0], small.data + 10, small.length - 10, MSG_NOSIGNAL) > 0);
  check_reply (fds[0], BINARY, 0);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    if (fds[i] >= 0)
      close (fds[i]);
  tally_buffer_clear (&small);
  tally_buffer_clear (&large);
  running_stop (running);
}

/* A single request that is larger than all may be. */
static void
one_request_past_the_limit_of_all (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (all_speeches); s++)
    {
      const Speech *speech = &all_speeches[s];
      Running *running = running_start (speech, NULL, "max-unfinished=300000");
      g_autofree gchar *text = g_strnfill (2 * 1024 * 1024, 'x');
      TallyBuffer request = { NULL, 0, 0 };
      TallyServerSnapshot statistics;
      gint fd = peer_connect (running);

      write_echo (&request, speech, 1, text);
      peer_send (fd, &request);
      check_refusal (fd, speech, 1, "unfinished messages");
      tally_server_snapshot (running->server, &statistics);
      assert_int (statistics.requests, 1);
      CU_ASSERT (speech->framed ? peer_echoes (fd, speech, 2, "and on") : peer_sees_end (fd));
      close (fd);
      check_alive (running);
      running_stop (running);
    }
}

/* Until no worker has a connection. */
static void
await_workers (TallyServer *server)
{
  guint n_busy;

  do
    {
      n_busy = 0;
      g_thread_yield ();
      pthread_mutex_lock (&server->lock);
      for (ServerWorker *worker = server->workers; worker != NULL; worker = worker->next)
        n_busy += atomic_get (&worker->busy) != 0;
      pthread_mutex_unlock (&server->lock);
    }
  while (n_busy > 0);
}

/* Answers that nobody takes count, too. A connection that a worker still has gives nothing up: then the
 * request that is arriving does, and the next one finds it alone. */
static void
the_oldest_unread_answer_gives_way (void)
{
  Running *running = running_start (BINARY, NULL, "max-unfinished=20971520 write-timeout=0");
  g_autofree gchar *text = g_strnfill (15 * 1024 * 1024, 'x');
  TallyBuffer request = { NULL, 0, 0 };
  TallyServerSnapshot statistics = { 0 };
  const gint small = 4096; /* so that the kernel takes little of them */
  gint fds[16];
  guint n = 0;

  while (n < G_N_ELEMENTS (fds) && statistics.connections == n)
    {
      fds[n] = peer_connect (running);
      CU_ASSERT (setsockopt (fds[n], SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
      write_echo (&request, BINARY, n, text);
      peer_send (fds[n], &request);
      peer_await_any (&fds[n], 1); /* its answer begins, or it was refused */
      await_workers (running->server);
      n++;
      tally_server_snapshot (running->server, &statistics);
    }
  CU_ASSERT (statistics.connections < n);
  for (guint i = 0; i < n; i++)
    close (fds[i]);
  check_alive (running);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (unfinished_requests_give_way),
    TEST (a_small_request_outlasts_large_ones),
    TEST (one_request_past_the_limit_of_all),
    TEST (the_oldest_unread_answer_gives_way),
    { NULL, NULL },
  };

  return test_main ("server-unfinished", cases, argc, argv);
}
