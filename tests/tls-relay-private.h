/* One pair of connections of the relay's. */
#ifndef TESTS_TLS_RELAY_PRIVATE_H
#define TESTS_TLS_RELAY_PRIVATE_H

#include <gio/gio.h>
#include <openssl/ssl.h>
#include <poll.h>

G_BEGIN_DECLS

#define RELAY_PIECE 16384

typedef struct
{
  gint outer; /* -1 once closed, with inner */
  gint inner;
  SSL *ssl;
  BIO *from_outer; /* ciphertext */
  BIO *to_outer;
  gboolean outer_ended; /* by its peer, as the next one */
  gboolean inner_ended;
  gboolean tls_ended;  /* by a goodbye, or the outer one's end */
  gboolean outer_shut; /* by the relay, as the next one */
  gboolean inner_shut;
  gsize plain_start, plain_end; /* of plain: what is for inner */
  gsize cipher_start, cipher_end;
  guint8 plain[RELAY_PIECE];
  guint8 cipher[RELAY_PIECE];
} Relay;

/* Takes both descriptors. */
Relay *relay_new (SSL_CTX *context, gint outer, gint inner, gboolean is_server);
/* Moves what can be moved, or ends or resets what is to be. Whether that was anything. */
gboolean relay_step (Relay *self);
/* What to wait for before the next step: at the outer one, at the inner one. */
void relay_get_watches (const Relay *self, struct pollfd watches[2]);
void relay_free (Relay *self);

/* ---- certificates ---- */

/* A certificate for the loopback's names, which is its own authority, as a server or a client has it. */
typedef struct
{
  EVP_PKEY *key;
  X509 *certificate;
  gchar *file; /* with both */
} RelayIdentity;

void relay_identity_init (RelayIdentity *self);
SSL_CTX *relay_identity_make_context (const RelayIdentity *self, gboolean is_server);

G_END_DECLS

#endif /* TESTS_TLS_RELAY_PRIVATE_H */
