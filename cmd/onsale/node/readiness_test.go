package node

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"onsale/config"
)

func TestFacts_GiveReasons(t *testing.T) {
	healthy := facts{freeDescriptors: math.MaxInt}
	for name, c := range map[string]struct {
		change func(*facts)
		want   string // the only reason has it; "": ready
	}{
		"healthy":                {func(*facts) {}, ""},
		"shutting down":          {func(f *facts) { f.shuttingDown = true }, "shutting down"},
		"an election":            {func(f *facts) { f.silence = 5 * time.Second }, ""},
		"no contact":             {func(f *facts) { f.silence = 5100 * time.Millisecond }, "not answered for 5s: check NATS"},
		"no append":              {func(f *facts) { f.appendStalled = 6 * time.Second }, "taken no command for 6s: check that COMMANDS"},
		"isolated":               {func(f *facts) { f.isolated, f.silence = true, 12*time.Second }, "not answered for 12s"},
		"back":                   {func(f *facts) { f.isolated = true }, "catching up with what was accepted"},
		"slow publishing":        {func(f *facts) { f.publishStalled = 4 * time.Second }, ""},
		"no publishing":          {func(f *facts) { f.publishStalled = 61 * time.Second }, "not been published for 1m1s: check that EVENTS"},
		"no deciding":            {func(f *facts) { f.decideStalled = 6 * time.Second }, "not been decided for 6s: check the disk"},
		"log time behind":        {func(f *facts) { f.logTimeAhead = -time.Hour }, ""},
		"log time a bit ahead":   {func(f *facts) { f.logTimeAhead = 4 * time.Second }, ""},
		"log time an hour ahead": {func(f *facts) { f.logTimeAhead = time.Hour }, "log time is 1h0m0s ahead"},
		"full":                   {func(f *facts) { f.full = "COMMANDS is almost full" }, "COMMANDS is almost full, so users' commands are refused: make room"},
		"few descriptors":        {func(f *facts) { f.freeDescriptors = 31 }, "only 31 file descriptors are free: raise the limit"},
	} {
		f := healthy
		c.change(&f)
		switch got := f.reasons(); {
		case c.want == "" && len(got) == 0:
		case c.want != "" && len(got) == 1 && strings.Contains(got[0], c.want):
		default:
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// An append that waits, or several that fail one after the other, stall; a success or silence ends that.
func TestAppendTracker_MeasuresStall(t *testing.T) {
	start := time.Now()
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	var a appendTracker
	check := func(now, want int) {
		t.Helper()
		if got := a.stalled(at(now)); got != time.Duration(want)*time.Second {
			t.Errorf("at %d s: stalled for %v, want %d s", now, got, want)
		}
	}
	check(0, 0)
	a.begin(at(10))
	check(12, 2)
	a.begin(at(12))
	a.end(at(15), false)
	check(15, 5)
	a.end(at(15), false)
	check(16, 6)
	a.begin(at(18))
	check(19, 9)
	a.end(at(20), true)
	check(21, 0)
	a.begin(at(30))
	a.end(at(32), false)
	check(33, 3)
	check(37, 0)
	a.begin(at(40))
	check(41, 1)
}

// An answer of the log does not end isolation, nor does a barrier that failed or that began before another silence.
func TestIsolation_EndsByBarrier(t *testing.T) {
	var i isolation
	var barrier chan error
	begun := 0
	prove := func() <-chan error {
		begun++
		barrier = make(chan error, 1)
		return barrier
	}
	check := func(silence time.Duration, want bool, wantBegun int) {
		t.Helper()
		i.update(silence, prove)
		if i.isolated != want || begun != wantBegun {
			t.Errorf("after %v: isolated %v, want %v; %d barriers, want %d", silence, i.isolated, want, begun, wantBegun)
		}
	}
	check(0, false, 0)
	check(9*time.Second, false, 0)
	check(11*time.Second, true, 0)
	check(7*time.Second, true, 0)
	check(0, true, 1)
	check(0, true, 1) // it is under way
	barrier <- context.DeadlineExceeded
	check(0, true, 1)
	check(0, true, 2)
	check(12*time.Second, true, 2) // the log is silent again
	barrier <- nil
	check(0, true, 3)
	barrier <- nil
	check(0, false, 3)
	check(0, false, 3)
}

func TestStall_CountsWhileWaiting(t *testing.T) {
	var s stall
	start := time.Now()
	for _, c := range []struct {
		at      uint64
		waiting bool
		after   int
		want    int
	}{{5, false, 0, 0}, {5, false, 8, 0}, {5, true, 9, 1}, {5, true, 12, 4}, {6, true, 13, 0}, {6, true, 20, 7}, {6, false, 21, 0}} {
		now := start.Add(time.Duration(c.after) * time.Second)
		if got := s.update(c.at, c.waiting, now, now); got != time.Duration(c.want)*time.Second {
			t.Errorf("at %d after %d s: got %v, want %d s", c.at, c.after, got, c.want)
		}
	}
	s = stall{}
	for after, waiting := range []bool{false, false, false, false, true} { // the log was silent for 4 s
		want := time.Duration(0)
		if waiting {
			want = 4 * time.Second
		}
		if got := s.update(5, waiting, start, start.Add(time.Duration(after)*time.Second)); got != want {
			t.Errorf("%d s after the last look: got %v, want %v", after, got, want)
		}
	}
}

func TestCgroupMemory_IsSmallest(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  int64
	}{
		"none":          {fstest.MapFS{}, 0},
		"not limited":   {fstest.MapFS{"proc/self/cgroup": file("0::/a\n"), "sys/fs/cgroup/a/memory.max": file("max\n")}, 0},
		"container":     {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("536870912\n")}, 512 << 20},
		"systemd slice": {fstest.MapFS{"proc/self/cgroup": file("0::/a.slice/b.service\n"), "sys/fs/cgroup/a.slice/memory.max": file("100\n"), "sys/fs/cgroup/a.slice/b.service/memory.max": file("200\n")}, 100},
		"version 1": {fstest.MapFS{"proc/self/cgroup": file("5:cpu:/x\n4:memory:/docker/1\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("1000\n"),
			"sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": file("9223372036854771712\n")}, 1000},
	} {
		if got := cgroupMemory(c.files); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestConnectionLimits_KeepDescriptorsBack(t *testing.T) {
	var c config.Config
	c.Payments.Concurrency = 64
	for _, test := range [][4]int{{0, -1, -1, -1}, {256, 192, 152, 96}, {1024, 832, 664, 416}, {65536, 65344, 52272, 32672}} {
		connections, streams, perAddress := connectionLimits(c, test[0])
		if got := [4]int{test[0], connections, streams, perAddress}; got != test {
			t.Errorf("got %v, want %v", got, test)
		}
	}
	c.Streams.MaxConnections, c.HTTP.MaxConnectionsPerAddress = 7, -1
	if _, streams, perAddress := connectionLimits(c, 1024); streams != 7 || perAddress != -1 {
		t.Errorf("got %d and %d, want the settings", streams, perAddress)
	}
}
