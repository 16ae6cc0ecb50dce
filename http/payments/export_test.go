package payments

import "time"

func (c *Config) SetTimeUnit(d time.Duration) { c.timeUnit = d }

// Idle: no order is being worked on, and no webhook is pending.
func (w *Worker) Idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.inFlight) == 0 && len(w.pending) == 0
}
