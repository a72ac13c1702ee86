/* Owns whose request is next where several clients wait: each has its turn, and none more than its share of those that run
 * while another one is below its own. It knows no request and no thread; its owner calls it. */
#include "admission-private.h"

/* Of what may run this part is kept from any one client while there are others: else one with slow requests has it all when
 * theirs come. */
#define KEPT 4

void
tally_turns_client_init (TallyTurnsClient *client)
{
  client->link.data = client;
}

void
tally_turns_clear (TallyTurns *self)
{
  g_clear_pointer (&self->known, g_hash_table_unref);
}

TallyTurnsClient *
tally_turns_join (TallyTurns *self, guint64 key)
{
  TallyTurnsClient *client;

  if (self->known == NULL)
    self->known = g_hash_table_new (g_int64_hash, g_int64_equal);
  client = g_hash_table_lookup (self->known, &key);
  if (client == NULL)
    {
      client = g_new0 (TallyTurnsClient, 1);
      tally_turns_client_init (client);
      client->key = key;
      g_hash_table_add (self->known, &client->key);
      __atomic_store_n (&self->n_known, self->n_known + 1, __ATOMIC_RELAXED);
    }
  client->n_users++;
  return client;
}

void
tally_turns_leave (TallyTurns *self, TallyTurnsClient *client)
{
  if (client->key == 0 || --client->n_users > 0)
    return;
  g_hash_table_remove (self->known, &client->key);
  __atomic_store_n (&self->n_known, self->n_known - 1, __ATOMIC_RELAXED);
  g_free (client);
}

gboolean
tally_turns_may_wait (const TallyTurns *self, const TallyTurnsClient *client, guint max)
{
  return self->n_waiting < max && (client->key == 0 || client->n_waiting < max - self->n_waiting);
}

gboolean
tally_turns_may_run (const TallyTurns *self, const TallyTurnsClient *client, guint limit)
{
  guint kept = MAX (limit / KEPT, 1);

  return client->key == 0 || __atomic_load_n (&self->n_known, __ATOMIC_RELAXED) <= 1
         || __atomic_load_n (&client->n_running, __ATOMIC_RELAXED)
                < (limit > kept ? limit - kept : 1);
}

void
tally_turns_count (TallyTurns *self, TallyTurnsClient *client, gint change)
{
  client->n_waiting += change;
  __atomic_store_n (&self->n_waiting, self->n_waiting + change, __ATOMIC_SEQ_CST);
}

void
tally_turns_enter (TallyTurns *self, TallyTurnsClient *client, GList *place)
{
  if (g_queue_is_empty (&client->places))
    g_queue_push_tail_link (&self->clients, &client->link);
  g_queue_push_tail_link (&client->places, place);
}

void
tally_turns_remove (TallyTurns *self, TallyTurnsClient *client, GList *place)
{
  g_queue_unlink (&client->places, place);
  if (g_queue_is_empty (&client->places))
    g_queue_unlink (&self->clients, &client->link);
}

/* (nullable) */
static GList *
find_place (const TallyTurnsClient *client, TallyTurnsFilter filter, gpointer user_data)
{
  for (GList *place = client->places.head; place != NULL; place = place->next)
    if (filter (place->data, user_data))
      return place;
  return NULL;
}

GList *
tally_turns_find (TallyTurns *self, guint limit, TallyTurnsFilter filter, gpointer user_data)
{
  guint share = limit / MAX (self->clients.length, 1);
  GList *found = NULL;

  for (GList *at = self->clients.head; at != NULL; at = at->next)
    {
      const TallyTurnsClient *client = at->data;
      gboolean has_share = __atomic_load_n (&client->n_running, __ATOMIC_RELAXED) >= MAX (share, 1);
      GList *place = NULL;

      if ((!has_share || found == NULL) && tally_turns_may_run (self, client, limit))
        place = find_place (client, filter, user_data);
      if (place != NULL && !has_share)
        return place;
      if (found == NULL)
        found = place;
    }
  return found;
}

void
tally_turns_pass (TallyTurns *self, TallyTurnsClient *client)
{
  if (client->link.next == NULL || g_queue_is_empty (&client->places))
    return;
  g_queue_unlink (&self->clients, &client->link);
  g_queue_push_tail_link (&self->clients, &client->link);
}
