/* One of the fleet: a server that is a member of a path in ZooKeeper while it serves. */
#include <tally-zookeeper.h>

#include "command-line.h"
#include "demo_fleet.h"
#include "serve.h"

/* Milliseconds for which it serves on after it has left, so that clients go elsewhere by themselves. */
#define LEAVE_DELAY 300

typedef DemoFleetHandler Counter;
typedef DemoFleetHandlerClass CounterClass;

static GType counter_get_type (void);
G_DEFINE_TYPE (Counter, counter, DEMO_TYPE_FLEET_HANDLER)

static gboolean
add_one (DemoFleetIf *iface, gint64 *_return, const gint64 number, GError **error)
{
  *_return = number + 1;
  return TRUE;
}

static void
counter_class_init (CounterClass *klass)
{
  klass->add_one = add_one;
}

static void
counter_init (Counter *self)
{
}

static gboolean
register_server (TallyServer *server, const gchar *uri, gpointer zookeeper, GError **error)
{
  g_autoptr (TallyRegistration) registration = NULL;

  if (zookeeper == NULL)
    return TRUE;
  registration = tally_zookeeper_registration_new (zookeeper, error);
  if (registration == NULL)
    return FALSE;
  tally_server_add_registration (server, registration);
  g_object_set (server, "leave-delay", LEAVE_DELAY, NULL);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autofree gchar *zookeeper = NULL;
  const GOptionEntry entries[] = { { "zookeeper", 0, 0, G_OPTION_ARG_STRING, &zookeeper,
                                     "What it is a member of, zookeeper://HOST:PORT/PATH", "URI" },
                                   { NULL } };
  g_autoptr (GObject) handler = NULL;
  g_autoptr (DemoFleetProcessor) processor = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;

  if (!command_line_parse (&argc, &argv, "Serves as one of a fleet.", SERVE_URI_DESCRIPTION,
                           entries, &uri, &error))
    {
      g_printerr ("fleet-server: %s\n", error->message);
      return 2;
    }
  handler = g_object_new (counter_get_type (), NULL);
  processor = g_object_new (DEMO_TYPE_FLEET_PROCESSOR, "handler", handler, NULL);
  if (serve_prepared (THRIFT_PROCESSOR (processor), uri != NULL ? uri : "tcp://localhost:9090",
                      register_server, zookeeper, &error))
    return 0;
  g_printerr ("fleet-server: %s\n", error->message);
  return 1;
}
