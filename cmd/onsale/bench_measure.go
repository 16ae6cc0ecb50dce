// What a load costs: CPU of the loaded process and of this one, as the kernel counts it.

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"onsale/cmd/onsale/load"
)

// measured is a load and its cost. Known says that the server's CPU could be measured.
type measured struct {
	load.Result
	Known                 bool
	ServerCPU, LoadCPU    time.Duration
	ServerRSS, ServerPeak int64 // bytes, 0: unknown
}

func measure(ctx context.Context, run *load.Run, pid int) (m measured, err error) {
	server, known := processCPU(pid)
	own := ownCPU()
	m.Result, err = run.Load(ctx)
	after, still := processCPU(pid)
	m.Known, m.ServerCPU, m.LoadCPU = known && still, after-server, ownCPU()-own
	m.ServerRSS, m.ServerPeak = processMemory(pid)
	return m, err
}

// each is a cost for each command that was answered, in microseconds.
func (m *measured) each(d time.Duration) float64 {
	return float64(d) / float64(time.Microsecond) / float64(max(1, m.Sent-m.Unanswered))
}

// ratio is server CPU for load CPU: a clock that runs beside, so that a slower minute of the machine does not count.
func (m *measured) ratio() float64 { return float64(m.ServerCPU) / float64(max(1, m.LoadCPU)) }

func ownCPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processCPU reads Linux's /proc; elsewhere it knows nothing.
func processCPU(pid int) (time.Duration, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || pid == 0 {
		return 0, false
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name before it may hold anything
	if len(fields) < 13 {
		return 0, false
	}
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64)
	system, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	const tick = 10 * time.Millisecond // USER_HZ is 100 wherever Linux runs Go
	return time.Duration(user+system) * tick, true
}

func processMemory(pid int) (resident, peak int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || pid == 0 {
		return 0, 0
	}
	for line := range bytes.Lines(status) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(string(line), "VmRSS: %d kB", &kilobytes); n == 1 {
			resident = kilobytes << 10
		}
		if n, _ := fmt.Sscanf(string(line), "VmHWM: %d kB", &kilobytes); n == 1 {
			peak = kilobytes << 10
		}
	}
	return resident, peak
}
