/* What the codec's instances share beside the engine itself: limits, failures and filling. It knows neither
 * protocol's bytes. */
#include "codec-engine.h"
#include "peer-text.h"

const TallyLimits tally_limits_default = {
  .max_message = 16 * 1024 * 1024,
  .max_depth = 64,
  .strict = TRUE,
};

/* ---- reading ---- */

void
tally_reader_set_error (GError **error, ThriftProtocolError code, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error != NULL && *error == NULL)
    *error = g_error_new_valist (THRIFT_PROTOCOL_ERROR, (gint) code, format, arguments);
  va_end (arguments);
}

gboolean
tally_reader_fill (TallyReader *reader, gsize need, guint more, GError **error)
{
  gsize remaining = tally_reader_remaining (reader);
  gsize present;

  if (need > remaining && reader->fill != NULL)
    return tally_reader_fail (error, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                              "the message is longer than the limit of %" G_GUINT32_FORMAT " bytes",
                              reader->limits->max_message);
  if (need > remaining)
    return tally_reader_fail (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                              "the message ends early: %" G_GSIZE_FORMAT
                              " bytes are needed, %" G_GSIZE_FORMAT " are left",
                              need, remaining);
  if (reader->window > 0)
    need = MIN (need + more, remaining);
  if (!reader->fill (reader, need, error))
    return FALSE;
  /* What was read ahead may be more than this message's. */
  present = reader->end - reader->cursor;
  if (reader->window > 0)
    {
      reader->unread = reader->window;
      return TRUE;
    }
  reader->unread = remaining > present ? remaining - present : 0;
  if (present > remaining)
    reader->end = reader->cursor + remaining;
  return TRUE;
}

gboolean
tally_reader_fill_text (TallyReader *reader, guint32 length, GError **error)
{
  if (!tally_reader_may_have (reader, length, 1))
    return tally_reader_fail_length (reader, (gint32) length, 1, error);
  return tally_reader_need (reader, length, error);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void
tally_reader_set_header_error (const TallyReader *reader,
                               guint32 value,
                               const gchar *format,
                               GError **error)
{
  tally_reader_set_error (error, THRIFT_PROTOCOL_ERROR_BAD_VERSION, format, value);
  tally_peer_add_guess (error, reader->cursor, reader->end - reader->cursor);
}
#pragma GCC diagnostic pop

void
tally_reader_set_depth_error (const TallyReader *reader, GError **error)
{
  tally_reader_set_error (error, THRIFT_PROTOCOL_ERROR_DEPTH_LIMIT,
                          "structs and containers are nested deeper than the limit of %u",
                          reader->limits->max_depth);
}

void
tally_reader_set_length_error (const TallyReader *reader, gint64 length, guint unit, GError **error)
{
  if (length < 0)
    tally_reader_set_error (error, THRIFT_PROTOCOL_ERROR_NEGATIVE_SIZE,
                            "the declared size %" G_GINT64_FORMAT " is negative", length);
  else
    tally_reader_set_error (error, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                            "the declared size %" G_GINT64_FORMAT
                            " (of %u bytes each at least) does not fit "
                            "into the %" G_GSIZE_FORMAT " bytes that the message may still have",
                            length, unit, tally_reader_remaining (reader));
}

void
tally_reader_set_memory_error (const TallyReader *reader, GError **error)
{
  tally_memory_set_error (tally_limits_get_memory (reader->limits), error);
}

void
tally_reader_set_rest_error (const TallyReader *reader, const gchar *what, GError **error)
{
  tally_reader_set_error (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                          "%" G_GSIZE_FORMAT " bytes follow the %s's end",
                          (gsize) (reader->end - reader->cursor), what);
}

void
tally_reader_set_nul_error (gsize position, GError **error)
{
  tally_reader_set_error (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                          "the string has a NUL at byte %" G_GSIZE_FORMAT
                          ", which a C string cannot hold",
                          position);
}

void
tally_reader_set_missing_error (const TallyStructInfo *info,
                                const TallyField *field,
                                GError **error)
{
  tally_reader_set_error (error, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                          "%s: the required field %s is missing", info->name, field->name);
}

void
tally_prefix_field (GError **error, const TallyStructInfo *info, const TallyField *field)
{
  g_prefix_error (error, "%s.%s: ", info->name, field->name);
}

/* ---- writing ---- */

void
tally_set_due_error (GError **error, const TallyStructInfo *info, const TallyField *field)
{
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE,
               info->form == TALLY_FORM_UNION ? "union %s: the field %s is set and has no value"
                                              : "%s: the required field %s is not set",
               info->name, field->name);
}

guint8 *
tally_writer_grow (TallyWriter *writer, guint8 *cursor, gsize need)
{
  TallyBuffer *output = writer->output;

  output->length = cursor - output->data;
  tally_buffer_reserve (output, need);
  writer->limit = output->data + output->capacity;
  return output->data + output->length;
}

guint8 *
tally_writer_fail (TallyWriter *writer, TallyError code, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (writer->error != NULL && *writer->error == NULL)
    *writer->error = g_error_new_valist (TALLY_ERROR, (gint) code, format, arguments);
  va_end (arguments);
  return NULL;
}

guint8 *
tally_writer_fail_uuid (TallyWriter *writer)
{
  return tally_writer_fail (writer, TALLY_ERROR_NOT_SUPPORTED,
                            "this ThriftProtocol cannot carry a uuid");
}

guint8 *
tally_writer_fail_field (TallyWriter *writer, const TallyStructInfo *info, const TallyField *field)
{
  tally_set_due_error (writer->error, info, field);
  return NULL;
}
