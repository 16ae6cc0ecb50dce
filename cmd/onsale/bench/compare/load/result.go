package load

import (
	"slices"
	"time"
)

// Result is what happened.
type Result struct {
	Sent        int
	Accepted    int // 2xx
	Rejected    int // 409
	Refused     int // 429
	Unavailable int // 503
	Failed      int // everything else, and connections that broke
	Unsent      int // the time was over first
	ReadBack    int // users whose coupons were read

	Lost     int // accepted, and without an outcome or a coupon
	Doubled  int // more than one outcome or coupon
	Oversold int

	Sending time.Duration // until the last answer
	Elapsed time.Duration // until everything was decided and delivered too
	Answer  Latency       // of everything that was answered
	Outcome Latency       // of users that read their stream: until the outcome came, or the 409

	ServerCPU    map[string]time.Duration
	LoadCPU      time.Duration
	Measured     time.Duration // the time of all these
	OtherCPU     time.Duration // of other processes on this machine
	StolenCPU    time.Duration // by the hypervisor
	FirstFailure string
}

// Latency has quantiles of times.
type Latency struct {
	N        int
	P50, P99 time.Duration
}

// Wrong is how many promises were broken.
func (r *Result) Wrong() int { return r.Lost + r.Doubled + r.Oversold }

// AllServerCPU is the processor time of all processes together.
func (r *Result) AllServerCPU() (sum time.Duration) {
	for _, d := range r.ServerCPU {
		sum += d
	}
	return sum
}

// Decided is how many commands have an outcome.
func (r *Result) Decided() int { return r.Accepted + r.Rejected }

func (r *run) summarize(before, after usage) *Result {
	result := &Result{Sent: r.sent, Unsent: r.Commands - r.sent, FirstFailure: r.firstFailure}
	var answers, outcomes []int64
	for k := range r.commands[:r.sent] {
		c := &r.commands[k]
		if c.status > 0 {
			answers = append(answers, c.answered-c.start)
		}
		switch {
		case c.accepted():
			result.Accepted++
		case c.status == 409:
			result.Rejected++
		case c.status == 429:
			result.Refused++
			continue
		case c.status == 503:
			result.Unavailable++
			continue
		default:
			result.Failed++
			continue
		}
		switch {
		case !c.watched:
		case c.frames > 0:
			outcomes = append(outcomes, c.delivered-c.start)
			if c.frames > 1 {
				result.Doubled++
			}
		case c.status == 409:
			outcomes = append(outcomes, c.answered-c.start)
		default:
			result.Lost++
		}
	}
	result.Lost += max(0, r.mustIssue()-int(r.issued))
	result.Oversold = max(0, int(r.issued)-r.Stock)
	result.Answer, result.Outcome = quantiles(answers), quantiles(outcomes)

	result.Sending = time.Duration(r.lastAnswer)
	result.Elapsed = time.Duration(max(r.lastAnswer, r.lastDelivery))
	if r.issuedAt > r.lastAnswer+int64(25*time.Millisecond) { // else the first look showed all, and its delay is not the server's
		result.Elapsed = max(result.Elapsed, time.Duration(r.issuedAt))
	}
	result.Measured = time.Duration(r.now())
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	result.ServerCPU = map[string]time.Duration{}
	for name := range after.servers {
		result.ServerCPU[name] = seconds(after.servers[name] - before.servers[name])
	}
	result.LoadCPU = seconds(after.load - before.load)
	result.StolenCPU = seconds(after.stolen - before.stolen)
	result.OtherCPU = seconds(after.machine-before.machine) - result.StolenCPU - result.LoadCPU - result.AllServerCPU()
	return result
}

func quantiles(nanoseconds []int64) Latency {
	n := len(nanoseconds)
	if n == 0 {
		return Latency{}
	}
	slices.Sort(nanoseconds)
	return Latency{n, time.Duration(nanoseconds[(n-1)/2]), time.Duration(nanoseconds[(n*99+99)/100-1])}
}
