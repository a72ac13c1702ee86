/* What tells a channel its endpoints. */
#ifndef TALLY_RESOLVER_H
#define TALLY_RESOLVER_H

#include <gio/gio.h>

#include "tally-macros.h"

G_BEGIN_DECLS

/**
 * TallyAddress:
 * @address: `HOST:PORT`, an IPv6 address in brackets.
 * @identity: (nullable): the name that the server's certificate must have, where that is not the host's and the channel's URI
 *   does not say.
 * @weight: how much it may get beside others, 1 to 1,000; 0 = 1.
 * @priority: addresses with the least priority are used while one of them works.
 *
 * Where one copy of a service is. It grows at no time.
 *
 * Since: 0.2
 */
typedef struct
{
  const gchar *address;
  const gchar *identity;
  guint weight;
  guint priority;
} TallyAddress;

#define TALLY_TYPE_RESOLVER (tally_resolver_get_type ())
TALLY_API
G_DECLARE_DERIVABLE_TYPE (TallyResolver, tally_resolver, TALLY, RESOLVER, GObject)

/**
 * TallyResolverClass:
 * @parent_class: the parent's.
 * @lookup: looks once and calls tally_resolver_publish(), or returns %FALSE with an error. It may block until its GCancellable
 *   is cancelled, and runs on a thread of a pool: when a channel makes its first call, when what was published is old, and after
 *   failures. Several may run at once. %NULL for a resolver that hears of changes by itself.
 *
 * What a resolver implements.
 *
 * Since: 0.2
 */
struct _TallyResolverClass
{
  GObjectClass parent_class;

  gboolean (*lookup) (TallyResolver *self, GCancellable *cancellable, GError **error);

  /*< private >*/
  gpointer reserved[7];
};

TALLY_API void
tally_resolver_publish (TallyResolver *self, const TallyAddress *addresses, guint n_addresses);
TALLY_API void tally_resolver_fail (TallyResolver *self, const GError *error);

/**
 * TallyResolverFunc:
 * @address: what a URI has between its scheme's slashes and its options, such as `a:2181,b:2181/path`
 * @error: return location
 *
 * Makes the resolver that a channel's URI asks for.
 *
 * Returns: (transfer full): a resolver, or %NULL with an error
 *
 * Since: 0.2
 */
typedef TallyResolver *(*TallyResolverFunc) (const gchar *address, GError **error);

TALLY_API void tally_resolver_add_scheme (const gchar *scheme, TallyResolverFunc create);

G_END_DECLS

#endif /* TALLY_RESOLVER_H */
