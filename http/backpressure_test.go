package http

import (
	"testing"
	"time"
)

// backlogRun sends commands at the rates of each phase to a queue that decides a thousand a second, and returns how many were refused and
// the longest wait in each.
func backlogRun(limit time.Duration, phases ...struct {
	rate    int // a second
	seconds float64
}) (refused []int, longest []time.Duration) {
	b := backpressure{limit: limit}
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	idleAt := now // when everything that was accepted is decided
	for _, phase := range phases {
		refused, longest = append(refused, 0), append(longest, 0)
		last := len(refused) - 1
		for end := now.Add(time.Duration(phase.seconds * float64(time.Second))); now.Before(end); now = now.Add(time.Second / time.Duration(phase.rate)) {
			wait := max(0, idleAt.Sub(now)) // of a command that comes now: about the age of the oldest
			if b.refuses(wait, now) {
				refused[last]++
				continue
			}
			longest[last] = max(longest[last], wait)
			idleAt = now.Add(wait + time.Millisecond)
		}
	}
	return refused, longest
}

type phase = struct {
	rate    int
	seconds float64
}

func TestBackpressure_AdmitsCrowds(t *testing.T) {
	refused, longest := backlogRun(time.Second, phase{9_000, 0.1}, phase{300, 3}) // 900 at once
	if refused[0] != 0 || longest[0] < 700*time.Millisecond || refused[1] != 0 {
		t.Errorf("refused %v, longest wait %v", refused, longest)
	}
	if refused, _ = backlogRun(time.Second, phase{20_000, 0.1}, phase{500, 3}); refused[0] < 900 {
		t.Errorf("refused %v of 2,000 at once, of which one second decides 1,000", refused)
	}
}

func TestBackpressure_KeepsQueueShort(t *testing.T) {
	refused, longest := backlogRun(time.Second, phase{2_000, 3}, phase{2_000, 20}, phase{800, 3}, phase{9_000, 0.1})
	if longest[0] > time.Second {
		t.Errorf("waited %s at the beginning", longest[0])
	}
	if longest[1] > 201*time.Millisecond || refused[1] < 19_000 || refused[1] > 21_000 {
		t.Errorf("twice as many as are decided: %d of 40,000 refused, longest wait %s", refused[1], longest[1])
	}
	if refused[3] != 0 {
		t.Errorf("%d of the next crowd refused, when the overload is over", refused[3])
	}
}

func TestBackpressure_HasNoLimit(t *testing.T) {
	if refused, _ := backlogRun(0, phase{5_000, 3}); refused[0] != 0 {
		t.Errorf("%d refused without a limit", refused[0])
	}
}
