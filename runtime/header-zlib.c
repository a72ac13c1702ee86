/* Owns compression, by GIO's converters. It knows bytes alone. */
#include "header-zlib-private.h"

#include <gio/gio.h>
#include <thrift/c_glib/protocol/thrift_protocol.h>

/* Room for one step, at least. */
#define STEP 4096

/* One step. FALSE: the data is at fault, or at its end too early. */
static gboolean
convert (GConverter *converter,
         const guint8 **bytes,
         gsize *length,
         gsize room,
         TallyBuffer *output,
         gboolean *finished)
{
  gsize n_read = 0;
  gsize n_written = 0;
  GConverterResult result;

  tally_buffer_reserve (output, room);
  result = g_converter_convert (converter, *bytes, *length, output->data + output->length, room,
                                G_CONVERTER_INPUT_AT_END, &n_read, &n_written, NULL);
  if (result == G_CONVERTER_ERROR)
    return FALSE;
  *bytes += n_read;
  *length -= n_read;
  output->length += n_written;
  *finished = result == G_CONVERTER_FINISHED;
  return TRUE;
}

gboolean
tally_header_inflate (const guint8 *bytes,
                      gsize length,
                      gsize max,
                      gboolean is_prefix,
                      TallyBuffer *output,
                      GError **error)
{
  g_autoptr (GConverter) converter =
      G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB));
  const gsize start = output->length;
  const gsize compressed = length;
  gboolean finished = FALSE;
  gboolean is_good = length > 0;

  while (is_good && !finished && output->length - start <= max)
    {
      gsize done = output->length - start;
      gsize room = done < STEP ? STEP : done;

      /* one byte more than may come tells that it is too much */
      is_good = convert (converter, &bytes, &length, room > max + 1 - done ? max + 1 - done : room,
                         output, &finished);
    }
  if (is_good && is_prefix && !finished)
    {
      output->length = start + max;
      return TRUE;
    }
  if (is_good && output->length - start > max)
    {
      g_set_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                   "%" G_GSIZE_FORMAT " compressed bytes inflate to more than %" G_GSIZE_FORMAT,
                   compressed, max);
      return FALSE;
    }
  if (is_good && length == 0)
    return TRUE;
  g_set_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
               is_good ? "the compressed message ends %" G_GSIZE_FORMAT " bytes before its frame"
                       : "the message is said to be compressed, and its %" G_GSIZE_FORMAT
                         " bytes are no whole zlib data",
               is_good ? length : compressed);
  return FALSE;
}

void
tally_header_deflate (const guint8 *bytes, gsize length, TallyBuffer *output)
{
  g_autoptr (GConverter) converter =
      G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, -1));
  gboolean finished = FALSE;

  while (!finished)
    if (!convert (converter, &bytes, &length, length < STEP ? STEP : length, output, &finished))
      g_assert_not_reached ();
}
