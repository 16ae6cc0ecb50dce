// Processor time, as Linux counts it.

package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const ticksPerSecond = 100 // USER_HZ is 100 wherever Linux runs Go

// usage is processor time in seconds since something began.
type usage struct {
	servers map[string]float64
	load    float64 // this process
	machine float64 // all that was not idle
	stolen  float64 // by the hypervisor
}

func (r *run) usage() (u usage, err error) {
	u.servers = map[string]float64{}
	processes, err := readProcesses()
	for name, pid := range r.Processes {
		if _, runs := processes[pid]; err == nil && !runs {
			err = fmt.Errorf("%s does not run any more", name)
		}
		u.servers[name] = treeTime(processes, pid)
	}
	var own syscall.Rusage
	if ownErr := syscall.Getrusage(syscall.RUSAGE_SELF, &own); ownErr != nil {
		return u, ownErr
	}
	u.load = float64(own.Utime.Nano()+own.Stime.Nano()) / 1e9
	u.machine, u.stolen = machineTime()
	return u, err
}

type processTime struct {
	children []int
	seconds  float64 // with children that have ended
}

// readProcesses reads /proc of all processes.
func readProcesses() (map[int]*processTime, error) {
	entries, err := os.ReadDir("/proc")
	all := map[int]*processTime{}
	at := func(pid int) *processTime {
		if all[pid] == nil {
			all[pid] = &processTime{}
		}
		return all[pid]
	}
	for _, e := range entries {
		pid, notPID := strconv.Atoi(e.Name())
		if notPID != nil {
			continue
		}
		stat, gone := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if gone != nil {
			continue
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // the name before it may contain spaces
		parent, _ := strconv.Atoi(fields[1])
		at(parent).children = append(at(parent).children, pid)
		for _, field := range fields[11:15] {
			ticks, _ := strconv.ParseFloat(field, 64)
			at(pid).seconds += ticks / ticksPerSecond
		}
	}
	return all, err
}

// treeTime is the time of a process and all below it.
func treeTime(all map[int]*processTime, pid int) float64 {
	p := all[pid]
	if p == nil {
		return 0
	}
	sum := p.seconds
	for _, child := range p.children {
		sum += treeTime(all, child)
	}
	return sum
}

func machineTime() (busy, stolen float64) {
	stat, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(stat), "\n")
	const idle, ioWait, steal = 4, 5, 8
	for i, field := range strings.Fields(line) {
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil || i > steal {
			continue // the name "cpu", and guests, which are counted already
		}
		if i != idle && i != ioWait {
			busy += ticks / ticksPerSecond
		}
		if i == steal {
			stolen = ticks / ticksPerSecond
		}
	}
	return busy, stolen
}
