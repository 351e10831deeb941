package hasty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

type handler = func(ctx context.Context, job *Job) (any, error)

// work runs a worker until the test ends, or until the returned function is called.
func work(t *testing.T, f *fake, options WorkerOptions, handle handler) (stop func() error) {
	t.Helper()
	if options.Concurrency == 0 {
		options.Concurrency = 4
	}
	options.Wait = 5 * time.Second
	if options.Logger == nil {
		options.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	worker := NewWorker(f.client(), options)
	worker.HandleFunc("test", handle)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(15 * time.Second):
			t.Error("the worker did not stop")
			return nil
		}
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func nothing(context.Context, *Job) (any, error) { return nil, nil }

func shortly(context.Context, *Job) (any, error) {
	time.Sleep(200 * time.Millisecond)
	return nil, nil
}

func n(job *Job) int {
	var payload struct{ N int }
	_ = job.Decode(&payload)
	return payload.N
}

func TestAJobRunsAndItsResultIsSent(t *testing.T) {
	f := startFake(t)
	f.add(lent(7, "traceparent", "00-a-b-01"))
	seen := make(chan Job, 1)
	work(t, f, WorkerOptions{}, func(_ context.Context, job *Job) (any, error) {
		seen <- *job
		return map[string]int{"n": n(job) * 2}, nil
	})
	f.until(func() bool { return f.endOf("lease-7", "complete") != nil })
	if result := f.endOf("lease-7", "complete")["result"].(map[string]any); result["n"] != 14.0 {
		t.Error(result)
	}
	if job := <-seen; job.ID != "job-7" || job.Attempt != 1 || job.FencingToken != 107 || job.Traceparent != "00-a-b-01" {
		t.Error(job)
	}
	if claim := f.callsTo("/v1/work")[0].Body; claim["max"] != 4.0 || claim["lease_s"] != 10.0 {
		t.Error(claim)
	}
}

func TestAClaimWhoseAnswerWasLostIsRepeatedWithItsClaimID(t *testing.T) {
	f := startFake(t)
	f.add(lent(1), lent(2))
	f.queue("/v1/work", func(call sent) reply {
		f.claim(call, nil)
		return reply{}
	})
	var ran atomic.Int32
	work(t, f, WorkerOptions{}, func(context.Context, *Job) (any, error) { ran.Add(1); return nil, nil })
	f.until(func() bool { return len(f.ends()) == 2 })
	calls := f.callsTo("/v1/work")
	if calls[0].Body["claim_id"] != calls[1].Body["claim_id"] || ran.Load() != 2 {
		t.Error(calls, ran.Load())
	}
	if len(calls) > 2 && calls[2].Body["claim_id"] == calls[0].Body["claim_id"] {
		t.Error("the next claim has the same id")
	}
}

func TestJobsThatComeAfterALongOutageAreRun(t *testing.T) {
	f := startFake(t)
	away := problem(503, "unavailable")
	away.header = map[string]string{"Retry-After": "3"}
	f.mu.Lock()
	f.next["/v1/work"] = []func(sent) reply{always(away)}
	f.mu.Unlock()
	f.add(lent(1, "lease_until", at(4)))
	work(t, f, WorkerOptions{Lease: time.Second}, func(ctx context.Context, _ *Job) (any, error) {
		select {
		case <-ctx.Done():
			return nil, Permanent(context.Cause(ctx))
		case <-time.After(1500 * time.Millisecond):
			return true, nil
		}
	})
	f.until(func() bool { return f.endOf("lease-1", "complete") != nil })
	calls := f.callsTo("/v1/work")
	if calls[0].Body["claim_id"] != calls[1].Body["claim_id"] {
		t.Error("the repeat has another claim_id")
	}
}

func TestA503IsRepeatedAndA429AfterTheTimeThatItAsksFor(t *testing.T) {
	f := startFake(t)
	f.add(lent(1))
	limited := problem(429, "rate-limited")
	limited.header = map[string]string{"Retry-After": "1"}
	f.queue("/v1/work/job-1/complete", always(problem(503, "unavailable")), always(problem(502, "unavailable")))
	f.mu.Lock()
	f.next["/v1/work"] = []func(sent) reply{always(limited)}
	f.mu.Unlock()
	began := time.Now()
	// It ends while the next claim waits, so that its end goes alone.
	work(t, f, WorkerOptions{}, shortly)
	f.until(func() bool { return len(f.callsTo("/v1/work/job-1/complete")) == 3 })
	if time.Since(began) < time.Second {
		t.Error("it did not wait")
	}
}

func Test409And410AreNotRepeated(t *testing.T) {
	f := startFake(t)
	f.queue("/v1/work/job-1/complete", always(problem(409, "superseded")))
	f.queue("/v1/work/job-2/complete", always(problem(410, "job-ended")))
	work(t, f, WorkerOptions{}, shortly)
	for i, lease := range []string{"lease-1", "lease-2", "lease-3"} {
		f.add(lent(i + 1))
		f.until(func() bool { return f.endOf(lease, "complete") != nil })
	}
	if ends := f.ends(); len(ends) != 3 {
		t.Error(ends)
	}
}

func TestHeartbeatsCancelAndSupersedeAndTheEndsAreThrownAway(t *testing.T) {
	for _, one := range []struct {
		answer map[string]any
		cause  error
	}{
		{map[string]any{"status": "cancel", "reason": "requested"}, ErrCancelled},
		{map[string]any{"status": "cancel", "reason": "timeout"}, ErrTimeout},
		{map[string]any{"status": "superseded"}, ErrSuperseded},
	} {
		t.Run(one.cause.Error(), func(t *testing.T) {
			f := startFake(t)
			f.extended["lease-1"] = one.answer
			f.add(lent(1, "lease_until", at(1)))
			ended := make(chan error, 1)
			stop := work(t, f, WorkerOptions{Lease: time.Second}, func(ctx context.Context, _ *Job) (any, error) {
				<-ctx.Done()
				ended <- context.Cause(ctx)
				return "too late", nil
			})
			if cause := <-ended; cause != one.cause {
				t.Error(cause)
			}
			_ = stop()
			if ends := f.ends(); len(ends) != 0 {
				t.Error(ends)
			}
		})
	}
}

func TestLeasesAreExtendedWhileAJobRunsWithItsProgress(t *testing.T) {
	f := startFake(t)
	f.add(lent(1, "lease_until", at(1)))
	work(t, f, WorkerOptions{Lease: time.Second}, func(ctx context.Context, job *Job) (any, error) {
		if err := job.Progress(40, "4 of 10", map[string]int{"done": 4}); err != nil {
			return nil, err
		}
		if job.Progress(101, "", nil) == nil {
			t.Error("101 percent was taken")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(1200 * time.Millisecond):
			return "done", nil
		}
	})
	f.until(func() bool { return f.endOf("lease-1", "complete") != nil })
	beats := f.callsTo("/v1/work/extend")
	progress := 0
	for _, beat := range beats {
		if strings.Contains(beat.Text, `"progress":{"percent":40,"message":"4 of 10","data":{"done":4}}`) {
			progress++
		}
	}
	if len(beats) < 3 || progress != 1 {
		t.Error(len(beats), progress)
	}
}

func TestWithoutAnExtensionTheLeaseIsTakenForLost(t *testing.T) {
	f := startFake(t)
	f.refuse = func(call sent) *reply {
		if call.Path == "/v1/work/extend" {
			return &reply{}
		}
		return nil
	}
	f.add(lent(1, "lease_until", at(1)))
	ended := make(chan error, 1)
	stop := work(t, f, WorkerOptions{Lease: time.Second}, func(ctx context.Context, _ *Job) (any, error) {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil, ctx.Err()
	})
	if cause := <-ended; cause != ErrLeaseLost {
		t.Error(cause)
	}
	_ = stop()
	if ends := f.ends(); len(ends) != 0 {
		t.Error(ends)
	}
}

func TestTheTimeLimitEndsAnAttempt(t *testing.T) {
	f := startFake(t)
	f.add(lent(1, "timeout_ms", 300))
	ended := make(chan error, 1)
	stop := work(t, f, WorkerOptions{}, func(ctx context.Context, _ *Job) (any, error) {
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil, nil
	})
	if cause := <-ended; cause != ErrTimeout {
		t.Error(cause)
	}
	_ = stop()
	if ends := f.ends(); len(ends) != 0 {
		t.Error(ends)
	}
}

type codedError struct{}

func (codedError) Error() string { return "coded" }
func (codedError) Code() string  { return "no-such-file" }

func TestWhatAHandlerReturnsOrPanicsWithIsTold(t *testing.T) {
	f := startFake(t)
	work(t, f, WorkerOptions{}, func(_ context.Context, job *Job) (any, error) {
		switch n(job) {
		case 1:
			return nil, errors.New("bad")
		case 2:
			return nil, Permanent(codedError{})
		case 3:
			return nil, RetryAfter(1500*time.Millisecond, errors.New("later"))
		case 4:
			panic("oh no")
		case 5:
			return math.NaN(), nil
		default:
			return strings.Repeat("<", 600_000), nil
		}
	})
	for _, one := range []struct {
		lease, name, code string
		retry             string
	}{
		{"lease-1", "Error", "", "<nil>"},
		{"lease-2", "codedError", "no-such-file", "false"},
		{"lease-3", "Error", "", "map[delay_ms:1500]"},
		{"lease-4", "panic", "", "<nil>"},
		{"lease-5", "Permanent", "invalid-result", "false"},
		{"lease-6", "Permanent", "result-too-large", "false"},
	} {
		f.add(lent(int(one.lease[6] - '0')))
		f.until(func() bool { return f.endOf(one.lease, "fail") != nil })
		body := f.endOf(one.lease, "fail")
		about := body["error"].(map[string]any)
		code, _ := about["code"].(string)
		if about["name"] != one.name || code != one.code || fmt.Sprint(body["retry"]) != one.retry {
			t.Error(one.lease, body)
		}
	}
}

func TestAResultThatTheServerRefusesFailsTheJob(t *testing.T) {
	f := startFake(t)
	f.refuse = func(call sent) *reply {
		if strings.Contains(call.Text, `"result":1152921504606846976`) {
			answer := problem(400, "number-out-of-range")
			return &answer
		}
		return nil
	}
	f.add(lent(1))
	work(t, f, WorkerOptions{}, func(context.Context, *Job) (any, error) { return 1 << 60, nil })
	f.until(func() bool { return f.endOf("lease-1", "fail") != nil })
	if body := f.endOf("lease-1", "fail"); body["retry"] != false {
		t.Error(body)
	}
}

func TestABusyWorkerSettlesWithItsNextClaim(t *testing.T) {
	f := startFake(t)
	for i := range 6 {
		f.add(lent(i))
	}
	work(t, f, WorkerOptions{Concurrency: 2}, func(context.Context, *Job) (any, error) {
		time.Sleep(50 * time.Millisecond)
		return nil, nil
	})
	f.until(func() bool { return len(f.ends()) == 6 })
	together := 0
	for _, call := range f.callsTo("/v1/work") {
		settle := call.Body["settle"].([]any)
		if together += len(settle); len(settle) > 0 && call.Body["wait_s"] != 0.0 {
			t.Error(call.Text)
		}
	}
	// The last ones may end while the worker waits for more.
	if together < 4 {
		t.Error(together)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	f := startFake(t)
	for i := range 30 {
		f.add(lent(i))
	}
	work(t, f, WorkerOptions{Concurrency: 1}, nothing)
	f.until(func() bool { return len(f.ends()) == 30 })
	if connections := f.connections.Load(); connections > 8 {
		t.Error(connections)
	}
}

func TestAStopWaitsForRunningJobsAndClaimsNothingMore(t *testing.T) {
	f := startFake(t)
	f.add(lent(1))
	started, goOn := make(chan struct{}), make(chan struct{})
	stop := work(t, f, WorkerOptions{}, func(context.Context, *Job) (any, error) {
		close(started)
		<-goOn
		return nil, nil
	})
	<-started
	time.AfterFunc(300*time.Millisecond, func() { f.add(lent(2)) })
	time.AfterFunc(500*time.Millisecond, func() { close(goOn) })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if ends := f.ends(); !slices.Equal(ends, []string{"complete lease-1"}) {
		t.Error(ends)
	}
}

func TestWhatRunsAtTheEndOfTheDrainIsReleased(t *testing.T) {
	f := startFake(t)
	f.add(lent(1), lent(2))
	var started atomic.Int32
	stop := work(t, f, WorkerOptions{Drain: 200 * time.Millisecond}, func(ctx context.Context, job *Job) (any, error) {
		started.Add(1)
		if n(job) == 1 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		time.Sleep(4 * time.Second)
		return nil, nil
	})
	f.until(func() bool { return started.Load() == 2 })
	_ = stop()
	ends := f.ends()
	slices.Sort(ends)
	if !slices.Equal(ends, []string{"release lease-1", "release lease-2"}) {
		t.Error(ends)
	}
}

func TestJobsOfAClaimThatWasTakenBackAreReleased(t *testing.T) {
	f := startFake(t)
	f.add(lent(1))
	arrived := make(chan struct{})
	f.queue("/v1/work", func(call sent) reply {
		f.claim(call, nil)
		close(arrived)
		time.Sleep(300 * time.Millisecond)
		return reply{}
	})
	stop := work(t, f, WorkerOptions{}, nothing)
	<-arrived
	_ = stop()
	if ends := f.ends(); !slices.Equal(ends, []string{"release lease-1"}) {
		t.Error(ends)
	}
}

func TestARefusedWorkerEndsWithTheError(t *testing.T) {
	f := startFake(t)
	f.queue("/v1/work", always(problem(409, "wrong-runner")))
	worker := NewWorker(f.client(), WorkerOptions{})
	worker.HandleFunc("test", nothing)
	err := worker.Run(context.Background())
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "wrong-runner" || refused.RequestID != "r-1" {
		t.Error(err)
	}
}
