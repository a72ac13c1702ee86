/* Tells lies to a channel. See the header. */
#include "lie.h"

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "tally-error.h"

#define APPLICATION THRIFT_APPLICATION_EXCEPTION_ERROR

const gchar *const lie_dialects[4] = { "?", "?protocol=compact&", "?transport=buffered&",
                                       "?protocol=compact&transport=buffered&" };

static GQuark
domain_of (const gchar *name)
{
  return strcmp (name, "tally") == 0      ? TALLY_ERROR
         : strcmp (name, "protocol") == 0 ? THRIFT_PROTOCOL_ERROR
         : strcmp (name, "oops") == 0     ? fix_oops_error_quark ()
                                          : APPLICATION;
}

/* Sends what was put into @output and drops it. */
gboolean
lie_send (EchoRequest *request, TallyBuffer *output)
{
  gboolean sent = echo_send (request, output);

  tally_buffer_clear (output);
  return sent;
}

gboolean
lie_send_bytes (EchoRequest *request, const gchar *bytes, gsize length)
{
  TallyBuffer output = { 0 };
  gsize start = tally_frame_begin (&output, request->framing);

  tally_buffer_append (&output, bytes, length);
  tally_frame_end (&output, request->framing, start, &tally_limits_default, NULL);
  return lie_send (request, &output);
}

gboolean
lie_send_half (EchoRequest *request)
{
  TallyBuffer output = { 0 };

  echo_put_reply (request, &output);
  output.length /= 2;
  lie_send (request, &output);
  return FALSE;
}

gboolean
lie_silence (EchoRequest *request)
{
  guint8 byte;

  test_read_exact (request->fd, &byte, 1); /* until the client hangs up */
  return FALSE;
}

gboolean
lie_half_then_silence (EchoRequest *request)
{
  lie_send_half (request);
  return lie_silence (request);
}

/* Whether the call ends at its deadline: which then is short, and not for a connection that is to be made first. */
static gboolean
is_silent (const Lie *lie)
{
  return lie->lie == lie_silence || lie->lie == lie_half_then_silence;
}

/* The first request of the first connection, or with silence the one behind it, is answered by the lie, every other
 * honestly. */
static gboolean
lie_once (EchoRequest *request)
{
  const Lie *lie = request->user_data;

  return request->connection == 0 && request->request == (is_silent (lie) ? 1 : 0)
             ? lie->lie (request)
             : echo_honest (request);
}

/* An honest call makes the connection, on which the next one may take so many milliseconds. */
static void
connect_and_hurry (TallyChannel *channel, gint timeout)
{
  g_autofree gchar *reply = NULL;

  CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, "before", &reply, NULL));
  tally_channel_set_timeout (channel, timeout);
}

void
lie_tell (const Lie *lie, const gchar *dialect)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = g_strdup ("untouched");
  g_autofree gchar *text = g_strdup_printf ("%s%150s", lie->name, dialect);
  const gchar *uri;

  echo_server_start (&server, lie_once, dialect, (gpointer) lie);
  channel = echo_server_connect (&server, pool);
  uri = tally_endpoint_get_uri (tally_channel_get_endpoint (channel));
  if (is_silent (lie))
    connect_and_hurry (channel, 50);
  if (echo_call (channel, ECHO_ECHO, text, &reply, &error))
    {
      CU_ASSERT_PTR_NULL (lie->domain);
      assert_string (reply, text);
    }
  else
    {
      assert_string (reply, "untouched");
      if (lie->domain == NULL)
        assert_no_error (error);
      else
        assert_error (error, domain_of (lie->domain), lie->code, lie->part);
      if (lie->domain != NULL && strcmp (lie->domain, "oops") != 0)
        {
          assert_error (error, domain_of (lie->domain), lie->code, uri);
          assert_error (error, domain_of (lie->domain), lie->code, "echo at ");
        }
    }
  g_clear_error (&error);
  tally_channel_set_timeout (channel, 10000);
  CU_ASSERT_TRUE (echo_call (channel, ECHO_ECHO, "after", &reply, &error));
  assert_no_error (error);
  assert_string (reply, "after");
  assert_int (test_peer_get_accepted (server.peer), lie->reused ? 1 : 2);
  tally_pool_close (pool);
}

void
lie_tell_all (const Lie *lies, guint n)
{
  guint i, j;

  for (i = 0; i < n; i++)
    for (j = 0; j < G_N_ELEMENTS (lie_dialects); j++)
      {
        guint failures = CU_get_number_of_failures ();

        lie_tell (&lies[i], lie_dialects[j]);
        if (CU_get_number_of_failures () > failures)
          g_printerr ("# %s %s\n", lies[i].name, lie_dialects[j]);
      }
}
