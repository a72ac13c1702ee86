#!/bin/bash
# Projects that call thrift by the usual rules of autotools, CMake and meson, built with tallyc in its place and
# nothing else changed. Arguments: tallyc and the sources' directory.
set -u
THRIFT=$(realpath "$1")
flags="-I$2/runtime -I$2/pool $(pkg-config --cflags gio-unix-2.0 thrift_c_glib)" || { echo '1..0 # SKIP no pkg-config'; exit; }
scratch=$(mktemp -d)
number=0
trap 'rm -rf "$scratch"' EXIT

# check NAME TOOLS FUNCTION: one test, in a directory of its own with the IDL; skipped where a tool is missing.
check ()
{
  local name=$1 tools=$2 tool
  number=$((number + 1))
  for tool in $tools
  do
    command -v "$tool" >/dev/null || { echo "ok $number - $name # SKIP no $tool"; return; }
  done
  mkdir -p "$scratch/$name/idl"
  printf 'namespace c_glib Base\nstruct Point { 1: i32 x, 2: i32 y }\n' >"$scratch/$name/idl/base.thrift"
  printf 'namespace c_glib Demo\ninclude "base.thrift"\nservice Shapes { base.Point center (1: list<base.Point> points) }\n' \
    >"$scratch/$name/demo.thrift"
  printf '#include "demo_shapes.h"\nint main (void) { return demo_shapes_if_center == 0; }\n' >"$scratch/$name/main.c"
  if (cd "$scratch/$name" && "$3") >"$scratch/said" 2>&1
  then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name"
    sed 's/^/# /' "$scratch/said" | tail -n 40
  fi
}

with_autotools ()
{
  cat >configure.ac <<'END'
AC_INIT([demo], [1])
AM_INIT_AUTOMAKE([foreign subdir-objects])
AC_PROG_CC
AM_PROG_AR
AC_PROG_RANLIB
AC_PATH_PROG([THRIFT], [thrift], [no])
AS_IF([test "x$THRIFT" = xno], [AC_MSG_ERROR([thrift is missing])])
thrift_version=`$THRIFT -version | sed 's/Thrift version //'`
AS_VERSION_COMPARE([$thrift_version], [0.10], [AC_MSG_ERROR([thrift $thrift_version is too old])])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
END
  cat >Makefile.am <<'END'
generated = gen-c_glib/demo_demo_types.c gen-c_glib/demo_demo_types.h gen-c_glib/demo_shapes.c \
  gen-c_glib/demo_shapes.h gen-c_glib/base_base_types.c gen-c_glib/base_base_types.h
BUILT_SOURCES = $(generated)
CLEANFILES = $(generated)
EXTRA_DIST = demo.thrift idl/base.thrift
AM_CPPFLAGS = -I$(builddir)/gen-c_glib
noinst_LIBRARIES = libdemo.a
libdemo_a_SOURCES = main.c
nodist_libdemo_a_SOURCES = $(generated)
$(generated): demo.thrift idl/base.thrift
	$(THRIFT) -r --gen c_glib -I $(srcdir)/idl -o $(builddir) $(srcdir)/demo.thrift
END
  autoreconf -fi && mkdir build && cd build && ../configure THRIFT="$THRIFT" CFLAGS="$flags" && make \
    && test -f gen-c_glib/base_base_types.o
}

with_cmake ()
{
  cat >CMakeLists.txt <<'END'
cmake_minimum_required (VERSION 3.10)
project (demo C)
find_program (THRIFT thrift)
execute_process (COMMAND ${THRIFT} -version OUTPUT_VARIABLE THRIFT_SAID RESULT_VARIABLE THRIFT_STATUS)
string (REGEX MATCH "^Thrift version ([0-9.]+)" _ "${THRIFT_SAID}")
if (NOT THRIFT_STATUS EQUAL 0 OR CMAKE_MATCH_1 VERSION_LESS 0.10)
  message (FATAL_ERROR "no thrift: ${THRIFT_SAID}")
endif ()
set (GENERATED ${CMAKE_CURRENT_BINARY_DIR}/gen-c_glib)
set (OPTIONS -r -strict)
add_custom_command (
  OUTPUT ${GENERATED}/demo_demo_types.c ${GENERATED}/demo_shapes.c ${GENERATED}/base_base_types.c
  COMMAND ${CMAKE_COMMAND} -E make_directory ${GENERATED}
  COMMAND ${THRIFT} ${OPTIONS} --gen c_glib -I ${CMAKE_CURRENT_SOURCE_DIR}/idl -out ${GENERATED}
          ${CMAKE_CURRENT_SOURCE_DIR}/demo.thrift
  DEPENDS demo.thrift idl/base.thrift)
add_library (demo STATIC main.c ${GENERATED}/demo_demo_types.c ${GENERATED}/demo_shapes.c
             ${GENERATED}/base_base_types.c)
target_include_directories (demo PRIVATE ${GENERATED})
END
  cmake -S . -B build -DTHRIFT="$THRIFT" -DCMAKE_C_FLAGS="$flags" && cmake --build build && test -f build/libdemo.a
}

# Also: what is generated again and stays the same has nothing compiled again.
with_meson ()
{
  cat >meson.build <<'END'
project ('demo', 'c')
thrift = find_program ('thrift', version : '>= 0.10')
generated = custom_target ('demo.thrift', input : 'demo.thrift', depend_files : 'idl/base.thrift',
  output : ['demo_demo_types.c', 'demo_demo_types.h', 'demo_shapes.c', 'demo_shapes.h', 'base_base_types.c',
    'base_base_types.h'],
  command : [thrift, '-r', '--gen', 'c_glib', '-I', meson.current_source_dir () / 'idl', '-out', '@OUTDIR@', '@INPUT@'])
static_library ('demo', 'main.c', generated)
END
  printf "[binaries]\nthrift = '%s'\n" "$THRIFT" >native
  CFLAGS=$flags meson setup --native-file native build && ninja -C build && test -f build/libdemo.a \
    && printf '// a word\n' >>demo.thrift && ninja -C build | tee second && ! grep -q Compiling second
}

# gcc takes no header that is nested 200 deep.
with_a_long_chain_of_includes ()
{
  local i
  for ((i = 0; i < 300; i++))
  do
    printf 'include "c%d.thrift"\nstruct S%d { 1: c%d.S%d s }\n' $((i + 1)) $i $((i + 1)) $((i + 1)) >c$i.thrift
  done
  printf 'struct S300 { 1: i32 a }\n' >c300.thrift
  "$THRIFT" -r --gen c_glib c0.thrift || return
  # shellcheck disable=SC2086 # flags are words
  cc -Wall -Wextra -Werror $flags -fsyntax-only gen-c_glib/c0_types.c gen-c_glib/c149_types.c
}

echo 1..4
check autotools 'autoreconf automake make cc' with_autotools
check cmake 'cmake make cc' with_cmake
check meson 'meson ninja cc' with_meson
check a_long_chain_of_includes cc with_a_long_chain_of_includes
