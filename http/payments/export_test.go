package payments

import "time"

// The doors that tests open.

func (c *Config) SetSecond(d time.Duration) { c.second = d }

// Idle says that no order is worked on, and no hint waits.
func (w *Worker) Idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.busy) == 0 && len(w.hinted) == 0
}
