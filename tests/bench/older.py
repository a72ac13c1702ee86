"""Builds the benchmark's programs of an older Tally: with its own build files and libraries, and the sources of today's programs, so that
both versions are measured by the same ones.
"""
import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OPTIONS = ['-Doptimization=2', '-Ddebug=true', '-Db_ndebug=true']


def run(command, **more):
    try:
        return subprocess.run(command, check=True, **more)
    except subprocess.CalledProcessError:
        sys.exit('bench: %s failed' % ' '.join(command))


def build_older(commit, programs):
    """The directory of @commit's programs, next to that of @programs."""
    root = os.path.join(HERE, '..', '..')
    sha = run(['git', '-C', root, 'rev-parse', '--verify', '--quiet', commit + '^{commit}'], stdout=subprocess.PIPE, text=True).stdout.strip()
    source = os.path.join(os.path.abspath(programs), '..', '..', 'older', sha)
    build = os.path.join(source, 'build-bench')
    if not os.path.exists(source):
        os.makedirs(source)
        archive = run(['git', '-C', root, 'archive', sha], stdout=subprocess.PIPE).stdout
        run(['tar', '-x', '-C', source], input=archive)
    for path in glob.glob(os.path.join(HERE, '**', '*.[ch]'), recursive=True):
        shutil.copy2(path, os.path.join(source, 'tests', 'bench', os.path.relpath(path, HERE)))
    if not os.path.exists(os.path.join(build, 'build.ninja')):
        run(['meson', 'setup', build, source] + OPTIONS, stdout=sys.stderr)
    # What it had no program for, or none that compiles with today's sources, is left out.
    subprocess.run(['ninja', '-C', build, '-k', '0', 'bench-programs'], stdout=sys.stderr)
    return os.path.join(build, 'tests', 'bench')
