package power

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"slipway.dev/node/internal/probe"
	"slipway.dev/node/internal/reaper"
)

// firewall is the packet filter as it was at boot: the outer engine's rules, by which names are resolved.
type firewall struct {
	tables []string // as `nft list tables` names them
	rules  string   // those of IPv4, as iptables-save writes them
}

func readFirewall(ctx context.Context, r *reaper.Reaper) (firewall, error) {
	tables, tablesErr := tool(ctx, r, "", "nft", "list", "tables")
	rules, rulesErr := tool(ctx, r, "", "iptables-save")
	return firewall{lines(tables), rules}, errors.Join(tablesErr, rulesErr)
}

// restore deletes the tables that were made since, and puts the others back as they were.
func (f firewall) restore(ctx context.Context, r *reaper.Reaper) error {
	tables, err := tool(ctx, r, "", "nft", "list", "tables")
	var script strings.Builder
	for _, table := range lines(tables) {
		if !slices.Contains(f.tables, table) {
			fmt.Fprintf(&script, "delete %s\n", table)
		}
	}
	problems := []error{err}
	if script.Len() > 0 {
		_, err := tool(ctx, r, script.String(), "nft", "-f", "-")
		problems = append(problems, err)
	}
	if f.rules != "" {
		_, err := tool(ctx, r, f.rules, "iptables-restore", "-w", "2")
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func lines(text string) []string {
	return strings.FieldsFunc(text, func(letter rune) bool { return letter == '\n' })
}

// tool runs a program and gives its output; it fails where the program does.
func tool(ctx context.Context, r *reaper.Reaper, stdin string, argv ...string) (string, error) {
	params := probe.RunDefaults()
	params.Argv, params.Stdin, params.Dir = argv, stdin, "/"
	params.TimeoutMS, params.MaxOutput = toolTime.Milliseconds(), 1<<20
	result, err := probe.Run(ctx, r, params)
	if err == nil && (result.ExitCode != 0 || result.Truncated) {
		err = fmt.Errorf("exit code %d: %.200s", result.ExitCode, result.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", argv[0], err)
	}
	return result.Stdout, nil
}
