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
    mapfile -t COMPREPLY < <(compgen -W 'call describe decode proxy serve bench report simulate --help --version' -- "$word")
    return
  fi
  case $before in
    -I | --include)
      _tally_files "$word" '*'
      return
      ;;
    -f | --idl | --from)
      [ "${COMP_WORDS[1]}" != simulate ] || { _tally_files "$word" '!*.json'; return; }
      _tally_files "$word" '!*.thrift'
      return
      ;;
    -s | --service | --dial | --think)
      [ "${COMP_WORDS[1]}" != simulate ] || { mapfile -t COMPREPLY < <(compgen -W 'exponential: lognormal:' -- "$word"); return; }
      ;;
    -p | --pool | --protocol)
      [ "${COMP_WORDS[1]}" != simulate ] || return
      mapfile -t COMPREPLY < <(compgen -W 'auto binary compact' -- "$word")
      return
      ;;
    -o | --output | --report)
      _tally_files "$word" '!*.html'
      return
      ;;
    -j | --json)
      case ${COMP_WORDS[1]} in
        bench | simulate)
          _tally_files "$word" ''
          return
          ;;
      esac
      ;;
    -M | --modes)
      mapfile -t COMPREPLY < <(compgen -W 'unpooled pooled shared async-unpooled async-pooled async-shared' -- "$word")
      return
      ;;
    -a | --answers | -c | --calls)
      [[ ${COMP_WORDS[1]} = @(bench|simulate) ]] || _tally_files "$word" ''
      return
      ;;
  esac
  local options='-I --include --help'
  case ${COMP_WORDS[1]} in
    call)
      options+=' -H --header -t --timeout -m --multiplexed -n --repeat -c --calls -v --verbose'
      ;;
    describe)
      options+=' -j --json'
      ;;
    bench)
      options+=' -M --modes -c --callers -n --calls -d --duration -r --rounds -w --warm-up -R --rate --connections --in-flight -e --expect'
      options+=' -t --timeout -m --multiplexed --server-pid -j --json --report --name --max-p99 --max-errors -q --quiet'
      ;;
    simulate)
      options='-R --rate --evenly -c --callers --think -s --service --dial -f --from --mode --failing-dials --broken-calls -t --timeout'
      options+=' -m --max-open -p --pool --max-wait-p99 --max-refused -n --calls --seed -j --json --help'
      ;;
    report)
      options='-o --output --help'
      ;;
    decode)
      options+=' -f --idl -p --protocol -P --port -x --hex -b --base64 -v --verbose'
      ;;
    proxy)
      options+=' -f --idl -j --json -i --inject -s --seed -t --idle-timeout -n --max-connections'
      ;;
    serve)
      options+=' -a --answers -s --strict -q --quiet'
      ;;
  esac
  case $word in
    -*)
      mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
      ;;
    @*)
      _tally_files "${word#@}" ''
      COMPREPLY=("${COMPREPLY[@]/#/@}")
      ;;
    tcp:* | tls:* | unix:*) ;;
    *)
      [ "${COMP_WORDS[1]}" != report ] || { _tally_files "$word" '!*.json'; return; }
      _tally_files "$word" '!*.thrift'
      ;;
  esac
}

complete -F _tally tally
