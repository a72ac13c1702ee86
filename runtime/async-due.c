/* Owns the order in which calls of one agent are due: a heap whose calls know their places, so that one
 * that is over leaves it without a search. Calls mostly come in the order of their deadlines, which costs
 * one comparison. */
#include "async-private.h"

static void
put (TallyAsyncDue *self, guint index, TallyAsyncCall *call)
{
  self->calls[index] = call;
  call->due_index = index;
}

static gboolean
is_earlier (const TallyAsyncCall *call, const TallyAsyncCall *other)
{
  return call->call.deadline < other->call.deadline;
}

/* @call belongs at @index or above. */
static void
sift_up (TallyAsyncDue *self, guint index, TallyAsyncCall *call)
{
  while (index > 0)
    {
      guint parent = (index - 1) / 2;

      if (!is_earlier (call, self->calls[parent]))
        break;
      put (self, index, self->calls[parent]);
      index = parent;
    }
  put (self, index, call);
}

/* @call belongs at @index or below. */
static void
sift_down (TallyAsyncDue *self, guint index, TallyAsyncCall *call)
{
  guint child;

  while ((child = 2 * index + 1) < self->length)
    {
      if (child + 1 < self->length && is_earlier (self->calls[child + 1], self->calls[child]))
        child++;
      if (!is_earlier (self->calls[child], call))
        break;
      put (self, index, self->calls[child]);
      index = child;
    }
  put (self, index, call);
}

void
tally_async_due_add (TallyAsyncDue *self, TallyAsyncCall *call)
{
  if (self->length == self->capacity)
    {
      self->capacity = self->capacity == 0 ? 16 : 2 * self->capacity;
      self->calls = g_renew (TallyAsyncCall *, self->calls, self->capacity);
    }
  sift_up (self, self->length++, call);
}

void
tally_async_due_remove (TallyAsyncDue *self, TallyAsyncCall *call)
{
  guint index = call->due_index;
  TallyAsyncCall *last;

  if (index == TALLY_NOT_DUE)
    return;
  call->due_index = TALLY_NOT_DUE;
  last = self->calls[--self->length];
  if (last == call)
    return;
  if (index > 0 && is_earlier (last, self->calls[(index - 1) / 2]))
    sift_up (self, index, last);
  else
    sift_down (self, index, last);
}

void
tally_async_due_clear (TallyAsyncDue *self)
{
  g_clear_pointer (&self->calls, g_free);
  self->length = self->capacity = 0;
}
