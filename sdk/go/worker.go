package hasty

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	// batchBytes are the bytes of results that go into one call; a larger one goes alone.
	batchBytes   = 512 * 1024
	longestPause = 10 * time.Second
	callTimeout  = 10 * time.Second
)

// Handler runs one attempt of a job. Its result is sent as JSON. The context ends when the job is not this worker's any
// more: it was cancelled, its time is over, or its lease is lost. context.Cause says why.
type Handler func(ctx context.Context, job *Job) (any, error)

// WorkerOptions are the options of NewWorker; what is zero has the default.
type WorkerOptions struct {
	// Concurrency is how many jobs run at once: 10 by default.
	Concurrency int
	// Lease is for how long a job belongs to the worker without a sign of life: 10 s by default, at least 5 s.
	Lease time.Duration
	// Wait is for how long a claim waits for jobs: 30 s by default, at most 60 s.
	Wait time.Duration
	// Drain is for how long running jobs may go on when the worker stops: 25 s by default.
	Drain time.Duration
	// WorkerID is new for each start of the process by default.
	WorkerID string
	// Version of your program, for the list of workers.
	Version string
	Logger  *slog.Logger
}

// Worker claims jobs over plain HTTP, runs their handlers, keeps their leases and says how they ended.
//
// Three goroutines share what the leases' lock guards: the claimer asks for as many jobs as there are free slots, and
// takes the ends of earlier jobs along, so that a busy worker needs one call for many; the settler sends the ends of
// jobs while the claimer waits for an answer, or has stopped; and the leases extend themselves.
//
// A job is held from its claim until its end is confirmed. The end of a job that was cancelled, whose time is over or
// that another attempt has is thrown away.
type Worker struct {
	options  WorkerOptions
	handlers map[string]Handler
	*leases

	running     int
	outcomes    []*outcome
	unconfirmed int
	// isWaiting says that the claimer may be busy for long: it waits for jobs, or for a server that is away.
	isWaiting  bool
	isStopping bool
	isClaiming bool
}

// NewWorker returns a worker that uses the client's address and token.
func NewWorker(client *Client, options WorkerOptions) *Worker {
	setDefault(&options.Concurrency, 10)
	setDefault(&options.Lease, 10*time.Second)
	setDefault(&options.Wait, 30*time.Second)
	setDefault(&options.Drain, 25*time.Second)
	setDefault(&options.WorkerID, newWorkerID())
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	calls, stopCalls := context.WithCancel(context.Background())
	return &Worker{options: options, handlers: map[string]Handler{}, leases: &leases{
		transport: &client.transport, workerID: options.WorkerID, lease: options.Lease, log: options.Logger,
		calls: calls, stopCalls: stopCalls,
		changed: make(chan struct{}), held: map[string]*held{},
	}}
}

// HandleFunc sets the handler of a type. Call it before Run.
func (w *Worker) HandleFunc(jobType string, handle func(ctx context.Context, job *Job) (any, error)) {
	w.handlers[jobType] = handle
}

// Run works until the context ends. It then claims nothing more, lets running jobs end within Drain and hands the rest
// back. Its error is that of a server that refuses the worker: its token, or one of its types.
func (w *Worker) Run(ctx context.Context) error {
	if len(w.handlers) == 0 {
		return errors.New("hasty: set a handler first")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var others sync.WaitGroup
	others.Add(2)
	go func() { defer others.Done(); w.settleLoop() }()
	go func() { defer others.Done(); w.leases.run() }()
	refused := make(chan error, 1)
	go func() {
		err := w.claimLoop(ctx)
		w.mu.Lock()
		w.isClaiming = false
		w.notify()
		w.mu.Unlock()
		refused <- err
		stop()
	}()
	<-ctx.Done()
	w.drain()
	others.Wait()
	return <-refused
}

func (w *Worker) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isStopping = true
	w.notify()
	w.waitFor(w.options.Drain, func() bool {
		return !w.isClaiming && w.running == 0 && len(w.outcomes) == 0 && w.unconfirmed == 0
	})
	for _, one := range w.held {
		if !one.isEnded {
			one.cancel(ErrStopping)
		}
	}
	// Handlers that listen stop before another worker begins with the job.
	w.waitFor(time.Second, func() bool { return w.running == 0 })
	for _, one := range w.held {
		if !one.isEnded && context.Cause(one.ctx) == ErrStopping {
			w.giveUp(one)
		}
	}
	w.notify()
	if !w.waitFor(5*time.Second, func() bool { return len(w.outcomes) == 0 && w.unconfirmed == 0 }) {
		w.log.Error("stopped before the server confirmed the ends of all jobs")
	}
	w.isClosed = true
	w.stopCalls()
	w.notify()
}

// giveUp hands a job back. Called with the lock held.
func (w *Worker) giveUp(one *held) {
	one.cancel(ErrStopping)
	one.isEnded = true
	w.outcomes = append(w.outcomes, released(one))
}

// Claims

type claim struct {
	WorkerID string           `json:"worker_id"`
	Types    []string         `json:"types"`
	Max      int              `json:"max"`
	WaitS    float64          `json:"wait_s"`
	LeaseS   int              `json:"lease_s"`
	ClaimID  string           `json:"claim_id,omitempty"`
	Settle   []map[string]any `json:"settle"`
	About    map[string]any   `json:"about,omitempty"`
}

type settled struct {
	Status string `json:"status"`
	Detail string `json:"detail"`
}

type claimed struct {
	Settled []settled `json:"settled"`
	Jobs    []*Job    `json:"jobs"`
}

func (w *Worker) newClaim(most int, outcomes []*outcome) claim {
	host, _ := os.Hostname()
	about := map[string]any{"host": firstRunes(host, 200), "pid": os.Getpid(), "slots": w.options.Concurrency}
	if w.options.Version != "" {
		about["version"] = w.options.Version
	}
	body := claim{
		WorkerID: w.workerID, Max: most, LeaseS: int(w.lease.Seconds()), ClaimID: randomID(), About: about,
		Types: make([]string, 0, len(w.handlers)), Settle: make([]map[string]any, 0, len(outcomes)),
	}
	for jobType := range w.handlers {
		body.Types = append(body.Types, jobType)
	}
	for _, one := range outcomes {
		body.Settle = append(body.Settle, one.settlement())
	}
	return body
}

func (w *Worker) claimLoop(ctx context.Context) error {
	for {
		w.mu.Lock()
		w.isClaiming, w.isWaiting = false, false
		w.notify()
		w.waitFor(0, func() bool { return w.isStopping || w.running < w.options.Concurrency })
		if w.isStopping {
			w.mu.Unlock()
			return nil
		}
		outcomes := w.takeOutcomes()
		w.isClaiming, w.isWaiting = true, len(outcomes) == 0
		w.notify()
		free := min(w.options.Concurrency-w.running, callMax)
		w.mu.Unlock()
		if err := w.claim(ctx, free, outcomes); err != nil {
			return err
		}
	}
}

func (w *Worker) claim(ctx context.Context, free int, outcomes []*outcome) error {
	body := w.newClaim(free, outcomes)
	wait := w.options.Wait
	if len(outcomes) > 0 {
		// The ends of jobs are to be confirmed at once, whether there are new jobs or not.
		wait = 0
	}
	body.WaitS = wait.Seconds()
	for tries := 0; ctx.Err() == nil; tries++ {
		var answer claimed
		err := w.postClaim(ctx, body, wait+callTimeout, &answer)
		if err == nil {
			w.confirm(outcomes, answer.Settled)
			w.begin(answer.Jobs, tries > 0)
			return nil
		}
		if ctx.Err() != nil {
			break
		}
		if !isWorkerPassing(err) {
			if len(outcomes) == 0 {
				return err
			}
			// One of the outcomes may be the reason: each is sent alone, and the next claim carries none.
			w.settleAlone(outcomes)
			return nil
		}
		// Every try may have been the one that was given jobs: the claim_id stays.
		w.log.Warn("claim", "error", err)
		w.mu.Lock()
		w.isWaiting = true
		w.notify()
		w.mu.Unlock()
		w.pause(tries, err)
	}
	// The outcomes go their own way. What the claim may have been given, while it was taken back, is handed back.
	w.mu.Lock()
	w.outcomes = append(outcomes, w.outcomes...)
	w.unconfirmed -= len(outcomes)
	w.mu.Unlock()
	w.handBack(body)
	return nil
}

func (w *Worker) handBack(body claim) {
	body.Max, body.WaitS, body.Settle = 0, 0, []map[string]any{}
	var answer claimed
	if err := w.postClaim(w.calls, body, 5*time.Second, &answer); err != nil {
		w.log.Warn("the last claim", "error", err)
		return
	}
	w.begin(answer.Jobs, false)
}

func (w *Worker) postClaim(ctx context.Context, body claim, timeout time.Duration, answer *claimed) error {
	encoded, err := encode(body)
	if err != nil {
		return err
	}
	return w.transport.exchange(ctx, "POST", "/v1/work", encoded, nil, timeout, answer)
}

// begin starts handlers. Late jobs may have been given to an earlier try: whether they are still ours is asked at once.
func (w *Worker) begin(jobs []*Job, isLate bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isWaiting = false
	for _, job := range jobs {
		one := newHeld(job, time.Now(), w.lease)
		job.report = func(sent *progress, err error) {
			if err != nil {
				w.log.Warn("progress was not sent", "job_id", job.ID, "error", err)
				return
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			one.unsent = sent
			w.notify()
		}
		w.held[job.Lease] = one
		if w.isStopping {
			w.giveUp(one)
			continue
		}
		w.running++
		w.beatNow = w.beatNow || isLate
		go runHandler(one, w.handlers[job.Type], func(end *outcome) { w.ended(one, end) })
	}
	w.notify()
}

func (w *Worker) ended(one *held, end *outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.notify()
	w.running--
	if one.isEnded {
		return
	}
	one.isEnded = true
	cause := context.Cause(one.ctx)
	switch {
	case cause == ErrStopping:
		w.outcomes = append(w.outcomes, released(one))
	// A lease that is over by this worker's clock alone may live: the server decides about a result.
	case cause == nil || cause == ErrLeaseLost && end.verb == "complete":
		w.outcomes = append(w.outcomes, end)
	default:
		delete(w.held, one.job.Lease)
		one.free()
	}
}

// Ends

// takeOutcomes is called with the lock held.
func (w *Worker) takeOutcomes() []*outcome {
	n, size := 0, 0
	for n < min(len(w.outcomes), callMax) {
		if size += w.outcomes[n].size; n > 0 && size > batchBytes {
			break
		}
		n++
	}
	taken := w.outcomes[:n:n]
	w.outcomes = w.outcomes[n:]
	w.unconfirmed += n
	return taken
}

func (w *Worker) settleLoop() {
	for {
		w.mu.Lock()
		w.waitFor(0, func() bool { return w.isClosed || len(w.outcomes) > 0 && (w.isWaiting || w.isStopping) })
		if w.isClosed {
			w.mu.Unlock()
			return
		}
		outcomes := w.takeOutcomes()
		w.mu.Unlock()
		if len(outcomes) == 1 {
			w.settleAlone(outcomes)
		} else {
			w.settleTogether(outcomes)
		}
	}
}

func (w *Worker) settleTogether(outcomes []*outcome) {
	body := w.newClaim(0, outcomes)
	body.ClaimID = ""
	var answer claimed
	if err := w.untilAnswered("/v1/work", body, &answer); err != nil {
		w.settleAlone(outcomes)
		return
	}
	w.confirm(outcomes, answer.Settled)
}

func (w *Worker) settleAlone(outcomes []*outcome) {
	for _, one := range outcomes {
		body := map[string]any{"lease": one.held.job.Lease}
		for name, value := range one.body {
			body[name] = value
		}
		var answer settled
		err := w.untilAnswered(pathOf("v1", "work", one.held.job.ID, one.verb), body, &answer)
		var refused *Error
		if errors.As(err, &refused) {
			answer = settled{refused.Code, refused.Detail}
			if refused.Status == 400 || refused.Status == 413 || refused.Status == 422 {
				if other := one.refusedFor(refused.Code, refused.Detail); other != nil {
					w.settleAlone([]*outcome{other})
					continue
				}
			}
		}
		w.confirm([]*outcome{one}, []settled{answer})
	}
}

// untilAnswered repeats what failed on the way, until the worker closes, which ends the call; a refusal is returned.
func (w *Worker) untilAnswered(path string, body, into any) error {
	for tries := 0; ; tries++ {
		err := w.post(path, body, callTimeout, into)
		if err == nil || !isWorkerPassing(err) {
			return err
		}
		w.log.Warn(path, "error", err)
		w.pause(tries, err)
	}
}

func (w *Worker) confirm(outcomes []*outcome, answers []settled) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n, one := range outcomes {
		delete(w.held, one.held.job.Lease)
		one.held.free()
		if n >= len(answers) {
			continue
		}
		switch answer := answers[n]; answer.Status {
		case "finished", "failed", "retrying", "released", "":
		default:
			w.log.Warn("not taken", "job_id", one.held.job.ID, "verb", one.verb, "status", answer.Status,
				"detail", answer.Detail)
		}
	}
	w.unconfirmed -= len(outcomes)
	w.notify()
}

// pause waits before another try. A stop ends the pause.
func (w *Worker) pause(tries int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delay := max(backoff(tries, longestPause), retryAfterOf(err), time.Millisecond)
	wasStopping := w.isStopping
	w.waitFor(delay, func() bool { return w.isClosed || w.isStopping != wasStopping })
}

func setDefault[Value comparable](option *Value, usual Value) {
	var zero Value
	if *option == zero {
		*option = usual
	}
}

var notInID = regexp.MustCompile(`[^A-Za-z0-9._-]`)

func newWorkerID() string {
	host, _ := os.Hostname()
	host = strings.TrimLeft(notInID.ReplaceAllString(host, "-"), "._-")
	if host == "" {
		host = "worker"
	}
	return fmt.Sprintf("%s-%d-%s", host[:min(len(host), 60)], os.Getpid(), randomID()[:8])
}
