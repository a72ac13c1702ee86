/* TallyStruct: the GObject class of every generated struct. It binds an instance's life to the
 * engine; properties.c owns the properties. */
#include "codec-private.h"
#include "properties-private.h"
#include "protocol-private.h"
#include "resident-private.h"
#include "tally-struct.h"

G_DEFINE_ABSTRACT_TYPE (TallyStruct, tally_struct, THRIFT_TYPE_STRUCT)

static const TallyStructInfo *
get_class_info (gconstpointer object)
{
  return ((const TallyStructClass *) ((const GTypeInstance *) object)->g_class)->info;
}

/* ---- vfuncs ---- */

static gint32
tally_struct_read (ThriftStruct *object, ThriftProtocol *protocol, GError **error)
{
  const TallyStructInfo *info = get_class_info (object);
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

  return tally_protocol_write_struct (protocol, get_class_info (object), object, &count, error)
             ? count
             : -1;
}

static void
tally_struct_finalize (GObject *object)
{
  tally_struct_dispose_instance (get_class_info (object), object);
  ((GObjectClass *) tally_struct_parent_class)
      ->finalize (object); /* a checked cast costs more than the call */
}

static void
tally_struct_class_init (TallyStructClass *class)
{
  class->parent_class.read = tally_struct_read;
  class->parent_class.write = tally_struct_write;
  G_OBJECT_CLASS (class)->finalize = tally_struct_finalize;
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
      const GTypeInfo type_info = {
        .class_size = sizeof (TallyStructClass),
        .class_init = class_init,
        .class_data = info,
        .instance_size = (guint16) info->instance_size,
        .instance_init = instance_init,
      };

      g_assert (info->instance_size <= G_MAXUINT16); /* GType's own limit */
      tally_make_resident (once);
      g_once_init_leave (once,
                         g_type_register_static (TALLY_TYPE_STRUCT, type_name, &type_info, 0));
    }
  return *once;
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
  return get_class_info (object);
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

  tally_struct_reset_instance (get_class_info (object), object);
}
