/* Owns the service that the C peers' servers offer; knows nothing of how calls reach it. */
#include "interop-peer.h"

#include <thrift/c_glib/processor/thrift_multiplexed_processor.h>

typedef struct
{
  PeerExtendedHandler parent;
  gint64 token;
} Handler;

typedef PeerExtendedHandlerClass HandlerClass;
static GType handler_get_type (void);
G_DEFINE_TYPE (Handler, handler, PEER_TYPE_EXTENDED_HANDLER)

static gboolean
nothing (PeerProbeIf *iface, GError **error)
{
  return TRUE;
}

/* One echo for each type that is handed over as a plain value. */
#define DEFINE_ECHO(name, CType)                                                                   \
  static gboolean echo_##name (PeerProbeIf *iface, CType *_return, const CType value,              \
                               GError **error)                                                     \
  {                                                                                                \
    *_return = value;                                                                              \
    return TRUE;                                                                                   \
  }
DEFINE_ECHO (bool, gboolean)
DEFINE_ECHO (i8, gint8)
DEFINE_ECHO (i16, gint16)
DEFINE_ECHO (i32, gint32)
DEFINE_ECHO (i64, gint64)
DEFINE_ECHO (double, gdouble)
DEFINE_ECHO (color, PeerColor)

static gboolean
echo_string (PeerProbeIf *iface, gchar **_return, const gchar *value, GError **error)
{
  g_free (*_return);
  *_return = g_strdup (value);
  return TRUE;
}

static gboolean
echo_binary (PeerProbeIf *iface, GByteArray **_return, const GByteArray *value, GError **error)
{
  g_clear_pointer (_return, g_byte_array_unref);
  *_return = g_byte_array_ref ((GByteArray *) value);
  return TRUE;
}

/* One for each struct: the default that the return value arrives as gives way to the argument. */
#define DEFINE_ECHO_OBJECT(name, CType)                                                            \
  static gboolean echo_##name (PeerProbeIf *iface, CType **_return, const CType *value,            \
                               GError **error)                                                     \
  {                                                                                                \
    g_set_object (_return, (CType *) value);                                                       \
    return TRUE;                                                                                   \
  }
DEFINE_ECHO_OBJECT (scalars, PeerScalars)
DEFINE_ECHO_OBJECT (nested, PeerNested)
DEFINE_ECHO_OBJECT (choice, PeerChoice)
DEFINE_ECHO_OBJECT (wide, PeerWide)

/* Containers are filled in place. */
static gboolean
echo_flags (PeerProbeIf *iface, GArray **_return, const GArray *value, GError **error)
{
  g_array_append_vals (*_return, value->data, value->len);
  return TRUE;
}

static gboolean
echo_words (PeerProbeIf *iface, GHashTable **_return, const GHashTable *value, GError **error)
{
  GHashTableIter iter;
  gpointer word;

  g_hash_table_iter_init (&iter, (GHashTable *) value);
  while (g_hash_table_iter_next (&iter, &word, NULL))
    {
      gchar *copy = g_strdup (word);

      g_hash_table_insert (*_return, copy, copy);
    }
  return TRUE;
}

static gboolean
echo_paths (PeerProbeIf *iface, GHashTable **_return, const GHashTable *value, GError **error)
{
  GHashTableIter iter;
  gpointer name, points;

  g_hash_table_iter_init (&iter, (GHashTable *) value);
  while (g_hash_table_iter_next (&iter, &name, &points))
    g_hash_table_insert (*_return, g_strdup (name), g_ptr_array_ref (points));
  return TRUE;
}

static gboolean
join (PeerProbeIf *iface,
      gchar **_return,
      const gboolean yes,
      const gint32 number,
      const gchar *text,
      const GPtrArray *parts,
      GError **error)
{
  g_autoptr (GString) joined = g_string_new (NULL);
  guint i;

  g_string_printf (joined, "%s|%d|%s|", yes ? "yes" : "no", number, text);
  for (i = 0; i < parts->len; i++)
    g_string_append_printf (joined, "%s%s", i > 0 ? "," : "", (const gchar *) parts->pdata[i]);
  g_free (*_return);
  *_return = g_strdup (joined->str);
  return TRUE;
}

static gboolean
refuse (PeerRefusal **refusal)
{
  *refusal = g_object_new (PEER_TYPE_REFUSAL, "code", 17, "reason", "refused", NULL);
  g_clear_object (&(*refusal)->spot);
  (*refusal)->spot = peer_make_point (1, -2, NULL);
  (*refusal)->__isset_spot = TRUE;
  return FALSE;
}

static gboolean
check (PeerProbeIf *iface,
       gint32 *_return,
       const gint32 kind,
       PeerRefusal **refusal,
       PeerOverflow **overflow,
       GError **error)
{
  if (kind == 1)
    return refuse (refusal);
  if (kind == 2)
    {
      *overflow = g_object_new (PEER_TYPE_OVERFLOW, "limit", G_MAXINT64, NULL);
      return FALSE;
    }
  if (kind != 0)
    {
      g_set_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                   THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, "an undeclared kind");
      return FALSE;
    }
  *_return = 1;
  return TRUE;
}

static gboolean
check_nothing (PeerProbeIf *iface, const gint32 kind, PeerRefusal **refusal, GError **error)
{
  return kind == 0 || refuse (refusal);
}

static gboolean
remember (PeerProbeIf *iface, const gint64 token, GError **error)
{
  ((Handler *) iface)->token = token;
  return TRUE;
}

static gboolean
remembered (PeerProbeIf *iface, gint64 *_return, GError **error)
{
  *_return = ((Handler *) iface)->token;
  return TRUE;
}

static gboolean
whoami (PeerExtendedIf *iface, gchar **_return, GError **error)
{
  g_free (*_return);
  *_return = g_strdup ("c");
  return TRUE;
}

static void
handler_class_init (HandlerClass *klass)
{
  PeerProbeHandlerClass *probe = (PeerProbeHandlerClass *) klass;

  klass->whoami = whoami;
  probe->nothing = nothing;
  probe->echo_bool = echo_bool;
  probe->echo_i8 = echo_i8;
  probe->echo_i16 = echo_i16;
  probe->echo_i32 = echo_i32;
  probe->echo_i64 = echo_i64;
  probe->echo_double = echo_double;
  probe->echo_string = echo_string;
  probe->echo_binary = echo_binary;
  probe->echo_color = echo_color;
  probe->echo_scalars = echo_scalars;
  probe->echo_nested = echo_nested;
  probe->echo_choice = echo_choice;
  probe->echo_wide = echo_wide;
  probe->echo_flags = echo_flags;
  probe->echo_paths = echo_paths;
  probe->echo_words = echo_words;
  probe->join = join;
  probe->check = check;
  probe->check_nothing = check_nothing;
  probe->remember = remember;
  probe->remembered = remembered;
}

static void
handler_init (Handler *self)
{
}

PeerExtendedHandler *
peer_handler_new (void)
{
  return g_object_new (handler_get_type (), NULL);
}

ThriftProcessor *
peer_processor_new (const PeerOptions *options, PeerExtendedHandler *handler)
{
  GType type = peer_has_flag (options, "plain-service") ? PEER_TYPE_PROBE_PROCESSOR
                                                        : PEER_TYPE_EXTENDED_PROCESSOR;
  ThriftProcessor *processor = g_object_new (type, "handler", handler, NULL);
  ThriftProcessor *multiplexed;
  g_autoptr (GError) error = NULL;

  if (!peer_has_flag (options, "multiplexed"))
    return processor;
  multiplexed = g_object_new (THRIFT_TYPE_MULTIPLEXED_PROCESSOR, NULL);
  THRIFT_MULTIPLEXED_PROCESSOR_GET_CLASS (multiplexed)
      ->register_processor (multiplexed, "probe", processor, &error);
  peer_expect_no_error (error, "multiplexed");
  g_object_unref (processor);
  return multiplexed;
}
