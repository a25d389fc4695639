// slipway-runtime stands in front of runc. For the nodes of the outer engine it gives each a disk of its own and
// hands the node its cgroups; called by the name `runc`, inside a node, it only mends what the kernel refuses there.
// It changes config.json and nothing else: every call ends in runc with the arguments it came with.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	call := parseCall(os.Args[1:])
	var code int
	var err error
	if filepath.Base(os.Args[0]) == "runc" {
		code, err = runInsideNode(call)
	} else {
		code, err = runNode(call)
	}
	if err != nil {
		call.report(err)
		code = 1
	}
	os.Exit(code)
}

// report says what went wrong the way containerd's shim expects it from runc: in the log file, and on stderr.
func (c call) report(err error) {
	fmt.Fprintln(os.Stderr, "slipway-runtime:", err)
	if c.log == "" {
		return
	}
	file, openErr := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if openErr != nil {
		return
	}
	defer file.Close()
	line := map[string]string{"level": "error", "msg": "slipway-runtime: " + err.Error(), "time": time.Now().Format(time.RFC3339)}
	_ = json.NewEncoder(file).Encode(line)
}
