/* Owns the order in which calls of one agent are due. Calls with equal time-outs come in the order of their deadlines, and
 * stand in a line; one that is due before the last of the line is in a heap. Both leave without a search. */
#include "async-private.h"

/* ---- the heap ---- */

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

static void
add_to_heap (TallyAsyncDue *self, TallyAsyncCall *call)
{
  if (self->length == self->capacity)
    {
      self->capacity = self->capacity == 0 ? 16 : 2 * self->capacity;
      self->calls = g_renew (TallyAsyncCall *, self->calls, self->capacity);
    }
  sift_up (self, self->length++, call);
}

static void
remove_from_heap (TallyAsyncDue *self, guint index, TallyAsyncCall *call)
{
  TallyAsyncCall *last = self->calls[--self->length];

  if (last == call)
    return;
  if (index > 0 && is_earlier (last, self->calls[(index - 1) / 2]))
    sift_up (self, index, last);
  else
    sift_down (self, index, last);
}

/* ---- the line ---- */

static void
add_to_line (TallyAsyncDue *self, TallyAsyncCall *call)
{
  call->due_index = TALLY_DUE_IN_LINE;
  call->due_next = NULL;
  call->due_previous = self->last;
  if (self->last != NULL)
    self->last->due_next = call;
  else
    self->first = call;
  self->last = call;
}

static void
remove_from_line (TallyAsyncDue *self, TallyAsyncCall *call)
{
  if (call->due_previous != NULL)
    call->due_previous->due_next = call->due_next;
  else
    self->first = call->due_next;
  if (call->due_next != NULL)
    call->due_next->due_previous = call->due_previous;
  else
    self->last = call->due_previous;
}

/* ---- both ---- */

void
tally_async_due_add (TallyAsyncDue *self, TallyAsyncCall *call)
{
  if (G_LIKELY (self->last == NULL || !is_earlier (call, self->last)))
    add_to_line (self, call);
  else
    add_to_heap (self, call);
}

void
tally_async_due_remove (TallyAsyncDue *self, TallyAsyncCall *call)
{
  guint index = call->due_index;

  if (index == TALLY_NOT_DUE)
    return;
  call->due_index = TALLY_NOT_DUE;
  if (G_LIKELY (index == TALLY_DUE_IN_LINE))
    remove_from_line (self, call);
  else
    remove_from_heap (self, index, call);
}

TallyAsyncCall *
tally_async_due_first (const TallyAsyncDue *self)
{
  if (G_LIKELY (self->length == 0)
      || (self->first != NULL && !is_earlier (self->calls[0], self->first)))
    return self->first;
  return self->calls[0];
}

void
tally_async_due_clear (TallyAsyncDue *self)
{
  g_clear_pointer (&self->calls, g_free);
  self->length = self->capacity = 0;
}
