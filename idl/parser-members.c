/* Owns the grammar of what stands in a struct's or a service's braces: fields and functions. Which
 * ids and names are allowed is not known here. */
#include "parser-private.h"

/* `1:`; without one, or with one that is not above 0, the next of the ids that count down from -1,
 * as Apache's compiler numbers them. */
static gboolean
parse_field_id (IdlParser *parser, IdlField *field, gint32 *implicit_id)
{
  gint64 id = parser->token.integer;

  if (parser->token.kind != IDL_TOKEN_INTEGER)
    {
      field->id = (*implicit_id)--;
      field->id_is_implicit = TRUE;
      return TRUE;
    }
  field->id_location = idl_parser_get_location (parser);
  field->id = (gint32) CLAMP (id, G_MININT32, G_MAXINT32);
  if (id <= 0 && parser->unit->negative_ids)
    *implicit_id = MAX (field->id, G_MININT16) - 1;
  else if (id <= 0)
    {
      idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_NONPOSITIVE_ID, IDL_WARNING,
                           &field->id_location, "%s is ignored; the field gets %d",
                           id == 0 ? "an id of 0" : "a negative id", *implicit_id);
      field->id = (*implicit_id)--;
      field->id_is_implicit = TRUE;
    }
  idl_parser_advance (parser);
  return idl_parser_expect (parser, ':', "':' after the field's id");
}

static gboolean
parse_field_name (IdlParser *parser, IdlField *field, const IdlToken *first)
{
  guint kind = parser->token.kind;

  /* Apache takes every keyword here but those that may follow the name. */
  if (idl_token_kind_is_keyword (kind) && kind != IDL_TOKEN_CPP_TYPE && kind != IDL_TOKEN_TRUE
      && kind != IDL_TOKEN_FALSE && !(kind >= IDL_TOKEN_XSD_ALL && kind <= IDL_TOKEN_XSD_OPTIONAL))
    parser->token.kind = IDL_TOKEN_IDENTIFIER;
  return idl_parser_parse_name (parser, &field->node, first, "the field's name");
}

static gboolean
parse_xsd (IdlParser *parser, IdlField *field)
{
  IdlLocation open;

  field->xsd_optional = idl_parser_accept (parser, IDL_TOKEN_XSD_OPTIONAL);
  field->xsd_nillable = idl_parser_accept (parser, IDL_TOKEN_XSD_NILLABLE);
  if (!idl_parser_accept (parser, IDL_TOKEN_XSD_ATTRS))
    return TRUE;
  open = idl_parser_get_location (parser);
  if (!idl_parser_expect (parser, '{', "'{'") || !idl_parser_enter (parser, "attributes"))
    return FALSE;
  field->xsd_attributes = idl_arena_array (parser->unit->arena);
  if (!idl_parser_parse_fields (parser, '}', &open, field->xsd_attributes))
    return FALSE;
  idl_parser_leave (parser);
  return TRUE;
}

/* Whether three words follow each other where two can: the first is a misspelt keyword. Where a field
 * needs neither id nor separator, the third may be the next field's type. */
static gboolean
is_one_word_too_many (const IdlParser *parser, gboolean in_fields)
{
  guint next[3];

  idl_parser_look_ahead (parser, next, G_N_ELEMENTS (next));
  if (next[0] == IDL_TOKEN_IDENTIFIER)
    return next[1] == IDL_TOKEN_IDENTIFIER && (!in_fields || next[2] != IDL_TOKEN_IDENTIFIER);
  return idl_token_kind_is_keyword (next[0]) && (next[1] == '<' || next[1] == IDL_TOKEN_IDENTIFIER);
}

/* Consumes a word that is like one of the NULL-terminated @words, and reports it, when a type must
 * follow it. (nullable): the word that was meant. */
static const gchar *
accept_misspelt (IdlParser *parser, const gchar *const *words, gboolean in_fields)
{
  IdlLocation location = idl_parser_get_location (parser);
  const gchar *similar = idl_parser_find_similar (parser, words);
  const gchar *found;

  if (similar == NULL || !is_one_word_too_many (parser, in_fields))
    return NULL;
  found = idl_parser_dup_token (parser);
  idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_SYNTAX, IDL_ERROR, &location,
                       "unknown word '%s'; did you mean '%s'?", found, similar);
  idl_parser_advance (parser);
  return similar;
}

/* `repeated`, which people who know Protocol Buffers write. */
static void
accept_repeated (IdlParser *parser)
{
  IdlLocation location = idl_parser_get_location (parser);

  if (!idl_parser_is_word (parser, "repeated") || !is_one_word_too_many (parser, TRUE))
    return;
  idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_FOREIGN_WORD, IDL_ERROR, &location,
                       "'repeated' is Protocol Buffers'; write the type as 'list<TYPE>'");
  idl_parser_advance (parser);
}

static void
parse_requiredness (IdlParser *parser, IdlField *field)
{
  static const gchar *const words[] = { "optional", "required", NULL };
  const gchar *meant = NULL;

  if (idl_parser_accept (parser, IDL_TOKEN_REQUIRED))
    field->requiredness = IDL_REQUIRED;
  else if (idl_parser_accept (parser, IDL_TOKEN_OPTIONAL))
    field->requiredness = IDL_OPTIONAL;
  else
    meant = accept_misspelt (parser, words, TRUE);
  if (meant != NULL)
    field->requiredness = meant == words[0] ? IDL_OPTIONAL : IDL_REQUIRED;
  accept_repeated (parser);
}

static IdlField *
parse_field (IdlParser *parser, gint32 *implicit_id)
{
  IdlField *field = idl_arena_new_node (parser->unit->arena, IdlField);
  IdlToken first = parser->token;

  parser->item_start = first.offset;
  if (!parse_field_id (parser, field, implicit_id))
    return NULL;
  parse_requiredness (parser, field);
  field->type =
      idl_parser_parse_type (parser, field->id_location.source == NULL ? "a field's id or type"
                                                                       : "the field's type");
  if (field->type == NULL)
    return NULL;
  field->is_reference = idl_parser_accept (parser, '&');
  if (!parse_field_name (parser, field, &first))
    return NULL;
  if (field->id_location.source == NULL)
    field->id_location = field->node.location;
  if (idl_parser_accept (parser, '='))
    {
      field->value = idl_parser_parse_value (parser);
      if (field->value == NULL)
        return NULL;
    }
  if (!parse_xsd (parser, field)
      || !idl_parser_parse_annotations (parser, &field->node.annotations))
    return NULL;
  field->node.extent = idl_parser_get_extent (parser, &first);
  idl_parser_skip_separator (parser);
  return field;
}

gboolean
idl_parser_parse_fields (IdlParser *parser, guint close, const IdlLocation *open, GPtrArray *fields)
{
  gint32 implicit_id = -1;
  IdlNode *owner = parser->documented;
  IdlLocation outer = parser->open;

  parser->open = *open;
  while (parser->token.kind != close)
    {
      IdlField *field;

      if (parser->token.kind == IDL_TOKEN_END)
        return idl_parser_expect_close (parser, close, open);
      field = parse_field (parser, &implicit_id);
      if (field == NULL)
        return FALSE;
      g_ptr_array_add (fields, field);
    }
  parser->open = outer;
  parser->documented = owner;
  idl_parser_advance (parser);
  return TRUE;
}

static gboolean
parse_parenthesised_fields (IdlParser *parser, GPtrArray *fields, const gchar *what)
{
  IdlLocation open = idl_parser_get_location (parser);

  return idl_parser_expect (parser, '(', what)
         && idl_parser_parse_fields (parser, ')', &open, fields);
}

/* Whether the next token is a word with a parenthesis behind it, which nothing has behind a function's
 * arguments. */
static gboolean
is_word_in_place_of_throws (const IdlParser *parser)
{
  guint next;

  if (parser->token.kind != IDL_TOKEN_IDENTIFIER)
    return FALSE;
  idl_parser_look_ahead (parser, &next, 1);
  return next == '(';
}

static gboolean
accept_throws (IdlParser *parser)
{
  static const gchar *const words[] = { "throws", NULL };
  IdlLocation location = idl_parser_get_location (parser);

  if (!is_word_in_place_of_throws (parser) || idl_parser_find_similar (parser, words) == NULL)
    return idl_parser_accept (parser, IDL_TOKEN_THROWS);
  idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_SYNTAX, IDL_ERROR, &location,
                       "unknown word '%s'; did you mean 'throws'?", idl_parser_dup_token (parser));
  return idl_parser_accept (parser, IDL_TOKEN_IDENTIFIER);
}

/* FALSE: what follows the arguments is `returns (Type)`. */
static gboolean
refuse_returns (IdlParser *parser)
{
  IdlLocation location = idl_parser_get_location (parser);

  if (!idl_parser_is_word (parser, "returns") || !is_word_in_place_of_throws (parser))
    return TRUE;
  idl_diagnostics_add (
      parser->unit->diagnostics, IDL_RULE_FOREIGN_WORD, IDL_ERROR, &location,
      "'returns' is Protocol Buffers'; the type stands before the function's name");
  return FALSE;
}

static gboolean
parse_returned_type (IdlParser *parser, IdlFunction *function)
{
  static const gchar *const words[] = { "oneway", NULL };

  function->oneway = idl_parser_accept (parser, IDL_TOKEN_ONEWAY)
                     || idl_parser_accept (parser, IDL_TOKEN_ASYNC)
                     || accept_misspelt (parser, words, FALSE) != NULL;
  if (parser->token.kind == IDL_TOKEN_VOID)
    {
      function->returns = idl_arena_new_node (parser->unit->arena, IdlType);
      function->returns->kind = IDL_TYPE_VOID;
      function->returns->location = idl_parser_get_location (parser);
      idl_parser_advance (parser);
    }
  else
    function->returns = idl_parser_parse_type (parser, "a function's return type");
  return function->returns != NULL;
}

/* `rpc Name (Type) returns (Type)` was read as far as it is like a function. */
static gboolean
fail_function (IdlParser *parser, const IdlFunction *function)
{
  const IdlType *type = function->returns;

  if (type != NULL && type->kind == IDL_TYPE_NAMED && g_str_equal (type->name, "rpc"))
    idl_diagnostics_add_note (parser->unit->diagnostics, &type->location,
                              "'rpc' is Protocol Buffers'; a function is written "
                              "'TYPE name (1: TYPE argument)'");
  return FALSE;
}

static IdlFunction *
parse_function (IdlParser *parser)
{
  IdlFunction *function = idl_arena_new_node (parser->unit->arena, IdlFunction);
  IdlToken first = parser->token;

  parser->item_start = first.offset;
  function->arguments = idl_arena_array (parser->unit->arena);
  function->throws = idl_arena_array (parser->unit->arena);
  if (!parse_returned_type (parser, function)
      || !idl_parser_parse_name (parser, &function->node, &first, "the function's name"))
    return NULL;
  if (!parse_parenthesised_fields (parser, function->arguments, "'(' and the arguments")
      && !fail_function (parser, function))
    return NULL;
  if (!refuse_returns (parser))
    return NULL;
  if (accept_throws (parser)
      && !parse_parenthesised_fields (parser, function->throws, "'(' and the exceptions"))
    return NULL;
  if (!idl_parser_parse_annotations (parser, &function->node.annotations))
    return NULL;
  function->node.extent = idl_parser_get_extent (parser, &first);
  idl_parser_skip_separator (parser);
  return function;
}

gboolean
idl_parser_parse_functions (IdlParser *parser, const IdlLocation *open, GPtrArray *functions)
{
  IdlNode *owner = parser->documented;

  parser->open = *open;
  while (parser->token.kind != '}')
    {
      IdlFunction *function;

      if (parser->token.kind == IDL_TOKEN_END)
        return idl_parser_expect_close (parser, '}', open);
      function = parse_function (parser);
      if (function == NULL)
        return FALSE;
      g_ptr_array_add (functions, function);
    }
  parser->documented = owner;
  idl_parser_advance (parser);
  return TRUE;
}
