// Package statuspage is `slipway-node status`: what the agent says about the node, on one screen.
package statuspage

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"text/tabwriter"
	"time"

	"slipway.dev/node/internal/node"
	"slipway.dev/node/internal/shell"
)

const patience = 5 * time.Second

type answer struct {
	OK     bool            `json:"ok"`
	Result json.RawMessage `json:"result"`
	Error  struct {
		Message string `json:"message"`
	} `json:"error"`
}

// Print asks the agent at socket and writes its answer for a person, or as it is when asJSON.
func Print(out io.Writer, socket string, asJSON bool) error {
	connection, err := net.DialTimeout("unix", socket, patience)
	if err != nil {
		return fmt.Errorf("the agent of this node cannot be reached: %w", err)
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience))
	lines := bufio.NewReader(connection)
	raw, err := ask(connection, lines, "status")
	if err != nil {
		return err
	}
	if asJSON {
		_, err = fmt.Fprintf(out, "%s\n", raw)
		return err
	}
	var status node.Status
	if err := json.Unmarshal(raw, &status); err != nil {
		return err
	}
	if raw, err = ask(connection, lines, "shells"); err != nil {
		return err
	}
	var shells struct {
		Shells []shell.Info `json:"shells"`
	}
	if err := json.Unmarshal(raw, &shells); err != nil {
		return err
	}
	return render(out, status, shells.Shells)
}

func ask(connection io.Writer, lines *bufio.Reader, op string) (json.RawMessage, error) {
	if _, err := fmt.Fprintf(connection, "{\"id\":1,\"op\":%q}\n", op); err != nil {
		return nil, err
	}
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return nil, err
	}
	if !a.OK {
		return nil, errors.New(a.Error.Message)
	}
	return a.Result, nil
}

func render(out io.Writer, status node.Status, shells []shell.Info) error {
	left := "none"
	if status.LeaseLeftMS != nil {
		left = duration(*status.LeaseLeftMS) + " left"
	}
	fmt.Fprintf(out, "%s  up %s, lease %s, cgroup %s, mesh %s, slipway-node %s\n\n",
		status.Hostname, duration(status.UptimeMS), left, status.Cgroup, status.Mesh, status.Version)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERVICE\tSTATE\tPID\tREADY AFTER\tRESTARTS\tLAST EXIT")
	for _, s := range status.Services {
		ready, exit := "-", "-"
		if s.ReadyAfterMS != nil {
			ready = fmt.Sprintf("%d ms", *s.ReadyAfterMS)
		}
		if s.LastExit != nil {
			exit = *s.LastExit
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%d\t%s\n", s.Name, s.State, s.Pid, ready, s.Restarts, exit)
	}
	if err := table.Flush(); err != nil || len(shells) == 0 {
		return err
	}
	fmt.Fprintln(table, "\nSHELL\tSTATE\tPID\tRUNNING FOR\tVIEWERS")
	for _, s := range shells {
		state := "running"
		if s.Exited {
			state = "exited"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%d\n", s.Shell, state, s.Pid, duration(s.StartedMSAgo), s.Viewers)
	}
	return table.Flush()
}

func duration(ms int64) string {
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}
