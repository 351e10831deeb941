package hasty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
	"time"
)

const (
	resultMaxBytes       = 512 * 1024
	progressDataMaxBytes = 16 * 1024
)

// Job is what a handler gets: one attempt of a job.
type Job struct {
	ID          string          `json:"job_id"`
	Type        string          `json:"type"`
	ObjectID    string          `json:"object_id"`
	Payload     json.RawMessage `json:"payload"`
	Tags        []string        `json:"tags"`
	CreatedAt   time.Time       `json:"created_at"`
	Attempt     int             `json:"attempt"` // Counts from 1.
	MaxAttempts int             `json:"max_attempts"`
	TimeoutMs   int64           `json:"timeout_ms"`
	// Deadline is the end of the attempt's time, by the clock of the server.
	Deadline time.Time `json:"deadline_at"`
	// FencingToken rises with each attempt: hand it to your database, and let it refuse smaller ones.
	FencingToken int64  `json:"fencing_token"`
	Traceparent  string `json:"traceparent"`

	Lease      string    `json:"lease"`
	LeaseUntil time.Time `json:"lease_until"`

	report func(*progress, error)
}

type progress struct {
	Percent float64         `json:"percent"`
	Message string          `json:"message,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// Decode decodes the payload.
func (j *Job) Decode(into any) error { return json.Unmarshal(j.Payload, into) }

// Progress says how far the job is. Only the latest one is sent, at most one in a second. Its error is that of a value
// which the server would refuse: a percent outside 0 to 100 or that is no number, or data that is no JSON or has more
// than 16 KiB. Nothing is sent then, and the error is logged too, for it is often thrown away; data may be nil.
func (j *Job) Progress(percent float64, message string, data any) error {
	sent, err := newProgress(percent, message, data)
	j.report(sent, err)
	return err
}

func newProgress(percent float64, message string, data any) (*progress, error) {
	if !(percent >= 0 && percent <= 100) {
		return nil, fmt.Errorf("hasty: percent must be from 0 to 100, and is %v", percent)
	}
	sent := &progress{Percent: percent, Message: firstRunes(message, 1_000)}
	if data == nil {
		return sent, nil
	}
	encoded, err := encode(data)
	if err != nil {
		return nil, err
	}
	if len(encoded) > progressDataMaxBytes {
		return nil, fmt.Errorf("hasty: data has more than %d bytes of JSON", progressDataMaxBytes)
	}
	sent.Data = encoded
	return sent, nil
}

// held is a job from its claim to its confirmed end.
type held struct {
	job     *Job
	ctx     context.Context
	cancel  context.CancelCauseFunc
	release context.CancelFunc
	// leaseUntil is by the server's clock, which may differ from this one: it is only compared with itself.
	leaseUntil  time.Time
	leaseEndsAt time.Time
	unsent      *progress
	// isEnded says that the end is known, or was given up.
	isEnded bool
}

func newHeld(job *Job, claimedAt time.Time, lease time.Duration) *held {
	limit := claimedAt.Add(time.Duration(job.TimeoutMs) * time.Millisecond)
	limited, release := context.WithDeadlineCause(context.Background(), limit, ErrTimeout)
	ctx, cancel := context.WithCancelCause(limited)
	return &held{
		job: job, ctx: ctx, cancel: cancel, release: release,
		leaseUntil: job.LeaseUntil, leaseEndsAt: claimedAt.Add(lease),
	}
}

// extended notes an extension. The server leaves a lease as it is while much of it is left; one that it moves is whole
// again.
func (h *held) extended(until, askedAt time.Time, lease time.Duration) {
	if !until.Equal(h.leaseUntil) {
		h.leaseUntil, h.leaseEndsAt = until, askedAt.Add(lease)
	}
}

func (h *held) free() {
	h.cancel(nil)
	h.release()
}

// outcome is how an attempt ended, as it is sent.
type outcome struct {
	held *held
	verb string
	body map[string]any
	size int
	// isSubstitute says that the server refused another end of this attempt.
	isSubstitute bool
}

func (o *outcome) settlement() map[string]any {
	return map[string]any{"lease": o.held.job.Lease, o.verb: o.body}
}

func released(h *held) *outcome { return &outcome{held: h, verb: "release", body: map[string]any{}} }

func failed(h *held, body map[string]any) *outcome {
	return &outcome{held: h, verb: "fail", body: body, size: 1_000}
}

// runHandler runs a handler, and tells how the attempt ended. Whatever the handler does ends its own attempt, and nothing
// else: it may also panic, or end its goroutine.
func runHandler(h *held, handle Handler, ended func(*outcome)) {
	end := failed(h, map[string]any{"error": map[string]any{
		"name": "Goexit", "message": "the handler ended its goroutine",
	}})
	defer func() { ended(end) }()
	defer func() {
		if cause := recover(); cause != nil {
			about := map[string]any{"name": "panic", "message": firstRunes(fmt.Sprint(cause), 10_000)}
			about["stack"] = firstRunes(string(debug.Stack()), 50_000)
			end = failed(h, map[string]any{"error": about})
		}
	}()
	end = endOf(h, handle)
}

func endOf(h *held, handle Handler) *outcome {
	result, err := handle(h.ctx, h.job)
	if err != nil {
		return failed(h, failure(err))
	}
	encoded, err := encode(result)
	switch {
	case err != nil:
		// Another attempt would only make the same result.
		return failed(h, permanentFailure("invalid-result", firstRunes("the result is not JSON: "+err.Error(), 10_000)))
	case len(encoded) > resultMaxBytes:
		detail := fmt.Sprintf("the result has more than %d bytes", resultMaxBytes)
		return failed(h, permanentFailure("result-too-large", detail))
	}
	body := map[string]any{"result": json.RawMessage(encoded)}
	return &outcome{held: h, verb: "complete", body: body, size: len(encoded)}
}

// refusedFor returns what is sent instead of an end that the server cannot take; nil: there is nothing else to say.
func (o *outcome) refusedFor(code, detail string) *outcome {
	var other *outcome
	switch {
	case o.isSubstitute:
		return nil
	case o.verb == "complete":
		// Another attempt would only make the same result again.
		other = failed(o.held, permanentFailure(code, "the result was refused: "+detail))
	case o.verb == "fail":
		about := map[string]any{"name": "Error", "message": "the error was refused: " + detail, "code": code}
		body := map[string]any{"error": about}
		if o.body["retry"] == false {
			body["retry"] = false
		}
		other = failed(o.held, body)
	default:
		return nil
	}
	other.isSubstitute = true
	return other
}

func failure(err error) map[string]any {
	about := map[string]any{"name": firstRunes(errorName(err), 1_000), "message": firstRunes(err.Error(), 10_000)}
	var coded interface{ Code() string }
	if errors.As(err, &coded) {
		about["code"] = firstRunes(coded.Code(), 1_000)
	}
	body := map[string]any{"error": about}
	var permanent permanentError
	var later retryError
	if errors.As(err, &permanent) {
		body["retry"] = false
	} else if errors.As(err, &later) {
		body["retry"] = map[string]any{"delay_ms": max(0, later.delay.Milliseconds())}
	}
	return body
}

func permanentFailure(code, message string) map[string]any {
	about := map[string]any{"name": "Permanent", "message": message, "code": code}
	return map[string]any{"error": about, "retry": false}
}

// errorName is the type of an error that has a type of its own, such as PathError.
func errorName(err error) string {
	for {
		switch err.(type) {
		case permanentError, retryError:
			err = errors.Unwrap(err)
			continue
		}
		kind := reflect.TypeOf(err)
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		if kind.PkgPath() == "errors" || kind.PkgPath() == "fmt" || kind.Name() == "" {
			return "Error"
		}
		return kind.Name()
	}
}

func firstRunes(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}
