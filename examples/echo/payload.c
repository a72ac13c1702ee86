/* Fills a Payload, field by field. */
#include "payload.h"

#define N_ITEMS 100
#define N_COUNTERS 50
#define N_SAMPLES 1000
#define N_BYTES 4096

static DemoItem *
item_new (guint number, guint seed)
{
  g_autofree gchar *name = g_strdup_printf ("item %06u/%04u", seed % 1000000, number);
  DemoItem *item = g_object_new (DEMO_TYPE_ITEM, "id", (gint) number, "name", name, NULL);

  /* Properties set __isset_… themselves; code that sets fields directly sets them too. */
  item->stamp = (gint64) seed << 32 | number;
  item->__isset_stamp = TRUE;
  item->weight = number / 8.0;
  item->__isset_weight = TRUE;
  item->grade = number % 3 + DEMO_GRADE_LOW;
  item->__isset_grade = TRUE;
  item->checked = number % 2 == 0;
  item->__isset_checked = number % 4 != 0;
  return item;
}

DemoPayload *
payload_new (guint seed)
{
  DemoPayload *payload = g_object_new (DEMO_TYPE_PAYLOAD, NULL);
  guint i;

  for (i = 0; i < N_ITEMS; i++)
    g_ptr_array_add (payload->items, item_new (i, seed));
  payload->__isset_items = TRUE;

  for (i = 0; i < N_COUNTERS; i++)
    {
      gint64 *count = g_new (gint64, 1); /* numbers in a map are on the heap, and the map's */

      *count = (gint64) seed * i;
      g_hash_table_insert (payload->counters, g_strdup_printf ("counter %u", i), count);
    }
  payload->__isset_counters = TRUE;

  for (i = 0; i < N_SAMPLES; i++)
    {
      gint32 sample = seed ^ (i * 2654435761u);

      g_array_append_val (payload->samples, sample);
    }
  payload->__isset_samples = TRUE;

  payload->attachment = g_byte_array_sized_new (N_BYTES);
  g_byte_array_set_size (payload->attachment, N_BYTES);
  for (i = 0; i < N_BYTES; i++)
    payload->attachment->data[i] = seed + i;
  payload->__isset_attachment = TRUE;
  return payload;
}
