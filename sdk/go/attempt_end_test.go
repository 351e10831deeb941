package hasty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
)

type mute struct{ text *string }

func (e *mute) Error() string { return *e.text }

type oddCode struct{}

func (oddCode) Error() string { return "odd" }
func (oddCode) Code() string  { return "c \xff" }

type badJSON struct{}

func (badJSON) MarshalJSON() ([]byte, error) { return nil, errors.New("bad \xff x") }

func TestWhateverAHandlerDoesEndsItsOwnAttempt(t *testing.T) {
	var nothing *mute
	for n, one := range []struct {
		what, name, message string
		handle              func() (any, error)
	}{
		{"invalid UTF-8", "Error", "bad \ufffd x", func() (any, error) { return nil, errors.New("bad \xff x") }},
		{"an odd code", "oddCode", "odd", func() (any, error) { return nil, oddCode{} }},
		{"a nil error with a type", "panic", "", func() (any, error) { return nil, nothing }},
		{"a panic with an error that panics", "panic", "", func() (any, error) { panic(&mute{}) }},
		{"a panic with nil", "panic", "", func() (any, error) { panic(nil) }},
		{"an end of its goroutine", "Goexit", "the handler ended its goroutine",
			func() (any, error) { runtime.Goexit(); return nil, nil }},
		{"a channel", "Permanent", "", func() (any, error) { return make(chan int), nil }},
		{"an encoder that fails", "Permanent", "", func() (any, error) { return badJSON{}, nil }},
		{"raw bytes that are no JSON", "Permanent", "", func() (any, error) { return json.RawMessage("{"), nil }},
	} {
		t.Run(one.what, func(t *testing.T) {
			f := startFake(t)
			f.add(lent(n))
			work(t, f, WorkerOptions{}, func(context.Context, *Job) (any, error) { return one.handle() })
			lease := fmt.Sprintf("lease-%d", n)
			f.until(func() bool { return f.endOf(lease, "fail") != nil })
			about := f.endOf(lease, "fail")["error"].(map[string]any)
			if about["name"] != one.name || one.message != "" && about["message"] != one.message {
				t.Error(about)
			}
		})
	}
}

func TestAnErrorThatTheServerRefusesIsReplacedOnce(t *testing.T) {
	f := startFake(t)
	f.refuse = func(call sent) *reply {
		if strings.Contains(call.Text, "delay_ms") || strings.Contains(call.Text, "was refused") {
			answer := problem(400, "invalid-request")
			return &answer
		}
		return nil
	}
	f.add(lent(1))
	stop := work(t, f, WorkerOptions{}, func(context.Context, *Job) (any, error) {
		return nil, RetryAfter(math.MaxInt64, errors.New("never"))
	})
	f.until(func() bool { return len(f.callsTo("/v1/work/job-1/fail")) == 2 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	calls := f.callsTo("/v1/work/job-1/fail")
	about := calls[len(calls)-1].Body["error"].(map[string]any)
	if len(calls) != 2 || about["message"] != "the error was refused: a invalid-request of the test" {
		t.Error(calls)
	}
}

func TestAnErrorThatIsNilIsNoError(t *testing.T) {
	f := startFake(t)
	f.add(lent(1))
	work(t, f, WorkerOptions{}, func(context.Context, *Job) (any, error) { return "done", Permanent(nil) })
	f.until(func() bool { return f.endOf("lease-1", "complete") != nil })
}

func TestProgressThatTheServerWouldRefuseIsAnErrorAndIsLogged(t *testing.T) {
	f := startFake(t)
	f.add(lent(1))
	var log safeBuffer
	refused := make(chan int, 1)
	options := WorkerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	work(t, f, options, func(_ context.Context, job *Job) (any, error) {
		count := 0
		for _, err := range []error{
			job.Progress(500, "", nil), job.Progress(-1, "", nil), job.Progress(math.NaN(), "", nil),
			job.Progress(math.Inf(1), "", nil), job.Progress(1, "", make(chan int)),
			job.Progress(1, "", strings.Repeat("x", 17_000)),
		} {
			if err != nil {
				count++
			}
		}
		refused <- count
		return nil, nil
	})
	f.until(func() bool { return f.endOf("lease-1", "complete") != nil })
	if count := <-refused; count != 6 {
		t.Error(count)
	}
	if text := log.String(); strings.Count(text, "job_id=job-1") != 6 || !strings.Contains(text, "and is 500") {
		t.Error(text)
	}
}

// safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *safeBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
