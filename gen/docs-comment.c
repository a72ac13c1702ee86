/* Owns what the text of a doc comment means: paragraphs, lists, code, and tags such as @param, by the
 * habits of Javadoc and Markdown that IDL files have. It escapes nothing and links nothing. */
#include "docs-private.h"

#include <string.h>

typedef struct
{
  DocsComment *comment;
  GString *open;      /* (nullable): where a further line of text goes */
  gboolean in_fence;  /* between ``` and ``` */
  gboolean was_blank; /* before this line */
} CommentParser;

static void
free_block (gpointer data)
{
  DocsBlock *block = data;

  g_string_free (block->text, TRUE);
  g_free (block);
}

static void
free_tag (gpointer data)
{
  DocsTag *tag = data;

  g_string_free (tag->text, TRUE);
  g_free (tag->tag);
  g_free (tag->name);
  g_free (tag);
}

/* (transfer full): valid UTF-8, in which the few HTML elements that lay text out are what they mean
 * in plain text. Others are shown as they are written. */
static gchar *
lay_out_elements (const gchar *text)
{
  static const struct
  {
    const gchar *pattern, *replacement;
  } elements[] = { { "</?(?:p|br|ul|ol)\\s*/?>|</li>", "\n\n" },
                   { "<li>\\s*", "\n\n- " },
                   { "</?pre>", "\n```\n" } };
  gchar *result = g_utf8_make_valid (text, -1);

  for (guint i = 0; i < G_N_ELEMENTS (elements); i++)
    {
      g_autoptr (GRegex) regex = g_regex_new (elements[i].pattern, G_REGEX_CASELESS, 0, NULL);
      gchar *next =
          g_regex_replace_literal (regex, result, -1, 0, elements[i].replacement, 0, NULL);

      if (next == NULL)
        continue;
      g_free (result);
      result = next;
    }
  return result;
}

static GString *
add_block (CommentParser *parser, DocsBlockKind kind, const gchar *text)
{
  DocsBlock *block = g_new0 (DocsBlock, 1);

  block->kind = kind;
  block->text = g_string_new (text);
  g_ptr_array_add (parser->comment->blocks, block);
  return block->text;
}

/* (nullable): the CODE block that the line before was in. */
static GString *
find_open_code (const CommentParser *parser)
{
  const GPtrArray *blocks = parser->comment->blocks;
  const DocsBlock *last = blocks->len == 0 ? NULL : g_ptr_array_index (blocks, blocks->len - 1);

  return last != NULL && last->kind == DOCS_CODE ? last->text : NULL;
}

/* Behind a list's mark; or 0. */
static gsize
measure_item_mark (const gchar *line)
{
  gsize digits = strspn (line, "0123456789");

  if (strchr ("-*+", *line) != NULL && *line != '\0' && line[1] == ' ')
    return 2;
  return digits > 0 && digits < 4 && (line[digits] == '.' || line[digits] == ')')
                 && line[digits + 1] == ' '
             ? digits + 2
             : 0;
}

static const gchar *
get_tag_meaning (const gchar *tag)
{
  if (g_str_equal (tag, "returns"))
    return "return";
  return g_str_equal (tag, "exception") || g_str_equal (tag, "throw") || g_str_equal (tag, "raises")
             ? "throws"
             : tag;
}

/* `@param name text`, `@return text`. */
static gboolean
take_tag_line (CommentParser *parser, const gchar *line)
{
  gsize length = *line == '@' ? strspn (line + 1, "abcdefghijklmnopqrstuvwxyz") : 0;
  const gchar *rest = length == 0 ? line : line + 1 + length;
  g_autofree gchar *written = NULL;
  DocsTag *tag;

  if (length == 0 || (*rest != '\0' && *rest != ' ' && *rest != '\t' && *rest != ':'))
    return FALSE;
  written = g_strndup (line + 1, length);
  tag = g_new0 (DocsTag, 1);
  tag->tag = g_strdup (get_tag_meaning (written));
  rest += strspn (rest, ": \t");
  if (g_str_equal (tag->tag, "param") || g_str_equal (tag->tag, "throws"))
    {
      gsize name = strcspn (rest, " \t:");

      tag->name = g_strndup (rest, name);
      rest += name;
      rest += strspn (rest, ": \t-");
    }
  else
    tag->name = g_strdup ("");
  tag->text = g_string_new (rest);
  g_ptr_array_add (parser->comment->tags, tag);
  parser->open = tag->text;
  return TRUE;
}

static void
append_line (GString *text, const gchar *line, gchar separator)
{
  if (text->len > 0)
    g_string_append_c (text, separator);
  g_string_append (text, line);
}

/* Whether a line's blanks are meant: it is indented as code is, or has columns. */
static gboolean
is_laid_out (gsize indent, const gchar *trimmed)
{
  return indent >= 4 || (indent >= 2 && strstr (trimmed, "  ") != NULL);
}

static void
take_text_line (CommentParser *parser, const gchar *line)
{
  gsize indent = strspn (line, " \t");
  const gchar *trimmed = line + indent;
  gsize mark = measure_item_mark (trimmed);
  GString *code = find_open_code (parser);

  if (take_tag_line (parser, trimmed))
    return;
  if (mark > 0)
    parser->open = add_block (parser, DOCS_ITEM, trimmed + mark);
  else if (parser->open != NULL)
    append_line (parser->open, trimmed, ' ');
  else if (code != NULL && indent >= 2)
    append_line (code, line, '\n');
  else if (parser->was_blank && is_laid_out (indent, trimmed))
    add_block (parser, DOCS_CODE, line);
  else
    parser->open = add_block (parser, DOCS_PARAGRAPH, trimmed);
}

static void
take_line (CommentParser *parser, const gchar *line)
{
  const gchar *trimmed = line + strspn (line, " \t");

  if (g_str_has_prefix (trimmed, "```"))
    {
      parser->in_fence = !parser->in_fence;
      parser->open = NULL;
      if (parser->in_fence)
        add_block (parser, DOCS_CODE, "");
    }
  else if (parser->in_fence)
    append_line (find_open_code (parser), line, '\n');
  else if (*trimmed == '\0')
    parser->open = NULL;
  else
    take_text_line (parser, line);
  parser->was_blank = *trimmed == '\0';
}

DocsComment *
docs_comment_new (const gchar *text)
{
  DocsComment *comment = g_new0 (DocsComment, 1);
  CommentParser parser = { .comment = comment, .was_blank = TRUE };
  g_autofree gchar *laid_out = lay_out_elements (text == NULL ? "" : text);
  g_auto (GStrv) lines = g_strsplit (laid_out, "\n", -1);

  comment->blocks = g_ptr_array_new_with_free_func (free_block);
  comment->tags = g_ptr_array_new_with_free_func (free_tag);
  for (guint i = 0; lines[i] != NULL; i++)
    take_line (&parser, g_strchomp (lines[i]));
  return comment;
}

void
docs_comment_free (DocsComment *comment)
{
  g_ptr_array_unref (comment->blocks);
  g_ptr_array_unref (comment->tags);
  g_free (comment);
}

const gchar *
docs_comment_find (const DocsComment *comment, const gchar *tag, const gchar *name)
{
  for (guint i = 0; i < comment->tags->len; i++)
    {
      const DocsTag *candidate = g_ptr_array_index (comment->tags, i);

      if (g_str_equal (candidate->tag, tag)
          && (name == NULL || g_str_equal (candidate->name, name)))
        return candidate->text->str;
    }
  return NULL;
}
