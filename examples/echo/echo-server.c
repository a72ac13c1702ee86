/* The echo example's server. */
#include <gio/gio.h>
#include <string.h>

#include "command-line.h"
#include "demo_echo.h"
#include "serve.h"

/* ---- the handler: one object, called by several threads at once ---- */

typedef struct
{
  DemoEchoHandler parent;

  gint notes; /* atomic */
} Echoer;

typedef DemoEchoHandlerClass EchoerClass;

GType echoer_get_type (void);
G_DEFINE_TYPE (Echoer, echoer, DEMO_TYPE_ECHO_HANDLER)

static gboolean
echo (DemoEchoIf *iface, gchar **_return, const gchar *text, GError **error)
{
  *_return = g_strdup (text);
  return TRUE;
}

static gboolean
echo_payload (DemoEchoIf *iface, DemoPayload **_return, const DemoPayload *payload, GError **error)
{
  g_set_object (_return, (DemoPayload *) payload);
  return TRUE;
}

/* A declared exception: the out-parameter is set and FALSE returned. */
static gboolean
echo_short (DemoEchoIf *iface,
            gchar **_return,
            const gchar *text,
            const gint32 limit,
            DemoRefused **refused,
            GError **error)
{
  gsize length = strlen (text);

  if (length > (gsize) MAX (limit, 0))
    {
      g_autofree gchar *reason = g_strdup_printf ("longer than %d bytes", limit);

      *refused = g_object_new (DEMO_TYPE_REFUSED, "reason", reason, "length", (gint) length, NULL);
      return FALSE;
    }
  *_return = g_strdup (text);
  return TRUE;
}

static gboolean
note (DemoEchoIf *iface, const gchar *text, GError **error)
{
  g_atomic_int_inc (&((Echoer *) iface)->notes);
  return TRUE;
}

static gboolean
count_notes (DemoEchoIf *iface, gint32 *_return, GError **error)
{
  *_return = g_atomic_int_get (&((Echoer *) iface)->notes);
  return TRUE;
}

static void
echoer_class_init (EchoerClass *klass)
{
  klass->echo = echo;
  klass->echo_payload = echo_payload;
  klass->echo_short = echo_short;
  klass->note = note;
  klass->count_notes = count_notes;
}

static void
echoer_init (Echoer *self)
{
}

/* ---- the program ---- */

int
main (int argc, char **argv)
{
  g_autoptr (GObject) handler = NULL;
  g_autoptr (DemoEchoProcessor) processor = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;

  if (!command_line_parse (&argc, &argv, "Serves the echo example.", SERVE_URI_DESCRIPTION, NULL,
                           &uri, &error))
    {
      g_printerr ("echo-server: %s\n", error->message);
      return 2;
    }
  handler = g_object_new (echoer_get_type (), NULL);
  processor = g_object_new (DEMO_TYPE_ECHO_PROCESSOR, "handler", handler, NULL);
  if (!serve (THRIFT_PROCESSOR (processor), uri != NULL ? uri : "tcp://localhost:9090", &error))
    {
      g_printerr ("echo-server: %s\n", error->message);
      return 1;
    }
  return 0;
}
