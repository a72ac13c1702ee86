/* Owns the rich struct's content; knows nothing of how it is sent. */
#include "bench-payload.h"

#include <string.h>

#include "bench-common.h"

#define ITEMS 100
#define TAGS 50
#define SAMPLES 1000
/* --payload list: 1 MiB of them. */
#define MANY_SAMPLES (256 * 1024)
#define BLOB 4096

static BenchItem *
make_item (guint number)
{
  BenchItem *item = g_object_new (BENCH_TYPE_ITEM, NULL);

  item->id = number * 7919;
  item->__isset_id = TRUE;
  item->name = g_strdup_printf ("item number %04u", number);
  item->__isset_name = TRUE;
  item->stamp = G_GINT64_CONSTANT (1700000000000) + number;
  item->__isset_stamp = TRUE;
  item->weight = number / 8.0;
  item->__isset_weight = TRUE;
  item->active = number % 3 == 0;
  item->__isset_active = TRUE;
  return item;
}

BenchPayload *
bench_payload_make (void)
{
  BenchPayload *payload = g_object_new (BENCH_TYPE_PAYLOAD, NULL);
  const guint samples = g_strcmp0 (bench_options.payload, "list") == 0 ? MANY_SAMPLES : SAMPLES;
  guint i;

  payload->id = G_GINT64_CONSTANT (0x0123456789abcdef);
  payload->__isset_id = TRUE;
  payload->title = g_strdup (BENCH_TEXT);
  payload->__isset_title = TRUE;
  for (i = 0; i < ITEMS; i++)
    g_ptr_array_add (payload->items, make_item (i));
  payload->__isset_items = TRUE;
  for (i = 0; i < TAGS; i++)
    g_hash_table_insert (payload->tags, g_strdup_printf ("key %06u", i),
                         g_strdup_printf ("value of tag %05u", i * 31));
  payload->__isset_tags = TRUE;
  for (i = 0; i < samples; i++)
    {
      gint32 sample = (gint32) (i * 2654435761u);

      g_array_append_val (payload->samples, sample);
    }
  payload->__isset_samples = TRUE;
  payload->blob = g_byte_array_new ();
  g_byte_array_set_size (payload->blob, BLOB);
  for (i = 0; i < BLOB; i++)
    payload->blob->data[i] = i * 167 + (i >> 8);
  payload->__isset_blob = TRUE;
  return payload;
}

static void
check_items (const GPtrArray *actual, const GPtrArray *expected)
{
  guint i;

  if (actual->len != expected->len)
    bench_fail ("%u items instead of %u", actual->len, expected->len);
  for (i = 0; i < actual->len; i++)
    {
      const BenchItem *a = actual->pdata[i];
      const BenchItem *e = expected->pdata[i];

      if (a->id != e->id || a->stamp != e->stamp || a->weight != e->weight || a->active != e->active
          || g_strcmp0 (a->name, e->name) != 0)
        bench_fail ("item %u differs", i);
    }
}

static void
check_tags (GHashTable *actual, GHashTable *expected)
{
  GHashTableIter iter;
  gpointer key, value;

  if (g_hash_table_size (actual) != g_hash_table_size (expected))
    bench_fail ("%u tags instead of %u", g_hash_table_size (actual), g_hash_table_size (expected));
  g_hash_table_iter_init (&iter, actual);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_strcmp0 (value, g_hash_table_lookup (expected, key)) != 0)
      bench_fail ("tag \"%s\" differs", (const gchar *) key);
}

void
bench_payload_check (const BenchPayload *actual, const BenchPayload *expected)
{
  if (actual->id != expected->id || g_strcmp0 (actual->title, expected->title) != 0)
    bench_fail ("the id or the title differs");
  check_items (actual->items, expected->items);
  check_tags (actual->tags, expected->tags);
  if (actual->samples->len != expected->samples->len
      || memcmp (actual->samples->data, expected->samples->data,
                 expected->samples->len * sizeof (gint32))
             != 0)
    bench_fail ("the samples differ");
  if (actual->blob == NULL || actual->blob->len != expected->blob->len
      || memcmp (actual->blob->data, expected->blob->data, expected->blob->len) != 0)
    bench_fail ("the blob differs");
}
