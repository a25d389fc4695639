package main

import "strings"

// call is one command line of runc, read as far as we need it.
type call struct {
	args      []string
	command   string // create, start, kill, delete, …; empty when there is none
	commandAt int    // its index in args
	id        string // the container's id, for the commands that name one
	bundle    string
	pidFile   string
	log       string
}

// Flags of runc that are followed by a value in the next argument, unless written with "=".
var valued = map[string]bool{
	"root": true, "log": true, "log-format": true, "criu": true, "rootless": true,
	"bundle": true, "b": true, "console-socket": true, "pid-file": true, "pidfd-socket": true, "preserve-fds": true,
}

// parseCall reads runc's arguments: global flags, the command, its flags, the id.
func parseCall(args []string) call {
	c := call{args: args, bundle: "."}
	for i := 0; i < len(args); i++ {
		word := args[i]
		if !strings.HasPrefix(word, "-") || word == "-" {
			if c.command == "" {
				c.command, c.commandAt = word, i
			} else if c.id == "" {
				c.id = word
			}
			continue
		}
		name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if !given && valued[name] && i+1 < len(args) {
			i++
			value = args[i]
		}
		switch name {
		case "bundle", "b":
			c.bundle = value
		case "pid-file":
			c.pidFile = value
		case "log":
			c.log = value
		}
	}
	return c
}

// with returns the arguments with flags added right after the command.
func (c call) with(flags ...string) []string {
	args := append([]string{}, c.args[:c.commandAt+1]...)
	args = append(args, flags...)
	return append(args, c.args[c.commandAt+1:]...)
}
