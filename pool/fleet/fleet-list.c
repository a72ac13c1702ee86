/* Owns what a URI says of several endpoints: the list, and the weights in it. */
#include <string.h>

#include "endpoint-private.h"
#include "fleet-internal.h"
#include "picker-private.h"
#include "tally-error.h"

static void
clear_target (gpointer data)
{
  g_clear_pointer (&((TallyTarget *) data)->endpoint, tally_endpoint_unref);
}

/* Where the addresses of @uri begin, and how long they are; FALSE where it has a form in which a comma means nothing. */
static gboolean
find_addresses (const gchar *uri, const gchar **addresses, gsize *length)
{
  const gchar *colon = strchr (uri, ':');

  if (colon == NULL || !g_str_has_prefix (colon, "://"))
    return FALSE;
  *addresses = colon + strlen ("://");
  *length = strcspn (*addresses, "/?#");
  return memchr (*addresses, ',', *length) != NULL;
}

GArray *
tally_targets_new_empty (void)
{
  GArray *targets = g_array_new (FALSE, FALSE, sizeof (TallyTarget));

  g_array_set_clear_func (targets, clear_target);
  return targets;
}

static gboolean
add_target (GArray *targets, const gchar *uri, const TallyTlsOptions *tls, GError **error)
{
  TallyTarget target = { .endpoint = tally_endpoint_new_with_tls (uri, tls, error), .weight = 1 };

  if (target.endpoint == NULL)
    return FALSE;
  g_array_append_val (targets, target);
  return TRUE;
}

/* The endpoints of a list: the text before and behind the addresses goes for each. */
static gboolean
add_list (GArray *targets,
          const gchar *uri,
          const gchar *addresses,
          gsize length,
          const TallyTlsOptions *tls,
          GError **error)
{
  g_autofree gchar *list = g_strndup (addresses, length);
  g_auto (GStrv) parts = g_strsplit (list, ",", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree gchar *one =
          g_strdup_printf ("%.*s%s%s", (gint) (addresses - uri), uri, parts[i], addresses + length);

      if (*parts[i] == '\0')
        {
          g_autofree gchar *shown = tally_text_show (uri);

          g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
                       "URI \"%s\": endpoint %u of its list is empty", shown, i + 1);
          return FALSE;
        }
      if (!add_target (targets, one, tls, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
refuse_weights (const gchar *uri, const gchar *weights, guint n_targets, GError **error)
{
  g_autofree gchar *shown = tally_text_show (uri);

  g_set_error (
      error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
      "URI \"%s\": weights is \"%s\"; it must be numbers from 1 to %u, one for each of the "
      "%u endpoints, with commas between them",
      shown, weights, TALLY_PICKER_MAX_WEIGHT, n_targets);
  return FALSE;
}

static gboolean
apply_weights (GArray *targets, const gchar *uri, GError **error)
{
  const gchar *weights = g_array_index (targets, TallyTarget, 0).endpoint->weights;
  g_auto (GStrv) parts = weights != NULL ? g_strsplit (weights, ",", -1) : NULL;
  guint64 weight;

  if (weights == NULL)
    return TRUE;
  if (g_strv_length (parts) != targets->len)
    return refuse_weights (uri, weights, targets->len, error);
  for (guint i = 0; i < targets->len; i++)
    {
      if (!g_ascii_string_to_unsigned (parts[i], 10, 1, TALLY_PICKER_MAX_WEIGHT, &weight, NULL))
        return refuse_weights (uri, weights, targets->len, error);
      g_array_index (targets, TallyTarget, i).weight = (guint) weight;
    }
  return TRUE;
}

GArray *
tally_targets_new (const gchar *uri, const TallyTlsOptions *tls, GError **error)
{
  g_autoptr (GArray) targets = tally_targets_new_empty ();
  const gchar *addresses;
  gsize length;

  if (find_addresses (uri, &addresses, &length)
          ? !add_list (targets, uri, addresses, length, tls, error)
          : !add_target (targets, uri, tls, error))
    return NULL;
  return apply_weights (targets, uri, error) ? g_steal_pointer (&targets) : NULL;
}
