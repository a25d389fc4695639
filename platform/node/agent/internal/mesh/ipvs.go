package mesh

import (
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	ipvsFamily  = "IPVS"
	ipvsGetInfo = 15 // IPVS_CMD_GET_INFO
	ipvsVersion = 1
)

// genetlink is the kernel's way to be asked about IPVS, or a test's.
type genetlink struct {
	family func(name string) (uint16, error)
	info   func(family uint16) error
}

var kernelGenetlink = genetlink{
	family: func(name string) (uint16, error) {
		found, err := netlink.GenlFamilyGet(name)
		if err != nil {
			return 0, err
		}
		return found.ID, nil
	},
	info: func(family uint16) error {
		request := nl.NewNetlinkRequest(int(family), unix.NLM_F_ACK)
		request.AddData(&nl.Genlmsg{Command: ipvsGetInfo, Version: ipvsVersion})
		_, err := request.Execute(unix.NETLINK_GENERIC, 0)
		return err
	},
}

// ipvsWorks tries: a kernel may lack IPVS, and one that has it may refuse it to all but the initial user namespace.
// Every command needs the same right, so one that changes nothing tells.
func ipvsWorks(through genetlink) bool {
	family, err := through.family(ipvsFamily)
	return err == nil && family != 0 && through.info(family) == nil
}
