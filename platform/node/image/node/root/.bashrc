# A node's shell: the node's name in front, so that several terminals side by side are told apart.
[ -z "$PS1" ] && return
PS1='\[\e[1;32m\]\h\[\e[0m\] \[\e[1;34m\]\w\[\e[0m\] \$ '
HISTCONTROL=ignoredups
HISTSIZE=5000
shopt -s histappend checkwinsize
export EDITOR=nano DOCKER_CLI_HINTS=false LESS=-R
alias ls='ls --color=auto' ll='ls -l' grep='grep --color=auto' k=kubectl
[ -r /usr/share/bash-completion/bash_completion ] && . /usr/share/bash-completion/bash_completion
if command -v kubectl >/dev/null && type complete >/dev/null 2>&1; then
    . <(kubectl completion bash 2>/dev/null) && complete -o default -F __start_kubectl k
fi
