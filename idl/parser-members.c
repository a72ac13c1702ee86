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

static IdlField *
parse_field (IdlParser *parser, gint32 *implicit_id)
{
  IdlField *field = idl_arena_new_node (parser->unit->arena, IdlField);
  IdlToken first = parser->token;

  parser->item_start = first.offset;
  if (!parse_field_id (parser, field, implicit_id))
    return NULL;
  if (idl_parser_accept (parser, IDL_TOKEN_REQUIRED))
    field->requiredness = IDL_REQUIRED;
  else if (idl_parser_accept (parser, IDL_TOKEN_OPTIONAL))
    field->requiredness = IDL_OPTIONAL;
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
  idl_parser_skip_separator (parser);
  return field;
}

gboolean
idl_parser_parse_fields (IdlParser *parser, guint close, const IdlLocation *open, GPtrArray *fields)
{
  gint32 implicit_id = -1;

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

static IdlFunction *
parse_function (IdlParser *parser)
{
  IdlFunction *function = idl_arena_new_node (parser->unit->arena, IdlFunction);
  IdlToken first = parser->token;

  parser->item_start = first.offset;
  function->arguments = idl_arena_array (parser->unit->arena);
  function->throws = idl_arena_array (parser->unit->arena);
  function->oneway =
      idl_parser_accept (parser, IDL_TOKEN_ONEWAY) || idl_parser_accept (parser, IDL_TOKEN_ASYNC);
  if (parser->token.kind == IDL_TOKEN_VOID)
    {
      function->returns = idl_arena_new_node (parser->unit->arena, IdlType);
      function->returns->kind = IDL_TYPE_VOID;
      function->returns->location = idl_parser_get_location (parser);
      idl_parser_advance (parser);
    }
  else
    function->returns = idl_parser_parse_type (parser, "a function's return type");
  if (function->returns == NULL
      || !idl_parser_parse_name (parser, &function->node, &first, "the function's name")
      || !parse_parenthesised_fields (parser, function->arguments, "'(' and the arguments"))
    return NULL;
  if (idl_parser_accept (parser, IDL_TOKEN_THROWS)
      && !parse_parenthesised_fields (parser, function->throws, "'(' and the exceptions"))
    return NULL;
  if (!idl_parser_parse_annotations (parser, &function->node.annotations))
    return NULL;
  idl_parser_skip_separator (parser);
  return function;
}

gboolean
idl_parser_parse_functions (IdlParser *parser, const IdlLocation *open, GPtrArray *functions)
{
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
  idl_parser_advance (parser);
  return TRUE;
}
