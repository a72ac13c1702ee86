/* Owns the grammar below definitions: types, values, annotations, fields, functions. */
#include "parser-private.h"

#include <string.h>

static IdlType *
new_type (IdlParser *parser, IdlTypeKind kind)
{
  IdlType *type = idl_arena_new_node (parser->unit->arena, IdlType);

  type->kind = kind;
  type->location = idl_parser_get_location (parser);
  return type;
}

static gboolean
parse_cpp_type (IdlParser *parser, IdlType *type)
{
  if (!idl_parser_accept (parser, IDL_TOKEN_CPP_TYPE))
    return TRUE;
  if (parser->token.kind != IDL_TOKEN_STRING)
    return idl_parser_fail_expected (parser, "a string after cpp_type");
  type->cpp_type = parser->token.text;
  idl_parser_advance (parser);
  return TRUE;
}

static IdlType *
parse_container (IdlParser *parser, IdlTypeKind kind)
{
  IdlType *type = new_type (parser, kind);

  if (!idl_parser_enter (parser, "types"))
    return NULL;
  idl_parser_advance (parser);
  if (!parse_cpp_type (parser, type) || !idl_parser_expect (parser, '<', "'<'"))
    return NULL;
  if (kind == IDL_TYPE_MAP)
    {
      type->key = idl_parser_parse_type (parser, "the type of the keys");
      if (type->key == NULL
          || !idl_parser_expect (parser, ',', "',' and the type of the map's values"))
        return NULL;
    }
  type->element = idl_parser_parse_type (parser, "the type of the elements");
  if (type->element == NULL || !idl_parser_expect (parser, '>', "'>'"))
    return NULL;
  if (kind == IDL_TYPE_LIST && !parse_cpp_type (parser, type)) /* the older place */
    return NULL;
  type->location.length = parser->previous_end - type->location.offset;
  idl_parser_leave (parser);
  return type;
}

/* What stands before `<` names no container. */
static gboolean
fail_type_arguments (IdlParser *parser, const IdlType *type, const gchar *similar)
{
  gboolean is_fbthrift = strcmp (type->name, "stream") == 0 || strcmp (type->name, "sink") == 0;

  idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_TYPE_ARGUMENTS, IDL_ERROR,
                       &type->location,
                       is_fbthrift
                           ? "'%s<>' is fbthrift's; Apache Thrift has no streams"
                           : "'%s' takes no type arguments; only list, set and map do%s%s%s",
                       type->name, similar == NULL ? "" : "; did you mean '",
                       similar == NULL ? "" : similar, similar == NULL ? "" : "'?");
  return FALSE;
}

/* The base type that a keyword names; NAMED: none. */
static IdlTypeKind
classify_type (guint token)
{
  switch (token)
    {
    case IDL_TOKEN_BOOL:
      return IDL_TYPE_BOOL;
    case IDL_TOKEN_BYTE:
    case IDL_TOKEN_I8:
      return IDL_TYPE_I8;
    case IDL_TOKEN_I16:
      return IDL_TYPE_I16;
    case IDL_TOKEN_I32:
      return IDL_TYPE_I32;
    case IDL_TOKEN_I64:
      return IDL_TYPE_I64;
    case IDL_TOKEN_DOUBLE_TYPE:
      return IDL_TYPE_DOUBLE;
    case IDL_TOKEN_STRING_TYPE:
      return IDL_TYPE_STRING;
    case IDL_TOKEN_BINARY:
      return IDL_TYPE_BINARY;
    case IDL_TOKEN_UUID:
      return IDL_TYPE_UUID;
    case IDL_TOKEN_LIST:
      return IDL_TYPE_LIST;
    case IDL_TOKEN_SET:
      return IDL_TYPE_SET;
    case IDL_TOKEN_MAP:
      return IDL_TYPE_MAP;
    default:
      return IDL_TYPE_NAMED;
    }
}

IdlType *
idl_parser_parse_type (IdlParser *parser, const gchar *what)
{
  static const gchar *const containers[] = { "list", "set", "map", NULL };
  IdlTypeKind kind = classify_type (parser->token.kind);
  IdlType *type;

  if (parser->token.kind == IDL_TOKEN_IDENTIFIER)
    {
      const gchar *similar = idl_parser_find_similar (parser, containers);

      type = new_type (parser, IDL_TYPE_NAMED);
      type->name = idl_parser_dup_token (parser);
      idl_parser_advance (parser);
      if (parser->token.kind == '<' && !fail_type_arguments (parser, type, similar))
        return NULL;
      return type;
    }
  if (kind == IDL_TYPE_NAMED)
    {
      idl_parser_fail_expected (parser, what);
      return NULL;
    }
  if (kind == IDL_TYPE_LIST || kind == IDL_TYPE_SET || kind == IDL_TYPE_MAP)
    type = parse_container (parser, kind);
  else
    {
      type = new_type (parser, kind);
      idl_parser_advance (parser);
    }
  if (type == NULL || !idl_parser_parse_annotations (parser, &type->annotations))
    return NULL;
  return type;
}

gboolean
idl_parser_parse_annotations (IdlParser *parser, GPtrArray **annotations)
{
  IdlLocation open = idl_parser_get_location (parser);

  IdlLocation outer = parser->open;

  *annotations = NULL;
  if (!idl_parser_accept (parser, '('))
    return TRUE;
  parser->open = open;
  *annotations = idl_arena_array (parser->unit->arena);
  while (parser->token.kind == IDL_TOKEN_IDENTIFIER)
    {
      IdlAnnotation *annotation = idl_arena_new_node (parser->unit->arena, IdlAnnotation);

      annotation->location = idl_parser_get_location (parser);
      annotation->name = idl_parser_dup_token (parser);
      annotation->value = "1";
      idl_parser_advance (parser);
      if (idl_parser_accept (parser, '='))
        {
          if (parser->token.kind != IDL_TOKEN_STRING)
            return idl_parser_fail_expected (parser, "a string as the annotation's value");
          annotation->value = parser->token.text;
          idl_parser_advance (parser);
        }
      g_ptr_array_add (*annotations, annotation);
      idl_parser_skip_separator (parser);
    }
  if (!idl_parser_expect_close (parser, ')', &open))
    return FALSE;
  parser->open = outer;
  return TRUE;
}

/* The elements of a list, or the keys and values of a map, up to and with @close. */
static gboolean
parse_items (IdlParser *parser, IdlValue *value, guint close)
{
  IdlLocation open = idl_parser_get_location (parser);
  IdlLocation outer = parser->open;

  if (!idl_parser_enter (parser, "values"))
    return FALSE;
  parser->open = open;
  idl_parser_advance (parser);
  value->items = idl_arena_array (parser->unit->arena);
  while (parser->token.kind != close)
    {
      IdlValue *item;

      if (parser->token.kind == IDL_TOKEN_END)
        return idl_parser_expect_close (parser, close, &open);
      item = idl_parser_parse_value (parser);
      if (item == NULL)
        return FALSE;
      g_ptr_array_add (value->items, item);
      if (value->kind == IDL_VALUE_MAP)
        {
          if (!idl_parser_expect (parser, ':', "':' between key and value"))
            return FALSE;
          item = idl_parser_parse_value (parser);
          if (item == NULL)
            return FALSE;
          g_ptr_array_add (value->items, item);
        }
      idl_parser_skip_separator (parser);
    }
  parser->open = outer;
  idl_parser_advance (parser);
  idl_parser_leave (parser);
  return TRUE;
}

static void
parse_scalar (IdlParser *parser, IdlValue *value)
{
  const IdlToken *token = &parser->token;

  value->integer = token->kind == IDL_TOKEN_TRUE ? 1 : token->integer;
  value->is_boolean = token->kind == IDL_TOKEN_TRUE || token->kind == IDL_TOKEN_FALSE;
  value->number = token->number;
  value->text = token->text;
  value->length = (gssize) token->text_length;
  if (value->kind == IDL_VALUE_NAMED)
    value->text = idl_parser_dup_token (parser);
  idl_parser_advance (parser);
}

IdlValue *
idl_parser_parse_value (IdlParser *parser)
{
  IdlValue *value = idl_arena_new_node (parser->unit->arena, IdlValue);

  value->location = idl_parser_get_location (parser);
  switch (parser->token.kind)
    {
    case IDL_TOKEN_INTEGER:
    case IDL_TOKEN_TRUE:
    case IDL_TOKEN_FALSE:
      value->kind = IDL_VALUE_INTEGER;
      break;
    case IDL_TOKEN_DOUBLE:
      value->kind = IDL_VALUE_DOUBLE;
      break;
    case IDL_TOKEN_STRING:
      value->kind = IDL_VALUE_STRING;
      break;
    case IDL_TOKEN_IDENTIFIER:
      value->kind = IDL_VALUE_NAMED;
      break;
    case '[':
      value->kind = IDL_VALUE_LIST;
      return parse_items (parser, value, ']') ? value : NULL;
    case '{':
      value->kind = IDL_VALUE_MAP;
      return parse_items (parser, value, '}') ? value : NULL;
    default:
      idl_parser_fail_expected (parser, "a value");
      return NULL;
    }
  parse_scalar (parser, value);
  return value;
}
