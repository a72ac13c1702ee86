/* How a varint is written, and read in one piece: seven bits in a byte, the lowest first, and a byte's highest bit says that another one
 * follows. */
#ifndef TALLY_VARINT_PRIVATE_H
#define TALLY_VARINT_PRIVATE_H

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

/* How many bytes must be there, whatever the number takes. */
#define TALLY_VARINT_WORD 8
#define TALLY_VARINT_FLAGS G_GUINT64_CONSTANT (0x8080808080808080)

/* The number that begins at @bytes, of which there are TALLY_VARINT_WORD. Returns how many are its own; 0 if it is longer.
 * Nothing depends on where it ends but the word's bits: a loop over the bytes would end where the processor cannot foresee,
 * and one wrong guess costs more than all of this. */
static inline guint
tally_varint_get_word (const guint8 *bytes, guint64 *value)
{
  guint64 word, ends;

  memcpy (&word, bytes, sizeof word);
  word = GUINT64_FROM_LE (word);
  ends = ~word & TALLY_VARINT_FLAGS;
  if (G_UNLIKELY (ends == 0))
    return 0;
  word &= ends ^ (ends - 1); /* nothing behind the first end */
  /* Bytes of 7 bits, then pairs of 14 and fours of 28, move together. */
  word = (word & G_GUINT64_CONSTANT (0x007f007f007f007f))
         | (word & G_GUINT64_CONSTANT (0x7f007f007f007f00)) >> 1;
  word = (word & G_GUINT64_CONSTANT (0x00003fff00003fff))
         | (word & G_GUINT64_CONSTANT (0x3fff00003fff0000)) >> 2;
  *value = (word & G_GUINT64_CONSTANT (0x000000000fffffff))
           | (word & G_GUINT64_CONSTANT (0x0fffffff00000000)) >> 4;
  return (guint) __builtin_ctzll (ends) / 8 + 1;
}

/* As tally_varint_get_word (); short numbers, which lengths and counts are, take less. */
static inline guint
tally_varint_get (const guint8 *bytes, guint64 *value)
{
  if (bytes[0] < 0x80)
    {
      *value = bytes[0];
      return 1;
    }
  if (bytes[1] < 0x80)
    {
      *value = (guint64) bytes[1] << 7 | (bytes[0] & 0x7f);
      return 2;
    }
  return tally_varint_get_word (bytes, value);
}

/* Returns where it ends. Numbers of up to two bytes, which most are, take no loop. */
static inline guint8 *
tally_varint_put (guint8 *p, guint64 value)
{
  if (value < 0x80)
    {
      *p = (guint8) value;
      return p + 1;
    }
  *p++ = (guint8) value | 0x80;
  for (value >>= 7; G_UNLIKELY (value >= 0x80); value >>= 7)
    *p++ = (guint8) value | 0x80;
  *p++ = (guint8) value;
  return p;
}

G_END_DECLS

#endif /* TALLY_VARINT_PRIVATE_H */
