/* Owns the guess at what may follow a text that ends where the cursor is. The parser cannot say it: it gives
 * up a definition at a mistake, and what is being typed is one. This follows the tokens loosely, so that it
 * has a place in the grammar after any of them. */
#include "lsp-context.h"

#include "lexer.h"

#include <string.h>

/* Brackets that are followed; what is deeper is taken for what is around it. */
#define MAX_DEPTH 200

/* What a bracket that is open, or the file, contains. */
typedef enum
{
  FRAME_FILE,
  FRAME_FIELDS,
  FRAME_ARGUMENTS,
  FRAME_THROWS,
  FRAME_FUNCTIONS,
  FRAME_TYPE,  /* <> */
  FRAME_VALUE, /* [] or {} of a literal */
  FRAME_OTHER  /* enumerators, annotations */
} FrameKind;

/* How far the item is: a definition, a field, a function. */
typedef enum
{
  AT_START,
  AFTER_ID,
  AFTER_KEYWORD, /* a type follows; in a file, what the keyword says */
  AFTER_TYPE,
  AFTER_NAME,
  AFTER_EXTENDS,
  AFTER_EQUALS,
  AFTER_VALUE,
  AFTER_ARGUMENTS,
  AFTER_WORD_THROWS,
  AFTER_THROWS
} Step;

typedef struct
{
  FrameKind kind;
  Step step;
  guint keyword; /* FILE: the definition's */
  gsize type_start;
  gsize type_end;
} Frame;

typedef struct
{
  const gchar *text;
  Frame frames[MAX_DEPTH];
  guint depth;    /* the innermost frame's index */
  guint overflow; /* brackets beyond MAX_DEPTH */
} Follower;

static Frame *
get_top (Follower *follower)
{
  return &follower->frames[follower->depth];
}

static void
push (Follower *follower, FrameKind kind)
{
  if (follower->depth + 1 == MAX_DEPTH)
    follower->overflow++;
  else
    follower->frames[++follower->depth] = (Frame){ .kind = kind };
}

static gboolean
is_first_on_line (const gchar *text, gsize at)
{
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t'))
    at--;
  return at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r';
}

static gboolean
is_type_word (guint kind)
{
  switch (kind)
    {
    case IDL_TOKEN_IDENTIFIER:
    case IDL_TOKEN_BINARY:
    case IDL_TOKEN_BOOL:
    case IDL_TOKEN_BYTE:
    case IDL_TOKEN_DOUBLE_TYPE:
    case IDL_TOKEN_I16:
    case IDL_TOKEN_I32:
    case IDL_TOKEN_I64:
    case IDL_TOKEN_I8:
    case IDL_TOKEN_LIST:
    case IDL_TOKEN_MAP:
    case IDL_TOKEN_SET:
    case IDL_TOKEN_STRING_TYPE:
    case IDL_TOKEN_UUID:
    case IDL_TOKEN_VOID:
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
is_declaration_word (guint kind)
{
  switch (kind)
    {
    case IDL_TOKEN_CONST:
    case IDL_TOKEN_CPP_INCLUDE:
    case IDL_TOKEN_ENUM:
    case IDL_TOKEN_EXCEPTION:
    case IDL_TOKEN_INCLUDE:
    case IDL_TOKEN_NAMESPACE:
    case IDL_TOKEN_SERVICE:
    case IDL_TOKEN_STRUCT:
    case IDL_TOKEN_TYPEDEF:
    case IDL_TOKEN_UNION:
      return TRUE;
    default:
      return FALSE;
    }
}

static void
take_type (Frame *frame, const IdlToken *token)
{
  frame->step = AFTER_TYPE;
  frame->type_start = token->offset;
  frame->type_end = token->offset + token->length;
}

/* What a brace or parenthesis begins, by what is before it. */
static FrameKind
classify_bracket (const Frame *top, guint bracket)
{
  if (top->kind == FRAME_VALUE || top->step == AFTER_EQUALS)
    return FRAME_VALUE;
  if (top->kind == FRAME_FILE && bracket == '{')
    return top->keyword == IDL_TOKEN_SERVICE ? FRAME_FUNCTIONS
           : top->keyword == IDL_TOKEN_ENUM  ? FRAME_OTHER
                                             : FRAME_FIELDS;
  if (top->kind == FRAME_FUNCTIONS && bracket == '(' && top->step == AFTER_NAME)
    return FRAME_ARGUMENTS;
  if (top->kind == FRAME_FUNCTIONS && bracket == '(' && top->step == AFTER_WORD_THROWS)
    return FRAME_THROWS;
  return FRAME_OTHER;
}

/* What the item around a bracket has come to when that is closed. */
static void
close_bracket (Follower *follower, const IdlToken *token)
{
  FrameKind closed = get_top (follower)->kind;
  Frame *top;

  if (follower->overflow > 0)
    {
      follower->overflow--;
      return;
    }
  if (follower->depth == 0)
    return;
  follower->depth--;
  top = get_top (follower);
  switch (closed)
    {
    case FRAME_TYPE:
      top->type_end = token->offset + token->length;
      break;
    case FRAME_VALUE:
      top->step = AFTER_VALUE;
      break;
    case FRAME_ARGUMENTS:
      top->step = AFTER_ARGUMENTS;
      break;
    case FRAME_THROWS:
      top->step = AFTER_THROWS;
      break;
    default:
      if (top->kind == FRAME_FILE && token->kind == '}')
        top->step = AT_START;
    }
}

static void
follow_in_file (Frame *frame, const IdlToken *token)
{
  gboolean has_type = frame->keyword == IDL_TOKEN_TYPEDEF || frame->keyword == IDL_TOKEN_CONST;

  if (is_declaration_word (token->kind))
    *frame = (Frame){ .kind = FRAME_FILE, .step = AFTER_KEYWORD, .keyword = token->kind };
  else if (token->kind == IDL_TOKEN_EXTENDS)
    frame->step = AFTER_EXTENDS;
  else if (token->kind == '=')
    frame->step = AFTER_EQUALS;
  else if (token->kind == ',' || token->kind == ';')
    frame->step = AT_START;
  else if (frame->step == AFTER_KEYWORD && has_type)
    take_type (frame, token);
  else if (frame->step == AFTER_KEYWORD && frame->keyword == IDL_TOKEN_NAMESPACE)
    frame->step = AFTER_TYPE;
  else if (frame->step == AFTER_KEYWORD || frame->step == AFTER_TYPE)
    frame->step = AFTER_NAME;
  else if (frame->step == AFTER_EQUALS)
    frame->step = AFTER_VALUE;
  else if (frame->step == AFTER_EXTENDS)
    frame->step = AFTER_VALUE; /* nothing but the brace */
}

static void
follow_in_fields (Frame *frame, const IdlToken *token)
{
  if (token->kind == ',' || token->kind == ';')
    frame->step = AT_START;
  else if (token->kind == '=')
    frame->step = AFTER_EQUALS;
  else if (token->kind == '&')
    return;
  else if (frame->step == AFTER_TYPE)
    frame->step = AFTER_NAME;
  else if (frame->step == AFTER_EQUALS)
    frame->step = AFTER_VALUE;
  else if (token->kind == IDL_TOKEN_INTEGER || token->kind == ':')
    frame->step = AFTER_ID;
  else if (token->kind == IDL_TOKEN_REQUIRED || token->kind == IDL_TOKEN_OPTIONAL)
    frame->step = AFTER_KEYWORD;
  else if (is_type_word (token->kind))
    take_type (frame, token);
}

static void
follow_in_functions (Frame *frame, const IdlToken *token)
{
  if (token->kind == ',' || token->kind == ';')
    frame->step = AT_START;
  else if (token->kind == IDL_TOKEN_THROWS)
    frame->step = AFTER_WORD_THROWS;
  else if (token->kind == IDL_TOKEN_ONEWAY || token->kind == IDL_TOKEN_ASYNC)
    frame->step = AFTER_KEYWORD;
  else if (frame->step == AFTER_TYPE)
    frame->step = AFTER_NAME;
  else if (is_type_word (token->kind))
    take_type (frame, token);
}

static void
follow (Follower *follower, const IdlToken *token)
{
  Frame *top = get_top (follower);

  /* As the parser does: a definition that begins a line ends whatever is open. */
  if (is_declaration_word (token->kind) && is_first_on_line (follower->text, token->offset))
    {
      follower->depth = follower->overflow = 0;
      top = get_top (follower);
    }
  switch (token->kind)
    {
    case '<':
      push (follower, FRAME_TYPE);
      return;
    case '{':
    case '[':
    case '(':
      push (follower, classify_bracket (top, token->kind));
      return;
    case '>':
    case '}':
    case ']':
    case ')':
      close_bracket (follower, token);
      return;
    default:
      break;
    }
  if (top->kind == FRAME_FILE)
    follow_in_file (top, token);
  else if (top->kind == FRAME_FUNCTIONS)
    follow_in_functions (top, token);
  else if (top->kind <= FRAME_THROWS)
    follow_in_fields (top, token);
}

static guint
expect_in_file (const Frame *frame, gboolean first_on_line)
{
  gboolean has_type = frame->keyword == IDL_TOKEN_TYPEDEF || frame->keyword == IDL_TOKEN_CONST;

  switch (frame->step)
    {
    case AT_START:
      return LSP_EXPECT_DECLARATION;
    case AFTER_KEYWORD:
      return has_type                                ? LSP_EXPECT_TYPE
             : frame->keyword == IDL_TOKEN_NAMESPACE ? LSP_EXPECT_SCOPE
                                                     : LSP_EXPECT_NOTHING;
    case AFTER_EXTENDS:
      return LSP_EXPECT_SERVICE;
    case AFTER_EQUALS:
      return LSP_EXPECT_VALUE;
    case AFTER_TYPE:
      return LSP_EXPECT_NOTHING;
    case AFTER_NAME:
      if (frame->keyword == IDL_TOKEN_SERVICE)
        return LSP_EXPECT_EXTENDS;
      break;
    default:
      break;
    }
  return first_on_line ? LSP_EXPECT_DECLARATION : LSP_EXPECT_NOTHING;
}

static guint
expect_in_fields (const Frame *frame, gboolean first_on_line)
{
  guint type = frame->kind == FRAME_THROWS      ? LSP_EXPECT_EXCEPTION
               : frame->kind == FRAME_ARGUMENTS ? LSP_EXPECT_TYPE
                                                : LSP_EXPECT_TYPE | LSP_EXPECT_REQUIREDNESS;

  switch (frame->step)
    {
    case AT_START:
    case AFTER_ID:
      return type;
    case AFTER_KEYWORD:
      return type & ~(guint) LSP_EXPECT_REQUIREDNESS;
    case AFTER_EQUALS:
      return LSP_EXPECT_VALUE;
    case AFTER_NAME:
    case AFTER_VALUE:
      return first_on_line ? type : LSP_EXPECT_NOTHING;
    default:
      return LSP_EXPECT_NOTHING;
    }
}

static guint
expect_in_functions (const Frame *frame, gboolean first_on_line)
{
  guint function = LSP_EXPECT_TYPE | LSP_EXPECT_RETURN | LSP_EXPECT_ONEWAY;

  switch (frame->step)
    {
    case AT_START:
      return function;
    case AFTER_KEYWORD:
      return LSP_EXPECT_TYPE | LSP_EXPECT_RETURN;
    case AFTER_ARGUMENTS:
      return LSP_EXPECT_THROWS | (first_on_line ? function : LSP_EXPECT_NOTHING);
    case AFTER_THROWS:
      return first_on_line ? function : LSP_EXPECT_NOTHING;
    default:
      return LSP_EXPECT_NOTHING;
    }
}

/* The type that the literal around the cursor is of is where the item is that has it. */
static void
find_type (const Follower *follower, LspContext *context)
{
  guint depth = follower->depth;

  while (depth > 0 && follower->frames[depth].kind == FRAME_VALUE)
    depth--;
  context->type_start = follower->frames[depth].type_start;
  context->type_end = follower->frames[depth].type_end;
}

static guint
get_expected (Follower *follower, gsize at)
{
  const Frame *top = get_top (follower);
  gboolean first_on_line = is_first_on_line (follower->text, at);

  switch (top->kind)
    {
    case FRAME_FILE:
      return expect_in_file (top, first_on_line);
    case FRAME_FIELDS:
    case FRAME_ARGUMENTS:
    case FRAME_THROWS:
      return expect_in_fields (top, first_on_line);
    case FRAME_FUNCTIONS:
      return expect_in_functions (top, first_on_line);
    case FRAME_TYPE:
      return LSP_EXPECT_TYPE;
    case FRAME_VALUE:
      return LSP_EXPECT_VALUE;
    default:
      return LSP_EXPECT_NOTHING;
    }
}

/* Whether the text ends within @token: a comment or a string that is not closed. */
static gboolean
is_within (const gchar *text, gsize length, const IdlToken *token)
{
  const gchar *start = text + token->offset;

  if (token->offset + token->length < length)
    return FALSE;
  if (token->kind == IDL_TOKEN_INVALID)
    return *start == '"' || *start == '\'';
  if (token->kind != IDL_TOKEN_COMMENT)
    return FALSE;
  return start[1] != '*' || token->length < 4 || memcmp (text + length - 2, "*/", 2) != 0;
}

/* Where the word before @at begins. */
static gsize
find_word (const gchar *text, gsize at)
{
  while (at > 0 && (g_ascii_isalnum (text[at - 1]) || text[at - 1] == '_' || text[at - 1] == '.'))
    at--;
  return at;
}

void
lsp_context_find (LspContext *context, const gchar *text, gsize at)
{
  g_autofree Follower *follower = g_new0 (Follower, 1);
  gsize start = find_word (text, at);
  g_autoptr (IdlSource) source = idl_source_new ("", g_strndup (text, start), start);
  g_autoptr (IdlDiagnostics) unheard = idl_diagnostics_new ();
  IdlArena *arena = idl_arena_new ();
  gboolean is_within_token = FALSE;
  IdlLexer lexer;
  IdlToken token;

  *context = (LspContext){ .start = start };
  follower->text = text;
  idl_lexer_init (&lexer, source, unheard, arena);
  lexer.keep_comments = TRUE;
  for (idl_lexer_next (&lexer, &token); token.kind != IDL_TOKEN_END;
       idl_lexer_next (&lexer, &token))
    {
      is_within_token = is_within (text, start, &token);
      if (token.kind != IDL_TOKEN_COMMENT && token.kind != IDL_TOKEN_INVALID)
        follow (follower, &token);
    }
  if (!is_within_token && !(start < at && g_ascii_isdigit (text[start])))
    context->expected = get_expected (follower, start);
  find_type (follower, context);
  idl_arena_free (arena);
}
