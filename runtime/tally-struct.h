/* TallyStruct, the class of every generated struct, and what can be done with any of them. */
#ifndef TALLY_STRUCT_H
#define TALLY_STRUCT_H

#include <thrift/c_glib/thrift_struct.h>

#include "tally-endpoint.h"
#include "tally-types.h"

G_BEGIN_DECLS

/**
 * TallyStruct:
 *
 * The base class of generated structs, unions and exceptions: a ThriftStruct whose read, write,
 * properties, initial values and disposal are the engine's, driven by the class's table. Its
 * instance is a ThriftStruct's, so that generated C structs begin with `ThriftStruct parent`.
 */
typedef struct _ThriftStruct TallyStruct;

typedef struct _TallyStructClass
{
  ThriftStructClass parent_class;
  const TallyStructInfo *info;
  /*< private >*/
  gsize initial_memory; /* bytes that a new instance takes */
} TallyStructClass;

#define TALLY_TYPE_STRUCT (tally_struct_get_type ())
TALLY_API GType tally_struct_get_type (void);

TALLY_API GType tally_struct_register (gsize *once,
                                       const gchar *type_name,
                                       const TallyStructInfo *info);
TALLY_API gboolean tally_struct_register_loaded (TallyLoadedInfo *loaded,
                                                 const gchar *type_name,
                                                 GError **error);

/* Defines c_prefix##_get_type () for the table c_prefix##_info. Apache registers CType + "Type". */
#define TALLY_DEFINE_STRUCT(CType, c_prefix)                                                       \
  GType c_prefix##_get_type (void)                                                                 \
  {                                                                                                \
    static gsize once;                                                                             \
    return tally_struct_register (&once, #CType "Type", &c_prefix##_info);                         \
  }

/* Defines c_prefix##_error_quark () for an exception, after Apache's names. G_DEFINE_QUARK's static
 * is not atomic. */
#define TALLY_DEFINE_ERROR(c_prefix)                                                               \
  GQuark c_prefix##_error_quark (void)                                                             \
  {                                                                                                \
    static gsize once;                                                                             \
    if (g_once_init_enter (&once))                                                                 \
      g_once_init_leave (&once, g_quark_from_string (#c_prefix "_error_quark"));                   \
    return (GQuark) once;                                                                          \
  }

TALLY_API const TallyStructInfo *tally_struct_get_info (gconstpointer object);
TALLY_API gchar *tally_struct_to_string (gconstpointer object);
TALLY_API gboolean tally_struct_equal (gconstpointer a, gconstpointer b);
TALLY_API guint tally_struct_hash (gconstpointer object);
TALLY_API gpointer tally_struct_copy (gconstpointer object);
TALLY_API void tally_struct_clear (gpointer object);

TALLY_API gchar *tally_value_to_string (const TallyType *type, gconstpointer slot);
TALLY_API gboolean tally_value_equal (const TallyType *type,
                                      gconstpointer slot_a,
                                      gconstpointer slot_b);
TALLY_API guint tally_value_hash (const TallyType *type, gconstpointer slot);
TALLY_API void tally_value_copy (const TallyType *type, gconstpointer source, gpointer target);
TALLY_API void tally_value_clear (const TallyType *type, gpointer slot);
TALLY_API void tally_value_init (const TallyType *type, const TallyValue *value, gpointer slot);

/* Defines name##_hash () and name##_equal () for the container type @name that is a key: a
 * container does not carry its element type in C, so a GHashTable of such keys needs functions of
 * its own. */
#define TALLY_DEFINE_KEY(name)                                                                     \
  static const TallyType name;                                                                     \
  static guint name##_hash (gconstpointer value)                                                   \
  {                                                                                                \
    return tally_value_hash (&name, &value);                                                       \
  }                                                                                                \
  static gboolean name##_equal (gconstpointer a, gconstpointer b)                                  \
  {                                                                                                \
    return tally_value_equal (&name, &a, &b);                                                      \
  }

TALLY_API gpointer tally_constant_get (gsize *once, const TallyType *type, const TallyValue *value);

TALLY_API guint tally_binary_hash (gconstpointer bytes);
TALLY_API gboolean tally_binary_equal (gconstpointer a, gconstpointer b);
TALLY_API guint tally_uuid_hash (gconstpointer uuid);
TALLY_API gboolean tally_uuid_equal (gconstpointer a, gconstpointer b);
/* TallyUuid as a boxed type, for properties. */
#define TALLY_TYPE_UUID (tally_uuid_get_type ())
TALLY_API GType tally_uuid_get_type (void);
TALLY_API void tally_uuid_to_string (const TallyUuid *uuid, gchar text[37]);
TALLY_API gboolean tally_uuid_parse (const gchar *text, TallyUuid *uuid, GError **error);

TALLY_API const gchar *tally_enum_to_string (const TallyEnumInfo *info, gint value);

TALLY_API GBytes *tally_struct_encode (gconstpointer object, gint protocol, GError **error);
TALLY_API gboolean tally_struct_decode (
    gpointer object, gint protocol, gconstpointer bytes, gsize length, GError **error);

G_END_DECLS

#endif /* TALLY_STRUCT_H */
