# bash completion for tally, also without the bash-completion package.

_tally_files ()
{
  local name
  compopt -o filenames 2>/dev/null
  while IFS= read -r name
  do
    COMPREPLY+=("$name")
  done < <(compgen -d -- "$1"; compgen -f -X "$2" -- "$1")
}

_tally ()
{
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}

  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]
  then
    mapfile -t COMPREPLY < <(compgen -W 'call --help --version' -- "$word")
    return
  fi
  case $before in
    -I | --include)
      _tally_files "$word" '*'
      return
      ;;
    -c | --calls)
      _tally_files "$word" ''
      return
      ;;
  esac
  case $word in
    -*)
      mapfile -t COMPREPLY < <(compgen -W '-I --include -H --header -t --timeout -m --multiplexed -n --repeat
        -c --calls -v --verbose --help' -- "$word")
      ;;
    @*)
      _tally_files "${word#@}" ''
      COMPREPLY=("${COMPREPLY[@]/#/@}")
      ;;
    tcp:* | tls:* | unix:*) ;;
    *)
      _tally_files "$word" '!*.thrift'
      ;;
  esac
}

complete -F _tally tally
