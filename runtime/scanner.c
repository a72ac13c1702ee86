/* Owns the memory of a search for a message's end. It knows no protocol. */
#include "scanner-private.h"

#define FIRST_LEVELS 8

TallyScanner *
tally_scanner_new (const TallyCodec *codec, const TallyLimits *limits)
{
  TallyScanner *self = g_new0 (TallyScanner, 1);

  self->codec = codec;
  self->limits = limits;
  self->n_levels = FIRST_LEVELS;
  self->levels = g_new (TallyScannerLevel, FIRST_LEVELS);
  return self;
}

void
tally_scanner_free (TallyScanner *self)
{
  g_free (self->levels);
  g_free (self);
}

void
tally_scanner_grow (TallyScanner *self)
{
  self->n_levels *= 2;
  self->levels = g_renew (TallyScannerLevel, self->levels, self->n_levels);
}
