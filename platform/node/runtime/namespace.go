package main

import (
	"fmt"
	"os/exec"
)

// Some things the kernel counts for the user who made a user namespace, and for nodes that is the host's root. A share
// of each keeps one node from using up what the host and the other nodes need; without CAP_SYS_RESOURCE in its
// namespace a node cannot raise it.
//
// The engine gives a node a default route to an address that nobody has, so every packet for the outside would wait
// seconds for an answer. These rules say "unreachable" at once; routes that are not the default count as ever, and the
// default one stays in sight for programs that look for the node's address there.
const namespaceSettings = `cd /proc/sys/user
echo 512 >max_inotify_instances
echo 32768 >max_inotify_watches
echo 64 >max_user_namespaces
ip -4 -batch - <<END
rule add pref 1000 lookup main suppress_prefixlength 0
rule add pref 1001 unreachable
END`

// settleNamespaces writes what must hold in the user and network namespaces of the process before it starts.
func settleNamespaces(pid int) error {
	output, err := exec.Command("nsenter", fmt.Sprintf("--user=/proc/%d/ns/user", pid),
		fmt.Sprintf("--net=/proc/%d/ns/net", pid), "sh", "-ec", namespaceSettings).CombinedOutput()
	if err != nil {
		return fmt.Errorf("settle the node's namespaces: %w: %s", err, output)
	}
	return nil
}
