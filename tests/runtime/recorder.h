/* An interceptor that writes down what it is told, and refuses or acts when the test says so. Knows no test. */
#ifndef TESTS_RUNTIME_RECORDER_H
#define TESTS_RUNTIME_RECORDER_H

#include "tally-interceptor.h"
#include "tally-server.h"

G_BEGIN_DECLS

typedef struct _Recorder Recorder;

struct _Recorder
{
  GObject parent;

  const gchar *name;
  GString *notes;       /* nullable: "+name" before, "-name" after */
  GQuark refuse_domain; /* 0: it refuses nothing */
  gint refuse_code;
  void (*act) (Recorder *self, TallyCallInfo *info); /* nullable: before */
  gpointer user_data;

  GMutex lock;
  GCond changed;
  guint n_before; /* lock; so are the next ones */
  guint n_after;
  TallyCallInfo *last; /* the one that ended last */
};

GType recorder_get_type (void);
/* (transfer full) */
Recorder *recorder_new (const gchar *name, GString *notes);
/* One without notes that @server tells. (transfer full) */
Recorder *recorder_new_at_server (TallyServer *server, const gchar *name);
/* The call that ended last, of which there have been @count; waits for it. (transfer none) */
TallyCallInfo *recorder_wait (Recorder *self, guint count);
/* Every `before` had its `after`, and there were @count. */
void recorder_check (Recorder *self, guint count);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Recorder, g_object_unref)

G_END_DECLS

#endif /* TESTS_RUNTIME_RECORDER_H */
