/* TallyStruct: the GObject class of every generated struct. It binds an instance's life to the
 * engine, and gives programs a copy of it and its bytes; properties.c owns the properties. Of the files of the
 * engine none uses this one. */
#include "codec-private.h"
#include "properties-private.h"
#include "protocol-private.h"
#include "resident-private.h"
#include "struct-private.h"
#include "tally-error.h"
#include "tally-struct.h"

#define MAX_INSTANCE_SIZE G_MAXUINT16 /* GType's own limit */

G_DEFINE_ABSTRACT_TYPE (TallyStruct, tally_struct, THRIFT_TYPE_STRUCT)

/* ---- vfuncs ---- */

static gint32
tally_struct_read (ThriftStruct *object, ThriftProtocol *protocol, GError **error)
{
  const TallyStructInfo *info = tally_struct_peek_info (object);
  gint32 count;

  /* What a union was before is not part of what comes. */
  if (info->form == TALLY_FORM_UNION)
    tally_struct_reset_instance (info, object);
  return tally_protocol_read_struct (protocol, info, object, &count, error) ? count : -1;
}

static gint32
tally_struct_write (ThriftStruct *object, ThriftProtocol *protocol, GError **error)
{
  gint32 count;

  return tally_protocol_write_struct (protocol, tally_struct_peek_info (object), object, &count,
                                      error)
             ? count
             : -1;
}

static void
tally_struct_class_init (TallyStructClass *class)
{
  class->parent_class.read = tally_struct_read;
  class->parent_class.write = tally_struct_write;
  tally_instances_init_class (class);
}

static void
tally_struct_init (TallyStruct *self)
{
}

/* ---- registered types ---- */

static void
class_init (gpointer class, gpointer info)
{
  ((TallyStructClass *) class)->initial_memory = tally_struct_get_initial_memory (info);
  g_atomic_pointer_set (&((TallyStructClass *) class)->info, info);
  /* Nothing names the properties of a class that no code was written for. */
  if (!((const TallyStructInfo *) info)->is_loaded)
    tally_properties_install (class, info);
}

/* @class: that of the object that is made, which may be derived from the registered one. Another
 * thread may just have initialised it; GType orders that, but by means that ThreadSanitizer does
 * not see. */
static void
instance_init (GTypeInstance *instance, gpointer class)
{
  tally_struct_init_instance (g_atomic_pointer_get (&((TallyStructClass *) class)->info), instance);
}

static GType
register_type (const gchar *type_name, const TallyStructInfo *info)
{
  const GTypeInfo type_info = {
    .class_size = sizeof (TallyStructClass),
    .class_init = class_init,
    .class_data = info,
    .instance_size = (guint16) info->instance_size,
    .instance_init = instance_init,
  };

  return g_type_register_static (TALLY_TYPE_STRUCT, type_name, &type_info, 0);
}

/**
 * tally_struct_register: (skip)
 * @once: a zeroed static variable, one for each @info
 * @type_name: the GType's name
 * @info: the struct's table; kept
 *
 * Registers the GType of a struct. Thread-safe: whichever thread comes first registers it, and only
 * once.
 *
 * Returns: the type
 */
GType
tally_struct_register (gsize *once, const gchar *type_name, const TallyStructInfo *info)
{
  if (g_once_init_enter (once))
    {
      g_assert (info->instance_size <= MAX_INSTANCE_SIZE);
      tally_make_resident (once);
      g_once_init_leave (once, register_type (type_name, info));
    }
  return *once;
}

/**
 * tally_struct_register_loaded: (skip)
 * @loaded: a table that was made while the program runs, whole or not yet; kept, so it lives as long as the process
 * @type_name: the GType's name, which no other type has
 * @error: return location
 *
 * Registers the GType of a struct that no compiler wrote a table for, and marks its table. The engine reads, writes,
 * compares and prints its instances as those of generated classes; GObject properties it has none. The table's fields
 * may be filled in until the first instance is made, so that structs can refer to each other; its instance_size may not.
 *
 * Returns: whether it was registered; %FALSE with %TALLY_ERROR_LIMIT where an instance is larger than GObject's may
 *   be, 65,535 bytes
 *
 * Since: 0.2
 */
gboolean
tally_struct_register_loaded (TallyLoadedInfo *loaded, const gchar *type_name, GError **error)
{
  g_return_val_if_fail (loaded != NULL && type_name != NULL, FALSE);

  if (loaded->info.instance_size > MAX_INSTANCE_SIZE)
    {
      g_set_error (error, TALLY_ERROR, TALLY_ERROR_LIMIT,
                   "an instance of %s takes %" G_GUINT32_FORMAT " bytes; the limit is %d",
                   loaded->info.name, loaded->info.instance_size, MAX_INSTANCE_SIZE);
      return FALSE;
    }
  loaded->info.is_loaded = TRUE;
  loaded->g_type = register_type (type_name, &loaded->info);
  return TRUE;
}

/**
 * tally_struct_get_info:
 * @object: any TallyStruct
 *
 * Returns: (transfer none): the table of @object's class
 */
const TallyStructInfo *
tally_struct_get_info (gconstpointer object)
{
  return tally_struct_peek_info (object);
}

/**
 * tally_struct_clear:
 * @object: any TallyStruct
 *
 * Puts @object back to the state of a new one. Its containers are emptied in place.
 */
void
tally_struct_clear (gpointer object)
{
  g_return_if_fail (G_TYPE_CHECK_INSTANCE_TYPE (object, TALLY_TYPE_STRUCT));

  tally_struct_reset_instance (tally_struct_peek_info (object), object);
}

/**
 * tally_struct_copy:
 * @object: any TallyStruct
 *
 * Returns: (transfer full): a deep copy, unset fields' values included
 */
gpointer
tally_struct_copy (gconstpointer object)
{
  gpointer copy = NULL;

  g_return_val_if_fail (G_TYPE_CHECK_INSTANCE_TYPE (object, TALLY_TYPE_STRUCT), NULL);

  tally_value_copy (&tally_struct_peek_info (object)->type, &object, &copy);
  return copy;
}

/* ---- bytes ---- */

/**
 * tally_struct_encode:
 * @object: any TallyStruct
 * @protocol: how to write it, a #TallyProtocolId; an integer, because %FALSE and %TRUE, as C++ has them too, mean
 *   binary and compact
 * @error: return location for an error
 *
 * Encodes @object by itself, without a message header or frame.
 *
 * Returns: (transfer full): the bytes, or %NULL with %TALLY_ERROR_INVALID_VALUE or
 * %TALLY_ERROR_LIMIT
 */
GBytes *
tally_struct_encode (gconstpointer object, gint protocol, GError **error)
{
  const TallyCodec *codec = tally_codec_get (protocol);
  TallyBuffer buffer = { NULL };

  g_return_val_if_fail (G_TYPE_CHECK_INSTANCE_TYPE (object, TALLY_TYPE_STRUCT), NULL);
  g_return_val_if_fail (codec != NULL, NULL);

  if (!codec->write_struct (&buffer, tally_struct_peek_info (object), object, error))
    {
      tally_buffer_clear (&buffer);
      return NULL;
    }
  /* What the buffer has too much goes back; nothing is copied. */
  return g_bytes_new_take (g_realloc (buffer.data, buffer.length), buffer.length);
}

/**
 * tally_struct_decode:
 * @object: any TallyStruct, new or used
 * @protocol: how the bytes were written, as in tally_struct_encode ()
 * @bytes: the struct's bytes, without a message header or frame
 * @length: how many; all of them must belong to the struct
 * @error: return location for an error
 *
 * Replaces what @object holds by what @bytes say. After a failure @object is as new. What is read
 * may take 16 times its bytes in memory, and up to 256 MiB in any case.
 *
 * Returns: %TRUE, or %FALSE with a %THRIFT_PROTOCOL_ERROR
 */
gboolean
tally_struct_decode (
    gpointer object, gint protocol, gconstpointer bytes, gsize length, GError **error)
{
  const TallyCodec *codec = tally_codec_get (protocol);
  const TallyStructInfo *info;
  TallyLimits limits = tally_limits_default;
  TallyReader reader;
  gboolean done;

  g_return_val_if_fail (G_TYPE_CHECK_INSTANCE_TYPE (object, TALLY_TYPE_STRUCT), FALSE);
  g_return_val_if_fail (codec != NULL, FALSE);

  info = tally_struct_peek_info (object);
  tally_struct_reset_instance (info, object);
  limits.max_memory = MAX (length, limits.max_message) * TALLY_MEMORY_RATIO;
  tally_reader_init (&reader, bytes, length, &limits);
  done = codec->read_struct (&reader, info, object, error);
  if (done && !tally_reader_check_end (&reader, "struct", error))
    {
      g_prefix_error (error, "%s: ", info->name);
      done = FALSE;
    }
  if (!done)
    tally_struct_reset_instance (info, object);
  return done;
}
