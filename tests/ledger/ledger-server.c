/* The server whose executions are counted: `ledger-server BOOK MAX-QUEUED URI…` serves the book at every URI until
 * SIGTERM; past MAX-QUEUED, unless that is 0, it refuses requests. A process of its own, so that it can be stopped, killed and started again. */
#include <signal.h>
#include <stdio.h>
#include <tally.h>

#include "ledger-book.h"
#include "counted_calls.h"

#define MAX_SERVERS 16

static TallyServer *servers[MAX_SERVERS]; /* what the signal stops */
static gint n_servers;
static LedgerBook book;

typedef CountedCallsHandler Keeper;
typedef CountedCallsHandlerClass KeeperClass;

GType keeper_get_type (void);
G_DEFINE_TYPE (Keeper, keeper, COUNTED_TYPE_CALLS_HANDLER)

/* Counts the call, and refuses one whose text is not its number's. */
static gboolean
enter (gint64 number, const gchar *text, gchar **answer, GError **error)
{
  gboolean is_entered = ledger_book_enter (&book, number);
  gsize length = text != NULL ? strlen (text) : 0;
  g_autofree gchar *expected = ledger_make_text (LEDGER_REQUEST_MARK, number, length);

  if (!is_entered || g_strcmp0 (text, expected) != 0)
    {
      g_printerr ("ledger-server: call %" G_GINT64_FORMAT " came with another text\n", number);
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "another text");
      return FALSE;
    }
  expected[0] = LEDGER_ANSWER_MARK;
  *answer = g_steal_pointer (&expected);
  return TRUE;
}

static gboolean
keeper_enter (
    CountedCallsIf *iface, gchar **_return, const gint64 number, const gchar *text, GError **error)
{
  return enter (number, text, _return, error);
}

static gboolean
keeper_note (CountedCallsIf *iface, const gint64 number, const gchar *text, GError **error)
{
  g_autofree gchar *answer = NULL;

  return enter (number, text, &answer, error);
}

static void
keeper_class_init (KeeperClass *klass)
{
  klass->enter = keeper_enter;
  klass->repeat = keeper_enter;
  klass->note = keeper_note;
}

static void
keeper_init (Keeper *self)
{
}

static void
on_signal (int number)
{
  gint i;

  for (i = 0; i < n_servers; i++)
    tally_server_stop (servers[i]);
}

static gpointer
run_server (gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!thrift_server_serve (data, &error))
    g_printerr ("ledger-server: %s\n", error->message);
  return NULL;
}

static gboolean
open_servers (ThriftProcessor *processor, guint max_queued, gchar **uris, GError **error)
{
  for (n_servers = 0; uris[n_servers] != NULL && n_servers < MAX_SERVERS; n_servers++)
    {
      servers[n_servers] = tally_server_new (processor, uris[n_servers], error);
      if (servers[n_servers] != NULL && max_queued > 0)
        g_object_set (servers[n_servers], "max-workers", 1, "max-queued", max_queued, NULL);
      if (servers[n_servers] == NULL || !tally_server_listen (servers[n_servers], error))
        return FALSE;
    }
  return n_servers > 0;
}

int
main (int argc, char **argv)
{
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
  g_autoptr (GObject) handler = g_object_new (keeper_get_type (), NULL);
  g_autoptr (GError) error = NULL;
  CountedCallsProcessor *processor =
      g_object_new (COUNTED_TYPE_CALLS_PROCESSOR, "handler", handler, NULL);
  GThread *threads[MAX_SERVERS];
  gint i;

  if (argc < 4 || !ledger_book_open (&book, argv[1], 0)
      || !open_servers (THRIFT_PROCESSOR (processor), (guint) g_ascii_strtoull (argv[2], NULL, 10),
                        argv + 3, &error))
    {
      g_printerr ("ledger-server: %s\n", error != NULL ? error->message : "BOOK MAX-QUEUED URI…");
      return 1;
    }
  sigaction (SIGTERM, &action, NULL);
  for (i = 0; i < n_servers; i++)
    threads[i] = g_thread_new ("server", run_server, servers[i]);
  printf ("listening\n");
  fflush (stdout);
  for (i = 0; i < n_servers; i++)
    g_thread_join (threads[i]);
  signal (SIGTERM, SIG_IGN);
  for (i = 0; i < n_servers; i++)
    g_object_unref (servers[i]);
  g_object_unref (processor);
  ledger_book_close (&book);
  return 0;
}
