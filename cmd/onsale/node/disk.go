// The disk: nats-server does not survive a write that finds no room, and others fill disks too, so nothing at all is
// appended, not even the clock, shortly before there is none.

package node

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

const diskCheckEvery = 20 * time.Millisecond // a disk can fill within a second

// disk is the one that the data directory is on.
type disk struct {
	path      string
	lastFree  atomic.Int64 // bytes
	checkedAt atomic.Int64 // when that was so, in Unix nanoseconds
}

// free is how many bytes there are room for, or were a moment ago. Of a disk that says nothing, there is room.
func (d *disk) free() int64 {
	now := time.Now().UnixNano()
	if now-d.checkedAt.Load() < int64(diskCheckEvery) {
		return d.lastFree.Load()
	}
	free := int64(math.MaxInt64)
	var stat unix.Statfs_t
	if err := unix.Statfs(d.path, &stat); err == nil {
		free = int64(stat.Bavail) * int64(stat.Bsize)
	}
	d.lastFree.Store(free)
	d.checkedAt.Store(now)
	return free
}

// diskGuard appends nothing when less than least bytes are free.
type diskGuard struct {
	*streams.Log
	disk    *disk
	minFree int64
}

func (l diskGuard) Append(ctx context.Context, c domain.Command) (uint64, error) {
	if l.disk.free() < l.minFree {
		return 0, fmt.Errorf("%w: the disk of the data directory is full", domain.ErrFull)
	}
	return l.Log.Append(ctx, c)
}
