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
  gboolean blocks;  /* until it is cancelled, */
  gboolean is_deaf; /* or, where it does not listen to that, no longer blocks */
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

/* A server that does not serve yet. */
static TallyServer *
new_server (Noted *noted)
{
  TallyServer *server = server_new_idle ("tcp://127.0.0.1:0", NULL);

  tally_server_add_registration (server, TALLY_REGISTRATION (noted));
  CU_ASSERT_TRUE_FATAL (tally_server_listen (server, NULL));
  return server;
}

static gpointer
serve (gpointer server)
{
  CU_ASSERT_TRUE (thrift_server_serve (server, NULL));
  return NULL;
}

/* ---- tests ---- */

static void
it_enters_and_leaves (void)
{
  g_autoptr (GObject) object = g_object_new (noted_get_type (), NULL);
  Noted *noted = (Noted *) object;
  g_autoptr (TallyServer) server = new_server (noted);
  g_autofree gchar *uri = tally_server_dup_uri (server);
  g_autofree gchar *expected = g_strdup_printf ("+%s-", uri);
  GThread *thread = g_thread_new ("server", serve, server);

  await_story (noted, uri);
  check_alive_at (uri);
  tally_server_stop (server);
  g_thread_join (thread);
  assert_string (noted->story->str, expected);
  CU_ASSERT_TRUE (tally_server_listen (server, NULL));
  assert_int (tally_server_get_state (server), TALLY_SERVER_LISTENING);
}

/* Also before it is served: then it enters all the same, so that leaving has something to take back. */
static void
it_enters_each_time (void)
{
  g_autoptr (GObject) object = g_object_new (noted_get_type (), NULL);
  Noted *noted = (Noted *) object;
  g_autoptr (TallyServer) server = new_server (noted);

  for (guint i = 0; i < 2; i++)
    {
      tally_server_stop (server);
      serve (server);
    }
  CU_ASSERT_PTR_NOT_NULL (strstr (noted->story->str, "-+"));
  CU_ASSERT_TRUE (g_str_has_suffix (noted->story->str, "-"));
}

/* A server whose registration leaves, and is told again to stop if @stops_again. */
static void
leave_slowly (gboolean stops_again)
{
  g_autoptr (GObject) object = g_object_new (noted_get_type (), NULL);
  Noted *noted = (Noted *) object;
  g_autoptr (TallyServer) server = new_server (noted);
  g_autofree gchar *uri = tally_server_dup_uri (server);
  GThread *thread;

  g_object_set (server, "leave-timeout", stops_again ? 0 : 50, NULL);
  thread = g_thread_new ("server", serve, server);
  await_story (noted, uri);
  set_blocks (noted, TRUE);
  tally_server_stop (server);
  await_story (noted, "-");
  if (stops_again)
    {
      assert_int (tally_server_get_state (server), TALLY_SERVER_LEAVING);
      check_alive_at (uri);
      tally_server_stop (server);
    }
  g_thread_join (thread);
  assert_int (tally_server_get_state (server), TALLY_SERVER_CLOSED);
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

/* The server stops without one that goes on though it was cancelled, in entering or in leaving. */
static void
one_that_does_not_end_is_not_waited_for (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GObject) object = g_object_new (noted_get_type (), NULL);
      Noted *noted = (Noted *) object;
      g_autoptr (TallyServer) server = new_server (noted);
      g_autofree gchar *uri = tally_server_dup_uri (server);
      gchar bytes[256];
      GThread *thread;
      gint fd;

      noted->is_deaf = TRUE;
      noted->blocks = i == 0;
      g_object_set (server, "leave-timeout", 1, NULL);
      thread = g_thread_new ("server", serve, server);
      await_story (noted, uri);
      fd = peer_connect_uri (uri);
      CU_ASSERT_TRUE (peer_echoes (fd, &framed_binary, 1, "hello"));
      set_blocks (noted, TRUE);
      tally_server_stop (server);
      while (recv (fd, bytes, sizeof bytes, 0) > 0) /* until the server has ended the connection */
        continue;
      close (fd);
      set_blocks (noted, FALSE);
      g_thread_join (thread);
      CU_ASSERT_TRUE (g_str_has_suffix (noted->story->str, "-"));
    }
}

static void
a_stop_ends_an_entry (void)
{
  g_autoptr (GObject) object = g_object_new (noted_get_type (), NULL);
  Noted *noted = (Noted *) object;
  g_autoptr (TallyServer) server = new_server (noted);
  GThread *thread;

  noted->blocks = TRUE;
  g_object_set (server, "leave-timeout", 50, NULL);
  thread = g_thread_new ("server", serve, server);
  await_story (noted, "+");
  tally_server_stop (server);
  g_thread_join (thread);
  CU_ASSERT_TRUE (g_str_has_suffix (noted->story->str, "-"));
}

static void
clients_are_served_for_a_while_after_it (void)
{
  g_autoptr (GObject) object = g_object_new (noted_get_type (), NULL);
  Noted *noted = (Noted *) object;
  g_autoptr (TallyServer) server = new_server (noted);
  g_autofree gchar *uri = tally_server_dup_uri (server);
  GThread *thread;

  g_object_set (server, "leave-delay", 3600 * 1000, NULL);
  thread = g_thread_new ("server", serve, server);
  await_story (noted, uri);
  tally_server_stop (server);
  await_story (noted, "-");
  check_alive_at (uri);
  assert_int (tally_server_get_state (server), TALLY_SERVER_LEAVING);
  tally_server_stop (server);
  g_thread_join (thread);
}

/* The delay alone, and it ends by itself. */
static void
a_delay_ends (void)
{
  Running *running = running_start (&framed_binary, NULL, "leave-delay=20");

  check_alive (running);
  running_stop (running);
}

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
  g_autoptr (GObject) object = g_object_new (noted_get_type (), NULL);
  Noted *noted = (Noted *) object;
  g_autoptr (TallyServer) server = new_server (noted);
  g_autofree gchar *uri = tally_server_dup_uri (server);
  GThread *thread;

  noted->fails = TRUE;
  thread = g_thread_new ("server", serve, server);
  await_story (noted, uri);
  check_alive_at (uri);
  tally_server_stop (server);
  g_thread_join (thread);
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
