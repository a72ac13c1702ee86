/* What the engine's instances share: failing, filling, the writer's room. Included by
 * codec-binary.c, codec-compact.c and codec.c only. */
#ifndef TALLY_CODEC_ENGINE_H
#define TALLY_CODEC_ENGINE_H

#include <string.h>

#include "codec-private.h"
#include "reply-private.h"
#include "storage.h"
#include "tally-error.h"

G_BEGIN_DECLS

/* ---- reading ---- */

/* What became of a value: READ_SKIPPED is one that is well-formed but of another type than the
 * table says; its bytes are consumed and it does not count as read. */
typedef enum
{
  READ_FAILED,
  READ_TAKEN,
  READ_SKIPPED
} ReadResult;

/* A field's header. @bits: what of a value its protocol puts there: a bool's. */
typedef struct
{
  gint16 id;
  guint8 wire; /* T_STOP at the end */
  guint8 bits;
} FieldHeader;

/* The slow path of tally_reader_need (). @more: how many bytes follow those for sure; a stream that
 * is read in exact pieces gets them at once. */
TALLY_COLD gboolean tally_reader_fill (TallyReader *reader, gsize need, guint more, GError **error);
/* These set a %THRIFT_PROTOCOL_ERROR. The macros below are FALSE besides, so that the compiler sees
 * that nothing is read after them. */
G_GNUC_PRINTF (3, 4)
TALLY_COLD void
tally_reader_set_error (GError **error, ThriftProtocolError code, const gchar *format, ...);
/* A message that begins otherwise than it should: @value is what came instead, at the cursor. */

TALLY_COLD void tally_reader_set_header_error (const TallyReader *reader,
                                               guint32 value,
                                               const gchar *format,
                                               GError **error);
TALLY_COLD void tally_reader_set_depth_error (const TallyReader *reader, GError **error);
/* Says why a declared length or count was refused: negative, or more than the message still has. */
TALLY_COLD void tally_reader_set_length_error (const TallyReader *reader,
                                               gint64 length,
                                               guint unit,
                                               GError **error);
/* What is decoded takes more memory than it may. */
TALLY_COLD void tally_reader_set_memory_error (const TallyReader *reader, GError **error);
/* A string whose bytes are fine for the wire and not for C. */
TALLY_COLD void tally_reader_set_nul_error (gsize position, GError **error);
TALLY_COLD void tally_reader_set_missing_error (const TallyStructInfo *info,
                                                const TallyField *field,
                                                GError **error);
TALLY_COLD void
tally_prefix_field (GError **error, const TallyStructInfo *info, const TallyField *field);

#define tally_reader_fail(...) (tally_reader_set_error (__VA_ARGS__), FALSE)
#define tally_reader_fail_header(...) (tally_reader_set_header_error (__VA_ARGS__), FALSE)
#define tally_reader_fail_depth(...) (tally_reader_set_depth_error (__VA_ARGS__), FALSE)
#define tally_reader_fail_length(...) (tally_reader_set_length_error (__VA_ARGS__), FALSE)
#define tally_reader_fail_memory(...) (tally_reader_set_memory_error (__VA_ARGS__), FALSE)
#define tally_reader_fail_nul(...) (tally_reader_set_nul_error (__VA_ARGS__), FALSE)
#define tally_reader_fail_missing(...) (tally_reader_set_missing_error (__VA_ARGS__), FALSE)

/* Bytes from the cursor on that may belong to the message, arrived or not. */
static inline gsize
tally_reader_remaining (const TallyReader *reader)
{
  return (gsize) (reader->end - reader->cursor) + reader->unread;
}

/* Makes sure of @need bytes at the cursor. */
static inline gboolean
tally_reader_need (TallyReader *reader, gsize need, GError **error)
{
  if (G_LIKELY ((gsize) (reader->end - reader->cursor) >= need))
    return TRUE;
  /* Behind everything in a struct is its end at least. */
  return tally_reader_fill (reader, need, reader->depth > 0, error);
}

/* The slow path of tally_reader_need_text (). */
TALLY_COLD gboolean tally_reader_fill_text (TallyReader *reader, guint32 length, GError **error);

/* Makes sure of the bytes of a string at the cursor, whose @length is what the peer says. */
static inline gboolean
tally_reader_need_text (TallyReader *reader, guint32 length, GError **error)
{
  return G_LIKELY (length <= G_MAXINT32 && length <= (gsize) (reader->end - reader->cursor))
         || tally_reader_fill_text (reader, length, error);
}

/* Makes sure of one byte, which may be a struct's last. */
static inline gboolean
tally_reader_need_last (TallyReader *reader, GError **error)
{
  if (G_LIKELY (reader->cursor < reader->end))
    return TRUE;
  return tally_reader_fill (reader, 1, reader->depth > 1, error);
}

/* Whether @count units of at least @size bytes each can be in what remains. A negative count is a
 * huge one here. */
static inline gboolean
tally_reader_may_have (const TallyReader *reader, guint32 count, guint size)
{
  return count <= G_MAXINT32 && (guint64) count * size <= tally_reader_remaining (reader);
}

/* Counts @bytes of memory that are about to be taken, or just were. */
static inline gboolean
tally_reader_take_memory (TallyReader *reader, gsize bytes, GError **error)
{
  if (G_UNLIKELY (bytes > reader->memory_left))
    return tally_reader_fail_memory (reader, error);
  reader->memory_left -= bytes;
  return TRUE;
}

static inline gboolean
tally_reader_enter (TallyReader *reader, GError **error)
{
  if (G_UNLIKELY (reader->depth >= reader->limits->max_depth))
    return tally_reader_fail_depth (reader, error);
  reader->depth++;
  return TRUE;
}

static inline void
tally_reader_leave (TallyReader *reader)
{
  reader->depth--;
}

/* How many elements to make room for before they are read: all, or as many as can have arrived. */
static inline guint
tally_reader_expect (const TallyReader *reader, guint32 count, guint size)
{
  return (guint) MIN ((gsize) count, (gsize) (reader->end - reader->cursor) / size);
}

/* Whether one of a word's bytes is 0. */
static inline gboolean
tally_word_has_nul (guint64 word)
{
  return ((word - G_GUINT64_CONSTANT (0x0101010101010101)) & ~word
          & G_GUINT64_CONSTANT (0x8080808080808080))
         != 0;
}

/* memchr () for a NUL, without the call for the lengths that most strings have. */
static inline const guint8 *
tally_find_nul (const guint8 *bytes, gsize length)
{
  if (length >= 8 && length <= 16)
    {
      guint64 first, last;

      memcpy (&first, bytes, 8);
      memcpy (&last, bytes + length - 8, 8);
      if (G_LIKELY (!tally_word_has_nul (first) && !tally_word_has_nul (last)))
        return NULL;
    }
  return memchr (bytes, 0, length);
}

/* Memory for a string of @length bytes: where the owner of the struct that is read has room for its texts, or its own. */
static G_ALWAYS_INLINE inline gchar *
tally_reader_new_text (TallyReader *reader, gsize length)
{
  TallyTexts *texts = reader->texts;
  gchar *text;

  if (texts == NULL || reader->depth != 1
      || G_UNLIKELY (length >= (gsize) (texts->end - texts->next)))
    return g_malloc (length + 1);
  text = texts->next;
  texts->next += length + 1;
  return text;
}

/* Puts @length bytes at the cursor, which hold no NUL, into a string slot. The slot may hold a default value, or what the field
 * was before in this message. */
static G_ALWAYS_INLINE inline void
tally_reader_put_text (TallyReader *reader, gchar **slot, gsize length)
{
  gchar *copy = tally_reader_new_text (reader, length);

  if (G_UNLIKELY (*slot != NULL)
      && (reader->texts == NULL || !tally_texts_have (reader->texts, *slot)))
    g_free (*slot);
  tally_copy_bytes (copy, reader->cursor, length);
  copy[length] = '\0';
  *slot = copy;
}

/* Puts @length bytes at the cursor, which are there, into a string slot. Inlined: most fields are strings. */
static G_ALWAYS_INLINE inline gboolean
tally_reader_take_text (TallyReader *reader, gchar **slot, gsize length, GError **error)
{
  const guint8 *nul;

  if (!tally_reader_take_memory (reader, length + TALLY_MEMORY_BLOCK, error))
    return FALSE;
  nul = tally_find_nul (reader->cursor, length);
  if (G_UNLIKELY (nul != NULL))
    return tally_reader_fail_nul (nul - reader->cursor, error);
  tally_reader_put_text (reader, slot, length);
  reader->cursor += length;
  return TRUE;
}

/* Puts @length bytes at the cursor, which are there, into a string or binary slot. */
static inline gboolean
tally_reader_take_bytes (
    TallyReader *reader, const TallyType *type, gpointer slot, gsize length, GError **error)
{
  if (type->kind == TALLY_KIND_STRING)
    return tally_reader_take_text (reader, slot, length, error);
  if (!tally_reader_take_memory (reader, tally_memory_of_bytes (type, length), error))
    return FALSE;
  tally_storage_set_bytes (type, slot, reader->cursor, length);
  reader->cursor += length;
  return TRUE;
}

/* ---- writing ---- */

typedef struct
{
  TallyBuffer *output;
  guint8 *limit; /* the end of what is allocated */
  guint depth;
  gboolean as_apache; /* as in TallyLimits: the reader is Apache's */
  GError **error;
} TallyWriter;

guint8 *tally_writer_grow (TallyWriter *writer, guint8 *cursor, gsize need);
/* These set the error and return NULL, which every caller passes on. */
G_GNUC_PRINTF (3, 4)
TALLY_COLD guint8 *
tally_writer_fail (TallyWriter *writer, TallyError code, const gchar *format, ...);
TALLY_COLD guint8 *tally_writer_fail_uuid (TallyWriter *writer);
/* For a field that is due and has no value. */
TALLY_COLD guint8 *
tally_writer_fail_field (TallyWriter *writer, const TallyStructInfo *info, const TallyField *field);

/* Makes sure of @need bytes at @cursor and returns where it is now. */
static inline guint8 *
tally_writer_room (TallyWriter *writer, guint8 *cursor, gsize need)
{
  if (G_LIKELY ((gsize) (writer->limit - cursor) >= need))
    return cursor;
  return tally_writer_grow (writer, cursor, need);
}

/* ---- fixed-size numbers ---- */

static inline guint8 *
put_be16 (guint8 *p, guint16 value)
{
  value = GUINT16_TO_BE (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

static inline guint8 *
put_be32 (guint8 *p, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

static inline guint8 *
put_be64 (guint8 *p, guint64 value)
{
  value = GUINT64_TO_BE (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

static inline guint16
get_be16 (const guint8 *p)
{
  guint16 value;

  memcpy (&value, p, sizeof value);
  return GUINT16_FROM_BE (value);
}

static inline guint32
get_be32 (const guint8 *p)
{
  guint32 value;

  memcpy (&value, p, sizeof value);
  return GUINT32_FROM_BE (value);
}

static inline guint64
get_be64 (const guint8 *p)
{
  guint64 value;

  memcpy (&value, p, sizeof value);
  return GUINT64_FROM_BE (value);
}

G_END_DECLS

#endif /* TALLY_CODEC_ENGINE_H */
