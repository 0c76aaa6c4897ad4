/**
 * What a shell sources. Each asks `pam completion words` for what fits and hands the words over as they were typed: none of
 * them is evaluated, and what comes back is one name a line.
 */

const bash = `# bash completion for pam: source <(pam completion bash)
_pam() {
  COMPREPLY=()
  local word
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(command pam completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _pam pam
`;

const zsh = `#compdef pam
# zsh completion for pam: source <(pam completion zsh), after compinit
_pam() {
  local found
  found="$(command pam completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"
  if [[ -n "$found" ]]; then
    compadd -- "\${(@f)found}"
  else
    _files
  fi
}
# As a file of $fpath it is run when the first word is completed; sourced, it only says what it is for.
if [[ "$funcstack[1]" == _pam ]]; then _pam "$@"; else compdef _pam pam; fi
`;

const fish = `# fish completion for pam: pam completion fish > ~/.config/fish/completions/pam.fish
function __pam_words
    set -l typed (commandline -opc)
    set -e typed[1]
    set -l found (command pam completion words -- $typed (commandline -ct) 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c pam -f -a '(__pam_words)'
`;

export const SCRIPTS: Readonly<Record<string, string>> = { bash, zsh, fish };
