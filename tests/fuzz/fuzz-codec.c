/* Fuzz target: bytes into structs of both protocols. The first byte chooses protocol, struct and
 * whether the rest arrives bit by bit. What was read is printed, copied, compared, written, and
 * read again. */
#include <string.h>

#include "codec-private.h"
#include "fixture.h"
#include "fuzz.h"
#include "tally-error.h"

/* A source that ends; each fill moves the bytes, as a growing buffer does. */
typedef struct
{
  const guint8 *next;
  gsize left;
  guint8 *window;
} Source;

static gboolean
fill (TallyReader *reader, gsize need, GError **error)
{
  Source *source = reader->fill_data;
  const gsize kept = reader->end - reader->cursor;
  const gsize more = MIN (need - kept, source->left);
  guint8 *window = g_malloc (kept + more + 1);

  if (kept > 0)
    memcpy (window, reader->cursor, kept);
  memcpy (window + kept, source->next, more);
  source->next += more;
  source->left -= more;
  g_free (source->window);
  source->window = window;
  reader->cursor = window;
  reader->end = window + kept + more;
  if (kept + more >= need)
    return TRUE;
  g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "the input has ended");
  return FALSE;
}

static gboolean
read_once (
    const TallyCodec *codec, gboolean slowly, const guint8 *data, gsize size, gpointer object)
{
  Source source = { data, size, NULL };
  TallyReader reader;
  GError *error = NULL;
  gboolean done;

  if (slowly)
    tally_reader_init_fill (&reader, NULL, 0, &tally_limits_default, fill, &source);
  else
    tally_reader_init (&reader, data, size, &tally_limits_default);
  done = codec->read_struct (&reader, tally_struct_get_info (object), object, &error);
  g_assert (done == (error == NULL));
  g_clear_error (&error);
  g_free (source.window);
  return done;
}

static void
use (const TallyCodec *codec, GObject *object)
{
  g_autoptr (GObject) copy = tally_struct_copy (object);
  g_autofree gchar *text = tally_struct_to_string (object);
  TallyBuffer buffer = { NULL };
  GError *error = NULL;

  tally_struct_hash (object);
  tally_struct_equal (object, copy); /* but for a NaN as a key they are */
  /* A union may have been read without a field, which cannot be written. */
  if (codec->write_struct (&buffer, tally_struct_get_info (object), object, &error))
    {
      g_autoptr (GObject) again = g_object_new (G_OBJECT_TYPE (object), NULL);

      g_assert (read_once (codec, FALSE, buffer.data, buffer.length, again));
    }
  g_clear_error (&error);
  tally_buffer_clear (&buffer);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  GType types[4] = { fix_all_get_type (), fix_node_get_type (), fix_choice_get_type (),
                     fix_point_get_type () };
  g_autoptr (GObject) object = NULL;
  const TallyCodec *codec;
  TallyReader reader;
  TallyMessage message;

  if (size == 0)
    return 0;
  codec = data[0] & 1 ? &tally_codec_compact : &tally_codec_binary;
  object = g_object_new (types[data[0] >> 2 & 3], NULL);
  if (read_once (codec, data[0] >> 1 & 1, data + 1, size - 1, object))
    use (codec, object);
  tally_reader_init (&reader, data + 1, size - 1, &tally_limits_default);
  if (codec->read_message (&reader, &message, NULL))
    codec->skip (&reader, T_STRUCT, NULL);
  return 0;
}
