// Package nodetest starts real nodes on a real engine and tries what a learner, an operator or bad luck does to
// them. It runs only with the tag "node" (see the README), and never touches a container that it did not make.
package nodetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const patience = 30 * time.Second

// Node is one container that runs the node image.
type Node struct {
	t    *testing.T
	name string
}

// Start starts a node "node1" without a network. settings are further arguments of `docker create`.
func Start(t *testing.T, settings ...string) *Node {
	t.Helper()
	return StartOn(t, "none", "node1", settings...)
}

// StartOn starts a node as the platform does, on a network.
func StartOn(t *testing.T, network, hostname string, settings ...string) *Node {
	t.Helper()
	image, runtime := os.Getenv("SLIPWAY_TEST_IMAGE"), os.Getenv("SLIPWAY_TEST_RUNTIME")
	if image == "" {
		image = "slipway/node:current"
	}
	if runtime == "" {
		runtime = "slipway"
	}
	n := &Node{t: t, name: fmt.Sprintf("nodetest-%d-%d", os.Getpid(), time.Now().UnixNano())}
	args := []string{
		"create", "--name", n.name, "--hostname", hostname, "--runtime", runtime, "--network", network,
		"--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined",
		"--cgroupns", "private", "--tmpfs", "/run:rw,nosuid,nodev,exec,mode=755,size=64m", "--tmpfs", "/tmp:rw,exec,mode=1777,size=64m",
		"--memory", "768m", "--memory-swap", "768m", "--pids-limit", "400",
		"--env", "SLIPWAY_KIND=docker", "--env", "SLIPWAY_DISK_BYTES=2147483648", "--env", "SLIPWAY_LEASE_SECONDS=300",
	}
	n.docker(append(append(args, settings...), image)...)
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := exec.Command("docker", "logs", "--tail", "30", n.name).CombinedOutput()
			t.Logf("%s", logs)
		}
		_ = exec.Command("docker", "rm", "--force", "--volumes", n.name).Run()
	})
	n.docker("start", n.name)
	return n
}

func (n *Node) docker(args ...string) string {
	n.t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("docker", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		n.t.Fatalf("docker %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// Ask sends one request over `connect` and decodes the result; the error is the agent's or that of the way to it.
func (n *Node) Ask(op string, params, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	line, err := json.Marshal(map[string]any{"id": 1, "op": op, "params": params})
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "docker", "exec", "-i", n.name, "slipway-node", "connect")
	cmd.Stdin = bytes.NewReader(append(line, '\n'))
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	var answer struct {
		OK     bool
		Result json.RawMessage
		Error  struct{ Code, Message string }
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return fmt.Errorf("%q: %w", out, err)
	}
	if !answer.OK {
		return errors.New(answer.Error.Code + ": " + answer.Error.Message)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// Talk is one connection to the agent that stays open.
type Talk struct {
	t     *testing.T
	input io.Writer
	lines *bufio.Reader
	cmd   *exec.Cmd
	said  bytes.Buffer // on standard error
}

// Talk opens a connection.
func (n *Node) Talk() *Talk {
	n.t.Helper()
	cmd := exec.Command("docker", "exec", "-i", n.name, "slipway-node", "connect")
	input, err := cmd.StdinPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	talk := &Talk{t: n.t, input: input, lines: bufio.NewReader(output), cmd: cmd}
	cmd.Stderr = &talk.said
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = input.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return talk
}

// Say sends one request.
func (k *Talk) Say(op string, params any) {
	k.t.Helper()
	line, err := json.Marshal(map[string]any{"id": 1, "op": op, "params": params})
	if err == nil {
		_, err = k.input.Write(append(line, '\n'))
	}
	if err != nil {
		k.t.Fatalf("%s: %v", op, err)
	}
}

// Hear waits for one answer: its result, or the code of its error.
func (k *Talk) Hear() (result json.RawMessage, code string) {
	k.t.Helper()
	line, err := k.lines.ReadBytes('\n')
	if err != nil {
		_ = k.cmd.Wait()
		k.t.Fatalf("the agent said no more: %v; %v\n%s", err, k.cmd.ProcessState, k.said.String())
	}
	var answer struct {
		Result json.RawMessage
		Error  struct{ Code string }
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		k.t.Fatalf("%q: %v", line, err)
	}
	return answer.Result, answer.Error.Code
}

// Ask is Say and Hear.
func (k *Talk) Ask(op string, params any) (result json.RawMessage, code string) {
	k.t.Helper()
	k.Say(op, params)
	return k.Hear()
}

// Ready waits for a service.
func (n *Node) Ready(service string) (readyAfterMS int64) {
	n.t.Helper()
	var result struct {
		ReadyAfterMS int64 `json:"ready_after_ms"`
	}
	if err := n.Ask("wait", map[string]any{"service": service, "timeout_ms": patience.Milliseconds() / 2}, &result); err != nil {
		n.t.Fatalf("%s is not ready: %v", service, err)
	}
	return result.ReadyAfterMS
}

// Service is what status says of one.
type Service struct {
	Name, State string
	Pid         int
	Restarts    int
}

// Status gives one service's.
func (n *Node) Status(service string) (Service, error) {
	var status struct{ Services []Service }
	if err := n.Ask("status", struct{}{}, &status); err != nil {
		return Service{}, err
	}
	for _, s := range status.Services {
		if s.Name == service {
			return s, nil
		}
	}
	return Service{}, fmt.Errorf("there is no %s", service)
}

// Shell runs a script in the node with bash and gives its output.
func (n *Node) Shell(script string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "exec", n.name, "bash", "-c", script).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Must is Shell for a script that has to work.
func (n *Node) Must(script string) string {
	n.t.Helper()
	out, err := n.Shell(script)
	if err != nil {
		n.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// MakeImage makes an image "tiny" in the node out of the node's own bash and sleep: nothing can be pulled here.
func (n *Node) MakeImage() {
	n.t.Helper()
	n.Must(`tar -chf - /bin/bash /bin/sleep $(ldd /bin/bash /bin/sleep | grep -o '/lib[^ ]*' | sort -u) 2>/dev/null | docker import --change 'ENV PATH=/bin' - tiny`)
}

// Ended waits for the node's end: its exit status and how long it took.
func (n *Node) Ended(within time.Duration) (status string, took time.Duration) {
	n.t.Helper()
	began := time.Now()
	for time.Since(began) < within {
		state := n.docker("inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", n.name)
		if status, ended := strings.CutPrefix(state, "false "); ended {
			return status, time.Since(began)
		}
		time.Sleep(20 * time.Millisecond)
	}
	n.t.Fatalf("the node still runs after %v", within)
	return "", 0
}

// Eventually waits until a condition holds.
func (n *Node) Eventually(within time.Duration, what string, ok func() bool) time.Duration {
	n.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > within {
			n.t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}
