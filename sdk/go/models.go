package hasty

import (
	"encoding/json"
	"time"
)

// NewJob is a job as it is sent. Only Type is required.
type NewJob struct {
	Type    string `json:"type"`
	Payload any    `json:"payload,omitempty"`
	// ObjectID says what the job is about; without one no cooldown applies.
	ObjectID  string     `json:"object_id,omitempty"`
	Priority  string     `json:"priority,omitempty"`
	Tags      []string   `json:"tags,omitempty"`
	TimeoutMs int64      `json:"timeout_ms,omitempty"`
	Attempts  int        `json:"attempts,omitempty"`
	Backoff   *Backoff   `json:"backoff,omitempty"`
	DelayMs   int64      `json:"delay_ms,omitempty"`
	RunAt     *time.Time `json:"run_at,omitempty"`
	// CallbackURL gets a signed webhook when the job ends.
	CallbackURL string `json:"callback_url,omitempty"`
	// IdempotencyKey that follows from your own data makes the job once, also if your process is restarted.
	IdempotencyKey string `json:"-"`
}

// Backoff is the pause between attempts; members that are nil have the type's value.
type Backoff struct {
	Kind   string   `json:"kind,omitempty"`
	BaseMs *int64   `json:"base_ms,omitempty"`
	MaxMs  *int64   `json:"max_ms,omitempty"`
	Jitter *float64 `json:"jitter,omitempty"`
}

// JobAccepted is the answer to a new job.
type JobAccepted struct {
	JobID     string    `json:"job_id"`
	ObjectID  string    `json:"object_id"`
	Type      string    `json:"type"`
	Status    string    `json:"status"`
	CreatedAt time.Time `json:"created_at"`
}

// JobSummary is a job in a list.
type JobSummary struct {
	JobID    string   `json:"job_id"`
	ObjectID string   `json:"object_id"`
	Tenant   string   `json:"tenant,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	Type     string   `json:"type"`
	Priority string   `json:"priority"`
	// Status is scheduled, processing, finished, failed or cancelled.
	Status      string     `json:"status"`
	Phase       string     `json:"phase"`
	Round       int        `json:"round"`
	CreatedAt   time.Time  `json:"created_at"`
	DueAt       *time.Time `json:"due_at"`
	StartedAt   *time.Time `json:"started_at"`
	FinishedAt  *time.Time `json:"finished_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	TimeoutMs   int64      `json:"timeout_ms"`
	MaxAttempts int        `json:"max_attempts"`
	Progress    *Progress  `json:"progress"`
	Attempts    []Attempt  `json:"attempts"`
	Error       *Cause     `json:"error"`
	Reason      string     `json:"reason"`
}

// JobView is a whole job.
type JobView struct {
	JobSummary
	Payload json.RawMessage `json:"payload"`
	Result  json.RawMessage `json:"result"`
}

// HasEnded tells whether the job finished, failed or was cancelled.
func (j *JobView) HasEnded() bool {
	return j.Status == "finished" || j.Status == "failed" || j.Status == "cancelled"
}

// Attempt is one start of a job.
type Attempt struct {
	Attempt   int        `json:"attempt"`
	Round     int        `json:"round"`
	WorkerID  string     `json:"worker_id"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Outcome   string     `json:"outcome"`
	Error     *Cause     `json:"error"`
}

// Cause is the error of a job or an attempt.
type Cause struct {
	Name    string `json:"name"`
	Message string `json:"message"`
	Code    string `json:"code,omitempty"`
}

// Progress is how far a job is.
type Progress struct {
	Percent float64         `json:"percent"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
	At      time.Time       `json:"at"`
}

// BatchResult is the outcome of each job of a batch.
type BatchResult struct {
	Accepted int         `json:"accepted"`
	Failed   int         `json:"failed"`
	Items    []BatchItem `json:"items"`
}

// BatchItem is the outcome of one job of a batch: a Job or an Error.
type BatchItem struct {
	Index  int             `json:"index"`
	Status int             `json:"status"`
	Job    *JobAccepted    `json:"job"`
	Error  json.RawMessage `json:"error"`
}

// Event is one event of a job, such as job:progress. Among the events of all jobs, "reset" says with FirstSeq that
// events have left the log before they were delivered.
type Event struct {
	Event    string          `json:"event"`
	Seq      int64           `json:"seq"`
	FirstSeq int64           `json:"first_seq"`
	JobID    string          `json:"job_id"`
	ObjectID string          `json:"object_id"`
	Type     string          `json:"type"`
	At       time.Time       `json:"at"`
	Attempt  int             `json:"attempt"`
	WorkerID string          `json:"worker_id"`
	Percent  float64         `json:"percent"`
	Message  string          `json:"message"`
	Data     json.RawMessage `json:"data"`
	Result   json.RawMessage `json:"result"`
	Error    *Cause          `json:"error"`
	Reason   string          `json:"reason"`
}

// NewRequest starts a request of several steps, by its Steps or by a stored Definition.
type NewRequest struct {
	Name           string         `json:"name,omitempty"`
	Params         map[string]any `json:"params,omitempty"`
	Extras         map[string]any `json:"extras,omitempty"`
	Steps          any            `json:"steps,omitempty"`
	Definition     string         `json:"definition,omitempty"`
	Version        int            `json:"version,omitempty"`
	IdempotencyKey string         `json:"-"`
}

// Request is a request of several steps.
type Request struct {
	RequestID string `json:"request_id"`
	Name      string `json:"name"`
	// Status is queuing, inprogress, completed, failed or cancelled.
	Status     string                     `json:"status"`
	Step       string                     `json:"step"`
	Round      int                        `json:"round"`
	Params     map[string]json.RawMessage `json:"params"`
	Extras     map[string]json.RawMessage `json:"extras"`
	Steps      json.RawMessage            `json:"steps"`
	Error      *Cause                     `json:"error"`
	CreatedAt  time.Time                  `json:"created_at"`
	UpdatedAt  time.Time                  `json:"updated_at"`
	FinishedAt *time.Time                 `json:"finished_at"`
}

// Message is one message of the ingest; its key, or else its timestamp, decides which shard it goes to.
type Message struct {
	Timestamp time.Time `json:"timestamp"`
	Value     any       `json:"value,omitempty"`
	Key       string    `json:"key,omitempty"`
}
