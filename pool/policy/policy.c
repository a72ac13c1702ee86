/* Owns the beginning and the end of a policy, and what follows from its options. See the header for what it
 * must not know. */
#include "policy-parts-private.h"

const TallyPoolOptions tally_pool_options_default = {
  .max_open = 64,
  .total_grace = 50 * G_TIME_SPAN_MILLISECOND,
  .max_idle = -1,
  .idle_timeout = 30 * G_TIME_SPAN_SECOND,
  .lifetime_jitter = 0.1,
  .wait_timeout = -1,
  .drain_timeout = 5 * G_TIME_SPAN_SECOND,
  .connect_timeout = 3 * G_TIME_SPAN_SECOND,
  .max_dials = 4,
  .backoff_base = 100 * G_TIME_SPAN_MILLISECOND,
  .backoff_max = 10 * G_TIME_SPAN_SECOND,
  .check_after = G_TIME_SPAN_SECOND,
  .streams = 1,
  .tcp_keepalive = 30 * G_TIME_SPAN_SECOND,
  .tcp_user_timeout = 30 * G_TIME_SPAN_SECOND,
};

/* What `streams-per-connection` at 1 means where shared connections are asked for. */
#define SHARED_STREAMS 1024

/* What follows from the options and from what the owner has supplied. */
void
tally_policy_note_options (TallyPolicy *self)
{
  TallyPoolOptions *options = &self->options;

  if (self->is_shared && options->streams <= 1)
    options->streams = SHARED_STREAMS;
  self->is_plain = options->max_lifetime == 0 && options->keepalive == 0
                   && options->leak_threshold == 0 && options->max_idle_total == 0;
  self->idle_limit = options->max_idle < 0 ? G_MAXUINT : (guint) options->max_idle;
  self->open_limit = options->max_open == 0 ? G_MAXUINT : options->max_open;
  self->idle_age_limit = options->idle_timeout > 0 ? options->idle_timeout : G_MAXINT64;
  self->put_limit = self->idle_limit;
  if (options->min_idle > 0
      && options->idle_timeout > 0) /* one more, and the oldest may have to go */
    self->put_limit = MIN (self->put_limit, options->min_idle);
}

void
tally_policy_init (TallyPolicy *self, const TallyPoolOptions *options, guint64 seed)
{
  *self = (TallyPolicy){
    .options = *options,
    .quick = TRUE,
    .random = seed != 0 ? seed : 1,
  };
  tally_policy_note_options (self);
}

void
tally_policy_clear_memory (TallyPolicy *self)
{
  TallyConn *conn;
  TallyFurtherHold *hold;

  while ((conn = self->conns) != NULL)
    {
      self->conns = conn->older;
      g_aligned_free (conn);
    }
  while ((hold = self->holds) != NULL)
    {
      self->holds = hold->older;
      g_free (hold);
    }
  g_clear_error (&self->last_error);
}

/* xorshift64*: jitter needs no better. From 0 to below 1. */
gdouble
tally_policy_random (TallyPolicy *self)
{
  self->random ^= self->random >> 12;
  self->random ^= self->random << 25;
  self->random ^= self->random >> 27;
  return (gdouble) ((self->random * G_GUINT64_CONSTANT (2685821657736338717)) >> 11)
         / (gdouble) (1ULL << 53);
}
