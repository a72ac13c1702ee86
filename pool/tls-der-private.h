/* Reading DER, the encoding of certificates and keys, as far as TLS needs that: what a value begins with. */
#ifndef TALLY_TLS_DER_PRIVATE_H
#define TALLY_TLS_DER_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

/* Tags. */
#define TALLY_DER_INTEGER 0x02
#define TALLY_DER_BIT_STRING 0x03
#define TALLY_DER_OCTET_STRING 0x04
#define TALLY_DER_SEQUENCE 0x30
/* A value with number @number in its sequence, whose own tag is inside. */
#define TALLY_DER_NUMBERED(number) (0xa0 + (number))

/* Reads a length at *@at, which it moves behind it. FALSE: there is none. */
static inline gboolean
tally_der_read_length (const guint8 **at, const guint8 *end, gsize *length)
{
  guint count;

  if (*at == end)
    return FALSE;
  *length = *(*at)++;
  if (*length < 0x80)
    return TRUE;
  count = *length & 0x7f;
  if (count > 3 || end - *at < (gssize) count)
    return FALSE;
  for (*length = 0; count > 0; count--)
    *length = *length << 8 | *(*at)++;
  return TRUE;
}

/* The length of a value that begins with @tag, whose bytes follow. FALSE: there is no such one. */
static inline gboolean
tally_der_read_head (const guint8 **at, const guint8 *end, guint8 tag, gsize *length)
{
  if (*at == end || *(*at)++ != tag)
    return FALSE;
  return tally_der_read_length (at, end, length);
}

G_END_DECLS

#endif /* TALLY_TLS_DER_PRIVATE_H */
