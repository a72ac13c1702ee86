/* Fills values by walking tables through the public interface alone. */
#include "fill.h"

/* Large enough for a slot of any kind. */
typedef union
{
  gint64 integer;
  gdouble number;
  gpointer pointer;
  TallyUuid uuid;
} Slot;

static FillOptions
vary (const FillOptions *options, guint index)
{
  FillOptions varied = *options;

  varied.seed = options->seed * 31 + index + 1;
  return varied;
}

/* A container's element as GHashTable has it: enums in the pointer, other plain values on the heap.
 */
static gpointer
new_cell (const TallyType *type, const FillOptions *options)
{
  Slot slot = { 0 };

  fill_value (type, &slot, options);
  if (type->kind == TALLY_KIND_ENUM)
    return GINT_TO_POINTER (*(const gint32 *) &slot);

  return type->storage == TALLY_STORAGE_PLAIN ? g_memdup2 (&slot, type->size) : slot.pointer;
}

static void
fill_list (const TallyType *type, gpointer slot, const FillOptions *options)
{
  tally_value_init (type, NULL, slot);
  for (guint i = 0; i < options->n_elements; i++)
    {
      FillOptions varied = vary (options, i);
      Slot element = { 0 };

      fill_value (type->element, &element, &varied);
      if (type->storage == TALLY_STORAGE_ARRAY)
        g_array_append_vals (*(GArray **) slot, &element, 1);
      else
        g_ptr_array_add (*(GPtrArray **) slot, element.pointer);
    }
}

static void
fill_table (const TallyType *type, gpointer slot, const FillOptions *options)
{
  tally_value_init (type, NULL, slot);
  for (guint i = 0; i < options->n_elements; i++)
    {
      FillOptions varied = vary (options, i);
      GHashTable *table = *(GHashTable **) slot;

      if (type->kind == TALLY_KIND_SET)
        g_hash_table_add (table, new_cell (type->element, &varied));
      else
        g_hash_table_replace (table, new_cell (type->key, &varied),
                              new_cell (type->element, &varied));
    }
}

static void
fill_enum (const TallyType *type, gpointer slot, guint seed)
{
  const TallyEnumInfo *info = (const TallyEnumInfo *) type;

  *(gint32 *) slot = info->values[seed % info->n_values].value;
}

static void
fill_binary (gpointer slot, guint seed)
{
  const guint8 bytes[] = { (guint8) seed, 0, 0xff, (guint8) (seed >> 8), 0x80 };

  *(GByteArray **) slot = g_byte_array_append (g_byte_array_new (), bytes, sizeof bytes);
}

void
fill_value (const TallyType *type, gpointer slot, const FillOptions *options)
{
  guint seed = options->seed;

  switch (type->kind)
    {
    case TALLY_KIND_BOOL:
      *(gboolean *) slot = seed % 2 == 0;
      break;
    case TALLY_KIND_I8:
      *(gint8 *) slot = (gint8) (seed * 7 - 128);
      break;
    case TALLY_KIND_I16:
      *(gint16 *) slot = (gint16) (seed * 257 - 300);
      break;
    case TALLY_KIND_I32:
      *(gint32 *) slot = (gint32) (seed * 2654435761u);
      break;
    case TALLY_KIND_I64:
      *(gint64 *) slot = (gint64) (seed * G_GUINT64_CONSTANT (11400714819323198485));
      break;
    case TALLY_KIND_DOUBLE:
      *(gdouble *) slot = seed / 3.0 - 1e9;
      break;
    case TALLY_KIND_ENUM:
      fill_enum (type, slot, seed);
      break;
    case TALLY_KIND_UUID:
      memset (slot, (gint) seed, sizeof (TallyUuid));
      break;
    case TALLY_KIND_STRING:
      *(gchar **) slot = g_strdup_printf ("text %u ü", seed);
      break;
    case TALLY_KIND_BINARY:
      fill_binary (slot, seed);
      break;
    case TALLY_KIND_STRUCT:
      *(gpointer *) slot = g_object_new (((const TallyStructInfo *) type)->get_type (), NULL);
      fill_struct (*(gpointer *) slot, options);
      break;
    case TALLY_KIND_LIST:
      fill_list (type, slot, options);
      break;
    default:
      fill_table (type, slot, options);
      break;
    }
}

void
fill_struct (gpointer object, const FillOptions *options)
{
  const TallyStructInfo *info = tally_struct_get_info (object);
  gboolean is_union = info->form == TALLY_FORM_UNION;
  guint only = is_union && info->n_fields > 0 ? options->seed % info->n_fields : 0;
  FillOptions inner = *options;

  if (options->max_depth == 0 && !is_union)
    return;
  inner.max_depth = MAX (options->max_depth, 1) - 1;

  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];
      FillOptions varied = vary (&inner, i);
      guint8 *base = object;

      if (is_union && i != only)
        continue;
      tally_value_clear (field->type, base + field->offset);
      fill_value (field->type, base + field->offset, &varied);
      if (field->isset_offset != TALLY_NO_ISSET)
        *(gboolean *) (base + field->isset_offset) = TRUE;
    }
}
