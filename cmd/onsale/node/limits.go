// What the process may use: descriptors and memory.

package node

import (
	"cmp"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"

	"onsale/config"
	"onsale/http/sse/evloop"
)

// descriptorLimit is how many descriptors this process may have open; 0: unknown. The Go runtime has raised it to the hard limit.
func descriptorLimit() int { return evloop.MaxDescriptors() }

// openDescriptors counts the open descriptors of this process; with EMFILE it has as many as it may.
func openDescriptors() (int, error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return descriptorLimit(), err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	return len(names) - 1, err
}

// connectionLimits are how many connections there may be, in all, as streams, and of one address; -1: no limit. A quarter of the
// descriptors, at most some hundreds, is kept back for the log, the read store and the payment provider.
func connectionLimits(c config.Config, descriptors int) (connections, streams, perAddress int) {
	if descriptors == 0 {
		return -1, cmp.Or(c.Streams.MaxConnections, -1), cmp.Or(c.HTTP.MaxConnectionsPerAddress, -1)
	}
	connections = descriptors - min(descriptors/4, 128+c.Payments.Concurrency)
	return connections, cmp.Or(c.Streams.MaxConnections, connections/5*4), cmp.Or(c.HTTP.MaxConnectionsPerAddress, connections/2)
}

// logLimits says what this process may use.
func logLimits(logger *slog.Logger, descriptors, connections, streams int) {
	if descriptors > 0 {
		logger.Info("limits", "descriptors", descriptors, "connections", connections, "streams", streams)
	}
}

// SetMemoryLimit makes the garbage collector work harder near 85 % of the memory that the cgroup of this process may use, unless
// GOMEMLIMIT says how much that is. The rest is for what Go does not count: the read store's pages.
func SetMemoryLimit(logger *slog.Logger) {
	if text := os.Getenv("GOMEMLIMIT"); text != "" {
		logger.Info("memory limit", "from", "GOMEMLIMIT", "bytes", debug.SetMemoryLimit(-1))
		return
	}
	if limit := cgroupMemory(os.DirFS("/")); limit > 0 {
		debug.SetMemoryLimit(limit / 100 * 85)
		logger.Info("memory limit", "from", "cgroup", "bytes", debug.SetMemoryLimit(-1), "cgroup_bytes", limit)
	}
}

// cgroupMemory is the smallest memory limit of the process's cgroup and of those above it, in version 1 or 2; 0: none.
func cgroupMemory(root fs.FS) (limit int64) {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	const unlimited = math.MaxInt64 / 2 // of version 1, in effect
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // number, controllers, path
		if len(fields) < 3 {
			continue
		}
		mount, file := "sys/fs/cgroup", "memory.max"
		switch fields[1] {
		case "":
		case "memory":
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group := path.Join("/", fields[2]); ; group = path.Dir(group) {
			text, err := fs.ReadFile(root, path.Join(mount, group, file)) // it is missing in the root group, and outside of a namespace
			if bytes, parseErr := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && parseErr == nil && bytes < unlimited {
				if limit == 0 || bytes < limit {
					limit = bytes
				}
			}
			if group == "/" {
				break
			}
		}
	}
	return limit
}
