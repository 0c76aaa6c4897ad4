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
compdef _pam pam
`;

const fish = `# fish completion for pam: pam completion fish > ~/.config/fish/completions/pam.fish
function __pam_words
    set -l typed (commandline -opc)
    set -e typed[1]
    command pam completion words -- $typed (commandline -ct) 2>/dev/null
end
complete -c pam -f -a '(__pam_words)'
complete -c pam -l key -r -F
complete -c pam -l executor-key -r -F
`;

export const SCRIPTS: Readonly<Record<string, string>> = { bash, zsh, fish };
