package command

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// listener finds the process that listens on the address's port, in /proc; 0: it cannot be found, such as another user's.
func listener(address string) (pid int, name string) {
	_, service, err := net.SplitHostPort(address)
	if err != nil {
		return 0, ""
	}
	port, err := net.LookupPort("tcp", service)
	if err != nil {
		return 0, ""
	}
	sockets := map[string]bool{} // as links of file descriptors name them
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			const localAddress, state, inode = 1, 3, 9
			fields := strings.Fields(line)
			if len(fields) > inode && fields[state] == "0A" && strings.HasSuffix(fields[localAddress], fmt.Sprintf(":%04X", port)) {
				sockets["socket:["+fields[inode]+"]"] = true
			}
		}
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || !sockets[target] {
			continue
		}
		process := strings.Split(link, "/")[2]
		comm, _ := os.ReadFile("/proc/" + process + "/comm") // "" when it has ended meanwhile
		pid, _ = strconv.Atoi(process)
		return pid, strings.TrimSpace(string(comm))
	}
	return 0, ""
}
