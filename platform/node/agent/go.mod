module slipway.dev/node

go 1.25.0

require (
	github.com/creack/pty v1.1.24
	github.com/vishvananda/netlink v1.3.1
	github.com/vishvananda/netns v0.0.5
	golang.org/x/sys v0.41.0
)
