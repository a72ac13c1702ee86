/* Requests and replies on a shared connection that are larger than what a socket takes at once, to a
 * peer that reads no further before its reply is read. Pool rule 24, with test-shared.c. */
#include <glib/gstdio.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server-fixture.h"
#include "shared-fixture.h"
#include "tally-error.h"

#define CALLERS 4
#define CALLS 5
#define LARGE (15 << 20)

/* ---- a server that answers in order ---- */

typedef struct
{
  gchar *success;
} TextResult;

static const TallyField text_result_fields[] = {
  { .name = "success",
    .id = 0,
    .type = &tally_type_string,
    TALLY_RESULT_SLOT (TextResult, success) },
};
static const TallyStructInfo text_result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "echo_result", TextResult, text_result_fields);
static const TallyMethod echo_method = {
  TALLY_METHOD_NAME ("echo"),
  .args = &text_args_info,
  .result = &text_result_info,
};

static gpointer
call_with_much (gpointer channel)
{
  g_autofree gchar *text = g_strnfill (600000, 'x'); /* a Unix socket takes a third of it */
  const TextArgs args = { text };
  guint right = 0;

  for (guint i = 0; i < CALLS; i++)
    {
      g_autofree gchar *reply = NULL;
      gpointer results[] = { &reply };
      g_autoptr (GError) error = NULL;

      tally_channel_call (channel, &echo_method, &args, results, 600000, NULL, &error);
      assert_no_error (error);
      right += g_strcmp0 (reply, text) == 0;
    }
  return GUINT_TO_POINTER (right);
}

static void
rule_24_large_requests_and_replies_pass_each_other (void)
{
  g_autofree gchar *folder = g_dir_make_tmp ("tally-XXXXXX", NULL);
  g_autofree gchar *address = g_strconcat ("unix://", folder, "/s", NULL);
  Running *running = running_start (&framed_binary, address, NULL);
  g_autofree gchar *uri = g_strconcat (address, "?mode=shared", NULL);
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyChannel) channel = tally_channel_new_with_pool (uri, pool, &error);
  GThread *threads[CALLERS];
  TallyPoolSnapshot seen;

  assert_no_error (error);
  for (guint i = 0; i < CALLERS; i++)
    threads[i] = g_thread_new ("caller", call_with_much, channel);
  for (guint i = 0; i < CALLERS; i++)
    assert_int (GPOINTER_TO_UINT (g_thread_join (threads[i])), CALLS);
  tally_pool_snapshot (pool, &seen);
  assert_int (seen.dials_started, 1);
  tally_pool_close (pool);
  running_stop (running);
  CU_ASSERT_EQUAL (g_rmdir (folder), 0);
}

/* ---- a peer that the test holds ---- */

/* No caller waits for the reply to one that has left, and yet it must be read before the peer reads
 * on: by the sender. */
static void
rule_24_who_sends_takes_what_nobody_waits_for (void)
{
  g_auto (Desk) desk;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree gchar *text = g_strnfill (LARGE, 't');
  Caller leaver, sender;

  desk_open (&desk, "?mode=shared&");
  desk_pause (&desk, TRUE);
  caller_start_method (&leaver, desk.channel, ECHO_ECHO, "leaver", 0, cancellable);
  g_free (desk_find (&desk, "leaver")->text);
  desk_get (&desk, 0)->text = g_strnfill (LARGE, 'l');
  g_cancellable_cancel (cancellable);
  caller_expect_error (&leaver, G_IO_ERROR, G_IO_ERROR_CANCELLED, "may have been executed");
  caller_start (&sender, desk.channel, text, -1);
  desk_reply (desk_get (&desk, 0)); /* returns when it is read */
  desk_pause (&desk, FALSE);
  desk_await (&desk, 2);
  desk_reply (desk_get (&desk, 1));
  caller_expect_reply (&sender);
  assert_int (desk_snapshot (&desk).late_replies, 1);
  assert_int (desk_accepted (&desk), 1);
}

/* ---- a peer that takes nothing more ---- */

static gint
listen_at (const gchar *name)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gint fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path + 1, name, sizeof address.sun_path - 1);
  CU_ASSERT (bind (fd, (struct sockaddr *) &address,
                   offsetof (struct sockaddr_un, sun_path) + 1 + strlen (name))
             == 0);
  CU_ASSERT (listen (fd, 1) == 0);
  return fd;
}

static void
answer (gint fd, const Answer *request, gchar *text)
{
  const TextResult result = { text };
  TallyBuffer message = { NULL, 0, 0 }, framed = { NULL, 0, 0 };

  framed_binary.codec->write_message (&message, request->name, strlen (request->name), T_REPLY,
                                      request->seqid);
  CU_ASSERT (framed_binary.codec->write_struct (&message, &text_result_info, &result, NULL));
  write_raw (&framed, &framed_binary, message.data, message.length);
  peer_send (fd, &framed);
  tally_buffer_clear (&message);
}

/* As a server that stops does over a Unix socket: it lets no further request in, and answers those it
 * has. */
static void
rule_24_a_peer_that_takes_no_more_still_answers (void)
{
  g_autofree gchar *name = g_strdup_printf ("tally-flow-%d", (gint) getpid ());
  g_autofree gchar *uri = g_strconcat ("unix:@", name, "?mode=shared", NULL);
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyChannel) channel = tally_channel_new_with_pool (uri, pool, &error);
  gint listener = listen_at (name);
  Caller had, refused;
  Answer request;
  gint fd;

  assert_no_error (error);
  caller_start (&had, channel, "had", -1);
  fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
  CU_ASSERT_FATAL (peer_receive (fd, &framed_binary, TALLY_KIND_BOOL, &request));
  close (listener);
  CU_ASSERT (shutdown (fd, SHUT_RD) == 0);
  caller_start (&refused, channel, "refused", -1);
  caller_expect_error (&refused, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "nothing was sent");
  answer (fd, &request, had.text);
  caller_expect_reply (&had);
  answer_clear (&request);
  close (fd);
  tally_pool_close (pool);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_24_large_requests_and_replies_pass_each_other),
    TEST (rule_24_a_peer_that_takes_no_more_still_answers),
    TEST (rule_24_who_sends_takes_what_nobody_waits_for),
    { NULL, NULL },
  };

  return test_main ("shared-flow", cases, argc, argv);
}
