/* Owns how structs and containers are read of their bytes, piece by piece. Nothing is allocated before the bytes that it
 * stands for are there. It knows no message and no frame. */
#include "cli-wire-private.h"

/* Structs and containers within each other. */
#define MAX_WIRE_DEPTH 64

static CliWire *read_value (CliWireReader *self, guint8 wire, const TallyType *type);

/* ---- containers ---- */

/* What a compact type stands for; 0: there is none such. A bool has two in a field's header. */
static guint8
get_compact_wire (guint8 type)
{
  static const guint8 wires[] = { 0,     T_BOOL, T_BOOL,   T_BYTE,         T_I16,
                                  T_I32, T_I64,  T_DOUBLE, T_STRING,       T_LIST,
                                  T_SET, T_MAP,  T_STRUCT, TALLY_WIRE_UUID };

  return type < G_N_ELEMENTS (wires) ? wires[type] : 0;
}

static gboolean
check_wire (CliWireReader *self, gsize at, guint8 byte, guint8 *wire)
{
  *wire = self->is_compact ? get_compact_wire (byte) : byte;
  return cli_wire_get_name (*wire) != NULL || cli_wire_fail (self, at, "there is no type %u", byte);
}

/* Each element takes a byte at least. */
static gboolean
check_count (CliWireReader *self, gsize at, guint64 count, guint per_element, const gchar *what)
{
  const gsize left = self->length - self->at;

  return count <= left / per_element
         || cli_wire_fail (self, at,
                           "a %s of %" G_GUINT64_FORMAT " is announced, and %" G_GSIZE_FORMAT
                           " bytes are left",
                           what, count, left);
}

static gboolean
read_list_header (CliWireReader *self, CliWire *value, guint64 *count)
{
  const gsize start = self->at;
  const gchar *what = cli_wire_get_name (value->wire);
  guint8 byte;

  if (!cli_wire_need (self, 1, what))
    return FALSE;
  byte = self->bytes[self->at++];
  if (self->is_compact)
    {
      *count = byte >> 4;
      if (*count == 15 && !cli_wire_read_size (self, count, "a count"))
        return FALSE;
      byte &= 15;
    }
  else if (!cli_wire_read_size (self, count, "a count"))
    return FALSE;
  value->element_wire = 0;
  if (*count > 0
      && (!check_wire (self, start, byte, &value->element_wire)
          || !check_count (self, start, *count, 1, what)))
    return FALSE;
  cli_wire_add_piece (self, start, "%s of %" G_GUINT64_FORMAT "%s%s", what, *count,
                      *count > 0 ? " " : "",
                      *count > 0 ? cli_wire_get_name (value->element_wire) : "");
  return TRUE;
}

/* A value that could not be read is left out; of a struct or container what there is of it counts. */
static gboolean
add_item (CliWireReader *self, CliWire *value, CliWire *item)
{
  if (self->damage != NULL && item->items == NULL)
    {
      cli_wire_free (item);
      return FALSE;
    }
  g_ptr_array_add (value->items, item);
  return TRUE;
}

static gboolean
read_list (CliWireReader *self, CliWire *value, const TallyType *type)
{
  guint64 count;

  if (!read_list_header (self, value, &count))
    return FALSE;
  self->depth++;
  for (guint64 i = 0; i < count && self->damage == NULL; i++)
    add_item (self, value,
              read_value (self, value->element_wire, type != NULL ? type->element : NULL));
  self->depth--;
  return self->damage == NULL;
}

static gboolean
read_map_types (CliWireReader *self, CliWire *value, gsize start, guint64 count)
{
  const gsize at = self->at;
  guint8 key, element;

  if (!cli_wire_need (self, self->is_compact ? 1 : 2, "a map's types"))
    return FALSE;
  key = self->is_compact ? self->bytes[at] >> 4 : self->bytes[at];
  element = self->is_compact ? self->bytes[at] & 15 : self->bytes[at + 1];
  self->at += self->is_compact ? 1 : 2;
  return count == 0
         || (check_wire (self, at, key, &value->key_wire)
             && check_wire (self, at, element, &value->element_wire));
}

static gboolean
read_map_header (CliWireReader *self, CliWire *value, guint64 *count)
{
  const gsize start = self->at;

  if (self->is_compact)
    {
      if (!cli_wire_read_size (self, count, "a count")
          || (*count > 0 && !read_map_types (self, value, start, *count)))
        return FALSE;
    }
  else
    {
      /* The types come first, and without a count nobody knows whether they mean anything. */
      if (!cli_wire_need (self, 6, "a map"))
        return FALSE;
      self->at += 2;
      if (!cli_wire_read_size (self, count, "a count"))
        return FALSE;
      self->at = start;
      if (!read_map_types (self, value, start, *count))
        return FALSE;
      self->at += 4;
    }
  if (!check_count (self, start, *count, 2, "map"))
    return FALSE;
  if (*count == 0)
    cli_wire_add_piece (self, start, "map of 0");
  else
    cli_wire_add_piece (self, start, "map of %" G_GUINT64_FORMAT " %s to %s", *count,
                        cli_wire_get_name (value->key_wire),
                        cli_wire_get_name (value->element_wire));
  return TRUE;
}

static gboolean
read_map (CliWireReader *self, CliWire *value, const TallyType *type)
{
  guint64 count;

  if (!read_map_header (self, value, &count))
    return FALSE;
  self->depth++;
  for (guint64 i = 0; i < count && self->damage == NULL; i++)
    {
      CliWire *key = read_value (self, value->key_wire, type != NULL ? type->key : NULL);

      if (self->damage != NULL)
        cli_wire_free (key);
      else
        {
          g_ptr_array_add (value->items, key);
          add_item (self, value,
                    read_value (self, value->element_wire, type != NULL ? type->element : NULL));
        }
    }
  self->depth--;
  return self->damage == NULL;
}

/* ---- structs ---- */

typedef struct
{
  guint8 wire;
  gint16 id;
  gint truth; /* of a compact bool; -1: it follows */
} FieldHeader;

static gboolean
read_compact_field (CliWireReader *self, gint16 last, FieldHeader *header)
{
  const gsize start = self->at;
  guint8 byte = self->bytes[self->at++];
  guint64 id;

  if ((byte & 15) == 0)
    {
      header->wire = T_STOP;
      return byte == 0 || cli_wire_fail (self, start, "there is no type 0");
    }
  if (!check_wire (self, start, byte & 15, &header->wire))
    return FALSE;
  if (header->wire == T_BOOL)
    header->truth = (byte & 15) == 1;
  if (byte >> 4 != 0)
    header->id = (gint16) (last + (byte >> 4));
  else if (cli_wire_read_varint (self, 16, &id, "a field's id"))
    header->id = (gint16) cli_wire_unzigzag (id);
  else
    return FALSE;
  return TRUE;
}

static gboolean
read_field (CliWireReader *self, gint16 last, FieldHeader *header)
{
  const gsize start = self->at;

  header->truth = -1;
  header->id = 0;
  if (!cli_wire_need (self, 1, "a field"))
    return FALSE;
  if (self->is_compact)
    return read_compact_field (self, last, header);
  header->wire = self->bytes[self->at];
  if (header->wire == T_STOP)
    {
      self->at++;
      return TRUE;
    }
  if (!check_wire (self, start, header->wire, &header->wire) || !cli_wire_need (self, 3, "a field"))
    return FALSE;
  self->at++;
  header->id = (gint16) cli_wire_get_fixed (self, 2);
  self->at += 2;
  return TRUE;
}

static const TallyField *
find_wire_field (const TallyStructInfo *info, gint16 id)
{
  for (guint i = 0; info != NULL && i < info->n_fields; i++)
    if (info->fields[i].id == id)
      return &info->fields[i];
  return NULL;
}

static void
add_field_piece (CliWireReader *self,
                 gsize start,
                 const FieldHeader *header,
                 const TallyStructInfo *info,
                 const TallyField *field)
{
  const gchar *truth = header->truth < 0 ? "" : header->truth ? " = true" : " = false";
  const gchar *came = cli_wire_get_name (header->wire);

  if (info == NULL)
    cli_wire_add_piece (self, start, "%d: %s%s", header->id, came, truth);
  else if (field == NULL)
    cli_wire_add_piece (self, start, "%d: %s%s, which the IDL does not have in %s", header->id,
                        came, truth, info->name);
  else if (field->type->wire != header->wire)
    cli_wire_add_piece (self, start, "%d: %s%s, where the IDL has %s %s", header->id, came, truth,
                        cli_wire_get_name (field->type->wire), field->name);
  else
    cli_wire_add_piece (self, start, "%d %s: %s%s", header->id, field->name, came, truth);
}

static void
read_fields (CliWireReader *self, CliWire *value, const TallyStructInfo *info)
{
  gint16 last = 0;

  while (self->damage == NULL)
    {
      const gsize start = self->at;
      FieldHeader header;
      const TallyField *field;
      CliWire *item;

      if (!read_field (self, last, &header))
        {
          self->at = start;
          return;
        }
      if (header.wire == T_STOP)
        {
          cli_wire_add_piece (self, start, "end of %s", info != NULL ? info->name : "struct");
          return;
        }
      field = find_wire_field (info, header.id);
      add_field_piece (self, start, &header, info, field);
      self->depth++;
      if (header.truth >= 0)
        {
          item = g_new0 (CliWire, 1);
          item->wire = T_BOOL;
          item->integer = header.truth;
        }
      else
        item = read_value (self, header.wire,
                           field != NULL && field->type->wire == header.wire ? field->type : NULL);
      self->depth--;
      if (add_item (self, value, item))
        g_array_append_val (value->ids, header.id);
      last = header.id;
    }
}

CliWire *
cli_wire_read_struct (CliWireReader *self, const TallyStructInfo *info)
{
  CliWire *value = g_new0 (CliWire, 1);

  value->wire = T_STRUCT;
  value->items = g_ptr_array_new_with_free_func ((GDestroyNotify) cli_wire_free);
  value->ids = g_array_new (FALSE, FALSE, sizeof (gint16));
  if (self->depth >= MAX_WIRE_DEPTH)
    cli_wire_fail (self, self->at, "structs and containers nest deeper than %d", MAX_WIRE_DEPTH);
  read_fields (self, value, info);
  return value;
}

void
cli_wire_free (CliWire *wire)
{
  if (wire == NULL)
    return;
  g_clear_pointer (&wire->items, g_ptr_array_unref);
  g_clear_pointer (&wire->ids, g_array_unref);
  g_free (wire);
}

/* What was read of it, also when it failed. */
static CliWire *
read_value (CliWireReader *self, guint8 wire, const TallyType *type)
{
  const gsize start = self->at;
  CliWire *value;

  if (wire == T_STRUCT)
    return cli_wire_read_struct (self, type != NULL && type->kind == TALLY_KIND_STRUCT
                                           ? (const TallyStructInfo *) type
                                           : NULL);
  value = g_new0 (CliWire, 1);
  value->wire = wire;
  if (wire == T_LIST || wire == T_SET || wire == T_MAP)
    {
      value->items = g_ptr_array_new_with_free_func ((GDestroyNotify) cli_wire_free);
      if (self->depth >= MAX_WIRE_DEPTH)
        cli_wire_fail (self, self->at, "structs and containers nest deeper than %d",
                       MAX_WIRE_DEPTH);
      else if (wire == T_MAP)
        read_map (self, value, type);
      else
        read_list (self, value, type);
      return value;
    }
  if (!cli_wire_read_plain (self, value, type))
    self->at = start;
  return value;
}
