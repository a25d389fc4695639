package shell

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	historyBytes   = 1 << 20 // how much of a history file is read
	longestCommand = 4096
)

// Command is one line that a shell was asked to carry out. At is in Unix seconds, 0 when unknown.
type Command struct {
	Shell   string `json:"shell"`
	At      int64  `json:"at"`
	Command string `json:"command"`
}

// colours of the prompt, one for each place among the nodes, so that a learner sees at a glance where they type.
var colours = []string{"32", "36", "35", "33", "34", "31"}

// promptScript is what each shell sources before each prompt. It comes after every file that bash reads at its
// start, so it neither depends on them nor is undone by them.
func promptScript(place int) string {
	return fmt.Sprintf(`# Written by slipway-node at boot; every shell sources it before each prompt.
if [ -z "${_slipway_prompt-}" ]; then
	_slipway_prompt=1
	PS1='\[\e]0;\u@\h: \w\a\]\[\e[1;%sm\]\u@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ '
	shopt -s histappend checkwinsize
fi
history -a
`, colours[place%len(colours)])
}

// environment is a shell's: the node's own without what is meant for PID 1 only, and what a terminal needs.
func environment(name, folder, home string) []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "SLIPWAY_") {
			env = append(env, entry)
		}
	}
	return append(env,
		"HOME="+home, "USER=root", "LOGNAME=root", "SHELL=/bin/bash",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8",
		"HISTFILE="+filepath.Join(folder, "history", name), "HISTTIMEFORMAT=%F %T  ",
		"HISTSIZE=5000", "HISTFILESIZE=5000",
		"PROMPT_COMMAND=. "+filepath.Join(folder, "prompt.bash")+" 2>/dev/null",
	)
}

// readHistory gives what is recorded in a folder of history files, oldest first, at most the last max commands.
// The files are the learner's to change: nothing but a regular file is read, and not much of it.
func readHistory(folder string, max int) []Command {
	commands := []Command{}
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		if ValidName(entry.Name()) {
			commands = append(commands, parseHistory(entry.Name(), readEnd(filepath.Join(folder, entry.Name())))...)
		}
	}
	sort.SliceStable(commands, func(i, j int) bool { return commands[i].At < commands[j].At })
	if len(commands) > max {
		commands = commands[len(commands)-max:]
	}
	return commands
}

func readEnd(path string) []byte {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if extra := info.Size() - historyBytes; extra > 0 {
		_, _ = file.Seek(extra, io.SeekStart)
	}
	content, _ := io.ReadAll(io.LimitReader(file, historyBytes))
	return content
}

// parseHistory reads bash's format with times: a line "#1700000000", then the command, on as many lines as it
// had. What comes before the first such line is a command cut in half, or one without a time.
func parseHistory(shell string, content []byte) []Command {
	var commands []Command
	for line := range bytes.Lines(content) {
		text := strings.ToValidUTF8(strings.TrimSuffix(string(line), "\n"), "\uFFFD")
		if at, err := strconv.ParseInt(strings.TrimPrefix(text, "#"), 10, 64); err == nil && strings.HasPrefix(text, "#") {
			commands = append(commands, Command{Shell: shell, At: at})
			continue
		}
		if len(commands) == 0 {
			continue
		}
		last := &commands[len(commands)-1]
		if last.Command != "" {
			text = last.Command + "\n" + text
		}
		last.Command = cut(text, longestCommand)
	}
	kept := commands[:0]
	for _, command := range commands {
		if command.Command != "" {
			kept = append(kept, command)
		}
	}
	return kept
}

func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size], "")
}
