/* Owns the database that GIO is given: it answers by another one, which is read once. From a database of
 * its own GIO makes GnuTLS' list of authorities anew for each connection, tens of milliseconds for the
 * system's; one that it does not know it asks to verify, and nothing else. Responses of OCSP that a
 * server staples to its certificate are not looked at so. */
#include "tls-credentials-private.h"

typedef struct
{
  GTlsDatabase parent;
  GTlsDatabase *database; /* NULL: nothing is trusted */
} TallyTlsTrust;

typedef GTlsDatabaseClass TallyTlsTrustClass;

static GType tally_tls_trust_get_type (void);
G_DEFINE_TYPE (TallyTlsTrust, tally_tls_trust, G_TYPE_TLS_DATABASE)

static GTlsCertificateFlags
verify_chain (GTlsDatabase *database,
              GTlsCertificate *chain,
              const gchar *purpose,
              GSocketConnectable *identity,
              GTlsInteraction *interaction,
              GTlsDatabaseVerifyFlags flags,
              GCancellable *cancellable,
              GError **error)
{
  TallyTlsTrust *self = (TallyTlsTrust *) database;

  if (self->database == NULL)
    return g_tls_certificate_verify (chain, identity, NULL) | G_TLS_CERTIFICATE_UNKNOWN_CA;
  return g_tls_database_verify_chain (self->database, chain, purpose, identity, interaction, flags,
                                      cancellable, error);
}

static void
tally_tls_trust_finalize (GObject *object)
{
  g_clear_object (&((TallyTlsTrust *) object)->database);
  G_OBJECT_CLASS (tally_tls_trust_parent_class)->finalize (object);
}

static void
tally_tls_trust_class_init (TallyTlsTrustClass *class)
{
  G_OBJECT_CLASS (class)->finalize = tally_tls_trust_finalize;
  class->verify_chain = verify_chain;
}

static void
tally_tls_trust_init (TallyTlsTrust *self)
{
}

GTlsDatabase *
tally_tls_trust_new (GTlsDatabase *database)
{
  TallyTlsTrust *self = g_object_new (tally_tls_trust_get_type (), NULL);

  self->database = database != NULL ? g_object_ref (database) : NULL;
  return &self->parent;
}
