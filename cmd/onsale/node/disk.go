package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

const (
	watchEvery = 250 * time.Millisecond
	scrubEvery = 24 * time.Hour
)

// watchFiles returns streams.ErrFilesGone when the files of the log or of the read store are no longer at their paths.
func (n *Node) watchFiles(ctx context.Context) error {
	for ticker := time.NewTicker(watchEvery); ; {
		select {
		case <-ctx.Done():
			ticker.Stop()
			return nil
		case <-ticker.C:
		}
		if err := n.log.CheckFiles(); err != nil {
			return err
		}
		if err := streams.CheckFile(StorePath(n.config), n.storeFile); err != nil {
			return err
		}
	}
}

// scrubber reads the files of the logs once a day: a start reads them too. What it finds makes the node unready, for it is the
// next start that could not read them.
type scrubber struct {
	log     *streams.Log
	logger  *slog.Logger
	every   time.Duration
	damaged atomic.Bool
}

func (s *scrubber) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.every):
		}
		err := s.log.Scrub(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, streams.ErrDamaged):
			s.damaged.Store(true)
			s.logger.Error("the files of the log are damaged", "reason", err, "hint", repairHint)
		case err != nil:
			s.logger.Warn("could not read the files of the log", "error", err)
		default:
			s.damaged.Store(false)
		}
	}
}

const repairHint = "stop the node, copy the data directory, and run onsale repair"

// reason is why the node is not ready; "" while nothing is damaged.
func (s *scrubber) reason() string {
	if s.damaged.Load() { // /readyz is public: the log has the files
		return "damage on disk: the log lines of this node say where; " + repairHint
	}
	return ""
}

var damagedDesc = prometheus.NewDesc("onsale_log_damaged", "1 when the daily reading of the log's files found damage.", nil, nil)

func (s *scrubber) Describe(out chan<- *prometheus.Desc) { out <- damagedDesc }

func (s *scrubber) Collect(out chan<- prometheus.Metric) {
	value := 0.0
	if s.reason() != "" {
		value = 1
	}
	out <- prometheus.MustNewConstMetric(damagedDesc, prometheus.GaugeValue, value)
}
