/* Owns how values that were read of bytes become JSON: by an IDL's names where they fit, else by field ids and wire
 * types. What the IDL does not have is shown, too. */
#include "cli-show.h"
#include "cli-wire.h"

#include <string.h>

/* What @type says of @wire, or nothing where it says otherwise. */
static const TallyType *
fit (const TallyType *type, guint8 wire)
{
  return type != NULL && type->wire == wire ? type : NULL;
}

static const TallyType *
fit_part (const TallyType *type, gboolean is_key, guint8 wire)
{
  if (type == NULL)
    return NULL;
  return fit (is_key ? type->key : type->element, wire);
}

static void
show_wire_integer (IdlJson *json, const gchar *key, const CliWire *wire, const TallyType *type)
{
  if (type != NULL && type->kind == TALLY_KIND_ENUM)
    cli_show_enum (json, key, (const TallyEnumInfo *) type, (gint32) wire->integer);
  else
    idl_json_integer (json, key, wire->integer);
}

static void
show_wire_bytes (IdlJson *json,
                 const gchar *key,
                 const CliWire *wire,
                 const TallyType *type,
                 const guint8 *bytes)
{
  if (type != NULL && type->kind == TALLY_KIND_BINARY)
    {
      g_autofree gchar *text = g_base64_encode (bytes + wire->start, wire->length);

      idl_json_string (json, key, text);
    }
  else
    cli_show_text (json, key, (const gchar *) bytes + wire->start, wire->length);
}

static void
show_uuid (IdlJson *json, const gchar *key, const CliWire *wire, const guint8 *bytes)
{
  TallyUuid uuid = { { 0 } };
  gchar text[37];

  memcpy (uuid.bytes, bytes + wire->start, wire->length);
  tally_uuid_to_string (&uuid, text);
  idl_json_string (json, key, text);
}

static void
show_items (IdlJson *json,
            const gchar *key,
            const CliWire *wire,
            const TallyType *type,
            const guint8 *bytes)
{
  idl_json_begin (json, key, '[', FALSE);
  for (guint i = 0; i < wire->items->len; i++)
    cli_wire_show (json, NULL, g_ptr_array_index (wire->items, i),
                   fit_part (type, FALSE, wire->element_wire), bytes);
  idl_json_end (json, '[');
}

/* As pairs, in the order in which they came: keys may be of any type, and equal. */
static void
show_pairs (IdlJson *json,
            const gchar *key,
            const CliWire *wire,
            const TallyType *type,
            const guint8 *bytes)
{
  idl_json_begin (json, key, '[', FALSE);
  for (guint i = 0; i < wire->items->len; i += 2)
    {
      idl_json_begin (json, NULL, '[', FALSE);
      for (guint j = i; j < i + 2 && j < wire->items->len; j++)
        cli_wire_show (json, NULL, g_ptr_array_index (wire->items, j),
                       fit_part (type, j == i, j == i ? wire->key_wire : wire->element_wire),
                       bytes);
      idl_json_end (json, '[');
    }
  idl_json_end (json, '[');
}

static const TallyField *
find_shown_field (const TallyType *type, gint16 id, guint8 wire)
{
  const TallyStructInfo *info = (const TallyStructInfo *) type;

  for (guint i = 0; type != NULL && type->kind == TALLY_KIND_STRUCT && i < info->n_fields; i++)
    if (info->fields[i].id == id && info->fields[i].type->wire == wire)
      return &info->fields[i];
  return NULL;
}

static void
show_wire_struct (IdlJson *json,
                  const gchar *key,
                  const CliWire *wire,
                  const TallyType *type,
                  const guint8 *bytes)
{
  idl_json_begin (json, key, '{', FALSE);
  for (guint i = 0; i < wire->items->len; i++)
    {
      const CliWire *item = g_ptr_array_index (wire->items, i);
      const gint16 id = g_array_index (wire->ids, gint16, i);
      const TallyField *field = find_shown_field (type, id, item->wire);
      g_autofree gchar *name = field != NULL
                                   ? g_strdup (field->name)
                                   : g_strdup_printf ("%d:%s", id, cli_wire_get_name (item->wire));

      cli_wire_show (json, name, item, field != NULL ? field->type : NULL, bytes);
    }
  idl_json_end (json, '{');
}

void
cli_wire_show (IdlJson *json,
               const gchar *key,
               const CliWire *wire,
               const TallyType *type,
               const guint8 *bytes)
{
  switch (wire->wire)
    {
    case T_BOOL:
      idl_json_boolean (json, key, wire->integer != 0);
      return;
    case T_DOUBLE:
      cli_show_double (json, key, wire->number);
      return;
    case T_STRING:
      show_wire_bytes (json, key, wire, type, bytes);
      return;
    case TALLY_WIRE_UUID:
      show_uuid (json, key, wire, bytes);
      return;
    case T_STRUCT:
      show_wire_struct (json, key, wire, type, bytes);
      return;
    case T_MAP:
      show_pairs (json, key, wire, type, bytes);
      return;
    case T_LIST:
    case T_SET:
      show_items (json, key, wire, type, bytes);
      return;
    default:
      show_wire_integer (json, key, wire, type);
    }
}
