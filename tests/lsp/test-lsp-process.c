/* `tallyc --lsp` as an editor runs it: a process, and what Visual Studio Code and Neovim say to one. */
#include "harness.h"
#include "program.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  TestProgram program;
  gchar *directory;
  gchar *uri;
} Editor;

static gchar *
replace (const gchar *text, const gchar *what, const gchar *with)
{
  g_auto (GStrv) parts = g_strsplit (text, what, -1);

  return g_strjoinv (with, parts);
}

static void
begin (Editor *editor)
{
  const gchar *command[] = { g_getenv ("TALLYC"), "--lsp", NULL };

  editor->directory = g_dir_make_tmp ("lsp XXXXXX", NULL);
  editor->uri = g_filename_to_uri (editor->directory, NULL, NULL);
  CU_ASSERT_TRUE_FATAL (test_program_start (&editor->program, command));
}

static void
end (Editor *editor, gint status)
{
  assert_int (test_program_wait (&editor->program), status);
  g_remove (editor->directory);
  g_free (editor->directory);
  g_free (editor->uri);
}

static void
say (Editor *editor, const gchar *content)
{
  g_autofree gchar *whole = replace (content, "DIR", editor->uri);
  g_autofree gchar *bytes =
      g_strdup_printf ("Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s", strlen (whole), whole);

  test_program_write (&editor->program, bytes);
}

/* Reads messages up to one that has @part. */
static void
hear (Editor *editor, const gchar *part)
{
  gchar *line;

  while ((line = test_program_read_line (&editor->program)) != NULL)
    {
      g_autofree gchar *shown = replace (line, editor->uri, "DIR");

      g_free (line);
      if (strstr (shown, part) != NULL)
        return;
    }
  assert_string ("the output ended", part);
}

static void
visual_studio_code (void)
{
  Editor editor;

  begin (&editor);
  say (&editor,
       "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"processId\":4242,"
       "\"clientInfo\":{\"name\":\"Visual Studio Code\",\"version\":\"1.92.0\"},\"locale\":\"en\","
       "\"rootPath\":\"/nowhere\",\"rootUri\":\"DIR\",\"capabilities\":{\"workspace\":{"
       "\"applyEdit\":true,\"workspaceEdit\":{\"documentChanges\":true,\"resourceOperations\":["
       "\"create\",\"rename\",\"delete\"],\"failureHandling\":\"textOnlyTransactional\","
       "\"normalizesLineEndings\":true},\"configuration\":true,\"didChangeWatchedFiles\":{"
       "\"dynamicRegistration\":true,\"relativePatternSupport\":true},\"symbol\":{"
       "\"dynamicRegistration\":true},\"workspaceFolders\":true,\"diagnostics\":{"
       "\"refreshSupport\":true}},\"textDocument\":{\"publishDiagnostics\":{"
       "\"relatedInformation\":true,\"versionSupport\":false,\"tagSupport\":{\"valueSet\":[1,2]},"
       "\"codeDescriptionSupport\":true,\"dataSupport\":true},\"synchronization\":{"
       "\"dynamicRegistration\":true,\"willSave\":true,\"willSaveWaitUntil\":true,\"didSave\":"
       "true},\"completion\":{\"dynamicRegistration\":true,\"contextSupport\":true,"
       "\"completionItem\":{\"snippetSupport\":true,\"documentationFormat\":[\"markdown\","
       "\"plaintext\"]}},\"hover\":{\"contentFormat\":[\"markdown\",\"plaintext\"]},"
       "\"definition\":{\"linkSupport\":true},\"documentSymbol\":{"
       "\"hierarchicalDocumentSymbolSupport\":true},\"rename\":{\"prepareSupport\":true}},"
       "\"window\":{\"workDoneProgress\":true},\"general\":{\"staleRequestSupport\":{\"cancel\":"
       "true,\"retryOnContentModified\":[]},\"markdown\":{\"parser\":\"marked\",\"version\":"
       "\"1.1.0\"},\"positionEncodings\":[\"utf-16\"]}},\"trace\":\"off\",\"workspaceFolders\":[{"
       "\"uri\":\"DIR\",\"name\":\"api\"}]}}");
  hear (&editor, "\"id\": 0, \"result\": {\"capabilities\": {\"positionEncoding\": \"utf-16\"");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"method\":\"initialized\",\"params\":{}}");
  hear (&editor, "\"method\": \"client/registerCapability\"");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"id\":\"tallyc-watch\",\"result\":null}");
  say (&editor,
       "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{"
       "\"textDocument\":{\"uri\":\"DIR/a.thrift\",\"languageId\":\"thrift\",\"version\":1,"
       "\"text\":\"struct User {\\n  1: i32 id\\n}\\n\\nstruct Pair {\\n  1: Usr one\\n}"
       "\\n\"}}}");
  hear (&editor, "unknown type 'Usr'; did you mean 'User'?");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"textDocument/documentSymbol\","
                "\"params\":{\"textDocument\":{\"uri\":\"DIR/a.thrift\"}}}");
  hear (&editor, "\"id\": 1, \"result\": [{\"name\": \"User\"");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didChange\",\"params\":{"
                "\"textDocument\":{\"uri\":\"DIR/a.thrift\",\"version\":2},\"contentChanges\":[{"
                "\"range\":{\"start\":{\"line\":5,\"character\":7},\"end\":{\"line\":5,"
                "\"character\":7}},\"rangeLength\":0,\"text\":\"e\"}]}}");
  hear (&editor, "\"uri\": \"DIR/a.thrift\", \"diagnostics\": []");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"textDocument/completion\",\"params\":{"
                "\"textDocument\":{\"uri\":\"DIR/a.thrift\"},\"position\":{\"line\":5,"
                "\"character\":8},\"context\":{\"triggerKind\":1}}}");
  hear (&editor, "\"label\": \"User\"");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"textDocument/definition\",\"params\":{"
                "\"textDocument\":{\"uri\":\"DIR/a.thrift\"},\"position\":{\"line\":5,"
                "\"character\":6}}}");
  hear (&editor, "\"id\": 3, \"result\": {\"uri\": \"DIR/a.thrift\", \"range\": {\"start\": "
                 "{\"line\": 0, \"character\": 7}");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"shutdown\"}");
  hear (&editor, "\"id\": 4, \"result\": null");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"method\":\"exit\"}");
  end (&editor, 0);
}

static void
neovim (void)
{
  Editor editor;

  begin (&editor);
  say (&editor,
       "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"initialize\",\"params\":{\"capabilities\":{"
       "\"general\":{\"positionEncodings\":[\"utf-8\",\"utf-16\",\"utf-32\"]},\"textDocument\":{"
       "\"codeLens\":{\"dynamicRegistration\":false},\"completion\":{\"completionItem\":{"
       "\"snippetSupport\":true}},\"documentSymbol\":{\"hierarchicalDocumentSymbolSupport\":true},"
       "\"hover\":{\"contentFormat\":[\"markdown\",\"plaintext\"],\"dynamicRegistration\":true},"
       "\"publishDiagnostics\":{\"dataSupport\":true,\"relatedInformation\":true,\"tagSupport\":{"
       "\"valueSet\":[1,2]}},\"rename\":{\"dynamicRegistration\":true,\"prepareSupport\":true},"
       "\"synchronization\":{\"didSave\":true,\"dynamicRegistration\":false,\"willSave\":true}},"
       "\"window\":{\"showMessage\":{}},\"workspace\":{\"applyEdit\":true,"
       "\"didChangeWatchedFiles\":{\"dynamicRegistration\":false},\"workspaceFolders\":true}},"
       "\"clientInfo\":{\"name\":\"Neovim\",\"version\":\"0.10.1\"},\"initializationOptions\":{},"
       "\"processId\":77,\"rootPath\":null,\"rootUri\":null,\"trace\":\"off\",\"workDoneToken\":"
       "\"1\",\"workspaceFolders\":null}}");
  hear (&editor, "\"positionEncoding\": \"utf-8\"");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"method\":\"initialized\",\"params\":{}}");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"method\":\"workspace/didChangeConfiguration\",\"params\":{"
                "\"settings\":{}}}");
  say (&editor,
       "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{"
       "\"textDocument\":{\"uri\":\"DIR/a.thrift\",\"languageId\":\"thrift\",\"version\":0,"
       "\"text\":\"/* \303\251 */ const i32 A = B\\n\"}}}");
  hear (&editor, "{\"start\": {\"line\": 0, \"character\": 23}, \"end\": {\"line\": 0, "
                 "\"character\": 24}}");
  say (&editor,
       "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didChange\",\"params\":{"
       "\"contentChanges\":[{\"range\":{\"end\":{\"character\":24,\"line\":0},\"start\":{"
       "\"character\":23,\"line\":0}},\"rangeLength\":1,\"text\":\"7\"}],\"textDocument\":{"
       "\"uri\":\"DIR/a.thrift\",\"version\":4}}}");
  hear (&editor, "\"diagnostics\": []");
  say (&editor, "{\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"textDocument/formatting\",\"params\":{"
                "\"options\":{\"insertSpaces\":true,\"tabSize\":2},\"textDocument\":{\"uri\":"
                "\"DIR/a.thrift\"}}}");
  hear (&editor, "\"id\": 2, \"result\": [");
  say (&editor, "{\"id\":3,\"jsonrpc\":\"2.0\",\"method\":\"shutdown\"}");
  hear (&editor, "\"id\": 3, \"result\": null");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"method\":\"exit\"}");
  end (&editor, 0);
}

static void
an_editor_that_dies (void)
{
  Editor editor;

  begin (&editor);
  say (&editor, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{}}");
  hear (&editor, "\"id\": 0");
  end (&editor, 1);
  begin (&editor);
  say (&editor, "{\"jsonrpc\":\"2.0\",\"method\":\"exit\"}");
  end (&editor, 1);
  begin (&editor);
  end (&editor, 1);
}

/* What a run of tallyc says besides the front end: about the C that would be generated. */
static void
mistakes_of_generating (void)
{
  Editor editor;

  begin (&editor);
  say (&editor, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{}}");
  say (&editor, "{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\",\"params\":{"
                "\"textDocument\":{\"uri\":\"DIR/a.thrift\",\"text\":\"struct S {\\n  1: i32 "
                "errno\\n}\\n\"}}}");
  hear (&editor, "\"code\": \"c-word\"");
  end (&editor, 1);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (visual_studio_code),     TEST (neovim), TEST (an_editor_that_dies),
    TEST (mistakes_of_generating), { NULL },
  };

  return test_main ("lsp-process", cases, argc, argv);
}
