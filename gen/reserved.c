/* Lists of words, nothing else. What is done with a clash is decided in cnames.c. */
#include "reserved.h"

#include <string.h>

/* Filled lines, where clang-format would give each word a column. */
/* clang-format off */

/* C up to C23, GNU C's additions, and object-like macros of the system's headers. Sorted. */
static const gchar *const reserved[] = {
  "FALSE", "NULL", "TRUE", "_Alignas", "_Alignof", "_Atomic", "_Bool", "_Complex", "_Generic",
  "_Imaginary", "_Noreturn", "_Static_assert", "_Thread_local", "alignas", "alignof", "asm", "auto",
  "bool", "break", "case", "char", "const", "constexpr", "continue", "default", "do", "double", "else",
  "enum", "errno", "extern", "false", "float", "for", "goto", "if", "inline", "int", "linux", "long",
  "nullptr", "register", "restrict", "return", "s6_addr", "sa_handler", "sa_sigaction", "short", "si_addr",
  "si_band", "si_fd", "si_pid", "si_status", "si_uid", "si_value", "signed", "sizeof", "st_atime",
  "st_ctime", "st_mtime", "static", "static_assert", "struct", "switch", "thread_local", "true",
  "typedef", "typeof", "typeof_unqual", "union", "unix", "unsigned", "void", "volatile", "while",
};

static const gchar *const cxx_keywords[] = {
  "and", "and_eq", "bitand", "bitor", "catch", "char16_t", "char32_t", "char8_t", "class", "co_await",
  "co_return", "co_yield", "compl", "concept", "const_cast", "consteval", "constinit", "decltype",
  "delete", "dynamic_cast", "explicit", "export", "friend", "mutable", "namespace", "new", "noexcept",
  "not", "not_eq", "operator", "or", "or_eq", "private", "protected", "public", "reinterpret_cast",
  "requires", "static_cast", "template", "this", "throw", "try", "typeid", "typename", "using",
  "virtual", "wchar_t", "xor", "xor_eq",
};

static const gchar *const globals[] = {
  "ABS", "BUFSIZ", "CLAMP", "DIR", "DOMAIN", "E2BIG", "EACCES", "EAGAIN", "EEXIST", "EINTR", "EINVAL",
  "EIO", "ENOENT", "ENOMEM", "EOF", "EPERM", "EPIPE", "ERANGE", "EXIT_FAILURE", "EXIT_SUCCESS", "FILE",
  "HUGE_VAL", "INFINITY", "INT16_MAX", "INT16_MIN", "INT32_MAX", "INT32_MIN", "INT64_MAX", "INT64_MIN",
  "INT8_MAX", "INT8_MIN", "INT_MAX", "INT_MIN", "LONG_MAX", "LONG_MIN", "MAX", "MIN", "NAN", "OVERFLOW",
  "PATH_MAX", "RAND_MAX", "SIGABRT", "SIGALRM", "SIGHUP", "SIGINT", "SIGKILL", "SIGTERM", "UINT16_MAX",
  "UINT32_MAX", "UINT64_MAX", "UINT8_MAX", "UINT_MAX", "UNDERFLOW", "abort", "abs", "accept", "access",
  "alarm", "basename", "bind", "bsearch", "calloc", "ceil", "clock", "clock_t", "close", "connect",
  "cos", "dev_t", "div", "div_t", "dup", "environ", "exec", "exit", "exp", "fabs", "floor", "fork",
  "free", "gamma", "gid_t", "id_t", "index", "ino_t", "int16_t", "int32_t", "int64_t", "int8_t",
  "intptr_t", "j0", "j1", "jn", "key_t", "kill", "link", "listen", "log", "lseek", "malloc", "mode_t",
  "nice", "off_t", "open", "pause", "pid_t", "pipe", "pow", "printf", "ptrdiff_t", "puts", "qsort",
  "raise", "rand", "random", "read", "realloc", "recv", "remove", "rename", "rewind", "rindex", "round",
  "select", "send", "shutdown", "signal", "sin", "size_t", "sleep", "socket", "sqrt", "ssize_t", "stat",
  "stderr", "stdin", "stdout", "sync", "system", "tan", "time", "time_t", "timer_t", "timezone",
  "truncate", "u_char", "u_int", "u_long", "u_short", "uid_t", "uint", "uint16_t", "uint32_t",
  "uint64_t", "uint8_t", "uintptr_t", "ulong", "unlink", "ushort", "wait", "write", "y0", "y1", "yn",
};

static const gchar *const types[] = {
  "GArray", "GByteArray", "GError", "GHashTable", "GPtrArray", "TallyUuid", "ThriftStruct", "gboolean",
  "gchar", "gdouble", "gint16", "gint32", "gint64", "gint8", "gpointer",
};

static const gchar *const own_parameters[] = {
  "_return", "args", "args_", "error", "get_interface", "handler", "iface", "klass", "methods", "result", "result_",
  "results", "success",
};

/* clang-format on */

static int
compare_words (const void *word, const void *entry)
{
  return strcmp (word, *(const gchar *const *) entry);
}

#define CONTAINS(list, word)                                                                       \
  (bsearch ((word), (list), G_N_ELEMENTS (list), sizeof (list)[0], compare_words) != NULL)

gboolean
gen_is_reserved (const gchar *word)
{
  return CONTAINS (reserved, word);
}

gboolean
gen_is_cxx_keyword (const gchar *word)
{
  return CONTAINS (cxx_keywords, word);
}

gboolean
gen_is_global (const gchar *word)
{
  return CONTAINS (globals, word);
}

gboolean
gen_is_type (const gchar *word)
{
  return CONTAINS (types, word);
}

gboolean
gen_is_own_parameter (const gchar *word)
{
  if (CONTAINS (own_parameters, word))
    return TRUE;

  /* A `_` at the end makes such a name another one. */
  return !g_str_has_suffix (word, "_")
         && (g_str_has_prefix (word, "tally_") || g_str_has_prefix (word, "METHOD_")
             || g_str_has_prefix (word, "__isset_"));
}
