/* Owns the desk and the callers of shared-fixture.h; knows no test. */
#include "shared-fixture.h"

#include "tls-relay.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What takes longer has failed, on a busy machine and under a sanitizer too: many megabytes go to and fro. */
#define PATIENCE_S 600

/* ---- the desk ---- */

static void
free_request (gpointer data)
{
  EchoRequest *request = data;

  close (request->fd);
  g_free (request->name);
  g_free (request->text);
  g_free (request);
}

/* On a connection's thread. */
static gboolean
put_on_desk (EchoRequest *request)
{
  Desk *desk = request->user_data;
  EchoRequest *copy = g_memdup2 (request, sizeof *request);

  copy->fd = fcntl (request->fd, F_DUPFD_CLOEXEC, 0); /* its connection's thread may close it */
  copy->name = g_strdup (request->name);
  copy->text = g_strdup (request->text);
  g_mutex_lock (&desk->lock);
  g_ptr_array_add (desk->requests, copy);
  g_cond_broadcast (&desk->changed);
  while (desk->paused)
    g_cond_wait (&desk->changed, &desk->lock);
  g_mutex_unlock (&desk->lock);
  return TRUE;
}

void
desk_open (Desk *desk, const gchar *options)
{
  memset (desk, 0, sizeof *desk);
  g_mutex_init (&desk->lock);
  g_cond_init (&desk->changed);
  desk->requests = g_ptr_array_new_with_free_func (free_request);
  desk->pool = tally_pool_new ();
  g_object_set (desk->pool, "tcp-user-timeout", 0, NULL); /* a peer may read nothing for a while */
  echo_server_start (&desk->server, put_on_desk, options, desk);
  desk->channel = echo_server_connect (&desk->server, desk->pool);
  tally_channel_set_timeout (desk->channel, PATIENCE_S * 1000);
}

void
desk_pause (Desk *desk, gboolean paused)
{
  g_mutex_lock (&desk->lock);
  desk->paused = paused;
  g_cond_broadcast (&desk->changed);
  g_mutex_unlock (&desk->lock);
}

void
desk_close (Desk *desk)
{
  desk_pause (desk, FALSE);
  tally_pool_close (desk->pool);
  echo_server_stop (&desk->server);
  g_object_unref (desk->channel);
  g_object_unref (desk->pool);
  g_ptr_array_unref (desk->requests);
  g_mutex_clear (&desk->lock);
  g_cond_clear (&desk->changed);
}

void
desk_await (Desk *desk, guint count)
{
  gint64 end = g_get_monotonic_time () + PATIENCE_S * G_TIME_SPAN_SECOND;
  gboolean in_time = TRUE;

  g_mutex_lock (&desk->lock);
  while (desk->requests->len < count && in_time)
    in_time = g_cond_wait_until (&desk->changed, &desk->lock, end);
  g_mutex_unlock (&desk->lock);
  CU_ASSERT_TRUE_FATAL (in_time);
}

guint
desk_count (Desk *desk)
{
  guint count;

  g_mutex_lock (&desk->lock);
  count = desk->requests->len;
  g_mutex_unlock (&desk->lock);
  return count;
}

EchoRequest *
desk_get (Desk *desk, guint index)
{
  EchoRequest *request;

  desk_await (desk, index + 1);
  g_mutex_lock (&desk->lock);
  request = g_ptr_array_index (desk->requests, index);
  g_mutex_unlock (&desk->lock);
  return request;
}

EchoRequest *
desk_find (Desk *desk, const gchar *text)
{
  for (guint i = 0;; i++)
    {
      EchoRequest *request = desk_get (desk, i);

      if (strcmp (request->text, text) == 0)
        return request;
    }
}

void
desk_reply (EchoRequest *request)
{
  CU_ASSERT_TRUE (echo_honest (request));
}

void
desk_reply_as (EchoRequest *request, const gchar *name, gint type, gint32 seqid)
{
  EchoResult result = { .success = request->text };
  TallyBuffer output = { 0 };

  echo_put (request, &output, name, type, seqid, echo_methods[ECHO_ECHO].result, &result);
  CU_ASSERT_TRUE (echo_send (request, &output));
  tally_buffer_clear (&output);
}

void
desk_hang_up (EchoRequest *request)
{
  CU_ASSERT_EQUAL (shutdown (request->fd, SHUT_RDWR), 0);
  tls_relay_settle ();
}

void
desk_reset (EchoRequest *request)
{
  struct sockaddr nobody = { .sa_family = AF_UNSPEC };

  CU_ASSERT_EQUAL (connect (request->fd, &nobody, sizeof nobody), 0);
  tls_relay_settle ();
}

guint
desk_accepted (Desk *desk)
{
  return test_peer_get_accepted (desk->server.peer);
}

TallyPoolSnapshot
desk_snapshot (Desk *desk)
{
  TallyPoolSnapshot snapshot;

  tally_pool_snapshot (desk->pool, &snapshot);
  return snapshot;
}

/* ---- callers ---- */

static gpointer
call (gpointer data)
{
  Caller *caller = data;
  EchoArgs args = { caller->text };
  FixOops *oops = NULL;
  gpointer results[] = { &caller->reply, &oops };

  g_atomic_int_set (&caller->id, gettid ());
  caller->done = tally_channel_call (caller->channel, &echo_methods[caller->method], &args, results,
                                     caller->timeout, caller->cancellable, &caller->error);
  g_clear_object (&oops);
  return NULL;
}

void
caller_start_method (Caller *caller,
                     TallyChannel *channel,
                     guint method,
                     const gchar *text,
                     gint timeout,
                     GCancellable *cancellable)
{
  *caller = (Caller){ .channel = channel,
                      .method = method,
                      .text = g_strdup (text),
                      .timeout = timeout,
                      .cancellable = cancellable };
  caller->thread = g_thread_new ("caller", call, caller);
}

void
caller_start (Caller *caller, TallyChannel *channel, const gchar *text, gint timeout)
{
  caller_start_method (caller, channel, ECHO_ECHO, text, timeout, NULL);
}

void
caller_join (Caller *caller)
{
  g_thread_join (g_steal_pointer (&caller->thread));
}

static void
clear (Caller *caller)
{
  g_clear_pointer (&caller->text, g_free);
  g_clear_pointer (&caller->reply, g_free);
  g_clear_error (&caller->error);
}

void
caller_expect_reply (Caller *caller)
{
  if (caller->thread != NULL)
    caller_join (caller);
  CU_ASSERT_TRUE (caller->done);
  assert_no_error (caller->error);
  assert_string (caller->reply, caller->text);
  clear (caller);
}

void
caller_expect_end (Caller *caller)
{
  if (caller->thread != NULL)
    caller_join (caller);
  CU_ASSERT_EQUAL (caller->done, caller->error == NULL);
  CU_ASSERT_EQUAL (caller->done, caller->reply != NULL);
  clear (caller);
}

void
caller_expect_error (Caller *caller, GQuark domain, gint code, const gchar *part)
{
  if (caller->thread != NULL)
    caller_join (caller);
  CU_ASSERT_FALSE (caller->done);
  CU_ASSERT_PTR_NULL (caller->reply);
  assert_error (caller->error, domain, code, part);
  echo_assert_says_once (caller->error);
  clear (caller);
}

/* ---- callers that leave ---- */

static void
call_quickly (Desk *desk, const gchar *text)
{
  Caller quick;

  caller_start (&quick, desk->channel, text, -1);
  desk_reply (desk_find (desk, text));
  caller_expect_reply (&quick);
}

void
desks_owe_a_reply (Desk *desks, guint count, gint timeout_ms)
{
  g_autofree Caller *slow = g_new0 (Caller, count);

  for (guint i = 0; i < count; i++)
    call_quickly (&desks[i], "connects");
  for (guint i = 0; i < count; i++)
    caller_start (&slow[i], desks[i].channel, "slow", timeout_ms);
  for (guint i = 0; i < count; i++)
    {
      desk_await (&desks[i], 2);
      call_quickly (&desks[i], "quick");
    }
  for (guint i = 0; i < count; i++)
    caller_expect_error (&slow[i], TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "may have been executed");
}
