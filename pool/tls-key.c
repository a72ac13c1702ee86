/* Owns the question whether a private key is that of its certificate. GIO does not ask it: only a peer's
 * check of a signature would tell. GIO gives both as DER, the key as PKCS #8 (RFC 5208), and a key of RSA (RFC
 * 8017) or of an elliptic curve (RFC 5915) has its public part in it. One of Ed25519 or Ed448 has not. It knows
 * no files. */
#include <string.h>

#include "tls-credentials-private.h"
#include "tls-der-private.h"

/* What is left to read of a value, or all of it. */
typedef struct
{
  const guint8 *at;
  const guint8 *end;
} Der;

/* Reads a value with @tag, and moves @self behind it. FALSE: there is no whole one. */
static gboolean
read_value (Der *self, guint8 tag, Der *value)
{
  const guint8 *at = self->at;
  gsize length;

  if (!tally_der_read_head (&at, self->end, tag, &length) || (gsize) (self->end - at) < length)
    return FALSE;
  *value = (Der){ at, at + length };
  self->at = at + length;
  return TRUE;
}

/* A bit string, none of whose bits is unused. */
static gboolean
read_bits (Der *self, Der *value)
{
  return read_value (self, TALLY_DER_BIT_STRING, value) && value->at < value->end
         && *value->at++ == 0;
}

/* What @self begins with of another tag is passed over. */
static gboolean
skip_value (Der *self)
{
  Der ignored;

  return self->at < self->end && read_value (self, *self->at, &ignored);
}

/* ---- the two public keys ---- */

/* Its algorithm's own form. RFC 5280, section 4.1. */
static gboolean
find_certified (Der der, Der *public_key)
{
  Der certificate, body, key;

  if (!read_value (&der, TALLY_DER_SEQUENCE, &certificate)
      || !read_value (&certificate, TALLY_DER_SEQUENCE, &body))
    return FALSE;
  if (body.at < body.end && *body.at == TALLY_DER_NUMBERED (0) && !skip_value (&body)) /* version */
    return FALSE;
  /* serial number, signature, issuer, validity, subject */
  for (guint i = 0; i < 5; i++)
    if (!skip_value (&body))
      return FALSE;
  return read_value (&body, TALLY_DER_SEQUENCE, &key) && skip_value (&key) /* algorithm */
         && read_bits (&key, public_key);
}

/* RSA's modulus, of a public key; of a private one behind its version. */
static gboolean
read_modulus (Der der, gboolean is_private, Der *modulus)
{
  Der key;

  return read_value (&der, TALLY_DER_SEQUENCE, &key)
         && (!is_private || read_value (&key, TALLY_DER_INTEGER, modulus))
         && read_value (&key, TALLY_DER_INTEGER, modulus);
}

/* A curve's point. */
static gboolean
read_point (Der der, Der *point)
{
  Der key, part;

  if (!read_value (&der, TALLY_DER_SEQUENCE, &key) || !read_value (&key, TALLY_DER_INTEGER, &part)
      || !read_value (&key, TALLY_DER_OCTET_STRING, &part))
    return FALSE;
  if (key.at < key.end && *key.at == TALLY_DER_NUMBERED (0) && !skip_value (&key)) /* the curve */
    return FALSE;
  return read_value (&key, TALLY_DER_NUMBERED (1), &part) && read_bits (&part, point);
}

/* ---- comparing ---- */

static gboolean
are_equal (Der one, Der other)
{
  gsize length = one.end - one.at;

  return length == (gsize) (other.end - other.at) && memcmp (one.at, other.at, length) == 0;
}

/* The first coordinate, of a point that is compressed or not: the other one is of two, which differ in their sign. */
static Der
get_abscissa (Der point)
{
  gsize length = point.end - point.at;
  gsize coordinate;

  if (length == 0)
    return point;
  coordinate = *point.at == 4 ? (length - 1) / 2 : length - 1;
  return (Der){ point.at + 1, point.at + 1 + coordinate };
}

static gboolean
is_key_of (Der public_key, Der private_key)
{
  Der inner, own, certified;

  if (!read_value (&private_key, TALLY_DER_SEQUENCE, &inner)
      || !read_value (&inner, TALLY_DER_INTEGER, &own) /* version */
      || !skip_value (&inner)                          /* algorithm */
      || !read_value (&inner, TALLY_DER_OCTET_STRING, &private_key))
    return TRUE;
  if (read_point (private_key, &own))
    return are_equal (get_abscissa (own), get_abscissa (public_key));
  if (read_modulus (private_key, TRUE, &own))
    return read_modulus (public_key, FALSE, &certified) && are_equal (own, certified);
  return TRUE;
}

gboolean
tally_tls_has_own_key (GTlsCertificate *certificate)
{
  g_autoptr (GByteArray) der = NULL;
  g_autoptr (GByteArray) key = NULL;
  Der public_key;

  g_object_get (certificate, "certificate", &der, "private-key", &key, NULL);
  if (der == NULL || key == NULL
      || !find_certified ((Der){ der->data, der->data + der->len }, &public_key))
    return TRUE;
  return is_key_of (public_key, (Der){ key->data, key->data + key->len });
}
