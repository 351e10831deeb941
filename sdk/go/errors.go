package hasty

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Error is a request that was refused, or that got no answer however often it was repeated.
type Error struct {
	// Status is 0 where there was no answer.
	Status int
	// Code is the code of the problem, or "unreachable" or "unexpected-answer".
	Code string
	// Detail is one sentence for people.
	Detail string
	// RequestID names the HTTP request in the log of the server.
	RequestID string
	// Problem is the whole answer (RFC 9457), with the members of its code; nil where there was none.
	Problem json.RawMessage
	// RetryAfter says after what time the request may be tried again, where the server said so.
	RetryAfter time.Duration
	cause      error
}

func (e *Error) Error() string { return e.Code + ": " + e.Detail }
func (e *Error) Unwrap() error { return e.cause }

// JobError is returned by Run: the job failed, or was cancelled.
type JobError struct{ Job *JobView }

func (e *JobError) Error() string {
	why := e.Job.Reason
	if e.Job.Error != nil {
		why = e.Job.Error.Message
	}
	return fmt.Sprintf("job %s: %s: %s", e.Job.JobID, e.Job.Status, why)
}

// Causes of the end of a handler's context, by context.Cause. What the handler returns then is thrown away.
var (
	ErrCancelled  = errors.New("hasty: the job was cancelled")
	ErrTimeout    = errors.New("hasty: the time of the attempt is over")
	ErrSuperseded = errors.New("hasty: the job continued without this attempt")
	ErrStopping   = errors.New("hasty: the worker stops")
	// ErrLeaseLost says that no extension came through in time. A result that is returned nevertheless is sent: the
	// server decides whether the job is still this worker's.
	ErrLeaseLost = errors.New("hasty: the lease ran out")
)

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent wraps an error of a handler: another attempt cannot help. Nil stays nil, as with errors.Join, so that
// `return result, hasty.Permanent(err)` finishes the job where there was no error.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

type retryError struct {
	error
	delay time.Duration
}

func (e retryError) Unwrap() error { return e.error }

// RetryAfter wraps an error of a handler: the next attempt starts after this time. Unlike Permanent it makes an error of
// nil too: a handler may have nothing to complain of, and only wish to come back later.
func RetryAfter(delay time.Duration, err error) error {
	if err == nil {
		err = errors.New("asked to be tried again later")
	}
	return retryError{err, delay}
}

// isPassing tells whether the same call may do better later: there was no answer, or the server asks for patience.
func isPassing(err error) bool {
	var refused *Error
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Status {
	case 0, 429, 502, 503, 504:
		return true
	}
	return false
}

// isWorkerPassing is isPassing for a worker, which outlives all trouble that the server has of its own.
func isWorkerPassing(err error) bool {
	var refused *Error
	return isPassing(err) || errors.As(err, &refused) && refused.Status >= 500
}

func statusOf(err error) int {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}

func codeOf(err error) string {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}
