// Package hasty is a client and a worker for Hasty, a job service over plain HTTP. It needs nothing but net/http.
package hasty

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// poll is how long one poll asks the server to wait: less than proxies allow.
const poll = 30 * time.Second

// Client sends jobs, waits for them, follows and changes them. Any number of goroutines may share one.
//
// Every request is repeated when the connection breaks, when nothing answers in time, and after 429, 502, 503 and 504.
// A POST carries an Idempotency-Key over all of its tries, so a job is made once however often it was sent.
type Client struct{ transport transport }

// Option is an option of New.
type Option func(*Client)

// WithToken sends a bearer token.
func WithToken(token string) Option {
	return WithTokenSource(func(context.Context) (string, error) { return token, nil })
}

// WithTokenSource asks for the bearer token before each request.
func WithTokenSource(source func(context.Context) (string, error)) Option {
	return func(c *Client) { c.transport.token = source }
}

// WithClientCredentials fetches tokens by POST /token, keeps them and renews them in time.
func WithClientCredentials(clientID, clientSecret string) Option {
	return func(c *Client) {
		send := &transport{url: c.transport.url, http: c.transport.http}
		send.retryFor, send.tryTimeout = 30*time.Second, 10*time.Second
		c.transport.token = newCredentials(send, clientID, clientSecret).get
	}
}

// WithRetryFor says for how long a request is repeated, from its first failure on: 30 s by default, 0 for never.
func WithRetryFor(time time.Duration) Option { return func(c *Client) { c.transport.retryFor = time } }

// WithTryTimeout says after what time without an answer a try counts as failed: 10 s by default.
func WithTryTimeout(time time.Duration) Option {
	return func(c *Client) { c.transport.tryTimeout = time }
}

// New returns a client for the server at an address such as http://localhost:8080.
func New(address string, options ...Option) (*Client, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return nil, fmt.Errorf("hasty: not an http address: %q", address)
	}
	connections := http.DefaultTransport.(*http.Transport).Clone()
	connections.MaxIdleConnsPerHost = 32
	client := &Client{transport{
		url:        strings.TrimRight(address, "/"),
		http:       &http.Client{Transport: connections},
		retryFor:   30 * time.Second,
		tryTimeout: 10 * time.Second,
	}}
	for _, option := range options {
		option(client)
	}
	return client, nil
}

// Create sends a job; it is stored when this returns.
func (c *Client) Create(ctx context.Context, job NewJob) (*JobAccepted, error) {
	if job.IdempotencyKey == "" {
		job.IdempotencyKey = oneCallKey()
	}
	if job.ObjectID == "" {
		job.ObjectID = job.IdempotencyKey
	}
	accepted := new(JobAccepted)
	return accepted, c.post(ctx, "/v1/jobs", job, job.IdempotencyKey, accepted)
}

// Run sends a job, waits for its end as long as the context lives, and decodes its result into a pointer, or not at
// all for nil. Its error is a *JobError where the job failed or was cancelled.
func (c *Client) Run(ctx context.Context, job NewJob, result any) error {
	accepted, err := c.Create(ctx, job)
	if err != nil {
		return err
	}
	ended, err := c.Wait(ctx, accepted.JobID)
	if err != nil {
		return err
	}
	if ended.Status != "finished" {
		return &JobError{ended}
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(ended.Result, result)
}

// Batch sends up to 10,000 jobs, each for itself or, if atomic, all or none. The key may be empty.
func (c *Client) Batch(ctx context.Context, jobs []NewJob, atomic bool, idempotencyKey string) (*BatchResult, error) {
	if idempotencyKey == "" {
		idempotencyKey = oneCallKey()
	}
	body := make([]NewJob, len(jobs))
	for n, job := range jobs {
		if body[n] = job; job.ObjectID == "" {
			body[n].ObjectID = fmt.Sprintf("%s-%d", idempotencyKey, n)
		}
	}
	path := "/v1/jobs/batch"
	if atomic {
		path += "?atomic=true"
	}
	result := new(BatchResult)
	return result, c.post(ctx, path, body, idempotencyKey, result)
}

// Get returns the job as it is.
func (c *Client) Get(ctx context.Context, jobID string) (*JobView, error) {
	return c.getJob(ctx, jobID, 0)
}

// Wait returns the job once it has ended, however it ended. It waits as long as the context lives.
func (c *Client) Wait(ctx context.Context, jobID string) (*JobView, error) {
	for early := 0; ; {
		asked := time.Now()
		job, err := c.getJob(ctx, jobID, poll)
		if err != nil || job.HasEnded() {
			return job, err
		}
		// A server that stops, or does not wait, answers at once: the pause is then made here.
		if early++; time.Since(asked) >= time.Second {
			early = 0
			continue
		}
		if err := pause(ctx, 50*time.Millisecond+backoff(early, 2*time.Second)); err != nil {
			return job, err
		}
	}
}

// Cancel cancels a job, with a reason for people or "". A job that was cancelled on request before is returned as it
// is.
func (c *Client) Cancel(ctx context.Context, jobID, reason string) (*JobView, error) {
	job := new(JobView)
	err := c.post(ctx, pathOf("v1", "jobs", jobID, "cancel"), reasonBody(reason), "", job)
	if codeOf(err) != "wrong-state" {
		return job, err
	}
	var problem struct{ Job JobSummary }
	_ = json.Unmarshal(problemOf(err), &problem)
	if problem.Job.Status == "cancelled" && problem.Job.Reason == "requested" {
		return c.Get(ctx, jobID)
	}
	return nil, err
}

// RetryOptions are the options of Retry; what is 0 stays as it was.
type RetryOptions struct {
	Attempts       int        `json:"attempts,omitempty"`
	TimeoutMs      int64      `json:"timeout_ms,omitempty"`
	DelayMs        int64      `json:"delay_ms,omitempty"`
	RunAt          *time.Time `json:"run_at,omitempty"`
	IdempotencyKey string     `json:"-"`
}

// Retry begins a new round of a failed or cancelled job.
func (c *Client) Retry(ctx context.Context, jobID string, options RetryOptions) (*JobView, error) {
	job := new(JobView)
	return job, c.post(ctx, pathOf("v1", "jobs", jobID, "retry"), options, options.IdempotencyKey, job)
}

// ListOptions filter jobs: a job must match all that is given.
type ListOptions struct {
	// Status has any of scheduled, processing, finished, failed, cancelled and timeout.
	Status        []string
	Type          string
	ObjectID      string
	Tag           string
	CreatedAfter  time.Time
	CreatedBefore time.Time
	EndedAfter    time.Time
	EndedBefore   time.Time
	// Limit is the number of jobs per page, 50 by default.
	Limit int
}

// List yields all jobs that match, newest first. A page is read when its first job is asked for.
func (c *Client) List(ctx context.Context, options ListOptions) iter.Seq2[JobSummary, error] {
	query := url.Values{
		"status":         {strings.Join(options.Status, ",")},
		"type":           {options.Type},
		"object_id":      {options.ObjectID},
		"tag":            {options.Tag},
		"created_after":  {timeText(options.CreatedAfter)},
		"created_before": {timeText(options.CreatedBefore)},
		"ended_after":    {timeText(options.EndedAfter)},
		"ended_before":   {timeText(options.EndedBefore)},
		"limit":          {numberText(options.Limit)},
	}
	return eachItem[JobSummary](ctx, c, "/v1/jobs", query)
}

// Why says why a job is where it is, and what to do next.
func (c *Client) Why(ctx context.Context, jobID string) (answer map[string]any, err error) {
	err = c.get(ctx, pathOf("v1", "jobs", jobID, "why"), &answer)
	return answer, err
}

// Stats says how many jobs there are.
func (c *Client) Stats(ctx context.Context) (answer map[string]any, err error) {
	err = c.get(ctx, "/v1/stats", &answer)
	return answer, err
}

// PutType registers a type for workers over HTTP, or changes it. Needs the scope admin; policy and schema may be nil.
func (c *Client) PutType(ctx context.Context, jobType string, policy map[string]any, payloadSchema any) error {
	body := map[string]any{"runner": "http"}
	if policy != nil {
		body["policy"] = policy
	}
	if payloadSchema != nil {
		body["payload_schema"] = payloadSchema
	}
	return c.transport.send(ctx, call{method: http.MethodPut, path: pathOf("v1", "types", jobType), body: body}, nil)
}

// DeleteType removes a registered type of which no job is left.
func (c *Client) DeleteType(ctx context.Context, jobType string) error {
	return c.transport.send(ctx, call{method: http.MethodDelete, path: pathOf("v1", "types", jobType)}, nil)
}

// SendMessages sends up to 10,000 messages, all or none. The key may be empty.
func (c *Client) SendMessages(ctx context.Context, messages []Message, idempotencyKey string) error {
	return c.post(ctx, "/message", messages, idempotencyKey, nil)
}

func (c *Client) getJob(ctx context.Context, jobID string, wait time.Duration) (*JobView, error) {
	job := new(JobView)
	return job, c.transport.send(ctx, call{method: http.MethodGet, path: pathOf("v1", "jobs", jobID), wait: wait}, job)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.transport.send(ctx, call{method: http.MethodGet, path: path}, into)
}

func (c *Client) post(ctx context.Context, path string, body any, key string, into any) error {
	return c.transport.send(ctx, call{method: http.MethodPost, path: path, body: body, key: key}, into)
}

func eachItem[Item any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for {
			var page struct {
				Items      []Item `json:"items"`
				NextCursor string `json:"next_cursor"`
			}
			if err := c.transport.send(ctx, call{method: http.MethodGet, path: path, query: query}, &page); err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			query.Set("cursor", page.NextCursor)
		}
	}
}

func reasonBody(reason string) map[string]string {
	if reason == "" {
		return map[string]string{}
	}
	return map[string]string{"reason": reason}
}

func problemOf(err error) json.RawMessage {
	if refused, ok := err.(*Error); ok {
		return refused.Problem
	}
	return nil
}

func timeText(time time.Time) string {
	if time.IsZero() {
		return ""
	}
	return time.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

func numberText(number int) string {
	if number == 0 {
		return ""
	}
	return strconv.Itoa(number)
}
