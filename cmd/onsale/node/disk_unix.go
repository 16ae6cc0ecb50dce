//go:build linux || darwin || freebsd

package node

import (
	"math"

	"golang.org/x/sys/unix"
)

func freeSpace(path string) int64 {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return math.MaxInt64
	}
	return int64(stat.Bavail) * int64(stat.Bsize)
}
