/* Owns the tests of a reload: files that cannot be used change nothing, are told of once, to the log and to systemd, and good
 * ones are taken afterwards. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "systemd-fixture.h"
#include "tls-fixture.h"

#define STAYS "read before stays in use"

/* What file @name has from @begin to @end. (transfer full) */
static gchar *
read_part (const gchar *name, const gchar *begin, const gchar *end)
{
  g_autofree gchar *path = tls_file (name);
  g_autofree gchar *text = NULL;
  const gchar *first, *last;

  CU_ASSERT_FATAL (g_file_get_contents (path, &text, NULL, NULL));
  first = strstr (text, begin);
  last = first != NULL ? strstr (first, end) : NULL;
  CU_ASSERT_FATAL (last != NULL);
  return g_strndup (first, last + strlen (end) - first);
}

static void
remove_files (void)
{
  g_autofree gchar *path = tls_file ("current");

  assert_int (g_unlink (path), 0);
}

static void
write_nothing (void)
{
  tls_write ("current", "");
}

static void
write_garbage (void)
{
  tls_write ("current", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
}

static void
write_no_key (void)
{
  tls_copy ("ca", "current");
}

static void
write_foreign_key (void)
{
  g_autofree gchar *certificate =
      read_part ("renewed", "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n");
  g_autofree gchar *key =
      read_part ("alice", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----\n");
  g_autofree gchar *both = g_strconcat (certificate, key, NULL);

  tls_write ("current", both);
}

/* What a reload may find in the place of a good file. */
static const struct
{
  void (*make) (void);
  const gchar *part; /* of what is said */
} faults[] = {
  { remove_files, "No such file" },
  { write_nothing, "current.pem" },
  { write_garbage, "current.pem" },
  { write_no_key, "current.pem" },
  { write_foreign_key, "is not that of the certificate" },
};

/* Writes what @name holds into file "current" itself, which looks as it did before: @size bytes long, and that old. */
static void
write_in_place (const gchar *name, gsize size)
{
  g_autofree gchar *source = tls_file (name);
  g_autofree gchar *path = tls_file ("current");
  g_autofree gchar *text = NULL;
  g_autofree gchar *filling = NULL;
  const struct timespec times[] = { { 1000000000, 0 }, { 1000000000, 0 } };
  FILE *file = fopen (path, "w");

  CU_ASSERT_FATAL (file != NULL && g_file_get_contents (source, &text, NULL, NULL));
  filling = g_strnfill (size - strlen (text), '\n');
  CU_ASSERT (fputs (text, file) >= 0 && fputs (filling, file) >= 0);
  assert_int (fclose (file), 0);
  assert_int (utimensat (AT_FDCWD, path, times, 0), 0);
}

/* New clients are shown the certificate of @name. */
static void
check_subject (TlsServer *server, const gchar *name)
{
  g_autofree gchar *expected = g_strconcat ("CN=", name, NULL);
  g_autofree gchar *shown = tls_ask_for_subject (server);

  assert_string (shown, expected);
}

/* @part: (nullable): of what the operator is told is wrong. */
static void
reload (TlsServer *server, const Manager *manager, const gchar *part)
{
  g_autofree gchar *report = NULL;

  tally_server_reload (server->server);
  manager_check (manager, "RELOADING=1\n");
  report = manager_expect (manager, "READY=1\nSTATUS=Serving tls://");
  if ((strstr (report, STAYS) != NULL) != (part != NULL)
      || (part != NULL && strstr (report, part) == NULL))
    assert_string (report, part);
  CU_ASSERT (g_str_has_suffix (report, "\n"));
  CU_ASSERT_PTR_EQUAL (strchr (strchr (report, '\n') + 1, '\n'), report + strlen (report) - 1);
}

/* A service of @manager's, which is opened. */
static TlsServer *
start (Manager *manager, guint leave_delay)
{
  TlsServer *server;

  manager_open (manager);
  g_setenv ("NOTIFY_SOCKET", manager->address, TRUE);
  server = tls_server_start_as_service ("current", leave_delay);
  g_unsetenv ("NOTIFY_SOCKET");
  manager_check (manager, "READY=1\n");
  return server;
}

static void
stop (TlsServer *server, Manager *manager)
{
  tally_server_stop (server->server);
  manager_check (manager, "STOPPING=1\n");
  tls_server_stop (server);
  manager_close (manager);
}

static void
bad_files_change_nothing (void)
{
  TlsServer *server;
  Manager manager;

  if (!tls_begin ())
    return;
  tls_log_begin ();
  tls_copy ("server", "current");
  server = start (&manager, 0);
  check_subject (server, "server");
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (TallyChannel) channel = NULL;

      faults[i].make ();
      reload (server, &manager, faults[i].part);
      assert_int (tls_count_logged (STAYS), i + 1);
      check_subject (server, "server");
      channel = tls_connect (server->uri, "ca=ca", NULL);
      CU_ASSERT (tls_echoes (channel, "still there"));
      assert_int (tls_count_logged (STAYS), i + 1); /* handshakes say nothing more */
    }
  tls_copy ("renewed", "current");
  reload (server, &manager, NULL);
  check_subject (server, "renewed");
  assert_int (tls_count_logged (STAYS), G_N_ELEMENTS (faults));
  stop (server, &manager);
  tls_log_end ();
}

TLS_TEST (bad_files_change_nothing)

/* Also where their size, time and number are those of the files before. */
static void
a_reload_reads_what_looks_the_same (void)
{
  TlsServer *server;
  Manager manager;

  if (!tls_begin ())
    return;
  write_in_place ("server", 8192);
  server = start (&manager, 0);
  check_subject (server, "server");
  write_in_place ("renewed", 8192);
  check_subject (server, "server");
  reload (server, &manager, NULL);
  check_subject (server, "renewed");
  stop (server, &manager);
}

TLS_TEST (a_reload_reads_what_looks_the_same)

/* While a server leaves it serves on, and files are of use; but that it stops is the last that systemd hears of it. */
static void
a_reload_during_a_stop_is_not_told (void)
{
  TlsServer *server;
  Manager manager;

  if (!tls_begin ())
    return;
  tls_log_begin ();
  tls_copy ("server", "current");
  server = start (&manager, G_MAXINT);
  tally_server_stop (server->server);
  manager_check (&manager, "STOPPING=1\n");
  write_garbage ();
  tally_server_reload (server->server);
  while (tls_count_logged (STAYS) == 0)
    g_thread_yield ();
  tls_copy ("renewed", "current");
  check_subject (server, "renewed");
  tls_server_stop (server);
  CU_ASSERT_PTR_NULL (manager_read (&manager, 0));
  manager_close (&manager);
  tls_log_end ();
}

TLS_TEST (a_reload_during_a_stop_is_not_told)

static const TestCase cases[] = { TEST (test_bad_files_change_nothing),
                                  TEST (test_a_reload_reads_what_looks_the_same),
                                  TEST (test_a_reload_during_a_stop_is_not_told),
                                  { NULL, NULL } };

int
main (int argc, char **argv)
{
  int status;

  tls_warm_up ();
  status = test_main ("tls-reload", cases, argc, argv);
  tls_end ();
  return status;
}
