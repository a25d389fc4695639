// Command slipway-node is the one program of Slipway inside a node: PID 1, and the way from the platform to it.
package main

import (
	"fmt"
	"io"
	"os"

	"slipway.dev/node/internal/bridge"
	"slipway.dev/node/internal/node"
	"slipway.dev/node/internal/statuspage"
)

// version is set when the program is built (-ldflags "-X main.version=…").
var version = "dev"

const help = `slipway-node %s: process 1 of a Slipway node, and the way to talk to it.

Usage:
  slipway-node init             boot the node; what process 1 does when called without a command.
                                Reads SLIPWAY_KIND (docker), SLIPWAY_LEASE_SECONDS, SLIPWAY_PEERS
                                and SLIPWAY_REGISTRY_SOCKET.
  slipway-node connect          copy standard input and output to and from the agent's socket,
                                %s; status 1 when nobody answers there
  slipway-node status [--json]  how the node is: services, shells, lease
  slipway-node version          print the version
`

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "slipway-node: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	command := ""
	if len(args) > 0 {
		command = args[0]
	} else if os.Getpid() == 1 {
		command = "init"
	}
	switch command {
	case "init":
		return node.Run(version)
	case "connect":
		if err := bridge.Connect(node.Socket, 0, 1); err != nil {
			return fmt.Errorf("the agent of this node cannot be reached at %s: %w", node.Socket, err)
		}
		return nil
	case "status":
		return statuspage.Print(out, node.Socket, len(args) > 1 && args[1] == "--json")
	case "version", "--version":
		_, err := fmt.Fprintln(out, version)
		return err
	case "", "help", "-h", "--help":
		_, err := fmt.Fprintf(out, help, version, node.Socket)
		return err
	default:
		return fmt.Errorf("there is no command %q; see slipway-node --help", command)
	}
}
