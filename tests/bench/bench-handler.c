/* The service that echoes; compiled with Apache's generated code and with Tally's. */
#include "bench-handler.h"

typedef BenchEchoHandler Echoer;
typedef BenchEchoHandlerClass EchoerClass;
static GType echoer_get_type (void);
G_DEFINE_TYPE (Echoer, echoer, BENCH_TYPE_ECHO_HANDLER)

static gboolean
echo (BenchEchoIf *iface, gchar **_return, const gchar *text, GError **error)
{
  g_free (*_return);
  *_return = g_strdup (text);
  return TRUE;
}

static gboolean
echo_payload (BenchEchoIf *iface,
              BenchPayload **_return,
              const BenchPayload *payload,
              GError **error)
{
  g_set_object (_return, (BenchPayload *) payload);
  return TRUE;
}

static void
echoer_class_init (EchoerClass *klass)
{
  klass->echo = echo;
  klass->echo_payload = echo_payload;
}

static void
echoer_init (Echoer *self)
{
}

BenchEchoHandler *
bench_handler_new (void)
{
  return g_object_new (echoer_get_type (), NULL);
}
