/* Owns what URIs call the protocols and the framings. It knows none of their bytes. */
#include "protocols-internal.h"

static const gchar *protocol_names[TALLY_MAX_PROTOCOLS] = { TALLY_PROTOCOLS (TALLY_NAME_ROW) };
static guint n_protocols = 0 TALLY_PROTOCOLS (TALLY_COUNT_ROW);

static const gchar *const framing_names[] = { TALLY_FRAMINGS (TALLY_NAME_ROW) };

const gchar *
tally_protocol_get_name (TallyProtocolId id)
{
  g_assert (id == TALLY_PROTOCOL_AUTO || (guint) id < n_protocols);
  if (id == TALLY_PROTOCOL_AUTO)
    return TALLY_PROTOCOL_AUTO_NAME;
  return protocol_names[id];
}

const gchar *const *
tally_protocol_get_names (guint *n_names)
{
  *n_names = n_protocols;
  return protocol_names;
}

const gchar *
tally_framing_get_name (TallyFraming framing)
{
  g_assert ((guint) framing < G_N_ELEMENTS (framing_names));
  return framing_names[framing];
}

const gchar *const *
tally_framing_get_names (guint *n_names)
{
  *n_names = G_N_ELEMENTS (framing_names);
  return framing_names;
}

TallyProtocolId
tally_protocol_add_name (const gchar *name)
{
  g_assert (n_protocols < TALLY_MAX_PROTOCOLS);
  protocol_names[n_protocols] = name;
  return (TallyProtocolId) n_protocols++;
}
