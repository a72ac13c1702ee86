/* Owns how a pool's properties are given in words, by the pool's own table of them. */
#include <string.h>

#include "cli-fill.h"
#include "cli-simulate.h"
#include "options-internal.h"

#define CLI_TYPE_POOL_SETTINGS (cli_pool_settings_get_type ())
G_DECLARE_FINAL_TYPE (CliPoolSettings, cli_pool_settings, CLI, POOL_SETTINGS, GObject)

/* An object with a pool's properties, and no pool. */
struct _CliPoolSettings
{
  GObject parent_instance;
  TallyPoolOptions options;
};

G_DEFINE_FINAL_TYPE (CliPoolSettings, cli_pool_settings, G_TYPE_OBJECT)

static void
cli_pool_settings_set_property (GObject *object,
                                guint property_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  tally_pool_options_set (&CLI_POOL_SETTINGS (object)->options, property_id, value);
}

static void
cli_pool_settings_get_property (GObject *object,
                                guint property_id,
                                GValue *value,
                                GParamSpec *pspec)
{
  tally_pool_options_get (&CLI_POOL_SETTINGS (object)->options, property_id, value);
}

static void
cli_pool_settings_class_init (CliPoolSettingsClass *class)
{
  G_OBJECT_CLASS (class)->set_property = cli_pool_settings_set_property;
  G_OBJECT_CLASS (class)->get_property = cli_pool_settings_get_property;
  tally_pool_install_options (G_OBJECT_CLASS (class));
}

static void
cli_pool_settings_init (CliPoolSettings *self)
{
}

/* ---- values ---- */

static gboolean
parse_flag (const gchar *text, GValue *value)
{
  const gboolean is_on = g_str_equal (text, "yes") || g_str_equal (text, "true");

  g_value_set_boolean (value, is_on);
  return is_on || g_str_equal (text, "no") || g_str_equal (text, "false");
}

static gboolean
parse_name (GParamSpec *pspec, const gchar *text, GValue *value)
{
  const GEnumValue *found = g_enum_get_value_by_nick (G_PARAM_SPEC_ENUM (pspec)->enum_class, text);

  if (found != NULL)
    g_value_set_enum (value, found->value);
  return found != NULL;
}

static gboolean
parse_share (const gchar *text, GValue *value)
{
  gchar *end;
  const gdouble share = g_ascii_strtod (text, &end);

  g_value_set_double (value, share);
  return end > text && *end == '\0' && share >= 0 && share <= 1;
}

static gboolean
parse_whole (GParamSpec *pspec, const gchar *text, GValue *value)
{
  gint64 least, number;

  if (G_IS_PARAM_SPEC_INT (pspec))
    least = G_PARAM_SPEC_INT (pspec)->minimum;
  else
    least = G_PARAM_SPEC_UINT (pspec)->minimum;
  if (!g_ascii_string_to_signed (text, 10, least, G_MAXINT, &number, NULL))
    return FALSE;
  if (G_IS_PARAM_SPEC_INT (pspec))
    g_value_set_int (value, (gint) number);
  else
    g_value_set_uint (value, (guint) number);
  return TRUE;
}

/* (transfer full): "lifo or fifo" */
static gchar *
describe_values (GParamSpec *pspec)
{
  g_autoptr (GString) names = g_string_new (NULL);
  const GEnumClass *class;

  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    return g_strdup ("yes or no");
  if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    return g_strdup ("a number from 0 to 1");
  if (G_IS_PARAM_SPEC_INT (pspec))
    return g_strdup_printf ("a whole number from %d", G_PARAM_SPEC_INT (pspec)->minimum);
  if (G_IS_PARAM_SPEC_UINT (pspec))
    return g_strdup_printf ("a whole number from %u", G_PARAM_SPEC_UINT (pspec)->minimum);
  class = G_PARAM_SPEC_ENUM (pspec)->enum_class;
  for (guint i = 0; i < class->n_values; i++)
    g_string_append_printf (names, "%s%s", i == 0 ? "" : " or ", class->values[i].value_nick);
  return g_strdup (names->str);
}

static gboolean
parse_value (GParamSpec *pspec, const gchar *text, GValue *value, GError **error)
{
  g_autofree gchar *values = NULL;
  gboolean is_right;

  g_value_init (value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    is_right = parse_flag (text, value);
  else if (G_IS_PARAM_SPEC_ENUM (pspec))
    is_right = parse_name (pspec, text, value);
  else if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    is_right = parse_share (text, value);
  else
    is_right = parse_whole (pspec, text, value);
  if (is_right)
    return TRUE;
  values = describe_values (pspec);
  g_set_error (error, CLI_INPUT_ERROR, 0, "--pool: %s is %s, not \"%s\"",
               g_param_spec_get_name (pspec), values, text);
  return FALSE;
}

/* ---- names ---- */

static gboolean
refuse_name (GObjectClass *class, const gchar *name, GError **error)
{
  guint n_properties;
  g_autofree GParamSpec **properties = g_object_class_list_properties (class, &n_properties);
  g_autofree const gchar **names = g_new (const gchar *, n_properties);
  g_autofree gchar *suggestion = NULL;

  for (guint i = 0; i < n_properties; i++)
    names[i] = g_param_spec_get_name (properties[i]);
  suggestion = cli_suggest (name, names, n_properties);
  g_set_error (error, CLI_INPUT_ERROR, 0, "--pool: a pool has no property \"%s\"%s", name,
               suggestion);
  return FALSE;
}

/* One endpoint is simulated, with each of the sizes that are asked for. */
static gboolean
is_of_other_pools (const gchar *name, GError **error)
{
  if (g_str_equal (name, "max-open"))
    g_set_error (error, CLI_INPUT_ERROR, 0, "--pool: --max-open says which max-open to simulate");
  else if (strstr (name, "-total") != NULL)
    g_set_error (error, CLI_INPUT_ERROR, 0,
                 "--pool: %s is for several endpoints, and one is simulated", name);
  else
    return FALSE;
  return TRUE;
}

gboolean
cli_pool_settings_set (TallyPoolOptions *options, const gchar *word, GError **error)
{
  g_autoptr (CliPoolSettings) settings = g_object_new (CLI_TYPE_POOL_SETTINGS, NULL);
  GObjectClass *class = G_OBJECT_GET_CLASS (settings);
  const gchar *sign = strchr (word, '=');
  g_autofree gchar *name = NULL;
  g_auto (GValue) value = G_VALUE_INIT;
  GParamSpec *pspec;

  if (sign == NULL)
    {
      g_set_error (error, CLI_INPUT_ERROR, 0, "--pool takes NAME=VALUE, as min-idle=2, not \"%s\"",
                   word);
      return FALSE;
    }
  name = g_strndup (word, (gsize) (sign - word));
  pspec = g_object_class_find_property (class, name);
  if (pspec == NULL)
    return refuse_name (class, name, error);
  if (is_of_other_pools (name, error) || !parse_value (pspec, sign + 1, &value, error))
    return FALSE;
  settings->options = *options;
  g_object_set_property (G_OBJECT (settings), name, &value);
  *options = settings->options;
  return TRUE;
}
