/* Owns the tests of programs without TLS: one that does not use it loads nothing of it, and where GIO has
 * none a URI says so. */
#include <string.h>

#include "server-fixture.h"
#include "tls-fixture.h"

static gboolean
has_tls_module (void)
{
  g_autofree gchar *maps = NULL;

  CU_ASSERT (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  return strstr (maps, "libgiognutls") != NULL || strstr (maps, "libgioopenssl") != NULL
         || strstr (maps, "libgnutls") != NULL;
}

static void
test_a_program_without_TLS_loads_none (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);

  {
    g_autoptr (TallyChannel) channel = tls_connect (running->uri, "mode=pooled", NULL);
    g_autoptr (TallyChannel) shared = tls_connect (running->uri, "mode=shared", NULL);

    CU_ASSERT (tls_echoes (channel, "x"));
    CU_ASSERT (tls_echoes (shared, "x"));
  }
  running_stop (running);
  CU_ASSERT (!has_tls_module ());
}

/* In a process that finds no modules. */
static int
try_without_modules (void)
{
  g_autoptr (GError) channel_error = NULL;
  g_autoptr (GError) server_error = NULL;
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);
  ThriftProcessor *processor = test_processor_new (derived_processor_get_type (), handler);
  TallyChannel *channel = tally_channel_new ("tls://127.0.0.1:1", &channel_error);
  TallyServer *server = tally_server_new (processor, "tls://127.0.0.1:0?cert=/none", &server_error);

  g_object_unref (processor);
  g_object_unref (handler);
  return channel == NULL && server == NULL
                 && g_error_matches (channel_error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED)
                 && strstr (channel_error->message, "tls://127.0.0.1:1: ") != NULL
                 && strstr (channel_error->message, "glib-networking") != NULL
                 && g_error_matches (server_error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED)
             ? 0
             : 1;
}

static void
test_where_GIO_has_no_TLS_a_URI_says_so (void)
{
  gchar *argv[] = { "/proc/self/exe", "--without-modules", NULL };
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "GIO_MODULE_DIR", "/none", TRUE);
  g_autoptr (GError) error = NULL;
  gint status = -1;

  argv[0] = self;
  CU_ASSERT (g_spawn_sync (NULL, argv, environment, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                           &status, &error));
  assert_no_error (error);
  CU_ASSERT (g_spawn_check_wait_status (status, NULL));
}

static const TestCase cases[] = { TEST (test_a_program_without_TLS_loads_none),
                                  TEST (test_where_GIO_has_no_TLS_a_URI_says_so),
                                  { NULL, NULL } };

int
main (int argc, char **argv)
{
  if (argc == 2 && strcmp (argv[1], "--without-modules") == 0)
    return try_without_modules ();
  return test_main ("tls-absent", cases, argc, argv);
}
