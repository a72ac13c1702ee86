# bash completion for tallyc, also without the bash-completion package.

_tallyc_files ()
{
  local name
  compopt -o filenames 2>/dev/null
  while IFS= read -r name
  do
    COMPREPLY+=("$name")
  done < <(compgen -d -- "$1"; compgen -f -X '!*.thrift' -- "$1")
}

_tallyc_directories ()
{
  local name
  compopt -o filenames 2>/dev/null
  while IFS= read -r name
  do
    COMPREPLY+=("$name")
  done < <(compgen -d -- "$1")
}

_tallyc ()
{
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}

  COMPREPLY=()
  # `--option=value` comes as three words.
  if [ "$word" = = ]
  then
    word=
  elif [ "$before" = = ]
  then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $before in
    -I | --include | -Iold | -Inew | --Iold | --Inew | -o | -out | --out)
      _tallyc_directories "$word"
      return
      ;;
    --depfile)
      compopt -o default 2>/dev/null
      return
      ;;
    --gen | -gen)
      mapfile -t COMPREPLY < <(compgen -W c_glib -- "$word")
      return
      ;;
    --dump)
      mapfile -t COMPREPLY < <(compgen -W json -- "$word")
      return
      ;;
    --docs)
      mapfile -t COMPREPLY < <(compgen -W 'html markdown' -- "$word")
      return
      ;;
    --diagnostics)
      mapfile -t COMPREPLY < <(compgen -W 'json text' -- "$word")
      return
      ;;
    --warn-as-error)
      if [ "${COMP_WORDS[COMP_CWORD - 1]}" = = ] || [ "${COMP_WORDS[COMP_CWORD]}" = = ]
      then
        mapfile -t COMPREPLY < <(compgen -W "$("$1" --list-rules 2>/dev/null | cut -d ' ' -f 1)" -- "$word")
        return
      fi
      ;;
  esac
  case $word in
    -I?*)
      _tallyc_directories "${word#-I}"
      COMPREPLY=("${COMPREPLY[@]/#/-I}")
      ;;
    -*)
      mapfile -t COMPREPLY < <(compgen -W '-I --include --out -o -r --recurse --depfile --check --format --in-place
        --diff --lsp --audit -Iold -Inew --audit-nofatal --dump --docs --diagnostics --no-warnings --nowarn --warn-as-error --strict
        --list-rules --gen -v --verbose --allow-neg-keys --allow-64bit-consts --debug --version -h --help' -- "$word")
      ;;
    *)
      _tallyc_files "$word"
      ;;
  esac
}

complete -F _tallyc tallyc
