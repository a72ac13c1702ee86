/* Owns the process's hash key and how keys are hashed with it. It knows no type and no table. */
#include "hash-private.h"

#include <math.h>
#include <sys/auxv.h>
#include <sys/random.h>

guint64 tally_hash_key[4];

/* Where the kernel has no random numbers yet: what it gave the process at its start. */
static void
draw_weak_key (void)
{
  const guint8 *random = (const guint8 *) getauxval (AT_RANDOM);

  for (guint i = 0; i < G_N_ELEMENTS (tally_hash_key); i++)
    tally_hash_key[i] =
        tally_hash_fold ((random != NULL ? tally_hash_read (random + i % 2 * 8, 8) : 0)
                             ^ (guint64) g_get_monotonic_time (),
                         G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) * (i + 1));
}

/* Before main () and before any thread, so that no hash has to ask whether there is a key. */
static void __attribute__ ((constructor)) draw_key (void)
{
  if (getrandom (tally_hash_key, sizeof tally_hash_key, GRND_NONBLOCK)
      != (gssize) sizeof tally_hash_key)
    draw_weak_key ();
  tally_hash_key[1] |= 1; /* a factor of 0 would make all hashes equal */
  tally_hash_key[3] |= 1;
}

/* Up to 16 bytes are two numbers that overlap; longer ones end so. */
guint
tally_hash_bytes (gconstpointer bytes, gsize length)
{
  const guint8 *at = bytes;
  guint64 hash = tally_hash_key[0] ^ length;
  guint64 first = 0, last = 0;

  for (; length > 16; length -= 16, at += 16)
    hash = tally_hash_fold (tally_hash_read (at, 8) ^ tally_hash_key[1],
                            tally_hash_read (at + 8, 8) ^ hash);
  if (length >= 8)
    {
      first = tally_hash_read (at, 8);
      last = tally_hash_read (at + length - 8, 8);
    }
  else if (length >= 4)
    {
      first = tally_hash_read (at, 4);
      last = tally_hash_read (at + length - 4, 4);
    }
  else if (length > 0)
    first = (guint64) at[0] << 16 | (guint64) at[length / 2] << 8 | at[length - 1];
  return tally_hash_finish (tally_hash_fold (first ^ tally_hash_key[1], last ^ hash));
}

guint
tally_hash_i8 (gconstpointer key)
{
  return tally_hash_number (*(const guint8 *) key);
}

guint
tally_hash_i16 (gconstpointer key)
{
  return tally_hash_number (*(const guint16 *) key);
}

guint
tally_hash_i32 (gconstpointer key)
{
  return tally_hash_number (*(const guint32 *) key);
}

guint
tally_hash_i64 (gconstpointer key)
{
  return tally_hash_number (*(const guint64 *) key);
}

/* Equal values have equal hashes: of zero there are two, of NaN many. */
guint
tally_hash_double (gconstpointer key)
{
  const gdouble number = *(const gdouble *) key;
  guint64 bits = 0;

  if (isnan (number))
    return tally_hash_number (1);
  if (number != 0)
    memcpy (&bits, &number, sizeof bits);
  return tally_hash_number (bits);
}

guint
tally_hash_enum (gconstpointer key)
{
  return tally_hash_number ((guint64) GPOINTER_TO_UINT (key));
}

guint
tally_hash_string (gconstpointer key)
{
  return tally_hash_bytes (key, strlen (key));
}
