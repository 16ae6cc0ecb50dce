// The disk: nats-server does not survive a write that finds no room, and others fill disks too, so nothing at all is
// appended, not even the clock, shortly before there is none.

package main

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"onsale/domain"
	"onsale/streams"
)

const diskEvery = 20 * time.Millisecond // a disk can fill within a second

// disk is the one that the data directory is on.
type disk struct {
	path     string
	lastFree atomic.Int64 // bytes
	at       atomic.Int64 // when that was so, in Unix nanoseconds
}

// free is how many bytes there are room for, or were a moment ago. Of a disk that says nothing, there is room.
func (d *disk) free() int64 {
	now := time.Now().UnixNano()
	if now-d.at.Load() < int64(diskEvery) {
		return d.lastFree.Load()
	}
	free := int64(math.MaxInt64)
	var stat unix.Statfs_t
	if err := unix.Statfs(d.path, &stat); err == nil {
		free = int64(stat.Bavail) * int64(stat.Bsize)
	}
	d.lastFree.Store(free)
	d.at.Store(now)
	return free
}

// guardedLog appends nothing when less than least bytes are free.
type guardedLog struct {
	*streams.Log
	disk  *disk
	least int64
}

func (l guardedLog) Append(ctx context.Context, c domain.Command) (uint64, error) {
	if l.disk.free() < l.least {
		return 0, fmt.Errorf("%w: the disk of the data directory is full", domain.ErrFull)
	}
	return l.Log.Append(ctx, c)
}
