/* The codec's limit: the rich struct's bytes, by the binary protocol, into plain C structs in memory that is taken once,
 * and back. It knows this one struct and the order of its fields, checks lengths and nothing else; what any codec
 * takes more is for what it can do more. */
#include "bench-common.h"

#include <endian.h>
#include <string.h>

#define ARENA (1 << 20)

typedef struct
{
  const char *bytes;
  guint32 length;
} Text;

typedef struct
{
  gint32 id;
  Text name;
  gint64 stamp;
  gdouble weight;
  gboolean active;
} Item;

typedef struct
{
  gint64 id;
  Text title;
  guint32 n_items;
  Item *items;
  guint32 n_tags;
  Text *tags; /* a key and a value each */
  guint32 n_samples;
  gint32 *samples;
  Text blob;
} Payload;

typedef struct
{
  const guint8 *expected; /* the struct's bytes, with its end */
  gsize length;
  guint8 *written;
  guint8 *arena;
  gsize used; /* of the arena */
  Payload payload;
} Codec;

/* ---- reading ---- */

typedef struct
{
  const guint8 *cursor;
  const guint8 *end;
  Codec *codec;
} Reader;

static const guint8 *
take (Reader *self, gsize length)
{
  const guint8 *bytes = self->cursor;

  if ((gsize) (self->end - self->cursor) < length)
    bench_fail ("the bytes end early");
  self->cursor += length;
  return bytes;
}

static guint32
take_u32 (Reader *self)
{
  guint32 value;

  memcpy (&value, take (self, sizeof value), sizeof value);
  return be32toh (value);
}

static guint64
take_u64 (Reader *self)
{
  guint64 value;

  memcpy (&value, take (self, sizeof value), sizeof value);
  return be64toh (value);
}

/* A field's header, or of a list or map what its elements are. */
static void
expect (Reader *self, gsize length)
{
  take (self, length);
}

static gpointer
room (Reader *self, gsize length)
{
  gpointer memory = self->codec->arena + self->codec->used;

  if (length > ARENA - self->codec->used)
    bench_fail ("the arena is too small");
  self->codec->used += (length + 7) & ~(gsize) 7;
  return memory;
}

/* A copy, with a NUL behind it. */
static Text
take_text (Reader *self)
{
  Text text = { .length = take_u32 (self) };
  const guint8 *bytes = take (self, text.length);
  char *copy = room (self, (gsize) text.length + 1);

  memcpy (copy, bytes, text.length);
  copy[text.length] = '\0';
  text.bytes = copy;
  return text;
}

static Item
take_item (Reader *self)
{
  Item item;
  guint64 weight;

  expect (self, 3);
  item.id = (gint32) take_u32 (self);
  expect (self, 3);
  item.name = take_text (self);
  expect (self, 3);
  item.stamp = (gint64) take_u64 (self);
  expect (self, 3);
  weight = take_u64 (self);
  memcpy (&item.weight, &weight, sizeof weight);
  expect (self, 3);
  item.active = *take (self, 1);
  expect (self, 1);
  return item;
}

static void
take_payload (Reader *self, Payload *payload)
{
  expect (self, 3);
  payload->id = (gint64) take_u64 (self);
  expect (self, 3);
  payload->title = take_text (self);
  expect (self, 4);
  payload->n_items = take_u32 (self);
  payload->items = room (self, payload->n_items * sizeof (Item));
  for (guint32 i = 0; i < payload->n_items; i++)
    payload->items[i] = take_item (self);
  expect (self, 5);
  payload->n_tags = take_u32 (self);
  payload->tags = room (self, 2 * payload->n_tags * sizeof (Text));
  for (guint32 i = 0; i < 2 * payload->n_tags; i++)
    payload->tags[i] = take_text (self);
  expect (self, 4);
  payload->n_samples = take_u32 (self);
  payload->samples = room (self, payload->n_samples * sizeof (gint32));
  for (guint32 i = 0; i < payload->n_samples; i++)
    payload->samples[i] = (gint32) take_u32 (self);
  expect (self, 3);
  payload->blob = take_text (self);
  expect (self, 1);
}

/* ---- writing ---- */

static guint8 *
put_field (guint8 *p, guint8 wire, guint16 id)
{
  *p++ = wire;
  id = htobe16 (id);
  memcpy (p, &id, sizeof id);
  return p + sizeof id;
}

static guint8 *
put_u32 (guint8 *p, guint32 value)
{
  value = htobe32 (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

static guint8 *
put_u64 (guint8 *p, guint64 value)
{
  value = htobe64 (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

static guint8 *
put_text (guint8 *p, Text text)
{
  p = put_u32 (p, text.length);
  memcpy (p, text.bytes, text.length);
  return p + text.length;
}

enum
{
  BOOL = 2,
  DOUBLE = 4,
  I32 = 8,
  I64 = 10,
  STRING,
  STRUCT,
  MAP,
  LIST = 15
};

static guint8 *
put_item (guint8 *p, const Item *item)
{
  guint64 weight;

  p = put_u32 (put_field (p, I32, 1), item->id);
  p = put_text (put_field (p, STRING, 2), item->name);
  p = put_u64 (put_field (p, I64, 3), item->stamp);
  memcpy (&weight, &item->weight, sizeof weight);
  p = put_u64 (put_field (p, DOUBLE, 4), weight);
  p = put_field (p, BOOL, 5);
  *p++ = item->active;
  *p++ = 0;
  return p;
}

static guint8 *
put_payload (guint8 *p, const Payload *payload)
{
  p = put_u64 (put_field (p, I64, 1), payload->id);
  p = put_text (put_field (p, STRING, 2), payload->title);
  p = put_field (p, LIST, 3);
  *p++ = STRUCT;
  p = put_u32 (p, payload->n_items);
  for (guint32 i = 0; i < payload->n_items; i++)
    p = put_item (p, &payload->items[i]);
  p = put_field (p, MAP, 4);
  *p++ = STRING;
  *p++ = STRING;
  p = put_u32 (p, payload->n_tags);
  for (guint32 i = 0; i < 2 * payload->n_tags; i++)
    p = put_text (p, payload->tags[i]);
  p = put_field (p, LIST, 5);
  *p++ = I32;
  p = put_u32 (p, payload->n_samples);
  for (guint32 i = 0; i < payload->n_samples; i++)
    p = put_u32 (p, payload->samples[i]);
  p = put_text (put_field (p, STRING, 6), payload->blob);
  *p++ = 0;
  return p;
}

/* ---- what is measured ---- */

static gint64
decode (gpointer data)
{
  Codec *codec = data;
  Reader reader = { codec->expected, codec->expected + codec->length, codec };
  gint64 start = bench_now ();

  codec->used = 0;
  take_payload (&reader, &codec->payload);
  if (reader.cursor != reader.end)
    bench_fail ("the struct ends early");
  return bench_now () - start;
}

static gint64
encode (gpointer data)
{
  Codec *codec = data;
  gint64 start = bench_now ();
  const guint8 *end = put_payload (codec->written, &codec->payload);
  gint64 spent = bench_now () - start;

  if ((gsize) (end - codec->written) != codec->length
      || memcmp (codec->written, codec->expected, codec->length) != 0)
    bench_fail ("the bytes differ");
  return spent;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *request = NULL;
  Codec codec = { NULL };
  gsize length, begin;

  bench_parse (&argc, &argv, NULL);
  if (!g_file_get_contents (bench_options.request, &request, &length, &error))
    bench_fail ("%s", error->message);
  /* frame 4 | version 4 | name's length 4 | name | seqid 4 | field 3 | the struct | the arguments' end 1 */
  begin = 12 + (guint8) request[11] + 7;
  codec.expected = (const guint8 *) request + begin;
  codec.length = length - begin - 1;
  codec.written = g_malloc (length);
  codec.arena = g_malloc (ARENA);
  bench_measure ("decode", decode, &codec);
  bench_measure ("encode", encode, &codec); /* what was decoded: so that is right, too */
  g_free (codec.written);
  g_free (codec.arena);
  return 0;
}
