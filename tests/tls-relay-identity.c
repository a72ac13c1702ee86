/* Owns the certificate of the relay. Its file is in memory: nothing is left of it. */
#include "tls-relay-private.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIFETIME_S (24 * 60 * 60)

static void
add_extension (X509 *certificate, gint type, const gchar *value)
{
  X509_EXTENSION *extension = X509V3_EXT_conf_nid (NULL, NULL, type, value);

  X509_add_ext (certificate, extension, -1);
  X509_EXTENSION_free (extension);
}

static X509 *
make_certificate (EVP_PKEY *key)
{
  X509 *certificate = X509_new ();
  X509_NAME *name = X509_get_subject_name (certificate);

  X509_set_version (certificate, 2);
  ASN1_INTEGER_set (X509_get_serialNumber (certificate), 1);
  X509_gmtime_adj (X509_getm_notBefore (certificate), -LIFETIME_S);
  X509_gmtime_adj (X509_getm_notAfter (certificate), LIFETIME_S);
  X509_NAME_add_entry_by_txt (name, "CN", MBSTRING_ASC, (const guchar *) "relay", -1, -1, 0);
  X509_set_issuer_name (certificate, name);
  X509_set_pubkey (certificate, key);
  add_extension (certificate, NID_basic_constraints, "critical,CA:TRUE");
  add_extension (certificate, NID_subject_alt_name, "IP:127.0.0.1,IP:::1,DNS:localhost");
  X509_sign (certificate, key, EVP_sha256 ());
  return certificate;
}

void
relay_identity_init (RelayIdentity *self)
{
  FILE *file = fdopen (memfd_create ("relay", MFD_CLOEXEC), "w");

  self->key = EVP_EC_gen ("P-256");
  self->certificate = make_certificate (self->key);
  PEM_write_X509 (file, self->certificate);
  PEM_write_PrivateKey (file, self->key, NULL, NULL, 0, NULL, NULL);
  fflush (file);
  self->file = g_strdup_printf ("/proc/self/fd/%d", fileno (file)); /* open to the end */
}

SSL_CTX *
relay_identity_make_context (const RelayIdentity *self, gboolean is_server)
{
  SSL_CTX *context = SSL_CTX_new (is_server ? TLS_server_method () : TLS_client_method ());

  SSL_CTX_set_options (context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode (context, SSL_MODE_AUTO_RETRY);
  if (is_server)
    {
      SSL_CTX_use_certificate (context, self->certificate);
      SSL_CTX_use_PrivateKey (context, self->key);
    }
  else
    {
      X509_STORE_add_cert (SSL_CTX_get_cert_store (context), self->certificate);
      SSL_CTX_set_verify (context, SSL_VERIFY_PEER, NULL);
    }
  return context;
}
