package node

import (
	"math"

	"golang.org/x/sys/windows"
)

func freeSpace(path string) int64 {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return math.MaxInt64
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return math.MaxInt64
	}
	return int64(min(free, math.MaxInt64))
}
