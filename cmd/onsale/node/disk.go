package node

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"onsale/domain"
	"onsale/streams"
)

const diskCheckEvery = 20 * time.Millisecond // a disk can fill within a second

// disk is the file system of the data directory.
type disk struct {
	path      string
	lastFree  atomic.Int64 // bytes
	checkedAt atomic.Int64 // of lastFree, in Unix nanoseconds
}

// free is the free space in bytes, at most diskCheckEvery old. If it is unknown, there is no limit.
func (d *disk) free() int64 {
	now := time.Now().UnixNano()
	if now-d.checkedAt.Load() < int64(diskCheckEvery) {
		return d.lastFree.Load()
	}
	free := freeSpace(d.path)
	d.lastFree.Store(free)
	d.checkedAt.Store(now)
	return free
}

// diskGuard appends no command, not even a tick, when less than minFree bytes are free, since nats-server does not survive a
// write without space. What is free then is left for the events of the commands that are in the log already: they are few, for
// users' commands are refused earlier, at log.minFreeDisk. It also notes when the log took an append.
type diskGuard struct {
	*streams.Log
	capacity *capacityMonitor
	minFree  int64
}

func (l diskGuard) Append(ctx context.Context, c domain.Command) (uint64, error) {
	if l.capacity.disk.free() < l.minFree {
		return 0, fmt.Errorf("%w: the disk of the data directory is full", domain.ErrFull)
	}
	l.capacity.appends.begin(time.Now())
	sequence, err := l.Log.Append(ctx, c)
	l.capacity.appends.end(time.Now(), err == nil)
	if err == nil {
		l.capacity.noteAppend()
	}
	return sequence, err
}
