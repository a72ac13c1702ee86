/* The rules that an error or a warning comes from, and their ids, which users write. */
#ifndef IDL_RULES_H
#define IDL_RULES_H

#include <glib.h>

G_BEGIN_DECLS

/* RULE (constant, id, what it is about), in the order of the ids. An id never changes its meaning:
 * it stands in users' files and scripts. */
#define IDL_RULES(RULE)                                                                            \
  RULE (AMBIGUOUS_INCLUDE, "ambiguous-include", "a name that two included files define")           \
  RULE (AUDIT_CONSTANT, "audit-constant", "a constant of another value or type")                   \
  RULE (AUDIT_DEFAULT, "audit-default", "a default that changes")                                  \
  RULE (AUDIT_DEFINITION_GONE, "audit-definition-gone", "a definition that is gone")               \
  RULE (AUDIT_DEFINITION_KIND, "audit-definition-kind", "a definition of another kind")            \
  RULE (AUDIT_ENUMERATOR_GONE, "audit-enumerator-gone", "an enumerator that is gone")              \
  RULE (AUDIT_ENUMERATOR_NAME, "audit-enumerator-name", "a value of an enum by another name")      \
  RULE (AUDIT_ENUMERATOR_VALUE, "audit-enumerator-value", "an enumerator of another value")        \
  RULE (AUDIT_EXCEPTION_GONE, "audit-exception-gone", "an exception that is no longer thrown")     \
  RULE (AUDIT_EXCEPTION_NEW, "audit-exception-new", "an exception that was not thrown before")     \
  RULE (AUDIT_FIELD_GONE, "audit-field-gone", "a field or argument that is gone")                  \
  RULE (AUDIT_FIELD_ID, "audit-field-id", "an id that has another field now")                      \
  RULE (AUDIT_FIELD_NAME, "audit-field-name", "a field or argument of another name")               \
  RULE (AUDIT_FIELD_NEW, "audit-field-new", "a field or argument that is new")                     \
  RULE (AUDIT_FUNCTION_GONE, "audit-function-gone", "a function that is gone")                     \
  RULE (AUDIT_NAMESPACE, "audit-namespace", "a namespace that changes")                            \
  RULE (AUDIT_ONEWAY, "audit-oneway", "a function that is oneway, or no longer is")                \
  RULE (AUDIT_REQUIREDNESS, "audit-requiredness", "a field that is required, or no longer is")     \
  RULE (AUDIT_TYPE, "audit-type", "a type that changes")                                           \
  RULE (BOOL_VALUE, "bool-value", "a number above 1 for a bool")                                   \
  RULE (BOOLEAN_NUMBER, "boolean-number", "true or false for a number")                            \
  RULE (C_CLASH, "c-clash", "two names that are one name in C")                                    \
  RULE (C_WORD, "c-word", "a name that C has for something else")                                   \
  RULE (CONSTANT_CYCLE, "constant-cycle", "a constant that is defined by itself")                  \
  RULE (CONTAINER_KEY, "container-key", "a map key or set element that some languages lack")       \
  RULE (DEFAULT_CYCLE, "default-cycle", "default values that contain their own struct")            \
  RULE (DEFINED_LATER, "defined-later", "a use that stands before the definition")                 \
  RULE (DOTTED_NAME, "dotted-name", "a dot in a new name")                                         \
  RULE (DUPLICATE_ELEMENT, "duplicate-element", "an element or key that a literal has twice")      \
  RULE (DUPLICATE_FIELD, "duplicate-field", "a field that a literal has twice")                    \
  RULE (DUPLICATE_ID, "duplicate-id", "two fields of one id")                                      \
  RULE (DUPLICATE_NAME, "duplicate-name", "two definitions or members of one name")                \
  RULE (DUPLICATE_VALUE, "duplicate-value", "two enumerators of one value")                        \
  RULE (EMPTY_CONTAINER, "empty-container", "[] for a map, {} for a list or set")                  \
  RULE (EMPTY_ENUM, "empty-enum", "an enum without enumerators")                                   \
  RULE (ENCODING, "encoding", "a text that is not UTF-8")                                          \
  RULE (ENUMERATOR_NAME, "enumerator-name", "an enumerator without its enum's name")               \
  RULE (ESCAPE, "escape", "an unknown escape in a string")                                         \
  RULE (FIELD_ID_RANGE, "field-id-range", "a field id of more than 16 bits")                       \
  RULE (FOREIGN_WORD, "foreign-word", "a word of another language or of an older Thrift")          \
  RULE (FORM_FEED, "form-feed", "a form feed as white space")                                      \
  RULE (HEADER_ORDER, "header-order", "an include or namespace after a definition")                \
  RULE (IGNORED_REQUIREDNESS, "ignored-requiredness", "required or optional without effect")       \
  RULE (IMPLICIT_ID, "implicit-id", "a field without an id")                                       \
  RULE (INCLUDE_CYCLE, "include-cycle", "a file that includes itself")                             \
  RULE (INCLUDE_NOT_FOUND, "include-not-found", "an included file that is not there")              \
  RULE (INHERITED_FUNCTION, "inherited-function", "a function that is inherited too")              \
  RULE (LITERAL, "literal", "a malformed number or string")                                        \
  RULE (LONG_NAME, "long-name", "a name that is too long for some compilers")                      \
  RULE (MISSING_FIELD, "missing-field", "a literal without a required field")                      \
  RULE (NESTED_COMMENT, "nested-comment", "a comment that begins within a comment")                \
  RULE (NESTING, "nesting", "what nests too deep or grows too large")                              \
  RULE (NONPOSITIVE_ID, "nonpositive-id", "a field id that is not above 0")                        \
  RULE (NOT_A_SERVICE, "not-a-service", "extending what is not a service")                         \
  RULE (NOT_A_TYPE, "not-a-type", "a constant or service as a type")                               \
  RULE (NUL_BYTE, "nul-byte", "a NUL byte in the text")                                            \
  RULE (ONEWAY, "oneway", "a oneway function that returns or throws")                              \
  RULE (OUTPUT_CLASH, "output-clash", "two files or services that become the same C files")        \
  RULE (PORTABLE_NAME, "portable-name", "a name that Apache's compiler refuses")                   \
  RULE (REQUIRED_CYCLE, "required-cycle", "a struct that requires itself")                         \
  RULE (SERVICE_CYCLE, "service-cycle", "a service that extends itself")                           \
  RULE (STRAY_BYTE, "stray-byte", "a character that begins nothing")                               \
  RULE (STRAY_SEPARATOR, "stray-separator", "a separator between definitions")                     \
  RULE (STRING_NUL, "string-nul", "a string that C ends before its end")                           \
  RULE (SUCCESS_NAME, "success-name", "an exception that is called like the return value")         \
  RULE (SYNTAX, "syntax", "what the grammar does not have")                                        \
  RULE (THROWN_TYPE, "thrown-type", "throwing what is not an exception")                           \
  RULE (TYPE_ARGUMENTS, "type-arguments", "<> after a type that takes none")                       \
  RULE (TYPEDEF_CYCLE, "typedef-cycle", "a typedef that is defined by itself")                     \
  RULE (UNCLOSED, "unclosed", "a bracket, brace or comment that is not closed")                    \
  RULE (UNION_FIELDS, "union-fields", "a union of more than one field at once, or of none")        \
  RULE (UNKNOWN_FIELD, "unknown-field", "a literal's field that the struct does not have")         \
  RULE (UNKNOWN_SERVICE, "unknown-service", "extending what is not defined")                       \
  RULE (UNKNOWN_TYPE, "unknown-type", "a type that is not defined")                                \
  RULE (UNKNOWN_VALUE, "unknown-value", "a constant or enumerator that is not defined")            \
  RULE (UNREADABLE_FILE, "unreadable-file", "a file that cannot be read")                          \
  RULE (VALUE_RANGE, "value-range", "a number that does not fit its type")                         \
  RULE (VALUE_TYPE, "value-type", "a value of the wrong type")

#define IDL_RULE_CONSTANT(constant, id, about) IDL_RULE_##constant,

typedef enum
{
  IDL_RULES (IDL_RULE_CONSTANT) IDL_N_RULES
} IdlRule;

#undef IDL_RULE_CONSTANT

const gchar *idl_rule_get_id (IdlRule rule);
/* What it is about, in a few words. */
const gchar *idl_rule_get_about (IdlRule rule);
/* IDL_N_RULES: there is no rule of that id. */
IdlRule idl_rule_find (const gchar *id);

G_END_DECLS

#endif /* IDL_RULES_H */
