/* The GObject properties of generated structs: one for each field, of the types and ranges that
 * Apache's generated classes have. The property's id is the field's index plus one. */
#include "properties-private.h"

#include <math.h>

#include "codec-private.h"
#include "storage.h"
#include "struct-private.h"

static GType
get_boxed_type (const TallyType *type)
{
  switch ((TallyStorage) type->storage)
    {
    case TALLY_STORAGE_PLAIN:
      return TALLY_TYPE_UUID;
    case TALLY_STORAGE_BYTES:
      return G_TYPE_BYTE_ARRAY;
    case TALLY_STORAGE_ARRAY:
      return G_TYPE_ARRAY;
    case TALLY_STORAGE_PTRARRAY:
      return G_TYPE_PTR_ARRAY;
    default:
      return G_TYPE_HASH_TABLE;
    }
}

static GParamSpec *
new_int_spec (const gchar *name, gint low, gint high, const TallyValue *value)
{
  gint initial = value != NULL ? (gint) value->integer : 0;

  return g_param_spec_int (name, NULL, NULL, low, high, CLAMP (initial, low, high),
                           G_PARAM_READWRITE);
}

/* An enum's property takes what lies between its smallest and its largest value. */
static GParamSpec *
new_enum_spec (const TallyField *field)
{
  const TallyEnumInfo *info = (const TallyEnumInfo *) field->type;
  gint low = G_MAXINT32, high = G_MININT32;

  for (guint i = 0; i < info->n_values; i++)
    {
      low = MIN (low, info->values[i].value);
      high = MAX (high, info->values[i].value);
    }
  if (info->n_values == 0)
    {
      low = G_MININT32;
      high = G_MAXINT32;
    }
  return new_int_spec (field->name, low, high, field->value);
}

static GParamSpec *
new_spec (const TallyField *field)
{
  const TallyValue *value = field->value;

  switch ((TallyKind) field->type->kind)
    {
    case TALLY_KIND_BOOL:
      return g_param_spec_boolean (field->name, NULL, NULL, value != NULL && value->integer != 0,
                                   G_PARAM_READWRITE);
    case TALLY_KIND_I8:
      return new_int_spec (field->name, G_MININT8, G_MAXINT8, value);
    case TALLY_KIND_I16:
      return new_int_spec (field->name, G_MININT16, G_MAXINT16, value);
    case TALLY_KIND_I32:
      return new_int_spec (field->name, G_MININT32, G_MAXINT32, value);
    case TALLY_KIND_ENUM:
      return new_enum_spec (field);
    case TALLY_KIND_I64:
      return g_param_spec_int64 (field->name, NULL, NULL, G_MININT64, G_MAXINT64,
                                 value != NULL ? value->integer : 0, G_PARAM_READWRITE);
    case TALLY_KIND_DOUBLE:
      return g_param_spec_double (field->name, NULL, NULL, -INFINITY, INFINITY,
                                  value != NULL ? value->number : 0, G_PARAM_READWRITE);
    case TALLY_KIND_STRING:
      return g_param_spec_string (field->name, NULL, NULL, value != NULL ? value->bytes : NULL,
                                  G_PARAM_READWRITE);
    case TALLY_KIND_STRUCT:
      return g_param_spec_object (field->name, NULL, NULL,
                                  ((const TallyStructInfo *) field->type)->get_type (),
                                  G_PARAM_READWRITE);
    default:
      return g_param_spec_boxed (field->name, NULL, NULL, get_boxed_type (field->type),
                                 G_PARAM_READWRITE);
    }
}

static const TallyField *
find_field (GObject *object, guint property_id)
{
  const TallyStructInfo *info = tally_struct_peek_info (object);

  return property_id >= 1 && property_id <= info->n_fields ? &info->fields[property_id - 1] : NULL;
}

static void
get_property (GObject *object, guint property_id, GValue *value, GParamSpec *spec)
{
  const TallyField *field = find_field (object, property_id);
  gconstpointer slot;

  if (field == NULL)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, spec);
      return;
    }
  slot = (const guint8 *) object + field->offset;
  switch ((TallyKind) field->type->kind)
    {
    case TALLY_KIND_BOOL:
      g_value_set_boolean (value, *(const gboolean *) slot);
      return;
    case TALLY_KIND_I8:
      g_value_set_int (value, *(const gint8 *) slot);
      return;
    case TALLY_KIND_I16:
      g_value_set_int (value, *(const gint16 *) slot);
      return;
    case TALLY_KIND_I32:
    case TALLY_KIND_ENUM:
      g_value_set_int (value, *(const gint32 *) slot);
      return;
    case TALLY_KIND_I64:
      g_value_set_int64 (value, *(const gint64 *) slot);
      return;
    case TALLY_KIND_DOUBLE:
      g_value_set_double (value, *(const gdouble *) slot);
      return;
    case TALLY_KIND_UUID:
      g_value_set_boxed (value, slot);
      return;
    case TALLY_KIND_STRING:
      g_value_set_string (value, *(gchar *const *) slot);
      return;
    case TALLY_KIND_STRUCT:
      g_value_set_object (value, *(const gpointer *) slot);
      return;
    default:
      g_value_set_boxed (value, *(const gpointer *) slot);
      return;
    }
}

/* Puts a new reference or copy of what @value holds into a pointer slot; only then is the old value
 * freed, because it may be the same. */
static void
set_pointer (const TallyType *type, gpointer slot, const GValue *value)
{
  gpointer *pointer = slot;
  gpointer old = *pointer;

  if (type->kind == TALLY_KIND_STRING)
    *pointer = g_value_dup_string (value);
  else if (type->kind == TALLY_KIND_STRUCT)
    *pointer = g_value_dup_object (value);
  else
    *pointer = g_value_dup_boxed (value);
  tally_storage_clear (type, &old);
}

static void
set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *spec)
{
  const TallyField *field = find_field (object, property_id);
  gpointer slot;

  if (field == NULL)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, spec);
      return;
    }
  slot = (guint8 *) object + field->offset;
  switch ((TallyKind) field->type->kind)
    {
    case TALLY_KIND_BOOL:
      *(gboolean *) slot = g_value_get_boolean (value);
      break;
    case TALLY_KIND_I8:
      *(gint8 *) slot = (gint8) g_value_get_int (value);
      break;
    case TALLY_KIND_I16:
      *(gint16 *) slot = (gint16) g_value_get_int (value);
      break;
    case TALLY_KIND_I32:
    case TALLY_KIND_ENUM:
      *(gint32 *) slot = g_value_get_int (value);
      break;
    case TALLY_KIND_I64:
      *(gint64 *) slot = g_value_get_int64 (value);
      break;
    case TALLY_KIND_DOUBLE:
      *(gdouble *) slot = g_value_get_double (value);
      break;
    case TALLY_KIND_UUID:
      if (g_value_get_boxed (value) != NULL)
        *(TallyUuid *) slot = *(const TallyUuid *) g_value_get_boxed (value);
      else
        memset (slot, 0, sizeof (TallyUuid));
      break;
    default:
      set_pointer (field->type, slot, value);
      break;
    }
  tally_field_set_isset (field, object, TRUE);
}

void
tally_properties_install (TallyStructClass *class, const TallyStructInfo *info)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->get_property = get_property;
  object_class->set_property = set_property;
  for (guint i = 0; i < info->n_fields; i++)
    {
      /* GObject wants a letter first; a field like `_id` has no property, in Apache's classes
       * either. */
      if (g_param_spec_is_valid_name (info->fields[i].name))
        g_object_class_install_property (object_class, i + 1, new_spec (&info->fields[i]));
    }
}
