/* Where values lie: how each TallyStorage is made, reached, filled, emptied and freed. Together
 * with storage.c the only place that knows; everything above works on slots, views and cells. It
 * knows no protocol and no GObject class. */
#ifndef TALLY_STORAGE_H
#define TALLY_STORAGE_H

#include <string.h>

#include "tally-struct.h"

G_BEGIN_DECLS

/* memcpy () without the call for the lengths that most strings and names have: two copies
 * overlap. */
static inline void
tally_copy_bytes (gpointer target, gconstpointer source, gsize length)
{
  guint8 *to = target;
  const guint8 *from = source;

  if (length >= 8 && length <= 16)
    {
      guint64 first, last;

      memcpy (&first, from, 8);
      memcpy (&last, from + length - 8, 8);
      memcpy (to, &first, 8);
      memcpy (to + length - 8, &last, 8);
    }
  else if (length >= 4 && length < 8)
    {
      guint32 first, last;

      memcpy (&first, from, 4);
      memcpy (&last, from + length - 4, 4);
      memcpy (to, &first, 4);
      memcpy (to + length - 4, &last, 4);
    }
  else if (length > 0)
    memcpy (to, from, length);
}

static inline guint32
tally_load_word (gconstpointer bytes)
{
  guint32 word;

  memcpy (&word, bytes, sizeof word);
  return word;
}

/* Whether memcmp () is 0, which takes longer for a few bytes: each message's name is compared by this. The last word may begin
 * within the one before. */
static inline gboolean
tally_bytes_are_equal (gconstpointer a, gconstpointer b, gsize length)
{
  const guint8 *one = a;
  const guint8 *other = b;
  gsize i = 0;

  if (length < sizeof (guint32))
    {
      while (i < length && one[i] == other[i])
        i++;
      return i == length;
    }
  for (; i < length - sizeof (guint32); i += sizeof (guint32))
    if (tally_load_word (one + i) != tally_load_word (other + i))
      return FALSE;
  i = length - sizeof (guint32);
  return tally_load_word (one + i) == tally_load_word (other + i);
}

/* ---- memory ---- */

/* What values take on the heap, with what the allocator needs for itself (glibc: 16 bytes, and 32 at
 * least) and what containers keep in reserve. Rather too much than too little: what is counted is held
 * against a limit. */

#define TALLY_MEMORY_BLOCK 32
#define TALLY_MEMORY_ARRAY 80      /* GArray, GByteArray, GPtrArray without elements */
#define TALLY_MEMORY_POINTERS 144  /* the fewest elements that a GPtrArray allocates */
#define TALLY_MEMORY_TABLE 272     /* GHashTable */
#define TALLY_MEMORY_TABLE_PAIR 48 /* in the table itself, of a map */
#define TALLY_MEMORY_TABLE_ELEMENT 32

/* A string or binary. */
static inline gsize
tally_memory_of_bytes (const TallyType *type, gsize length)
{
  return length
         + (type->storage == TALLY_STORAGE_STRING ? TALLY_MEMORY_BLOCK
                                                  : TALLY_MEMORY_ARRAY + TALLY_MEMORY_BLOCK);
}

/* An empty container. */
static inline gsize
tally_memory_of_container (const TallyType *type)
{
  return type->storage == TALLY_STORAGE_TABLE ? TALLY_MEMORY_TABLE : TALLY_MEMORY_ARRAY;
}

static inline gsize
tally_memory_of_cell (const TallyType *type)
{
  return type->storage == TALLY_STORAGE_PLAIN && type->kind != TALLY_KIND_ENUM ? TALLY_MEMORY_BLOCK
                                                                               : 0;
}

/* The places of @count elements in a container, without what they point to, which is counted where it
 * is made. Arrays grow to a power of two. */
static inline gsize
tally_memory_of_elements (const TallyType *type, guint32 count)
{
  if (type->storage == TALLY_STORAGE_TABLE)
    return type->kind == TALLY_KIND_MAP
               ? count
                     * (TALLY_MEMORY_TABLE_PAIR + tally_memory_of_cell (type->key)
                        + tally_memory_of_cell (type->element))
               : count * (TALLY_MEMORY_TABLE_ELEMENT + tally_memory_of_cell (type->element));

  const gsize size = type->storage == TALLY_STORAGE_ARRAY ? type->element->size : sizeof (gpointer);

  return TALLY_MEMORY_POINTERS + ((gsize) 1 << g_bit_storage ((gsize) count * size - 1));
}

/* %THRIFT_PROTOCOL_ERROR_SIZE_LIMIT */
TALLY_COLD void tally_memory_set_error (gsize limit, GError **error);

/* ---- slots ---- */

/* Whether a slot of @type may be empty: it is a pointer, and the pointer is NULL. */
static inline gboolean
tally_slot_is_null (const TallyType *type, gconstpointer slot)
{
  return type->storage != TALLY_STORAGE_PLAIN && *(const gconstpointer *) slot == NULL;
}

/* A new, empty value for a pointer slot: "", no bytes, no elements, a struct of initial values. */
gpointer tally_storage_new (const TallyType *type);
/* Frees what the slot owns and zeroes it: tally_value_clear (). */
void tally_storage_clear (const TallyType *type, gpointer slot);
/* Empties the container in the slot, or makes one where there is none. */
void tally_storage_empty (const TallyType *type, gpointer slot);
/* The instance of the struct in the slot, ready to be read into. Where there is one it is reset;
 * but one that somebody else holds a reference to is left to him, unless @in_place. */
gpointer tally_storage_open_struct (const TallyStructInfo *info, gpointer slot, gboolean in_place);
/* What a new instance of @object's class takes. */
static inline gsize
tally_storage_get_initial_memory (gconstpointer object)
{
  return ((const TallyStructClass *) ((const GTypeInstance *) object)->g_class)->initial_memory;
}

static inline gconstpointer
tally_storage_get_struct (gconstpointer slot)
{
  return *(const gconstpointer *) slot;
}

/* The bytes of a string slot that is not NULL. */
static inline const guint8 *
tally_storage_get_text (gconstpointer slot, gsize *length)
{
  const gchar *text = *(gchar *const *) slot;

  *length = strlen (text);
  return (const guint8 *) text;
}

/* The bytes of a string or binary slot that is not NULL. */
static inline const guint8 *
tally_storage_get_bytes (const TallyType *type, gconstpointer slot, gsize *length)
{
  if (type->storage == TALLY_STORAGE_STRING)
    return tally_storage_get_text (slot, length);

  const GByteArray *bytes = *(GByteArray *const *) slot;

  *length = bytes->len;
  return bytes->data;
}

/* Puts @length bytes into a string or binary slot and frees what was there. A string must hold no
 * NUL. */
void
tally_storage_set_bytes (const TallyType *type, gpointer slot, gconstpointer bytes, gsize length);

/* The slot of an empty string or binary; NULL for any other type. */
gconstpointer tally_storage_get_empty (const TallyType *type);

/* The slot that is written for an element, key or value: its own, or where a string or binary is
 * NULL that of an empty one, as Apache's library does. NULL where there is nothing to write. */
static inline gconstpointer
tally_slot_to_write (const TallyType *type, gconstpointer slot)
{
  if (G_LIKELY (slot != NULL && !tally_slot_is_null (type, slot)))
    return slot;
  return tally_storage_get_empty (type);
}

static inline gconstpointer
tally_field_const_slot (gconstpointer instance, const TallyField *field)
{
  return (const guint8 *) instance + field->offset;
}

/* Whether a field is set and not NULL. A union's fields are optional ones. */
static inline gboolean
tally_field_has_value (const TallyField *field, gconstpointer instance)
{
  const guint8 *base = instance;

  if (field->requiredness == TALLY_OPTIONAL && field->isset_offset != TALLY_NO_ISSET
      && !*(const gboolean *) (base + field->isset_offset))
    return FALSE;
  return !tally_slot_is_null (field->type, base + field->offset);
}

/* Whether a field that has no value must be written all the same: it is required, or a union says
 * that it is set. */
static inline gboolean
tally_field_is_due (const TallyStructInfo *info, const TallyField *field, gconstpointer instance)
{
  if (info->form != TALLY_FORM_UNION)
    return field->requiredness == TALLY_REQUIRED;
  return field->isset_offset != TALLY_NO_ISSET
         && *(const gboolean *) ((const guint8 *) instance + field->isset_offset);
}

/* The slot that is written for a field which is due, or NULL when that is an error: Apache's
 * library sends a binary without an array as an empty one, and programs leave it so. */
gconstpointer tally_field_get_stand_in (const TallyStructInfo *info, const TallyField *field);

/* Whether a field is written: the rule by which it is printed, compared and hashed too. */
static inline gboolean
tally_field_is_present (const TallyStructInfo *info,
                        const TallyField *field,
                        gconstpointer instance)
{
  return tally_field_has_value (field, instance)
         || (tally_field_is_due (info, field, instance)
             && tally_field_get_stand_in (info, field) != NULL);
}

static inline void
tally_field_set_isset (const TallyField *field, gpointer instance, gboolean isset)
{
  if (field->isset_offset != TALLY_NO_ISSET)
    *(gboolean *) ((guint8 *) instance + field->isset_offset) = isset;
}

/* ---- lists ---- */

/* A list's elements: slots that lie @stride apart. */
typedef struct
{
  const guint8 *data;
  guint length;
  gsize stride;
} TallyListView;

static inline TallyListView
tally_storage_view_list (const TallyType *type, gconstpointer slot)
{
  if (type->storage == TALLY_STORAGE_ARRAY)
    {
      const GArray *array = *(GArray *const *) slot;

      return (TallyListView){ (const guint8 *) array->data, array->len, type->element->size };
    }

  const GPtrArray *array = *(GPtrArray *const *) slot;

  return (TallyListView){ (const guint8 *) array->pdata, array->len, sizeof (gpointer) };
}

/* Appends @count elements of a plain type to a list and returns where they lie, to be written by
 * the caller at once. */
static inline guint8 *
tally_storage_grow_list (gpointer slot, guint count)
{
  GArray *array = *(GArray **) slot;
  guint old = array->len;

  g_array_set_size (array, old + count);
  return (guint8 *) array->data + (gsize) old * g_array_get_element_size (array);
}

/* Drops what a failed read left unwritten at the end of a list of a plain type. */
static inline void
tally_storage_shrink_list (gpointer slot, guint length)
{
  g_array_set_size (*(GArray **) slot, length);
}

/* Makes room for @count elements of a pointer type in a list that is empty. */
static inline void
tally_storage_reserve_list (gpointer slot, guint count)
{
  GPtrArray *array = *(GPtrArray **) slot;

  g_ptr_array_set_size (array, (gint) count);
  array->len = 0;
}

/* Appends an element of a pointer type; the list owns it. @reserved: what was reserved. */
static inline void
tally_storage_append (gpointer slot, guint reserved, gpointer element)
{
  GPtrArray *array = *(GPtrArray **) slot;

  if (G_LIKELY (array->len < reserved))
    array->pdata[array->len++] = element;
  else
    g_ptr_array_add (array, element);
}

/* ---- sets and maps ---- */

/* A key or value on its way into a table: numbers get a place on the heap, an enum is the pointer
 * itself, anything else is the pointer. */
typedef struct
{
  gpointer pointer;
  gint32 number;
} TallyCell;

static inline gboolean
tally_cell_is_boxed (const TallyType *type)
{
  return type->storage == TALLY_STORAGE_PLAIN && type->kind != TALLY_KIND_ENUM;
}

/* The slot to write the value into. */
static inline gpointer
tally_cell_open (const TallyType *type, TallyCell *cell)
{
  if (type->kind == TALLY_KIND_ENUM)
    return &cell->number;
  if (!tally_cell_is_boxed (type))
    {
      cell->pointer = NULL;
      return &cell->pointer;
    }
  cell->pointer = g_malloc (type->size);
  return cell->pointer;
}

/* What goes into the table. */
static inline gpointer
tally_cell_take (const TallyType *type, const TallyCell *cell)
{
  return type->kind == TALLY_KIND_ENUM ? GINT_TO_POINTER (cell->number) : cell->pointer;
}

/* Frees a cell that does not go into a table. */
static inline void
tally_cell_abandon (const TallyType *type, TallyCell *cell)
{
  if (tally_cell_is_boxed (type))
    g_free (cell->pointer);
  else if (type->kind != TALLY_KIND_ENUM)
    tally_storage_clear (type, &cell->pointer);
}

/* The slot of a key or value that a table holds; the cell must live as long as the slot is used. */
static inline gconstpointer
tally_cell_view (const TallyType *type, gpointer stored, TallyCell *cell)
{
  cell->pointer = stored;
  if (tally_cell_is_boxed (type))
    return stored;
  cell->number = GPOINTER_TO_INT (stored);
  return type->kind == TALLY_KIND_ENUM ? (gconstpointer) &cell->number : &cell->pointer;
}

static inline guint
tally_storage_table_length (gconstpointer slot)
{
  return g_hash_table_size (*(GHashTable *const *) slot);
}

/* Walks a table: @key and @value are what it stores; a set's are the same. */
typedef GHashTableIter TallyTableIter;

static inline void
tally_table_iter_init (TallyTableIter *iter, gconstpointer slot)
{
  g_hash_table_iter_init (iter, *(GHashTable *const *) slot);
}

static inline gboolean
tally_table_iter_next (TallyTableIter *iter, gpointer *key, gpointer *value)
{
  return g_hash_table_iter_next (iter, key, value);
}

/* Puts a pair (a set's element: without @value) into a table, which owns it from now on; a pair of
 * an equal key is freed. */
static inline void
tally_storage_insert (const TallyType *type,
                      gpointer slot,
                      const TallyCell *key,
                      const TallyCell *value)
{
  GHashTable *table = *(GHashTable **) slot;

  if (type->kind == TALLY_KIND_SET)
    g_hash_table_add (table, tally_cell_take (type->element, key));
  else
    g_hash_table_replace (table, tally_cell_take (type->key, key),
                          tally_cell_take (type->element, value));
}

/* Finds what a map stores under an equal key, or an equal element of a set. */
gboolean tally_storage_lookup (gconstpointer slot, gconstpointer key, gpointer *value);

/* How keys of @type are hashed, with the process's own key, and compared by the tables that are made
 * here. A program's table of the same type may hash otherwise. */
GHashFunc tally_storage_get_hash (const TallyType *type);
/* equality.c: of numbers that are keys */
gboolean tally_double_equal (gconstpointer a, gconstpointer b);
GEqualFunc tally_storage_get_equal (const TallyType *type);

G_END_DECLS

#endif /* TALLY_STORAGE_H */
