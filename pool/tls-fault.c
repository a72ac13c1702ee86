/* Owns saying what is wrong with a peer's certificate. GIO says in flags what it found. It does not look at
 * what a certificate may be used for, and takes keys that can be broken; so both are read here. */
#include "tls-fault-private.h"

#include <string.h>

/* Bytes of a name that are shown. */
#define MAX_NAME 200

static const struct
{
  GTlsCertificateFlags flag;
  const gchar *text;
} faults[] = {
  { G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not yet valid" },
  { G_TLS_CERTIFICATE_EXPIRED, "it has expired" },
  { G_TLS_CERTIFICATE_REVOKED, "it was revoked" },
  { G_TLS_CERTIFICATE_INSECURE, "its key or algorithm is too weak" },
  { G_TLS_CERTIFICATE_GENERIC_ERROR, "it, or one in its chain, may not be used for this" },
};

/* An RSA key of fewer bytes can be broken. */
#define MIN_RSA_BYTES 256

/* DER of the type "RSA key" with what stands between it and the key, a bit string. */
static const guint8 rsa_key[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                  0x0d, 1,    1,    1,    0x05, 0x00, 0x03 };
/* DER of the extension "extended key usage" and of what it may hold. */
static const guint8 usage_extension[] = { 0x06, 0x03, 0x55, 0x1d, 0x25 };
static const guint8 usage_server[] = { 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 3, 1 };
static const guint8 usage_client[] = { 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 3, 2 };
static const guint8 usage_any[] = { 0x06, 0x04, 0x55, 0x1d, 0x25, 0x00 };

static const guint8 *
find_bytes (const guint8 *bytes, gsize length, const guint8 *part, gsize part_length)
{
  return memmem (bytes, length, part, part_length);
}

/* Whether the certificate names what it may be used for, and @usage is not among it. A certificate
 * whose other parts hold the same bytes is at worst taken for one that names it: what GIO checks stays
 * checked. */
static gboolean
has_wrong_purpose (GTlsCertificate *certificate, const guint8 *usage, gsize usage_length)
{
  g_autoptr (GByteArray) der = NULL;
  const guint8 *extension;
  gsize left;

  g_object_get (certificate, "certificate", &der, NULL);
  if (der == NULL)
    return FALSE;
  extension = find_bytes (der->data, der->len, usage_extension, sizeof usage_extension);
  if (extension == NULL)
    return FALSE;
  left = der->data + der->len - extension;
  return find_bytes (extension, left, usage, usage_length) == NULL
         && find_bytes (extension, left, usage_any, sizeof usage_any) == NULL;
}

/* A peer's name is cut, and nothing in it can act on a terminal. */
static gchar *
escape (const gchar *name)
{
  g_autofree gchar *cut = g_strndup (name != NULL ? name : "no name", MAX_NAME);

  return g_strescape (cut, NULL);
}

/* Reads a length of DER at *@at, which it moves behind it. FALSE: there is none. */
static gboolean
read_length (const guint8 **at, const guint8 *end, gsize *length)
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
static gboolean
read_head (const guint8 **at, const guint8 *end, guint8 tag, gsize *length)
{
  if (*at == end || *(*at)++ != tag)
    return FALSE;
  return read_length (at, end, length);
}

static gboolean
has_short_key (GTlsCertificate *certificate)
{
  g_autoptr (GByteArray) der = NULL;
  const guint8 *at;
  const guint8 *end;
  gsize length;

  g_object_get (certificate, "certificate", &der, NULL);
  at = der != NULL ? find_bytes (der->data, der->len, rsa_key, sizeof rsa_key) : NULL;
  if (at == NULL)
    return FALSE;
  end = der->data + der->len;
  at += sizeof rsa_key;
  /* the bit string, whose first byte counts unused bits: a sequence of the modulus and the exponent */
  if (!read_length (&at, end, &length) || at == end || *at++ != 0
      || !read_head (&at, end, 0x30, &length) || !read_head (&at, end, 0x02, &length))
    return FALSE;
  return length < MIN_RSA_BYTES; /* a modulus has a zero before it */
}

static void
add_fault (GString *text, const gchar *fault)
{
  g_string_append_printf (text, "%s%s", text->len > 0 ? "; " : "", fault);
}

static void
add_unknown_authority (GString *text, GTlsCertificate *certificate)
{
  g_autofree gchar *subject = g_tls_certificate_get_subject_name (certificate);
  g_autofree gchar *issuer = g_tls_certificate_get_issuer_name (certificate);
  g_autofree gchar *safe = escape (issuer);

  if (g_strcmp0 (subject, issuer) == 0)
    add_fault (text, "it is self-signed and not among the trusted ones");
  else
    g_string_append_printf (text, "%sits issuer %s is not trusted", text->len > 0 ? "; " : "",
                            safe);
}

gchar *
tally_tls_find_fault (GTlsConnection *connection,
                      GTlsCertificateFlags ignored,
                      const gchar *identity)
{
  gboolean is_client = G_IS_TLS_CLIENT_CONNECTION (connection);
  GTlsCertificate *certificate = g_tls_connection_get_peer_certificate (connection);
  GTlsCertificateFlags flags = g_tls_connection_get_peer_certificate_errors (connection) & ~ignored;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree gchar *subject = NULL;
  g_autofree gchar *safe = NULL;

  if (certificate == NULL)
    return NULL;
  if ((flags & G_TLS_CERTIFICATE_UNKNOWN_CA) != 0)
    add_unknown_authority (text, certificate);
  if ((flags & G_TLS_CERTIFICATE_INSECURE) == 0 && has_short_key (certificate))
    flags |= G_TLS_CERTIFICATE_INSECURE;
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    if ((flags & faults[i].flag) != 0)
      add_fault (text, faults[i].text);
  if ((flags & G_TLS_CERTIFICATE_BAD_IDENTITY) != 0)
    g_string_append_printf (text, "%sit is not for %s", text->len > 0 ? "; " : "",
                            identity != NULL ? identity : "this peer");
  if (is_client ? has_wrong_purpose (certificate, usage_server, sizeof usage_server)
                : has_wrong_purpose (certificate, usage_client, sizeof usage_client))
    add_fault (text, is_client ? "it is not meant for servers" : "it is not meant for clients");
  if (text->len == 0)
    return NULL;
  subject = g_tls_certificate_get_subject_name (certificate);
  safe = escape (subject);
  return g_strdup_printf ("the peer's certificate (%s) is refused: %s", safe, text->str);
}
