/* Hashes with a key that is drawn once in each process, so that nobody can choose keys that collide
 * in a table: multiplications folded to their halves' xor, as in wyhash and foldhash. */
#ifndef TALLY_HASH_PRIVATE_H
#define TALLY_HASH_PRIVATE_H

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

/* Drawn before main () begins. */
extern guint64 tally_hash_key[4];

/* The product's upper half xor its lower half. */
static inline guint64
tally_hash_fold (guint64 a, guint64 b)
{
#ifdef __SIZEOF_INT128__
  const unsigned __int128 product = (unsigned __int128) a * b;

  return (guint64) product ^ (guint64) (product >> 64);
#else
  const guint64 low = (a & G_MAXUINT32) * (b & G_MAXUINT32);
  const guint64 left = (a >> 32) * (b & G_MAXUINT32);
  const guint64 right = (a & G_MAXUINT32) * (b >> 32);
  const guint64 middle = (low >> 32) + (left & G_MAXUINT32) + (right & G_MAXUINT32);

  return (middle << 32 | (low & G_MAXUINT32))
         ^ ((a >> 32) * (b >> 32) + (left >> 32) + (right >> 32) + (middle >> 32));
#endif
}

static inline guint
tally_hash_finish (guint64 hash)
{
  return (guint) tally_hash_fold (hash ^ tally_hash_key[2], tally_hash_key[3]);
}

static inline guint
tally_hash_number (guint64 number)
{
  return tally_hash_finish (tally_hash_fold (number ^ tally_hash_key[0], tally_hash_key[1]));
}

static inline guint64
tally_hash_read (const guint8 *bytes, gsize length)
{
  guint64 value = 0;

  memcpy (&value, bytes, length);
  return value;
}

guint tally_hash_bytes (gconstpointer bytes, gsize length);

/* GHashFuncs of keys as tables store them; an enum is the pointer itself. */
guint tally_hash_i8 (gconstpointer key);
guint tally_hash_i16 (gconstpointer key);
guint tally_hash_i32 (gconstpointer key);
guint tally_hash_i64 (gconstpointer key);
guint tally_hash_double (gconstpointer key);
guint tally_hash_enum (gconstpointer key);
guint tally_hash_string (gconstpointer key);

G_END_DECLS

#endif /* TALLY_HASH_PRIVATE_H */
