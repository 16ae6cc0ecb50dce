package payments

import "time"

// The doors that tests open.

func (c *Config) SetTimeUnit(d time.Duration) { c.timeUnit = d }

// Idle says that no order is worked on, and no hint waits.
func (w *Worker) Idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.inFlight) == 0 && len(w.pending) == 0
}
