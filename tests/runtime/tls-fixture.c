/* Owns the certificates that tests of TLS use, and a server that has one. */
#include "tls-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

#include "server-fixture.h"

static gchar *directory;

/* ---- certificates ---- */

static gboolean
make_certificates (void)
{
  const gchar *argv[] = { "/bin/sh", MAKE_CERTIFICATES, directory, NULL };
  g_autoptr (GError) error = NULL;
  gint status = 0;

  CU_ASSERT (g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                           NULL, NULL, &status, &error));
  assert_no_error (error);
  CU_ASSERT (g_spawn_check_wait_status (status, NULL));
  return error == NULL && status == 0;
}

static void
nothing (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  g_task_return_boolean (task, TRUE);
}

void
tls_warm_up (void)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_run_in_thread_sync (task, nothing);
  g_tls_backend_supports_tls (g_tls_backend_get_default ());
}

void
tls_settle (guint descriptors)
{
  gint64 end = g_get_monotonic_time () + 120 * G_TIME_SPAN_SECOND;

  while (test_count_descriptors () > descriptors && g_get_monotonic_time () < end)
    g_thread_yield ();
}

gboolean
tls_begin (void)
{
  g_autofree gchar *program = g_find_program_in_path ("openssl");

  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    {
      test_skip ("GIO has no TLS here (glib-networking)");
      return FALSE;
    }
  if (program == NULL)
    {
      test_skip ("there is no openssl to make certificates with");
      return FALSE;
    }
  if (directory != NULL)
    return TRUE;
  directory = g_dir_make_tmp ("tally-tls-XXXXXX", NULL);
  CU_ASSERT_FATAL (directory != NULL);
  return make_certificates ();
}

void
tls_end (void)
{
  GDir *dir = directory != NULL ? g_dir_open (directory, 0, NULL) : NULL;
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *path = g_build_filename (directory, name, NULL);

      g_unlink (path);
    }
  g_clear_pointer (&dir, g_dir_close);
  if (directory != NULL)
    g_rmdir (directory);
  g_clear_pointer (&directory, g_free);
}

gchar *
tls_file (const gchar *name)
{
  return g_strdup_printf ("%s/%s.pem", directory, name);
}

void
tls_write (const gchar *name, const gchar *text)
{
  g_autofree gchar *path = tls_file (name);

  CU_ASSERT (g_file_set_contents (path, text, -1, NULL));
}

void
tls_copy (const gchar *from, const gchar *name)
{
  g_autofree gchar *source = tls_file (from);
  g_autofree gchar *text = NULL;

  CU_ASSERT_FATAL (g_file_get_contents (source, &text, NULL, NULL));
  tls_write (name, text);
}

/* @options with files in the place of their names. (transfer full) */
static gchar *
find_files (const gchar *options)
{
  g_auto (GStrv) parts = g_strsplit (options != NULL ? options : "", "&", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      const gchar *value = strchr (parts[i], '=');
      gchar *whole;

      if (value == NULL || strchr (value, '/') != NULL
          || !(g_str_has_prefix (parts[i], "ca=") || g_str_has_prefix (parts[i], "cert=")))
        continue;
      whole = g_strdup_printf ("%.*s=%s/%s.pem", (gint) (value - parts[i]), parts[i], directory,
                               value + 1);
      g_free (parts[i]);
      parts[i] = whole;
    }
  return g_strjoinv ("&", parts);
}

/* ---- the server ---- */

static void *
serve (void *data)
{
  TlsServer *self = data;

  self->served = thrift_server_serve (THRIFT_SERVER (self->server), NULL);
  return NULL;
}

/* Milliseconds for what is to go well: a handshake takes long on a busy machine. */
#define PATIENCE (240 * 1000)

static TlsServer *
make_server (const gchar *certificate, const gchar *options)
{
  TlsServer *self = g_new0 (TlsServer, 1);
  g_autofree gchar *file = tls_file (certificate);
  g_autofree gchar *more = find_files (options);
  g_autofree gchar *uri =
      g_strdup_printf ("tls://127.0.0.1:0?cert=%s%s%s", file, *more != '\0' ? "&" : "", more);
  g_autoptr (GError) error = NULL;

  self->handler = g_object_new (test_handler_get_type (), NULL);
  self->processor = test_processor_new (derived_processor_get_type (), self->handler);
  self->server = tally_server_new (self->processor, uri, &error);
  assert_no_error (error);
  g_object_set (self->server, "handshake-timeout", PATIENCE, NULL);
  return self;
}

static TlsServer *
start_server (TlsServer *self)
{
  CU_ASSERT_FATAL (tally_server_listen (self->server, NULL));
  self->uri = tally_server_dup_uri (self->server);
  CU_ASSERT_FATAL (pthread_create (&self->thread, NULL, serve, self) == 0);
  return self;
}

TlsServer *
tls_server_start (const gchar *certificate, const gchar *options, guint timeout_ms)
{
  TlsServer *self = make_server (certificate, options);

  if (timeout_ms > 0)
    g_object_set (self->server, "handshake-timeout", timeout_ms, NULL);
  return start_server (self);
}

TlsServer *
tls_server_start_as_service (const gchar *certificate, guint leave_delay)
{
  TlsServer *self = make_server (certificate, NULL);

  CU_ASSERT (tally_server_use_systemd (self->server, NULL, NULL));
  g_object_set (self->server, "leave-delay", leave_delay, NULL);
  return start_server (self);
}

TlsServer *
tls_server_start_for_clients (const gchar *certificate, const gchar *options)
{
  TlsServer *self = make_server (certificate, options);

  g_object_set (self->server, "admission", TALLY_ADMISSION_CLIENT, NULL);
  return start_server (self);
}

TlsServer *
tls_server_start_with_workers (const gchar *certificate, guint max_workers)
{
  TlsServer *self = make_server (certificate, NULL);

  g_object_set (self->server, "max-workers", max_workers, "max-queued", 1000, NULL);
  return start_server (self);
}

void
tls_server_stop (TlsServer *self)
{
  tally_server_stop (self->server);
  pthread_join (self->thread, NULL);
  CU_ASSERT (self->served);
  g_object_unref (self->server);
  g_object_unref (self->processor);
  g_object_unref (self->handler);
  g_free (self->uri);
  g_free (self);
}

gint
tls_connect_plainly (TlsServer *server)
{
  g_autofree gchar *uri = g_strconcat ("tcp", server->uri + strlen ("tls"), NULL);

  return peer_connect_uri (uri);
}

/* ---- what is logged ---- */

static GMutex log_lock;
static GPtrArray *logged; /* texts; log_lock protects it */
static guint log_handler;

static void
on_message (const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
  g_mutex_lock (&log_lock);
  g_ptr_array_add (logged, g_strdup (message));
  g_mutex_unlock (&log_lock);
}

void
tls_log_begin (void)
{
  logged = g_ptr_array_new_with_free_func (g_free);
  log_handler =
      g_log_set_handler ("tally", G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_WARNING, on_message, NULL);
}

void
tls_log_end (void)
{
  g_log_remove_handler ("tally", log_handler);
  g_clear_pointer (&logged, g_ptr_array_unref);
}

guint
tls_count_logged (const gchar *part)
{
  guint count = 0;

  g_mutex_lock (&log_lock);
  for (guint i = 0; i < logged->len; i++)
    count += strstr (g_ptr_array_index (logged, i), part) != NULL;
  g_mutex_unlock (&log_lock);
  return count;
}

/* ---- calls ---- */

TallyChannel *
tls_connect (const gchar *uri, const gchar *options, TallyPool *pool)
{
  g_autofree gchar *more = find_files (options);
  g_autofree gchar *whole =
      g_strdup_printf ("%s%c%s", uri, strchr (uri, '?') != NULL ? '&' : '?', more);
  g_autoptr (TallyPool) own = pool == NULL ? tally_pool_new () : NULL;
  g_autoptr (GError) error = NULL;
  TallyChannel *channel = tally_channel_new_with_pool (whole, pool != NULL ? pool : own, &error);

  assert_no_error (error);
  g_object_set (pool != NULL ? pool : own, "connect-timeout", PATIENCE, NULL);
  tally_channel_set_timeout (channel, PATIENCE);
  return channel;
}

const TallyMethod *
tls_find_method (const gchar *name)
{
  for (guint i = 0; i < base_service.n_methods; i++)
    if (strcmp (base_service.methods[i].name, name) == 0)
      return &base_service.methods[i];
  g_assert_not_reached ();
}

gchar *
tls_call (TallyChannel *channel, const gchar *name, const gchar *text, gint timeout, GError **error)
{
  TextArgs args = { (gchar *) text };
  FixOops *oops = NULL;
  gchar *reply = NULL;
  gpointer results[] = { &reply, &oops };
  gboolean called =
      tally_channel_call (channel, tls_find_method (name), &args, results, timeout, NULL, error);

  g_clear_object (&oops);
  CU_ASSERT (called || reply == NULL);
  return reply;
}

gboolean
tls_tell (TallyChannel *channel, const gchar *name, const gchar *text, GError **error)
{
  TextArgs args = { (gchar *) text };

  return tally_channel_call (channel, tls_find_method (name), &args, NULL, -1, NULL, error);
}

gboolean
tls_echoes (TallyChannel *channel, const gchar *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = tls_call (channel, "echo", text, -1, &error);

  assert_no_error (error);
  return g_strcmp0 (reply, text) == 0;
}

gchar *
tls_ask_for_subject (TlsServer *server)
{
  g_autoptr (TallyChannel) channel = tls_connect (server->uri, "ca=other-ca", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = tls_call (channel, "echo", "x", -1, &error);
  const gchar *name;

  CU_ASSERT (reply == NULL && error != NULL);
  name = error != NULL ? strstr (error->message, "CN=") : NULL;
  return name != NULL ? g_strndup (name, strcspn (name, ")")) : NULL;
}
