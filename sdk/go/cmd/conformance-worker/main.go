// The worker of sdk/conformance/scenarios.json: its handler does what the payload says.
//
//	HASTY_URL=http://localhost:8080 go run ./cmd/conformance-worker
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	hasty "github.com/hasty-jobs/hasty/sdk/go"
)

type instruction struct {
	Do      string          `json:"do"`
	Message string          `json:"message"`
	Code    string          `json:"code"`
	DelayMs int64           `json:"delay_ms"`
	Ms      int64           `json:"ms"`
	Levels  int             `json:"levels"`
	Percent float64         `json:"percent"`
	Data    json.RawMessage `json:"data"`
	Result  json.RawMessage `json:"result"`
}

type codedError struct{ message, code string }

func (e codedError) Error() string { return e.message }
func (e codedError) Code() string  { return e.code }

func nested(levels int) any {
	if levels == 0 {
		return 1
	}
	return []any{nested(levels - 1)}
}

func handle(ctx context.Context, job *hasty.Job) (any, error) {
	var payload struct{ Attempts []instruction }
	if err := job.Decode(&payload); err != nil {
		return nil, hasty.Permanent(err)
	}
	todo := payload.Attempts[min(job.Attempt, len(payload.Attempts))-1]
	switch todo.Do {
	case "fail":
		return nil, errors.New(todo.Message)
	case "fail_unsendable":
		return nil, errors.New("bad \xff x")
	case "complete_nested":
		return nested(todo.Levels), nil
	case "fail_permanently":
		return nil, hasty.Permanent(codedError{todo.Message, todo.Code})
	case "retry_later":
		return nil, hasty.RetryAfter(time.Duration(todo.DelayMs)*time.Millisecond, errors.New(todo.Message))
	case "tell":
		return map[string]any{
			"attempt":           job.Attempt,
			"max_attempts":      job.MaxAttempts,
			"has_fencing_token": job.FencingToken > 0,
			"has_deadline":      !job.Deadline.IsZero(),
		}, nil
	case "never_end":
		<-ctx.Done()
		return nil, ctx.Err()
	case "progress":
		if err := job.Progress(todo.Percent, todo.Message, todo.Data); err != nil {
			return nil, err
		}
		fallthrough
	case "sleep":
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(todo.Ms) * time.Millisecond):
		}
	}
	return todo.Result, nil
}

func main() {
	client, err := hasty.New(setting("HASTY_URL", "http://localhost:8080"), options()...)
	if err != nil {
		log.Fatal(err)
	}
	worker := hasty.NewWorker(client, hasty.WorkerOptions{
		Concurrency: number("CONCURRENCY", 8),
		Lease:       time.Duration(number("LEASE_S", 5)) * time.Second,
		Wait:        time.Duration(number("WAIT_S", 10)) * time.Second,
		Drain:       time.Duration(number("DRAIN_S", 10)) * time.Second,
	})
	worker.HandleFunc(setting("HASTY_TYPE", "conformance"), handle)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := worker.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

func options() []hasty.Option {
	if token := os.Getenv("HASTY_TOKEN"); token != "" {
		return []hasty.Option{hasty.WithToken(token)}
	}
	return nil
}

func setting(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

func number(name string, usual int) int {
	if value, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return value
	}
	return usual
}
