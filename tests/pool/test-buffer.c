/* TallyBuffer: what it holds, and what becomes of its memory. */
#include <string.h>

#include "buffer-internal.h"
#include "harness.h"

#define KIB 1024
#define MIB (1024 * KIB)

/* Bytes that no other @round has there. */
static void
fill (TallyBuffer *buffer, gsize length, guint round)
{
  while (buffer->length < length)
    {
      const guint64 word = (buffer->length + round) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

      tally_buffer_append (buffer, &word, MIN (sizeof word, length - buffer->length));
    }
}

static gboolean
is_filled (const TallyBuffer *buffer, gsize length, guint round)
{
  gboolean same = buffer->length == length;

  for (gsize at = 0; same && at < length; at += sizeof (guint64))
    {
      const guint64 word = (at + round) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

      same = memcmp (buffer->data + at, &word, MIN (sizeof word, length - at)) == 0;
    }
  return same;
}

/* Whether its memory is new or was another's. */
static void
a_buffer_keeps_what_it_holds (void)
{
  for (guint round = 0; round < 3; round++)
    for (gsize length = 1; length < 3 * MIB; length = length * 5 / 2)
      {
        TallyBuffer buffer = { NULL };

        fill (&buffer, length, round);
        CU_ASSERT_TRUE (is_filled (&buffer, length, round));
        CU_ASSERT_TRUE (buffer.capacity >= length && buffer.capacity <= MAX (2 * length, 256));
        tally_buffer_clear (&buffer);
        CU_ASSERT_TRUE (buffer.data == NULL && buffer.length == 0 && buffer.capacity == 0);
      }
}

static TallyBuffer
new_buffer (gsize capacity)
{
  TallyBuffer buffer = { NULL };

  tally_buffer_reserve (&buffer, capacity);
  return buffer;
}

static void
a_large_buffers_memory_serves_the_next (void)
{
  for (gsize size = 64 * KIB; size <= 4 * MIB; size *= 2)
    {
      TallyBuffer first = new_buffer (size);
      TallyBuffer second;
      gpointer memory;

      /* Nothing of this size is kept any more. */
      for (memory = NULL; memory != first.data; first = new_buffer (size))
        {
          memory = first.data;
          assert_int (tally_buffer_clear (&first), 0);
        }
      second = new_buffer (size);
      CU_ASSERT_PTR_NOT_EQUAL (second.data, first.data);
      assert_int (tally_buffer_clear (&first), 0);
      assert_int (tally_buffer_clear (&second), 0);
    }
}

static void
small_and_huge_ones_are_freed (void)
{
  static const gsize sizes[] = { 256, 32 * KIB, 8 * MIB, 32 * MIB };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      TallyBuffer buffer = new_buffer (sizes[i]);

      assert_int (tally_buffer_clear (&buffer), sizes[i]);
    }
}

/* Of a burst no more than 16 MiB stay. */
static void
what_is_kept_is_bounded (void)
{
  TallyBuffer burst[100];
  gsize freed = 0;

  for (guint i = 0; i < G_N_ELEMENTS (burst); i++)
    burst[i] = new_buffer (i % 2 == 0 ? MIB : 256 * KIB);
  for (guint i = 0; i < G_N_ELEMENTS (burst); i++)
    freed += tally_buffer_clear (&burst[i]);
  CU_ASSERT_TRUE (freed >= 50 * (MIB + 256 * KIB) - 16 * MIB);
  CU_ASSERT_TRUE (freed < 50 * (MIB + 256 * KIB)); /* and some do */
}

/* ---- threads ---- */

#define THREADS 8
#define ROUNDS 500

static gpointer
write_and_clear (gpointer data)
{
  const guint8 mine = GPOINTER_TO_UINT (data);
  guint n_wrong = 0;

  for (guint i = 0; i < ROUNDS; i++)
    {
      TallyBuffer buffer = new_buffer ((64 * KIB) << i % 3);

      memset (buffer.data, mine, buffer.capacity);
      g_thread_yield ();
      n_wrong += memchr (buffer.data, mine, 1) == NULL || buffer.data[buffer.capacity - 1] != mine;
      tally_buffer_clear (&buffer);
    }
  return GUINT_TO_POINTER (n_wrong);
}

/* No memory is two threads' at once. */
static void
threads_share_it (void)
{
  GThread *threads[THREADS];

  for (guint i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("writer", write_and_clear, GUINT_TO_POINTER (i + 1));
  for (guint i = 0; i < THREADS; i++)
    assert_int (GPOINTER_TO_UINT (g_thread_join (threads[i])), 0);
}

static const TestCase cases[] = {
  TEST (a_buffer_keeps_what_it_holds),
  TEST (a_large_buffers_memory_serves_the_next),
  TEST (small_and_huge_ones_are_freed),
  TEST (what_is_kept_is_bounded),
  TEST (threads_share_it),
  { NULL },
};

int
main (int argc, char **argv)
{
  return test_main ("buffer", cases, argc, argv);
}
