// Command etcd is etcd's own server, built from its modules: Debian's version is too old for Kubernetes.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
