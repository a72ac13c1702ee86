/* Owns the breaking of lines: groups that fit stay on one line, the others are broken outermost
 * first (after Oppen's "Prettyprinting", 1980, without its streaming). It knows nothing of IDL. */
#include "layout.h"

#include <string.h>

#define INDENTATION 2

typedef enum
{
  OP_TEXT,
  OP_SPACE,
  OP_LINE,
  OP_RAW_LINE,
  OP_SOFT,
  OP_BEGIN,
  OP_END,
  OP_INDENT
} OpKind;

typedef struct
{
  OpKind kind;
  gint value;         /* LINE: an empty one first; SOFT: a space; INDENT: by how much */
  const gchar *text;  /* TEXT */
  guint32 length;     /* TEXT */
  guint32 end;        /* BEGIN: the END's index */
  guint32 next_hard;  /* the next hard line from here on */
  guint32 next_break; /* the next hard or soft line from here on */
  gsize before;       /* columns of all before, if on one line */
} Op;

struct _IdlLayout
{
  GArray *ops;
};

IdlLayout *
idl_layout_new (void)
{
  IdlLayout *layout = g_new0 (IdlLayout, 1);

  layout->ops = g_array_new (FALSE, FALSE, sizeof (Op));
  return layout;
}

void
idl_layout_free (IdlLayout *layout)
{
  if (layout == NULL)
    return;
  g_array_unref (layout->ops);
  g_free (layout);
}

static void
add (IdlLayout *layout, OpKind kind, gint value)
{
  Op op = { .kind = kind, .value = value };

  g_array_append_val (layout->ops, op);
}

void
idl_layout_text (IdlLayout *layout, const gchar *text, gsize length)
{
  Op op = { .kind = OP_TEXT, .text = text, .length = (guint32) length };

  g_array_append_val (layout->ops, op);
}

void
idl_layout_space (IdlLayout *layout)
{
  add (layout, OP_SPACE, 0);
}

void
idl_layout_line (IdlLayout *layout, gboolean blank)
{
  add (layout, OP_LINE, blank);
}

void
idl_layout_raw_line (IdlLayout *layout)
{
  add (layout, OP_RAW_LINE, 0);
}

void
idl_layout_soft (IdlLayout *layout, gboolean space)
{
  add (layout, OP_SOFT, space);
}

void
idl_layout_begin (IdlLayout *layout)
{
  add (layout, OP_BEGIN, 0);
}

void
idl_layout_end (IdlLayout *layout)
{
  add (layout, OP_END, 0);
}

void
idl_layout_indent (IdlLayout *layout, gint by)
{
  add (layout, OP_INDENT, by);
}

gboolean
idl_layout_is_empty (const IdlLayout *layout)
{
  return layout->ops->len == 0;
}

static guint
flat_width (const Op *op)
{
  return op->kind == OP_TEXT ? op->length
                             : op->kind == OP_SPACE || (op->kind == OP_SOFT && op->value != 0);
}

/* Finds each group's end, and for every operation where the next lines are. */
static void
measure (IdlLayout *layout)
{
  Op *ops = (Op *) (gpointer) layout->ops->data;
  g_autoptr (GArray) open = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint32 next_hard = layout->ops->len, next_break = layout->ops->len;
  gsize width = 0;

  for (guint32 i = 0; i < layout->ops->len; i++)
    {
      ops[i].before = width;
      width += flat_width (&ops[i]);
      if (ops[i].kind == OP_BEGIN)
        g_array_append_val (open, i);
      else if (ops[i].kind == OP_END)
        {
          ops[g_array_index (open, guint32, open->len - 1)].end = i;
          g_array_set_size (open, open->len - 1);
        }
    }
  for (guint32 i = layout->ops->len; i > 0; i--)
    {
      Op *op = &ops[i - 1];

      if (op->kind == OP_LINE || op->kind == OP_RAW_LINE)
        next_hard = i - 1;
      if (op->kind == OP_LINE || op->kind == OP_RAW_LINE || op->kind == OP_SOFT)
        next_break = i - 1;
      op->next_hard = next_hard;
      op->next_break = next_break;
    }
}

typedef struct
{
  GString *text;
  gint indent;
  gsize line_start;
  GArray *broken; /* of gboolean, for each open group */
} Render;

static void
start_line (Render *render, gboolean blank, gboolean indented)
{
  while (render->text->len > 0 && render->text->str[render->text->len - 1] == ' ')
    g_string_truncate (render->text, render->text->len - 1);
  g_string_append (render->text, blank ? "\n\n" : "\n");
  render->line_start = render->text->len;
  for (gint i = 0; indented && i < render->indent * INDENTATION; i++)
    g_string_append_c (render->text, ' ');
}

/* Whether the group that begins with @op, and what follows it up to the next break, fits here. */
static gboolean
fits (const Render *render, const IdlLayout *layout, const Op *op, guint width)
{
  const Op *end = &g_array_index (layout->ops, Op, op->end);
  gsize used = render->text->len - render->line_start;
  gsize until = end->next_break < layout->ops->len
                    ? g_array_index (layout->ops, Op, end->next_break).before
                    : end->before;

  return op->next_hard > op->end && used + (until - op->before) <= width;
}

static void
render_op (Render *render, const IdlLayout *layout, const Op *op, guint width)
{
  gboolean broken;

  switch (op->kind)
    {
    case OP_TEXT:
      g_string_append_len (render->text, op->text, op->length);
      break;
    case OP_SPACE:
      g_string_append_c (render->text, ' ');
      break;
    case OP_LINE:
      start_line (render, op->value != 0, TRUE);
      break;
    case OP_RAW_LINE:
      start_line (render, FALSE, FALSE);
      break;
    case OP_SOFT:
      if (render->broken->len > 0
          && g_array_index (render->broken, gboolean, render->broken->len - 1))
        start_line (render, FALSE, TRUE);
      else if (op->value != 0)
        g_string_append_c (render->text, ' ');
      break;
    case OP_BEGIN:
      broken = !fits (render, layout, op, width);
      g_array_append_val (render->broken, broken);
      break;
    case OP_END:
      g_array_set_size (render->broken, render->broken->len - 1);
      break;
    case OP_INDENT:
      render->indent += op->value;
      break;
    }
}

gchar *
idl_layout_render (IdlLayout *layout, guint width)
{
  g_autoptr (GArray) broken = g_array_new (FALSE, FALSE, sizeof (gboolean));
  Render render = { .text = g_string_new (NULL), .broken = broken };

  measure (layout);
  for (guint i = 0; i < layout->ops->len; i++)
    render_op (&render, layout, &g_array_index (layout->ops, Op, i), width);
  while (render.text->len > 0 && g_ascii_isspace (render.text->str[render.text->len - 1]))
    g_string_truncate (render.text, render.text->len - 1);
  if (render.text->len > 0)
    g_string_append_c (render.text, '\n');
  return g_string_free (render.text, FALSE);
}
