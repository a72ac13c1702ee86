/* Owns the resolvers that ask DNS, by GIO's GResolver: for all addresses of a host, and for a service's targets (SRV, RFC 2782)
 * with their priorities and weights. What is done with what they find is not theirs. */
#include <string.h>

#include "picker-private.h"
#include "resolver-private.h"
#include "tally-error.h"

typedef struct
{
  TallyResolver parent_instance;
  gchar *host; /* or the domain */
  guint port;
  gchar *service; /* nullable: then this and the next are asked for */
  gchar *protocol;
} TallyDnsResolver;

typedef TallyResolverClass TallyDnsResolverClass;

static GType tally_dns_resolver_get_type (void);

G_DEFINE_TYPE (TallyDnsResolver, tally_dns_resolver, TALLY_TYPE_RESOLVER)

static void
add_address (GArray *addresses, gchar *text, const gchar *identity, guint weight, guint priority)
{
  const TallyAddress address = { text, identity, weight, priority };

  g_array_append_val (addresses, address);
}

static gboolean
lookup_host (const TallyDnsResolver *self, GArray *found, GCancellable *cancellable, GError **error)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  GList *addresses = g_resolver_lookup_by_name (resolver, self->host, cancellable, error);

  for (GList *each = addresses; each != NULL; each = each->next)
    {
      g_autofree gchar *text = g_inet_address_to_string (each->data);
      gboolean is_ipv6 = g_inet_address_get_family (each->data) == G_SOCKET_FAMILY_IPV6;

      add_address (found, g_strdup_printf (is_ipv6 ? "[%s]:%u" : "%s:%u", text, self->port),
                   self->host, 1, 0);
    }
  g_resolver_free_addresses (addresses);
  return addresses != NULL;
}

/* What a picker makes of these weights. One of 0 is a very small one beside others. */
typedef struct
{
  guint greatest;
  gboolean has_none;
} SrvWeights;

static SrvWeights
look_at_weights (GList *targets)
{
  SrvWeights weights = { 1, FALSE };

  for (GList *each = targets; each != NULL; each = each->next)
    {
      guint weight = g_srv_target_get_weight (each->data);

      weights.greatest = MAX (weights.greatest, weight);
      weights.has_none |= weight == 0;
    }
  return weights;
}

static guint
scale_weight (guint weight, const SrvWeights *weights)
{
  gboolean is_scaled = weights->has_none || weights->greatest > TALLY_PICKER_MAX_WEIGHT;
  guint scaled =
      is_scaled ? (guint) ((guint64) weight * TALLY_PICKER_MAX_WEIGHT / weights->greatest) : weight;

  return MAX (scaled, 1);
}

/* A target "." says that the service is decidedly not available there (RFC 2782). GIO gives it as "", or as nothing at all. */
static gboolean
names_nothing (const gchar *host)
{
  return *host == '\0' || strcmp (host, ".") == 0;
}

static gboolean
lookup_service (const TallyDnsResolver *self,
                GArray *found,
                GCancellable *cancellable,
                GError **error)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  g_autoptr (GError) failure = NULL;
  GList *targets = g_resolver_lookup_service (resolver, self->service, self->protocol, self->host,
                                              cancellable, &failure);
  SrvWeights weights = look_at_weights (targets);

  for (GList *each = targets; each != NULL; each = each->next)
    if (!names_nothing (g_srv_target_get_hostname (each->data)))
      add_address (found,
                   g_strdup_printf ("%s:%u", g_srv_target_get_hostname (each->data),
                                    g_srv_target_get_port (each->data)),
                   NULL, scale_weight (g_srv_target_get_weight (each->data), &weights),
                   g_srv_target_get_priority (each->data));
  g_resolver_free_targets (targets);
  if (failure == NULL && found->len == 0)
    g_set_error (&failure, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED,
                 "DNS says that _%s._%s.%s is not available: it has no target, or \".\" for one",
                 self->service, self->protocol, self->host);
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  return found->len > 0;
}

static void
free_text (gpointer data)
{
  g_free ((gchar *) ((TallyAddress *) data)->address);
}

static gboolean
dns_lookup (TallyResolver *resolver, GCancellable *cancellable, GError **error)
{
  const TallyDnsResolver *self = (const TallyDnsResolver *) resolver;
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (TallyAddress));

  g_array_set_clear_func (found, free_text);
  if (self->service != NULL ? !lookup_service (self, found, cancellable, error)
                            : !lookup_host (self, found, cancellable, error))
    return FALSE;
  tally_resolver_publish (resolver, (const TallyAddress *) (gpointer) found->data, found->len);
  return TRUE;
}

static void
tally_dns_resolver_finalize (GObject *object)
{
  TallyDnsResolver *self = (TallyDnsResolver *) object;

  g_free (self->host);
  g_free (self->service);
  g_free (self->protocol);
  G_OBJECT_CLASS (tally_dns_resolver_parent_class)->finalize (object);
}

static void
tally_dns_resolver_class_init (TallyDnsResolverClass *class)
{
  G_OBJECT_CLASS (class)->finalize = tally_dns_resolver_finalize;
  class->lookup = dns_lookup;
}

static void
tally_dns_resolver_init (TallyDnsResolver *self)
{
}

TallyResolver *
tally_dns_resolver_new (const gchar *host, guint port)
{
  TallyDnsResolver *self = g_object_new (tally_dns_resolver_get_type (), NULL);

  self->host = g_strdup (host);
  self->port = port;
  return &self->parent_instance;
}

TallyResolver *
tally_srv_resolver_new (const gchar *name)
{
  g_auto (GStrv) parts = g_strsplit (name, ".", 3);
  TallyDnsResolver *self;

  if (g_strv_length (parts) != 3 || parts[0][0] != '_' || parts[0][1] == '\0' || parts[1][0] != '_'
      || parts[1][1] == '\0' || *parts[2] == '\0')
    return NULL;
  self = g_object_new (tally_dns_resolver_get_type (), NULL);
  self->service = g_strdup (parts[0] + 1);
  self->protocol = g_strdup (parts[1] + 1);
  self->host = g_strdup (parts[2]);
  return &self->parent_instance;
}
