/* Owns the headers of one message in memory: names with values. It knows neither frames nor calls. */
#include "headers-private.h"

#include <string.h>

/* Both are followed by a NUL that their lengths do not count. */
typedef struct
{
  gchar *name;
  gchar *value;
  gsize name_length;
  gsize value_length;
} Entry;

struct _TallyHeaders
{
  gatomicrefcount ref_count;
  GArray *entries; /* of Entry */
};

G_DEFINE_BOXED_TYPE (TallyHeaders, tally_headers, tally_headers_ref, tally_headers_unref)

static void
clear_entry (gpointer data)
{
  Entry *entry = data;

  g_free (entry->name);
  g_free (entry->value);
}

static Entry *
get_entry (const TallyHeaders *self, guint index)
{
  return &g_array_index (self->entries, Entry, index);
}

static Entry *
find_header (const TallyHeaders *self, const void *name, gsize length)
{
  for (guint i = 0; i < self->entries->len; i++)
    {
      Entry *entry = get_entry (self, i);

      if (entry->name_length == length && memcmp (entry->name, name, length) == 0)
        return entry;
    }
  return NULL;
}

static gchar *
dup_text (TallyHeaderText text)
{
  gchar *copy = g_malloc (text.length + 1);

  if (text.length > 0)
    memcpy (copy, text.bytes, text.length);
  copy[text.length] = '\0';
  return copy;
}

static TallyHeaderText
wrap_text (const gchar *text)
{
  return (TallyHeaderText){ (const guint8 *) text, strlen (text) };
}

/* (nullable) */
static const gchar *
as_text (const gchar *bytes, gsize length)
{
  return g_utf8_validate_len (bytes, length, NULL) ? bytes : NULL;
}

gboolean
tally_headers_put (TallyHeaders *self, TallyHeaderText name, TallyHeaderText value)
{
  Entry *entry = find_header (self, name.bytes, name.length);
  Entry new_entry;

  if (entry != NULL)
    {
      g_free (entry->value);
      entry->value = dup_text (value);
      entry->value_length = value.length;
      return TRUE;
    }
  if (self->entries->len == TALLY_HEADERS_MAX)
    return FALSE;
  new_entry = (Entry){ dup_text (name), dup_text (value), name.length, value.length };
  g_array_append_val (self->entries, new_entry);
  return TRUE;
}

void
tally_headers_get (const TallyHeaders *self,
                   guint index,
                   TallyHeaderText *name,
                   TallyHeaderText *value)
{
  const Entry *entry = get_entry (self, index);

  *name = (TallyHeaderText){ (const guint8 *) entry->name, entry->name_length };
  *value = (TallyHeaderText){ (const guint8 *) entry->value, entry->value_length };
}

void
tally_headers_assign (TallyHeaders *self, const TallyHeaders *other)
{
  tally_headers_clear (self);
  for (guint i = 0; i < other->entries->len; i++)
    {
      TallyHeaderText name, value;

      tally_headers_get (other, i, &name, &value);
      tally_headers_put (self, name, value);
    }
}

/* ---- public functions ---- */

/**
 * tally_headers_new:
 *
 * Returns: (transfer full): headers, none yet
 *
 * Since: 0.2
 */
TallyHeaders *
tally_headers_new (void)
{
  TallyHeaders *self = g_new (TallyHeaders, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_array_set_clear_func (self->entries, clear_entry);
  return self;
}

/**
 * tally_headers_copy:
 * @self: headers
 *
 * Returns: (transfer full): new headers with the names and values of @self
 *
 * Since: 0.2
 */
TallyHeaders *
tally_headers_copy (const TallyHeaders *self)
{
  TallyHeaders *copy;

  g_return_val_if_fail (self != NULL, NULL);
  copy = tally_headers_new ();
  tally_headers_assign (copy, self);
  return copy;
}

/**
 * tally_headers_ref:
 * @self: headers
 *
 * Thread-safe.
 *
 * Returns: (transfer full): @self
 *
 * Since: 0.2
 */
TallyHeaders *
tally_headers_ref (TallyHeaders *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * tally_headers_unref:
 * @self: (transfer full): headers
 *
 * Drops a reference, and with the last one the headers. Thread-safe.
 *
 * Since: 0.2
 */
void
tally_headers_unref (TallyHeaders *self)
{
  g_return_if_fail (self != NULL);
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_array_unref (self->entries);
  g_free (self);
}

/**
 * tally_headers_set:
 * @self: headers
 * @name: UTF-8 text of at least one byte
 * @value: UTF-8 text
 *
 * Sets a header, in place of one with the same name.
 *
 * Returns: %FALSE when there are %TALLY_HEADERS_MAX others
 *
 * Since: 0.2
 */
gboolean
tally_headers_set (TallyHeaders *self, const gchar *name, const gchar *value)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (name != NULL && *name != '\0', FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  return tally_headers_put (self, wrap_text (name), wrap_text (value));
}

/**
 * tally_headers_set_bytes:
 * @self: headers
 * @name: UTF-8 text of at least one byte
 * @value: any bytes
 *
 * tally_headers_set() for a value that is no text.
 *
 * Returns: %FALSE as there
 *
 * Since: 0.2
 */
gboolean
tally_headers_set_bytes (TallyHeaders *self, const gchar *name, GBytes *value)
{
  TallyHeaderText text;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (name != NULL && *name != '\0', FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  text.bytes = g_bytes_get_data (value, &text.length);
  return tally_headers_put (self, wrap_text (name), text);
}

/**
 * tally_headers_remove:
 * @self: headers
 * @name: a name
 *
 * Returns: whether there was such a header
 *
 * Since: 0.2
 */
gboolean
tally_headers_remove (TallyHeaders *self, const gchar *name)
{
  Entry *entry;

  g_return_val_if_fail (self != NULL && name != NULL, FALSE);
  entry = find_header (self, name, strlen (name));
  if (entry != NULL)
    g_array_remove_index (self->entries, entry - get_entry (self, 0));
  return entry != NULL;
}

/**
 * tally_headers_clear:
 * @self: headers
 *
 * Removes all.
 *
 * Since: 0.2
 */
void
tally_headers_clear (TallyHeaders *self)
{
  g_return_if_fail (self != NULL);
  g_array_set_size (self->entries, 0);
}

/**
 * tally_headers_lookup:
 * @self: headers
 * @name: a name
 *
 * Returns: (transfer none) (nullable): its value, until it is set anew or removed; %NULL where there is none,
 *   or one that is no text
 *
 * Since: 0.2
 */
const gchar *
tally_headers_lookup (const TallyHeaders *self, const gchar *name)
{
  const Entry *entry;

  g_return_val_if_fail (self != NULL && name != NULL, NULL);
  entry = find_header (self, name, strlen (name));
  return entry != NULL ? as_text (entry->value, entry->value_length) : NULL;
}

/**
 * tally_headers_lookup_bytes:
 * @self: headers
 * @name: a name
 *
 * Returns: (transfer full) (nullable): its value's bytes; %NULL where there is none
 *
 * Since: 0.2
 */
GBytes *
tally_headers_lookup_bytes (const TallyHeaders *self, const gchar *name)
{
  const Entry *entry;

  g_return_val_if_fail (self != NULL && name != NULL, NULL);
  entry = find_header (self, name, strlen (name));
  return entry != NULL ? g_bytes_new (entry->value, entry->value_length) : NULL;
}

/**
 * tally_headers_get_size:
 * @self: headers
 *
 * Returns: how many there are
 *
 * Since: 0.2
 */
guint
tally_headers_get_size (const TallyHeaders *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->entries->len;
}

/**
 * tally_headers_get_name:
 * @self: headers
 * @index: less than tally_headers_get_size()
 *
 * Returns: (transfer none) (nullable): the name of the header at @index; %NULL for one that is no text
 *
 * Since: 0.2
 */
const gchar *
tally_headers_get_name (const TallyHeaders *self, guint index)
{
  g_return_val_if_fail (self != NULL && index < self->entries->len, NULL);
  return as_text (get_entry (self, index)->name, get_entry (self, index)->name_length);
}

/**
 * tally_headers_get_value:
 * @self: headers
 * @index: less than tally_headers_get_size()
 *
 * Returns: (transfer none) (nullable): the value of the header at @index; %NULL for one that is no text
 *
 * Since: 0.2
 */
const gchar *
tally_headers_get_value (const TallyHeaders *self, guint index)
{
  g_return_val_if_fail (self != NULL && index < self->entries->len, NULL);
  return as_text (get_entry (self, index)->value, get_entry (self, index)->value_length);
}
