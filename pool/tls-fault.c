/* Owns saying what is wrong with a peer's certificate. GIO says in flags what it found. It does not look at
 * what a certificate may be used for, and takes keys that can be broken; so both are read here. */
#include "tls-fault-private.h"

#include <string.h>

#include "tls-der-private.h"

/* Bytes of a name that are shown. */
#define MAX_NAME 200

static const struct
{
  GTlsCertificateFlags flag;
  const gchar *own;     /* of the peer's certificate */
  const gchar *another; /* of one behind it, after its name; NULL: that is not told apart */
} faults[] = {
  { G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not yet valid", "is not yet valid" },
  { G_TLS_CERTIFICATE_EXPIRED, "it has expired", "has expired" },
  { G_TLS_CERTIFICATE_REVOKED, "it was revoked", NULL },
  { G_TLS_CERTIFICATE_INSECURE, "its key or algorithm is too weak", "has a key that is too weak" },
  { G_TLS_CERTIFICATE_GENERIC_ERROR, "it, or one in its chain, may not be used for this", NULL },
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
  if (!tally_der_read_length (&at, end, &length) || at == end || *at++ != 0
      || !tally_der_read_head (&at, end, TALLY_DER_SEQUENCE, &length)
      || !tally_der_read_head (&at, end, TALLY_DER_INTEGER, &length))
    return FALSE;
  return length < MIN_RSA_BYTES; /* a modulus has a zero before it */
}

static void
add_fault (GString *text, const gchar *fault)
{
  g_string_append_printf (text, "%s%s", text->len > 0 ? "; " : "", fault);
}

static gboolean
is_self_signed (GTlsCertificate *certificate)
{
  g_autofree gchar *subject = g_tls_certificate_get_subject_name (certificate);
  g_autofree gchar *issuer = g_tls_certificate_get_issuer_name (certificate);

  return g_strcmp0 (subject, issuer) == 0;
}

static void
add_unknown_authority (GString *text, GTlsCertificate *certificate)
{
  g_autofree gchar *issuer = g_tls_certificate_get_issuer_name (certificate);
  g_autofree gchar *safe = escape (issuer);

  if (is_self_signed (certificate))
    add_fault (text, "it is self-signed and not among the trusted ones");
  else
    g_string_append_printf (text, "%sits issuer %s is not trusted", text->len > 0 ? "; " : "",
                            safe);
}

/* Whether @flag is to be said of @certificate itself. */
static gboolean
has_fault (GTlsCertificate *certificate, GTlsCertificateFlags flag)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) from = g_tls_certificate_get_not_valid_before (certificate);
  g_autoptr (GDateTime) to = g_tls_certificate_get_not_valid_after (certificate);

  switch (flag)
    {
    case G_TLS_CERTIFICATE_NOT_ACTIVATED:
      return from != NULL && g_date_time_compare (now, from) < 0;
    case G_TLS_CERTIFICATE_EXPIRED:
      return to != NULL && g_date_time_compare (now, to) > 0;
    case G_TLS_CERTIFICATE_INSECURE:
      return has_short_key (certificate);
    default:
      return FALSE;
    }
}

/* Of @certificate and those behind it that came with it the first that has the fault; NULL: none. The key of
 * a root, which is trusted as it is or not at all, is not looked at. */
static GTlsCertificate *
find_faulty (GTlsCertificate *certificate, GTlsCertificateFlags flag)
{
  GTlsCertificate *each = certificate;

  while (each != NULL && !has_fault (each, flag))
    {
      each = g_tls_certificate_get_issuer (each);
      if (each != NULL && flag == G_TLS_CERTIFICATE_INSECURE && is_self_signed (each))
        return NULL;
    }
  return each;
}

static void
add_flag (GString *text, GTlsCertificate *certificate, guint index)
{
  GTlsCertificate *faulty = find_faulty (certificate, faults[index].flag);
  g_autofree gchar *subject = NULL;
  g_autofree gchar *safe = NULL;

  if (faulty == NULL || faulty == certificate || faults[index].another == NULL)
    {
      add_fault (text, faults[index].own);
      return;
    }
  subject = g_tls_certificate_get_subject_name (faulty);
  safe = escape (subject);
  g_string_append_printf (text, "%s%s behind it %s", text->len > 0 ? "; " : "", safe,
                          faults[index].another);
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
  if (find_faulty (certificate, G_TLS_CERTIFICATE_INSECURE) != NULL)
    flags |= G_TLS_CERTIFICATE_INSECURE;
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    if ((flags & faults[i].flag) != 0)
      add_flag (text, certificate, i);
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
