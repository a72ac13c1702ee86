/* Memory that is kept for large buffers. */
#ifndef TALLY_BUFFER_STOCK_PRIVATE_H
#define TALLY_BUFFER_STOCK_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

/* Memory of @size bytes, as g_malloc () gives, or NULL: none is kept. Any thread. */
gpointer tally_stock_take (gsize size);
/* Keeps @memory of @size bytes; FALSE: it stays the caller's. Any thread. */
gboolean tally_stock_put (gpointer memory, gsize size);

G_END_DECLS

#endif /* TALLY_BUFFER_STOCK_PRIVATE_H */
