/* Owns the tests of registrations: that they enter when a server serves, leave before it stops, and hold it up for no longer than
 * they may. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-fixture.h"
#include "tally-registration.h"

/* What a registration was told, and what it is to do. */
typedef struct
{
  TallyRegistration parent;
  GMutex lock;
  GCond changed;
  GString *story; /* "+URI" and "-" */
  gboolean fails;
  gboolean blocks;  /* each step waits until it is cancelled, */
  gboolean is_deaf; /* and then until `blocks` is FALSE, too */
} Noted;
typedef TallyRegistrationClass NotedClass;

GType noted_get_type (void);
G_DEFINE_TYPE (Noted, noted, TALLY_TYPE_REGISTRATION)

static gboolean
note_step (TallyRegistration *registration,
           const gchar *step,
           const gchar *uri,
           GCancellable *cancellable,
           GError **error)
{
  Noted *self = (Noted *) registration;
  gboolean blocks;

  g_mutex_lock (&self->lock);
  g_string_append_printf (self->story, "%s%s", step, uri);
  g_cond_broadcast (&self->changed);
  blocks = self->blocks;
  g_mutex_unlock (&self->lock);
  while (blocks && !g_cancellable_is_cancelled (cancellable))
    g_thread_yield ();
  g_mutex_lock (&self->lock);
  while (self->is_deaf && self->blocks)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
  if (!self->fails)
    return TRUE;
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_FAILED, "nobody listens");
  return FALSE;
}

static gboolean
noted_enter (TallyRegistration *self, const gchar *uri, GCancellable *cancellable, GError **error)
{
  return note_step (self, "+", uri, cancellable, error);
}

static gboolean
noted_leave (TallyRegistration *self, GCancellable *cancellable, GError **error)
{
  return note_step (self, "-", "", cancellable, error);
}

static void
noted_finalize (GObject *object)
{
  Noted *self = (Noted *) object;

  g_string_free (self->story, TRUE);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (noted_parent_class)->finalize (object);
}

static void
noted_class_init (NotedClass *class)
{
  G_OBJECT_CLASS (class)->finalize = noted_finalize;
  class->enter = noted_enter;
  class->leave = noted_leave;
}

static void
noted_init (Noted *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->story = g_string_new (NULL);
}

static void
await_story (Noted *self, const gchar *part)
{
  g_mutex_lock (&self->lock);
  while (strstr (self->story->str, part) == NULL)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

static void
set_blocks (Noted *self, gboolean blocks)
{
  g_mutex_lock (&self->lock);
  self->blocks = blocks;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* A server with one registration, and the thread that serves. */
typedef struct
{
  Noted *noted;
  TallyServer *server;
  gchar *uri;
  GThread *thread;
} Stage;

static void
stage_open (Stage *self)
{
  self->noted = g_object_new (noted_get_type (), NULL);
  self->server = server_new_idle ("tcp://127.0.0.1:0", NULL);
  tally_server_add_registration (self->server, TALLY_REGISTRATION (self->noted));
  CU_ASSERT_TRUE_FATAL (tally_server_listen (self->server, NULL));
  self->uri = tally_server_dup_uri (self->server);
}

static gpointer
serve (gpointer server)
{
  CU_ASSERT_TRUE (thrift_server_serve (server, NULL));
  return NULL;
}

/* Returns once the registration is told @step. */
static void
stage_serve_until (Stage *self, const gchar *step)
{
  self->thread = g_thread_new ("server", serve, self->server);
  await_story (self->noted, step);
}

static void
stage_stop (Stage *self)
{
  tally_server_stop (self->server);
  g_thread_join (self->thread);
}

static void
stage_close (Stage *self)
{
  g_object_unref (self->server);
  g_object_unref (self->noted);
  g_free (self->uri);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stage, stage_close)

/* ---- tests ---- */

static void
it_enters_and_leaves (void)
{
  g_auto (Stage) stage;
  g_autofree gchar *expected = NULL;

  stage_open (&stage);
  expected = g_strdup_printf ("+%s-", stage.uri);
  stage_serve_until (&stage, stage.uri);
  check_alive_at (stage.uri);
  stage_stop (&stage);
  assert_string (stage.noted->story->str, expected);
  CU_ASSERT_TRUE (tally_server_listen (stage.server, NULL));
  assert_int (tally_server_get_state (stage.server), TALLY_SERVER_LISTENING);
}

/* A server that is told to stop before it serves enters all the same, so that leaving has something to take back. */
static void
it_enters_each_time (void)
{
  g_auto (Stage) stage;

  stage_open (&stage);
  for (guint i = 0; i < 2; i++)
    {
      tally_server_stop (stage.server);
      serve (stage.server);
    }
  CU_ASSERT_PTR_NOT_NULL (strstr (stage.noted->story->str, "-+"));
  CU_ASSERT_TRUE (g_str_has_suffix (stage.noted->story->str, "-"));
}

/* The registration of a server that stops takes long to leave. With @stops_again the server is told again to stop. */
static void
leave_slowly (gboolean stops_again)
{
  g_auto (Stage) stage;

  stage_open (&stage);
  g_object_set (stage.server, "leave-timeout", stops_again ? 0 : 50, NULL);
  stage_serve_until (&stage, stage.uri);
  set_blocks (stage.noted, TRUE);
  tally_server_stop (stage.server);
  await_story (stage.noted, "-");
  if (stops_again)
    {
      assert_int (tally_server_get_state (stage.server), TALLY_SERVER_LEAVING);
      check_alive_at (stage.uri);
      tally_server_stop (stage.server);
    }
  g_thread_join (stage.thread);
  assert_int (tally_server_get_state (stage.server), TALLY_SERVER_CLOSED);
}

static void
clients_are_served_while_it_leaves (void)
{
  leave_slowly (TRUE);
}

static void
it_leaves_in_time (void)
{
  leave_slowly (FALSE);
}

/* The server stops without a registration that goes on though it was cancelled, in entering or in leaving. */
static void
one_that_does_not_end_is_not_waited_for (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_auto (Stage) stage;
      gchar bytes[256];
      gint fd;

      stage_open (&stage);
      stage.noted->is_deaf = TRUE;
      stage.noted->blocks = i == 0;
      g_object_set (stage.server, "leave-timeout", 1, NULL);
      stage_serve_until (&stage, stage.uri);
      fd = peer_connect_uri (stage.uri);
      CU_ASSERT_TRUE (peer_echoes (fd, &framed_binary, 1, "hello"));
      set_blocks (stage.noted, TRUE);
      tally_server_stop (stage.server);
      while (recv (fd, bytes, sizeof bytes, 0) > 0) /* until the server has ended the connection */
        continue;
      close (fd);
      set_blocks (stage.noted, FALSE);
      g_thread_join (stage.thread);
      CU_ASSERT_TRUE (g_str_has_suffix (stage.noted->story->str, "-"));
    }
}

static void
a_stop_ends_an_entry (void)
{
  g_auto (Stage) stage;

  stage_open (&stage);
  stage.noted->blocks = TRUE;
  g_object_set (stage.server, "leave-timeout", 50, NULL);
  stage_serve_until (&stage, "+");
  stage_stop (&stage);
  CU_ASSERT_TRUE (g_str_has_suffix (stage.noted->story->str, "-"));
}

static void
clients_are_served_for_a_while_after_it (void)
{
  g_auto (Stage) stage;

  stage_open (&stage);
  g_object_set (stage.server, "leave-delay", 3600 * 1000, NULL);
  stage_serve_until (&stage, stage.uri);
  tally_server_stop (stage.server);
  await_story (stage.noted, "-");
  check_alive_at (stage.uri);
  assert_int (tally_server_get_state (stage.server), TALLY_SERVER_LEAVING);
  stage_stop (&stage);
}

/* A server without a registration stops when its delay has passed. */
static void
a_delay_ends (void)
{
  Running *running = running_start (&framed_binary, NULL, "leave-delay=20");

  check_alive (running);
  running_stop (running);
}

/* Counts in *@data, atomically, the messages of a registration that fails. */
static GLogWriterOutput
drop_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0
        && strstr (fields[i].value, "nobody listens") != NULL)
      g_atomic_int_inc ((gint *) data);
  return G_LOG_WRITER_HANDLED;
}

static gint n_logged; /* atomic */

static void
one_that_fails_is_logged (void)
{
  g_auto (Stage) stage;

  stage_open (&stage);
  stage.noted->fails = TRUE;
  stage_serve_until (&stage, stage.uri);
  check_alive_at (stage.uri);
  stage_stop (&stage);
  assert_int (g_atomic_int_get (&n_logged), 2);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (it_enters_and_leaves),
    TEST (it_enters_each_time),
    TEST (clients_are_served_while_it_leaves),
    TEST (it_leaves_in_time),
    TEST (a_stop_ends_an_entry),
    TEST (one_that_does_not_end_is_not_waited_for),
    TEST (clients_are_served_for_a_while_after_it),
    TEST (a_delay_ends),
    TEST (one_that_fails_is_logged),
    { NULL, NULL },
  };

  g_log_set_writer_func (drop_log, &n_logged, NULL);
  return test_main ("registration", cases, argc, argv);
}
