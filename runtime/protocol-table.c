/* Owns the table of protocols, by id: a row's codec says all that is particular to it. Nothing else
 * asks which protocol it has to do with. */
#include "codec-private.h"
#include "protocols-internal.h"

#define CODEC_ROW(id, name, codec) [id] = &codec,

static const TallyCodec *codecs[TALLY_MAX_PROTOCOLS] = { TALLY_PROTOCOLS (CODEC_ROW) };
static guint n_codecs = 0 TALLY_PROTOCOLS (TALLY_COUNT_ROW);

const TallyCodec *
tally_codec_get (TallyProtocolId id)
{
  return (guint) id < n_codecs ? codecs[id] : NULL;
}

const gchar *
tally_codec_get_name (const TallyCodec *codec)
{
  TallyProtocolId id = 0;

  while (codecs[id] != codec)
    id++;
  return tally_protocol_get_name (id);
}

const TallyCodec *const *
tally_codec_get_all (guint *n_all)
{
  *n_all = n_codecs;
  return codecs;
}

TallyProtocolId
tally_protocol_add (const gchar *name, const TallyCodec *codec)
{
  TallyProtocolId id = tally_protocol_add_name (name);

  g_assert ((guint) id == n_codecs);
  codecs[n_codecs++] = codec;
  return id;
}
