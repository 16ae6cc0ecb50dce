package payments

import "time"

func (c *Config) SetTimeUnit(d time.Duration) { c.timeUnit = d }
func (c *Config) SetMaxWaiting(n int)         { c.maxWaiting = n }

// Idle: no order is being worked on, none waits, and no webhook is pending.
func (w *Worker) Idle() bool {
	inFlight, waiting, _ := w.queue.counts()
	for _, n := range waiting {
		inFlight += n
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return inFlight+len(w.pending) == 0
}
