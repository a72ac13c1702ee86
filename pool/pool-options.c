/* Owns the pool's options as GObject properties: one table says name, type, range, unit and place
 * of each. */
#include "options-internal.h"

#define MS G_TIME_SPAN_MILLISECOND
#define NO_LIMIT G_MAXINT

typedef enum
{
  OPTION_COUNT, /* guint */
  OPTION_LEVEL, /* gint, -1 = follows another option */
  OPTION_TIME,  /* guint milliseconds, kept as gint64 microseconds; a minimum of -1 makes it a gint
                 */
  OPTION_FLAG,  /* gboolean */
  OPTION_SHARE, /* gdouble from 0 to 1 */
  OPTION_ORDER,
  OPTION_CHECK
} OptionKind;

typedef struct
{
  const gchar *name;
  OptionKind kind;
  gsize offset;
  gint minimum;
} Option;

#define OPTION(name, kind, field, minimum)                                                         \
  {                                                                                                \
    name, kind, G_STRUCT_OFFSET (TallyPoolOptions, field), minimum                                 \
  }

static const Option option_table[] = {
  /**
   * TallyPool:max-open:
   *
   * Connections to one endpoint, in any state, those being dialed and closed too; 0 = no limit.
   * Default: 64.
   *
   * Since: 0.1
   */
  OPTION ("max-open", OPTION_COUNT, max_open, 0),
  /**
   * TallyPool:max-open-total:
   *
   * Connections to all endpoints, in any state: the one that has been idle for longest, wherever,
   * makes room; 0 = no limit.
   * Default: 0.
   *
   * Since: 0.1
   */
  OPTION ("max-open-total", OPTION_COUNT, max_open_total, 0),
  /**
   * TallyPool:max-open-total-grace:
   *
   * Milliseconds by which a caller may wait longer for #TallyPool:max-open-total than the callers
   * of another endpoint, before a connection that these return is closed for it.
   * Default: 50.
   *
   * Since: 0.2
   */
  OPTION ("max-open-total-grace", OPTION_TIME, total_grace, 0),
  /**
   * TallyPool:max-idle:
   *
   * Idle connections kept for one endpoint; -1 = as many as #TallyPool:max-open.
   * Default: -1.
   *
   * Since: 0.1
   */
  OPTION ("max-idle", OPTION_LEVEL, max_idle, -1),
  /**
   * TallyPool:max-idle-total:
   *
   * Idle connections kept for all endpoints, of which the oldest go first; 0 = no limit.
   * Default: 0.
   *
   * Since: 0.1
   */
  OPTION ("max-idle-total", OPTION_COUNT, max_idle_total, 0),
  /**
   * TallyPool:min-idle:
   *
   * Idle connections kept ready for one endpoint, from its first use on, filled in the background.
   * Default: 0.
   *
   * Since: 0.1
   */
  OPTION ("min-idle", OPTION_COUNT, min_idle, 0),
  /**
   * TallyPool:max-waiters:
   *
   * Callers that may queue for one endpoint, past which a borrow fails at once; 0 = no limit.
   * Default: 0.
   *
   * Since: 0.1
   */
  OPTION ("max-waiters", OPTION_COUNT, max_waiters, 0),
  /**
   * TallyPool:idle-timeout:
   *
   * Milliseconds after which an idle connection that #TallyPool:min-idle does not keep is closed;
   * 0 = never.
   * Default: 30,000.
   *
   * Since: 0.1
   */
  OPTION ("idle-timeout", OPTION_TIME, idle_timeout, 0),
  /**
   * TallyPool:max-lifetime:
   *
   * Milliseconds after which a connection is retired, at its next release or sweep; 0 = never.
   * Default: 0.
   *
   * Since: 0.1
   */
  OPTION ("max-lifetime", OPTION_TIME, max_lifetime, 0),
  /**
   * TallyPool:lifetime-jitter:
   *
   * Share of #TallyPool:max-lifetime, from 0 to 1, by which a connection's own is shortened at
   * most, at random.
   * Default: 0.1.
   *
   * Since: 0.1
   */
  OPTION ("lifetime-jitter", OPTION_SHARE, lifetime_jitter, 0),
  /**
   * TallyPool:wait-timeout:
   *
   * Milliseconds for which a borrow may queue; -1 = until the call's deadline, or 5 s where it has
   * none; 0 = it fails at once unless it may dial.
   * Default: -1.
   *
   * Since: 0.1
   */
  OPTION ("wait-timeout", OPTION_TIME, wait_timeout, -1),
  /**
   * TallyPool:drain-timeout:
   *
   * Milliseconds for which tally_pool_close() waits for busy connections; 0 = it does not.
   * Default: 5,000.
   *
   * Since: 0.1
   */
  OPTION ("drain-timeout", OPTION_TIME, drain_timeout, 0),
  /**
   * TallyPool:connect-timeout:
   *
   * Milliseconds for one dial.
   * Default: 3,000.
   *
   * Since: 0.1
   */
  OPTION ("connect-timeout", OPTION_TIME, connect_timeout, 1),
  /**
   * TallyPool:max-dials:
   *
   * Dials under way to one endpoint.
   * Default: 4.
   *
   * Since: 0.1
   */
  OPTION ("max-dials", OPTION_COUNT, max_dials, 1),
  /**
   * TallyPool:backoff-base:
   *
   * Milliseconds of pause after a first failed dial, doubling, jittered; 0 = no pause.
   * Default: 100.
   *
   * Since: 0.1
   */
  OPTION ("backoff-base", OPTION_TIME, backoff_base, 0),
  /**
   * TallyPool:backoff-max:
   *
   * Milliseconds beyond which the pause after failed dials does not grow.
   * Default: 10,000.
   *
   * Since: 0.1
   */
  OPTION ("backoff-max", OPTION_TIME, backoff_max, 0),
  /**
   * TallyPool:order:
   *
   * Which idle connection is handed out: with lifo the one that this thread keeps to, as it borrows time and again, else
   * the one that came back last; with fifo the one that is idle for longest.
   * Default: lifo.
   *
   * Since: 0.1
   */
  OPTION ("order", OPTION_ORDER, order, 0),
  /**
   * TallyPool:check:
   *
   * When an idle connection is examined before it is handed out.
   * Default: always.
   *
   * Since: 0.1
   */
  OPTION ("check", OPTION_CHECK, check, 0),
  /**
   * TallyPool:check-after:
   *
   * Milliseconds of idleness after which a connection is examined where #TallyPool:check is auto.
   * Default: 1,000.
   *
   * Since: 0.1
   */
  OPTION ("check-after", OPTION_TIME, check_after, 0),
  /**
   * TallyPool:streams-per-connection:
   *
   * Leases that one connection may carry at once; more than 1 = it is shared. 1 means 1,024 for
   * endpoints with `mode=shared`.
   * Default: 1.
   *
   * Since: 0.1
   */
  OPTION ("streams-per-connection", OPTION_COUNT, streams, 1),
  /**
   * TallyPool:leak-threshold:
   *
   * Milliseconds after which a lease that is still out is warned of, once; 0 = never.
   * Default: 0.
   *
   * Since: 0.1
   */
  OPTION ("leak-threshold", OPTION_TIME, leak_threshold, 0),
  /**
   * TallyPool:keepalive-interval:
   *
   * Milliseconds after which an idle connection is examined in the background; 0 = never.
   * Default: 0.
   *
   * Since: 0.1
   */
  OPTION ("keepalive-interval", OPTION_TIME, keepalive, 0),
  /**
   * TallyPool:tcp-keepalive:
   *
   * Milliseconds without traffic after which TCP asks whether the peer is there; 0 = never.
   * Default: 30,000.
   *
   * Since: 0.2
   */
  OPTION ("tcp-keepalive", OPTION_TIME, tcp_keepalive, 0),
  /**
   * TallyPool:tcp-user-timeout:
   *
   * Milliseconds for which sent data or TCP's questions may stay unanswered; 0 = as long as the
   * system says.
   * Default: 30,000.
   *
   * Since: 0.2
   */
  OPTION ("tcp-user-timeout", OPTION_TIME, tcp_user_timeout, 0),
  /**
   * TallyPool:wait-for-ready:
   *
   * Whether a borrow waits while dialing fails, until its deadline, instead of failing at once. A call of a
   * channel over several endpoints waits only where dialing fails at all of them.
   * Default: FALSE.
   *
   * Since: 0.2
   */
  OPTION ("wait-for-ready", OPTION_FLAG, wait_for_ready, 0),
};

static gint64
get_default (const Option *option)
{
  gconstpointer place = G_STRUCT_MEMBER_P (&tally_pool_options_default, option->offset);

  switch (option->kind)
    {
    case OPTION_COUNT:
      return *(const guint *) place;
    case OPTION_TIME:
      return *(const gint64 *) place < 0 ? -1 : *(const gint64 *) place / MS;
    default:
      return *(const gint *) place;
    }
}

static GParamSpec *
make_pspec (const Option *option)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  switch (option->kind)
    {
    case OPTION_FLAG:
      return g_param_spec_boolean (option->name, NULL, NULL, get_default (option) != 0, flags);
    case OPTION_SHARE:
      return g_param_spec_double (option->name, NULL, NULL, 0, 1,
                                  tally_pool_options_default.lifetime_jitter, flags);
    case OPTION_ORDER:
      return g_param_spec_enum (option->name, NULL, NULL, TALLY_TYPE_POOL_ORDER,
                                tally_pool_options_default.order, flags);
    case OPTION_CHECK:
      return g_param_spec_enum (option->name, NULL, NULL, TALLY_TYPE_POOL_CHECK,
                                tally_pool_options_default.check, flags);
    default:
      if (option->minimum < 0)
        return g_param_spec_int (option->name, NULL, NULL, option->minimum, NO_LIMIT,
                                 (gint) get_default (option), flags);
      return g_param_spec_uint (option->name, NULL, NULL, (guint) option->minimum, NO_LIMIT,
                                (guint) get_default (option), flags);
    }
}

void
tally_pool_install_options (GObjectClass *class)
{
  for (guint i = 0; i < G_N_ELEMENTS (option_table); i++)
    g_object_class_install_property (class, i + 1, make_pspec (&option_table[i]));
}

static gint64
get_integer (const GValue *value)
{
  return G_VALUE_HOLDS_INT (value) ? g_value_get_int (value) : (gint64) g_value_get_uint (value);
}

/* Sets the option that @property_id names. */
void
tally_pool_options_set (TallyPoolOptions *self, guint property_id, const GValue *value)
{
  const Option *option = &option_table[property_id - 1];
  gpointer place = G_STRUCT_MEMBER_P (self, option->offset);

  switch (option->kind)
    {
    case OPTION_COUNT:
      *(guint *) place = g_value_get_uint (value);
      break;
    case OPTION_LEVEL:
      *(gint *) place = g_value_get_int (value);
      break;
    case OPTION_TIME:
      *(gint64 *) place = get_integer (value) < 0 ? -1 : get_integer (value) * MS;
      break;
    case OPTION_FLAG:
      *(gboolean *) place = g_value_get_boolean (value);
      break;
    case OPTION_SHARE:
      *(gdouble *) place = g_value_get_double (value);
      break;
    case OPTION_ORDER:
    case OPTION_CHECK:
      *(gint *) place = g_value_get_enum (value);
      break;
    }
}

void
tally_pool_options_get (const TallyPoolOptions *self, guint property_id, GValue *value)
{
  const Option *option = &option_table[property_id - 1];
  gconstpointer place = G_STRUCT_MEMBER_P (self, option->offset);

  switch (option->kind)
    {
    case OPTION_COUNT:
      g_value_set_uint (value, *(const guint *) place);
      break;
    case OPTION_LEVEL:
      g_value_set_int (value, *(const gint *) place);
      break;
    case OPTION_TIME:
      if (G_VALUE_HOLDS_INT (value))
        g_value_set_int (value,
                         *(const gint64 *) place < 0 ? -1 : (gint) (*(const gint64 *) place / MS));
      else
        g_value_set_uint (value, (guint) (*(const gint64 *) place / MS));
      break;
    case OPTION_FLAG:
      g_value_set_boolean (value, *(const gboolean *) place);
      break;
    case OPTION_SHARE:
      g_value_set_double (value, *(const gdouble *) place);
      break;
    case OPTION_ORDER:
    case OPTION_CHECK:
      g_value_set_enum (value, *(const gint *) place);
      break;
    }
}
