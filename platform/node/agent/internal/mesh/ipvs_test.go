package mesh

import (
	"errors"
	"syscall"
	"testing"
)

func TestIPVSWorksOnlyWhereItAnswers(t *testing.T) {
	there := func(string) (uint16, error) { return 33, nil }
	for name, test := range map[string]struct {
		kernel genetlink
		want   bool
	}{
		"a kernel without it":               {genetlink{family: func(string) (uint16, error) { return 0, syscall.ENOENT }}, false},
		"a kernel that says nothing useful": {genetlink{family: func(string) (uint16, error) { return 0, nil }}, false},
		"refused in this user namespace":    {genetlink{there, func(uint16) error { return syscall.EPERM }}, false},
		"gone in between":                   {genetlink{there, func(uint16) error { return errors.New("gone") }}, false},
		"it answers":                        {genetlink{there, func(uint16) error { return nil }}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ipvsWorks(test.kernel); got != test.want {
				t.Errorf("%v", got)
			}
		})
	}
}
