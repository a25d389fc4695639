package main

import (
	"os"
	"strings"
)

// mountEntry is one line of /proc/self/mountinfo, as far as we need it.
type mountEntry struct {
	target       string
	kind         string
	superOptions string
}

func readMountinfo() ([]mountEntry, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMountinfo(string(content)), nil
}

func parseMountinfo(content string) []mountEntry {
	var entries []mountEntry
	for line := range strings.Lines(content) {
		before, after, found := strings.Cut(strings.TrimSpace(line), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !found || len(left) < 5 || len(right) < 3 {
			continue
		}
		entries = append(entries, mountEntry{target: unescape(left[4]), kind: right[0], superOptions: right[2]})
	}
	return entries
}

// unescape undoes the kernel's octal escapes of blanks and backslashes.
func unescape(text string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(text)
}
