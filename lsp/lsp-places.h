/* Places as the protocol counts them: lines from 0, and in a line the units of an encoding. */
#ifndef LSP_PLACES_H
#define LSP_PLACES_H

#include "json.h"
#include "overlay.h"
#include "source.h"

G_BEGIN_DECLS

typedef enum
{
  LSP_UTF16, /* what a client means that does not say */
  LSP_UTF8
} LspEncoding;

typedef struct
{
  guint line;
  guint character;
} LspPosition;

/* The offset in @text of @position; beyond a line's end it is that end. */
gsize lsp_position_get_offset (LspPosition position,
                               const gchar *text,
                               gsize length,
                               LspEncoding encoding);

/* Counts in sources, and keeps what it has counted. A byte order mark counts only in a text of @overlay, which the
 * client has sent: of a file the client shows none. */
typedef struct _LspPlaces LspPlaces;

LspPlaces *lsp_places_new (LspEncoding encoding, const IdlOverlay *overlay);
void lsp_places_free (LspPlaces *places);
LspPosition lsp_places_get_position (LspPlaces *places, const IdlSource *source, guint32 offset);
/* {"start": …, "end": …} */
void lsp_places_write_range (LspPlaces *places,
                             IdlJson *json,
                             const gchar *key,
                             const IdlLocation *location);

/* (nullable) (transfer full): the file that @uri names. */
gchar *lsp_uri_to_path (const gchar *uri);
/* (transfer full) */
gchar *lsp_uri_from_path (const gchar *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LspPlaces, lsp_places_free)

G_END_DECLS

#endif /* LSP_PLACES_H */
