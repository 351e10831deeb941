package hasty

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	callMax       = 100
	progressEvery = time.Second
	// The server waits two seconds after the end of a lease before another worker gets the job.
	leaseSlack = time.Second
)

// leases are all jobs that a worker holds, by lease, from the claim until the end is confirmed. They are extended in
// time, and the server says which jobs to stop. mu guards everything; notify tells of every change.
type leases struct {
	transport *transport
	workerID  string
	lease     time.Duration
	log       *slog.Logger
	// calls is the context of all calls but claims: it ends when the worker has closed.
	calls     context.Context
	stopCalls context.CancelFunc

	mu       sync.Mutex
	changed  chan struct{}
	held     map[string]*held
	beatNow  bool
	isClosed bool
}

// notify wakes all who wait. Called with the lock held.
func (l *leases) notify() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// waitFor waits until a condition holds, which is asked with the lock held, or until the time is over (0: no limit).
// It returns with the lock held.
func (l *leases) waitFor(limit time.Duration, isTrue func() bool) bool {
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	for !isTrue() {
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
			l.mu.Lock()
		case <-over:
			l.mu.Lock()
			return isTrue()
		}
	}
	return true
}

type beat struct {
	held   *held
	unsent *progress
}

func (l *leases) run() {
	last, progressAt := time.Now(), time.Now()
	for tries := 0; ; {
		beats := l.nextBeats(&last, progressAt, tries)
		if beats == nil {
			return
		}
		last = time.Now()
		isDone := true
		for len(beats) > 0 {
			some := beats[:min(callMax, len(beats))]
			beats = beats[len(some):]
			for _, one := range some {
				if one.unsent != nil {
					progressAt = last.Add(progressEvery)
				}
			}
			isDone = l.extend(some, true) && isDone
		}
		if tries++; isDone {
			tries = 0
		}
	}
}

// nextBeats waits until leases are to be extended. Nil: the worker has closed.
func (l *leases) nextBeats(last *time.Time, progressAt time.Time, tries int) []beat {
	l.mu.Lock()
	defer l.mu.Unlock()
	retryIn := min(backoff(tries, 2*time.Second), l.lease/3)
	for !l.isClosed {
		now := time.Now()
		beats, wake := l.dueBeats(now, last, progressAt, tries > 0, retryIn)
		if beats != nil {
			l.beatNow = false
			return beats
		}
		l.waitOnce(max(time.Millisecond, wake.Sub(now)))
	}
	return nil
}

// dueBeats returns the beats that are due, or when to look again.
func (l *leases) dueBeats(
	now time.Time, last *time.Time, progressAt time.Time, isRetry bool, retryIn time.Duration,
) (beats []beat, wake time.Time) {
	third := l.lease / 3
	// The server moves a lease of which little is left: a third is enough for some lost calls.
	soonest, ends := now.Add(third), now.Add(third)
	for _, one := range l.held {
		if !now.Before(one.leaseEndsAt.Add(leaseSlack)) {
			one.cancel(ErrLeaseLost)
		}
		if one.ctx.Err() != nil {
			continue
		}
		soonest = earlier(soonest, one.leaseEndsAt.Add(-third*9/10))
		ends = earlier(ends, one.leaseEndsAt.Add(leaseSlack))
		beats = append(beats, beat{one, one.unsent})
	}
	if len(beats) == 0 {
		*last = now
		return nil, now.Add(third)
	}
	due := later(last.Add(third/4), earlier(last.Add(third), soonest))
	for _, one := range beats {
		if one.unsent != nil {
			due = earlier(due, later(progressAt, *last))
		}
	}
	if isRetry {
		due = last.Add(retryIn)
	}
	if !l.beatNow && due.After(now) {
		return nil, earlier(due, ends)
	}
	for _, one := range beats {
		one.held.unsent = nil
	}
	return beats, now
}

// waitOnce waits for a change or the time. Called with the lock held.
func (l *leases) waitOnce(limit time.Duration) {
	changed := l.changed
	l.waitFor(limit, func() bool { return l.changed != changed })
}

// extend returns whether the server was reached.
func (l *leases) extend(beats []beat, withProgress bool) bool {
	type member struct {
		Lease    string    `json:"lease"`
		Progress *progress `json:"progress,omitempty"`
	}
	members := make([]member, len(beats))
	hasProgress := false
	for n, one := range beats {
		members[n].Lease = one.held.job.Lease
		if withProgress {
			members[n].Progress = one.unsent
			hasProgress = hasProgress || one.unsent != nil
		}
	}
	body := map[string]any{"worker_id": l.workerID, "lease_s": int(l.lease.Seconds()), "leases": members}
	var answer struct {
		Leases []struct {
			Status     string    `json:"status"`
			Reason     string    `json:"reason"`
			LeaseUntil time.Time `json:"lease_until"`
		} `json:"leases"`
	}
	askedAt := time.Now()
	err := l.post("/v1/work/extend", body, max(l.lease/3, 2*time.Second), &answer)
	if err != nil {
		l.log.Warn("leases were not extended", "error", err)
		if !isWorkerPassing(err) {
			// The progress of one job must not cost all others their leases.
			return !hasProgress || l.extend(beats, false)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, one := range beats {
			// A newer one may have come meanwhile.
			if one.held.unsent == nil {
				one.held.unsent = one.unsent
			}
		}
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, extended := range answer.Leases[:min(len(beats), len(answer.Leases))] {
		one := beats[n].held
		switch {
		case extended.Status == "ok":
			one.extended(extended.LeaseUntil, askedAt, l.lease)
		case extended.Status == "cancel" && extended.Reason == "timeout":
			one.cancel(ErrTimeout)
		case extended.Status == "cancel":
			one.cancel(ErrCancelled)
		default:
			one.cancel(ErrSuperseded)
		}
	}
	return true
}

func (l *leases) post(path string, body any, timeout time.Duration, into any) error {
	encoded, err := encode(body)
	if err != nil {
		return err
	}
	return l.transport.exchange(l.calls, http.MethodPost, path, encoded, nil, timeout, into)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
